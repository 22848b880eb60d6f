/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The schema table of xdgtidy.conf, and the settings as a struct. Pure. */
#include "home/config/settings.h"

#include <fnmatch.h>
#include <string.h>

#define SECOND	((gint64)G_USEC_PER_SEC)
#define IN(m)	G_STRUCT_OFFSET(TidyConfig, m)
#define DIRS(m) G_STRUCT_OFFSET(TidyConfigDirs, m)

const char *const tidy_config_keys[TIDY_CONFIG_N_KEYS + 1] = {
	"DESKTOP", "DOWNLOAD", "TEMPLATES", "PUBLICSHARE", "DOCUMENTS",
	"MUSIC",   "PICTURES", "VIDEOS",    "PROJECTS",	   NULL
};

/* The order of the words is that of the enums in config.h. */
static const char *const modes[] = { "auto", "ask", "report", NULL };
static const char *const leaves[] = { "nothing", "symlink", NULL };
static const char *const collisions[] = { "keep-both", "newer", "skip", "ask", NULL };
static const char *const identicals[] = { "trash", "delete", "keep", NULL };
static const char *const truths[] = { "false", "true", NULL };
static const char *const on_locks[] = { "safe", "keep", "ungrab", NULL };
static const char *const reports[] = { "never", "weekly", "monthly", NULL };
static const char *const levels[] = { "all", "summary", "errors", "never", NULL };

