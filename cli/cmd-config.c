/* SPDX-License-Identifier: GPL-3.0-or-later */
/* xdgtidy config check, show and path. I/O: reads the configuration files. */
#include <glib/gi18n.h>
#include <string.h>

#include "cli/cmd.h"
#include "home/base/text.h"
#include "home/config/config.h"
#include "home/service/report.h"

const char *const tidy_config_words[] = { "check", "show", "path", NULL };

/* A dictionary that is being filled; "version" is in it. */
static void
begin_report(GVariantDict *report)
{
	g_variant_dict_init(report, NULL);
	g_variant_dict_insert(report, "version", "u", TIDY_REPORT_VERSION);
}

static gboolean
print_json(TidyInvocation *call, GVariantDict *dict)
{
	g_autoptr(GVariant) report = g_variant_ref_sink(g_variant_dict_end(dict));

	return tidy_print_json(call, report);
}

/* ---- path ---- */

static TidyExit
show_paths(TidyInvocation *call, const char *const *paths)
{
	g_autoptr(GPtrArray) shown = g_ptr_array_new_with_free_func(g_free);
	GVariantDict report;

	for (guint i = 0; paths[i] != NULL; i++)
		g_ptr_array_add(shown, tidy_text_display(paths[i]));
	begin_report(&report);
	g_variant_dict_insert_value(&report, "files",
				    g_variant_new_strv((const char *const *)shown->pdata,
						       shown->len));
	if (print_json(call, &report))
		return TIDY_EXIT_DONE;
	for (guint i = 0; i < shown->len; i++)
		tidy_output_add(call->out, TIDY_STYLE_PLAIN, "%s\n", (const char *)shown->pdata[i]);
	return TIDY_EXIT_DONE;
}

/* ---- check ---- */

static GVariant *
problem_variant(const TidyConfigProblem *problem)
{
	g_autofree char *file = tidy_text_display(problem->file);
	GVariantDict dict;

	g_variant_dict_init(&dict, NULL);
	g_variant_dict_insert(&dict, "file", "s", file);
	g_variant_dict_insert(&dict, "line", "u", problem->line);
	g_variant_dict_insert(&dict, "column", "u", problem->column);
	g_variant_dict_insert(&dict, "severity", "s", problem->is_warning ? "warning" : "error");
	g_variant_dict_insert(&dict, "text", "s", problem->message);
	return g_variant_dict_end(&dict);
}

static gboolean
check_as_json(TidyInvocation *call, const GPtrArray *problems)
{
	GVariantBuilder list;
	GVariantDict report;

	g_variant_builder_init(&list, G_VARIANT_TYPE("aa{sv}"));
	for (guint i = 0; i < problems->len; i++)
		g_variant_builder_add_value(&list, problem_variant(problems->pdata[i]));
	begin_report(&report);
	g_variant_dict_insert_value(&report, "problems", g_variant_builder_end(&list));
	return print_json(call, &report);
}

static TidyExit
check(TidyInvocation *call, const char *const *paths)
{
	g_autoptr(GPtrArray) problems = tidy_config_problems_new();
	g_autoptr(TidyConfig) config = tidy_config_load(paths, problems, NULL);
	TidyExit code = config != NULL ? TIDY_EXIT_DONE : TIDY_EXIT_USAGE;

	if (check_as_json(call, problems))
		return code;
	for (guint i = 0; i < problems->len; i++) {
		const TidyConfigProblem *problem = problems->pdata[i];
		g_autofree char *raw = tidy_config_problem_text(problem);
		g_autofree char *text = tidy_text_display(raw);

		tidy_output_add(call->out, problem->is_warning ? TIDY_STYLE_WARN : TIDY_STYLE_BAD,
				"%s", problem->is_warning ? _("warning: ") : _("error: "));
		tidy_output_add(call->out, TIDY_STYLE_PLAIN, "%s\n", text);
	}
	if (problems->len == 0)
		tidy_output_add(call->out, TIDY_STYLE_GOOD, "%s\n",
				_("The configuration is good."));
	return code;
}

/* ---- show ---- */

typedef struct {
	TidyOutput *out;
	TidyTable *table; /* of the section at hand */
	char *section;
	GHashTable *general;	  /* key -> value in [dirs] */
	gboolean is_cut;	  /* something was not shown */
	GVariantBuilder settings; /* aa{sv}, for JSON */
} Showing;