const TidySetting tidy_settings[] = {
	{
		.section = "dirs",
		.key = "mode",
		.type = TIDY_SETTING_CHOICE,
		.offset = IN(dirs.mode),
		.choices = modes,
		.fallback = "ask",
		.is_live = TRUE,
		.doc = "Whether a stray directory is merged by itself (auto), offered in a "
		       "notification (ask), "
		       "or only shown by status and scan (report). "
		       "Even with auto, the first merge into the directory of a key is asked "
		       "about.",
	},
	{
		.section = "dirs",
		.key = "aliases",
		.type = TIDY_SETTING_ALIASES,
		.offset = IN(dirs.aliases),
		.fallback = "",
		.is_live = TRUE,
		.doc = "Further names of stray directories, each with the key it belongs to, such "
		       "as "
		       "DOWNLOAD:Incoming.",
	},
	{
		.section = "dirs",
		.key = "ignore",
		.type = TIDY_SETTING_NAMES,
		.offset = IN(dirs.ignore),
		.fallback = "",
		.is_live = TRUE,
		.doc = "Names of directories in the home that are never taken for strays. "
		       "The wildcards *, ? and [...] work as in a shell.",
	},
	{
		.section = "dirs",
		.key = "leave",
		.type = TIDY_SETTING_CHOICE,
		.offset = IN(dirs.leave),
		.choices = leaves,
		.fallback = "nothing",
		.is_live = TRUE,
		.doc = "What is left where a merged directory was: nothing, or a symbolic link to "
		       "the "
		       "directory that it was merged into.",
	},
	{
		.section = TIDY_SETTING_PER_KEY,
		.key = "mode",
		.type = TIDY_SETTING_CHOICE,
		.offset = DIRS(mode),
		.choices = modes,
		.download = "auto",
		.is_live = TRUE,
		.doc = "As in [dirs], for this key alone.",
	},
	{
		.section = TIDY_SETTING_PER_KEY,
		.key = "aliases",
		.type = TIDY_SETTING_NAMES,
		.offset = DIRS(aliases),
		.fallback = "",
		.is_live = TRUE,
		.doc = "Further names of stray directories that belong to this key.",
	},
	{
		.section = TIDY_SETTING_PER_KEY,
		.key = "ignore",
		.type = TIDY_SETTING_NAMES,
		.offset = DIRS(ignore),
		.fallback = "",
		.is_live = TRUE,
		.doc = "Names that are never taken for strays of this key, besides those of "
		       "[dirs].",
	},
	{
		.section = TIDY_SETTING_PER_KEY,
		.key = "leave",
		.type = TIDY_SETTING_CHOICE,
		.offset = DIRS(leave),
		.choices = leaves,
		.is_live = TRUE,
		.doc = "As in [dirs], for this key alone.",
	},
	{
		.section = "merge",
		.key = "collisions",
		.type = TIDY_SETTING_CHOICE,
		.offset = IN(merge.collisions),
		.choices = collisions,
		.fallback = "keep-both",
		.is_live = TRUE,
		.doc = "What happens when both directories have a file of the same name with "
		       "different content. "
		       "keep-both names the arriving one \"name (2).ext\". "
		       "newer puts the one that was changed less recently into the Trash. "
		       "skip leaves the file where it is, and ask does so until it is answered. "
		       "Nothing is ever overwritten.",
	},
	{
		.section = "merge",
		.key = "identical",
		.type = TIDY_SETTING_CHOICE,
		.offset = IN(merge.identical),
		.choices = identicals,
		.fallback = "trash",
		.is_live = TRUE,
		.doc = "What happens to a file whose content the target has under the same name: "
		       "trash puts the copy into the Trash, delete removes it for good, keep "
		       "treats it like "
		       "any other collision.",
	},
	{
		.section = "merge",
		.key = "settle",
		.type = TIDY_SETTING_DURATION,
		.offset = IN(merge.settle_usec),
		.minimum = SECOND,
		.maximum = 24 * 3600 * SECOND,
		.fallback = "10s",
		.is_live = TRUE,
		.doc = "How long a file must have been left alone before it is moved. "
		       "Files that are open for writing and partial downloads wait longer in any "
		       "case.",
	},
	{
		.section = "notify",
		.key = "level",
		.type = TIDY_SETTING_CHOICE,
		.offset = IN(notify.level),
		.choices = levels,
		.fallback = "summary",
		.is_live = TRUE,
		.doc = "Which desktop notifications are shown: one for every file (all), one "
		       "summary for what "
		       "happened together (summary), only questions and errors (errors), or none "
		       "(never).",
	},
	{
		.section = "journal",
		.key = "keep_days",
		.type = TIDY_SETTING_NUMBER,
		.offset = IN(journal.keep_days),
		.minimum = 0,
		.maximum = 36500,
		.unit = "days",
		.fallback = "90",
		.is_live = TRUE,
		.doc = "How long an operation stays in the history and can be undone; 0 means for "
		       "ever.",
	},
	{
		.section = "keys",
		.key = "enabled",
		.type = TIDY_SETTING_CHOICE,
		.offset = IN(key_remap.is_enabled),
		.choices = truths,
		.fallback = "true",
		.is_live = TRUE,
		.doc = "Whether the keyboards are remapped as keyremap.conf says. "
		       "Without that file nothing is done in any case.",
	},
	{
		.section = "keys",
		.key = "on_lock",
		.type = TIDY_SETTING_CHOICE,
		.offset = IN(key_remap.on_lock),
		.choices = on_locks,
		.fallback = "safe",
		.is_live = TRUE,
		.doc = "What holds while the screen is locked: keys, layers and layouts but no "
		       "macros and no text (safe), all of it (keep), or nothing (ungrab). "
		       "Commands are never run then.",
	},
	{
		.section = "dupes",
		.key = "report",
		.type = TIDY_SETTING_CHOICE,
		.offset = IN(dupes.report),
		.choices = reports,
		.fallback = "never",
		.is_live = TRUE,
		.doc = "How often the user directories are searched for files of equal content. "
		       "A notification then says how much room they take; nothing else is done. "
		       "What is found is what xdgtidy dupes lists.",
	},
	{
		.section = "dupes",
		.key = "min_size",
		.type = TIDY_SETTING_NUMBER,
		.offset = IN(dupes.min_size),
		.minimum = 1,
		.maximum = G_GINT64_CONSTANT(1) << 50,
		.unit = "bytes",
		.fallback = "1048576",
		.is_live = TRUE,
		.doc = "Smaller files do not count in that report.",
	},
};
const guint tidy_n_settings = G_N_ELEMENTS(tidy_settings);

const TidySettingSection tidy_setting_sections[] = {
	{ "dirs", "What to do with stray directories, for every key of user-dirs.dirs." },
	{ TIDY_SETTING_PER_KEY,
	  "The same for one key. A word replaces that of [dirs], a list adds to it. "
	  "A setting that is not given here is as in [dirs]." },
	{ "merge", "How two directories become one." },
	{ "notify", "Desktop notifications." },
	{ "journal", "The record of what was done." },
	{ "keys", "The keyboard; what its keys do is said in keyremap.conf." },
	{ "dupes", "Files of equal content." },
};
const guint tidy_n_setting_sections = G_N_ELEMENTS(tidy_setting_sections);

int
tidy_config_key_index(const char *key, gssize length)
{
	gsize size = length < 0 ? strlen(key) : (gsize)length;

	for (int i = 0; i < TIDY_CONFIG_N_KEYS; i++) {
		if (strlen(tidy_config_keys[i]) == size &&
		    memcmp(tidy_config_keys[i], key, size) == 0)
			return i;
	}
	return -1;
}

TidyOrigin *
tidy_config_origin(const TidyConfig *config, const TidySetting *setting, int key)
{
	gsize row = (gsize)(setting - tidy_settings);

	return &config->origins->at[row * (TIDY_CONFIG_N_KEYS + 1) + (gsize)(key + 1)];
}

gpointer
tidy_config_member(TidyConfig *config, const TidySetting *setting, int key)
{
	if (key >= 0)
		return G_STRUCT_MEMBER_P(&config->origins->own[key], setting->offset);
	return G_STRUCT_MEMBER_P(config, setting->offset);
}

/* Replaces @list by a copy of the two. */
static void
join_lists(char ***list, char *const *first, GPtrArray *second)
{
	GStrvBuilder *builder = g_strv_builder_new();

	for (gsize i = 0; first[i] != NULL; i++)
		g_strv_builder_add(builder, first[i]);
	for (guint i = 0; second != NULL && i < second->len; i++)
		g_strv_builder_add(builder, g_ptr_array_index(second, i));
	g_strfreev(*list);
	*list = g_strv_builder_end(builder);
	g_strv_builder_unref(builder);
}

/* The names that [dirs] aliases gives to @key; borrowed. */
static GPtrArray *
shared_aliases(const TidyConfig *config, const char *key)
{
	GPtrArray *names = g_ptr_array_new();
	gsize length = strlen(key);

	for (gsize i = 0; config->dirs.aliases[i] != NULL; i++) {
		const char *alias = config->dirs.aliases[i];

		if (strncmp(alias, key, length) == 0 && alias[length] == ':')
			g_ptr_array_add(names, (gpointer)(alias + length + 1));
	}
	return names;
}

/* The row of [dirs] for the same key as @setting, a row per key; it stands above. */
static const TidySetting *
shared_row(const TidySetting *setting)
{
	const TidySetting *row = setting;

	while (strcmp(row->section, "dirs") != 0 || strcmp(row->key, setting->key) != 0)
		row--;
	return row;
}

/* Built-in values are right by the unit test over this table. */
static void
set_builtin(const TidySetting *setting, const char *text, gpointer member)
{
	TidyValueError error;

	if (!tidy_value_parse(setting, text, member, &error))
		g_assert_not_reached();
}

/* A word of a key: its own, else the one that a file gives in [dirs], else the built-in one. */
static void
resolve_word(TidyConfig *config, const TidySetting *setting, int key)
{
	gboolean is_download = strcmp(tidy_config_keys[key], "DOWNLOAD") == 0;
	const TidySetting *shared = shared_row(setting);
	int *word = G_STRUCT_MEMBER_P(&config->keys[key], setting->offset);

	if (tidy_config_origin(config, setting, key)->file != NULL)
		*word = *(const int *)tidy_config_member(config, setting, key);
	else if (tidy_config_origin(config, shared, -1)->file == NULL && is_download &&
		 setting->download != NULL)
		set_builtin(setting, setting->download, word);
	else
		*word = *(const int *)tidy_config_member(config, shared, -1);
}

void
tidy_config_resolve(TidyConfig *config)
{
	for (int key = 0; key < TIDY_CONFIG_N_KEYS; key++) {
		TidyConfigDirs *dirs = &config->keys[key];
		const TidyConfigDirs *own = &config->origins->own[key];
		g_autoptr(GPtrArray) shared = shared_aliases(config, tidy_config_keys[key]);
		g_autoptr(GPtrArray) ignored = g_ptr_array_new();

		for (guint i = 0; i < tidy_n_settings; i++) {
			const TidySetting *setting = &tidy_settings[i];

			if (strcmp(setting->section, TIDY_SETTING_PER_KEY) == 0 &&
			    !tidy_setting_is_list(setting))
				resolve_word(config, setting, key);
		}
		join_lists(&dirs->aliases, own->aliases, shared);
		for (gsize i = 0; config->dirs.ignore[i] != NULL; i++)
			g_ptr_array_add(ignored, config->dirs.ignore[i]);
		join_lists(&dirs->ignore, own->ignore, ignored);
	}
}

static void
init_lists(TidyConfigDirs *dirs)
{
	dirs->aliases = g_new0(char *, 1);
	dirs->ignore = g_new0(char *, 1);
}