static void
flush_section(Showing *showing)
{
	if (showing->section == NULL)
		return;
	tidy_output_add(showing->out, TIDY_STYLE_HEAD, "%s[%s]\n",
			showing->out->text->len > 0 ? "\n" : "", showing->section);
	tidy_table_render(showing->table, showing->out, 0);
	g_clear_pointer(&showing->table, tidy_table_free);
	g_clear_pointer(&showing->section, g_free);
}

static char *
origin_text(const TidyOutput *out, const TidyConfigShown *shown)
{
	g_autofree char *file = shown->file != NULL ? tidy_output_path(out, shown->file) : NULL;

	if (file == NULL)
		return g_strdup(_("; built in"));
	return g_strdup_printf("; %s:%u", file, shown->line);
}

/* A built-in value of one directory that is the same as for all: not worth a line. */
static gboolean
says_nothing_new(Showing *showing, const TidyConfigShown *shown)
{
	if (strcmp(shown->section, "dirs") == 0)
		g_hash_table_insert(showing->general, g_strdup(shown->key), g_strdup(shown->value));
	return showing->out->list_limit > 0 && shown->file == NULL &&
	       g_str_has_prefix(shown->section, "dirs.") &&
	       g_strcmp0(g_hash_table_lookup(showing->general, shown->key), shown->value) == 0;
}

static void
show_setting(const TidyConfigShown *shown, gpointer data)
{
	Showing *showing = data;
	g_autofree char *value = tidy_text_display(shown->value);
	g_autofree char *assignment = g_strdup_printf("%s = %s", shown->key, value);
	g_autofree char *origin = origin_text(showing->out, shown);

	if (says_nothing_new(showing, shown)) {
		showing->is_cut = TRUE;
		return;
	}
	if (g_strcmp0(showing->section, shown->section) != 0) {
		flush_section(showing);
		showing->section = g_strdup(shown->section);
		showing->table = tidy_table_new();
		tidy_table_set_style(showing->table, 1, TIDY_STYLE_DIM);
	}
	TIDY_TABLE_ROW(showing->table, TIDY_STYLE_PLAIN, assignment, origin);
}

static void
add_setting(const TidyConfigShown *shown, gpointer data)
{
	Showing *showing = data;
	g_autofree char *value = tidy_text_display(shown->value);
	g_autofree char *file = tidy_text_display(shown->file != NULL ? shown->file : "");
	GVariantDict dict;

	g_variant_dict_init(&dict, NULL);
	g_variant_dict_insert(&dict, "section", "s", shown->section);
	g_variant_dict_insert(&dict, "key", "s", shown->key);
	g_variant_dict_insert(&dict, "value", "s", value);
	g_variant_dict_insert(&dict, "file", "s", file);
	g_variant_dict_insert(&dict, "line", "u", shown->line);
	g_variant_dict_insert(&dict, "live", "b", shown->is_live);
	g_variant_builder_add_value(&showing->settings, g_variant_dict_end(&dict));
}

static void
show_as_json(TidyInvocation *call, const TidyConfig *config)
{
	Showing showing = { .out = call->out };
	GVariantDict report;

	g_variant_builder_init(&showing.settings, G_VARIANT_TYPE("aa{sv}"));
	tidy_config_show(config, add_setting, &showing);
	begin_report(&report);
	g_variant_dict_insert_value(&report, "settings", g_variant_builder_end(&showing.settings));
	print_json(call, &report);
}

static TidyExit
show(TidyInvocation *call, const char *const *paths)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(TidyConfig) config = tidy_config_load(paths, NULL, &error);
	g_autoptr(GHashTable) general =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	Showing showing = { .out = call->out, .general = general };

	if (config == NULL)
		return tidy_fail_error(call, error);
	if (call->is_json) {
		show_as_json(call, config);
		return TIDY_EXIT_DONE;
	}
	tidy_config_show(config, show_setting, &showing);
	flush_section(&showing);
	if (showing.is_cut)
		tidy_output_add(call->out, TIDY_STYLE_DIM, "\n%s\n",
				_("# the other directories: as [dirs] (--verbose lists them)"));
	return TIDY_EXIT_DONE;
}

TidyExit
tidy_cmd_config(TidyInvocation *call)
{
	g_auto(GStrv) paths = tidy_config_paths(NULL, NULL);
	const char *word = call->n_args > 0 ? call->args[0] : "";

	if (strcmp(word, "path") == 0)
		return show_paths(call, (const char *const *)paths);
	if (strcmp(word, "check") == 0)
		return check(call, (const char *const *)paths);
	if (strcmp(word, "show") == 0)
		return show(call, (const char *const *)paths);
	return tidy_fail(call, TIDY_EXIT_USAGE, "usage",
			 _("config takes one word: check, show or path"));
}