static void
clear_lists(TidyConfigDirs *dirs)
{
	g_strfreev(dirs->aliases);
	g_strfreev(dirs->ignore);
}

TidyConfig *
tidy_config_new_defaults(void)
{
	TidyConfig *config = g_new0(TidyConfig, 1);
	gsize n_origins = tidy_n_settings * (TIDY_CONFIG_N_KEYS + 1);

	config->origins = g_malloc0(sizeof(TidyConfigOrigins) + n_origins * sizeof(TidyOrigin));
	config->origins->files = g_ptr_array_new_with_free_func(g_free);
	init_lists(&config->dirs);
	for (int key = 0; key < TIDY_CONFIG_N_KEYS; key++) {
		init_lists(&config->keys[key]);
		init_lists(&config->origins->own[key]);
	}
	for (guint i = 0; i < tidy_n_settings; i++) {
		const TidySetting *setting = &tidy_settings[i];

		if (strcmp(setting->section, TIDY_SETTING_PER_KEY) != 0)
			set_builtin(setting, setting->fallback,
				    tidy_config_member(config, setting, -1));
	}
	tidy_config_resolve(config);
	return config;
}

void
tidy_config_free(TidyConfig *config)
{
	if (config == NULL)
		return;
	clear_lists(&config->dirs);
	for (int key = 0; key < TIDY_CONFIG_N_KEYS; key++) {
		clear_lists(&config->keys[key]);
		clear_lists(&config->origins->own[key]);
	}
	g_ptr_array_unref(config->origins->files);
	g_free(config->origins);
	g_free(config);
}

const TidyConfigDirs *
tidy_config_dirs(const TidyConfig *config, const char *key)
{
	int index = tidy_config_key_index(key, -1);

	return index < 0 ? &config->dirs : &config->keys[index];
}

gboolean
tidy_config_is_ignored(const TidyConfig *config, const char *key, const char *name)
{
	char *const *patterns = tidy_config_dirs(config, key)->ignore;

	for (gsize i = 0; patterns[i] != NULL; i++) {
		if (fnmatch(patterns[i], name, 0) == 0)
			return TRUE;
	}
	return FALSE;
}

const char *
tidy_config_alias_key(const TidyConfig *config, const char *name)
{
	for (int key = 0; key < TIDY_CONFIG_N_KEYS; key++) {
		if (g_strv_contains((const char *const *)config->keys[key].aliases, name))
			return tidy_config_keys[key];
	}
	return NULL;
}

const char *
tidy_config_mode_name(TidyConfigMode mode)
{
	return modes[mode];
}

/* Shows @setting; for a setting of a key, what is in force and where that came from. */
static void
show_setting(const TidyConfig *config, const TidySetting *setting, int key, TidyConfigShowFunc func,
	     gpointer data)
{
	const TidyOrigin *origin = tidy_config_origin(config, setting, key);
	gconstpointer base = key < 0 ? (gconstpointer)config : &config->keys[key];
	g_autofree char *value = NULL;
	g_autofree char *section = NULL;

	if (key >= 0 && origin->file == NULL)
		origin = tidy_config_origin(config, shared_row(setting), -1);
	value = tidy_value_format(setting, G_STRUCT_MEMBER_P(base, setting->offset));
	section = key < 0 ? g_strdup(setting->section)
			  : g_strdup_printf("dirs.%s", tidy_config_keys[key]);
	func(&(TidyConfigShown){ .section = section,
				 .key = setting->key,
				 .value = value,
				 .file = origin->file,
				 .line = origin->line,
				 .is_live = setting->is_live },
	     data);
}

static void
show_section(const TidyConfig *config, const char *section, int key, TidyConfigShowFunc func,
	     gpointer data)
{
	for (guint i = 0; i < tidy_n_settings; i++) {
		if (strcmp(tidy_settings[i].section, section) == 0)
			show_setting(config, &tidy_settings[i], key, func, data);
	}
}

void
tidy_config_show(const TidyConfig *config, TidyConfigShowFunc func, gpointer data)
{
	for (guint i = 0; i < tidy_n_setting_sections; i++) {
		const char *section = tidy_setting_sections[i].name;

		if (strcmp(section, TIDY_SETTING_PER_KEY) != 0) {
			show_section(config, section, -1, func, data);
			continue;
		}
		for (int key = 0; key < TIDY_CONFIG_N_KEYS; key++)
			show_section(config, section, key, func, data);
	}
}
