/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Settings of the file half: what xdgtidy.conf says. Pure, but for the functions under "files", which read.
 *
 *	g_auto(GStrv) paths = tidy_config_paths(NULL, NULL);
 *	g_autoptr(TidyConfig) config = tidy_config_load((const char *const *)paths, NULL, &error);
 *	const TidyConfigDirs *dirs = tidy_config_dirs(config, "DOWNLOAD");
 *	if (dirs->mode == TIDY_CONFIG_MODE_AUTO) ...
 *
 * To add a setting: one member in TidyConfig, one row in home/config/settings.c. Reading, checking, showing, the
 * sample file and the manual page follow from the row.
 */
#pragma once

#include <glib.h>

/* Whether strays are merged without being asked about. */
typedef enum {
	TIDY_CONFIG_MODE_AUTO, /* merged as they appear, once the first merge of this home was agreed to */
	TIDY_CONFIG_MODE_ASK,	 /* offered in a notification */
	TIDY_CONFIG_MODE_REPORT, /* shown by status and scan only */
} TidyConfigMode;

/* What stands where a merged stray was. */
typedef enum {
	TIDY_CONFIG_LEAVE_NOTHING,
	TIDY_CONFIG_LEAVE_SYMLINK, /* a relative link to the directory it was merged into */
} TidyConfigLeave;

/* Same name, different content. */
typedef enum {
	TIDY_CONFIG_COLLISIONS_KEEP_BOTH, /* the newcomer becomes "name (2).ext" */
	TIDY_CONFIG_COLLISIONS_NEWER, /* the one changed last keeps the name, the other goes to the Trash */
	TIDY_CONFIG_COLLISIONS_SKIP, /* stays in the stray, which then stays too */
	TIDY_CONFIG_COLLISIONS_ASK,  /* as skip, and the user is asked */
} TidyConfigCollisions;

/* Same name, same content. */
typedef enum {
	TIDY_CONFIG_IDENTICAL_TRASH,
	TIDY_CONFIG_IDENTICAL_DELETE,
	TIDY_CONFIG_IDENTICAL_KEEP, /* treated like any collision */
} TidyConfigIdentical;

typedef enum {
	TIDY_CONFIG_NOTIFY_ALL,	    /* also single files that were routed */
	TIDY_CONFIG_NOTIFY_SUMMARY, /* one summary per burst, questions and errors */
	TIDY_CONFIG_NOTIFY_ERRORS,  /* questions and errors */
	TIDY_CONFIG_NOTIFY_NEVER,   /* nothing, not even questions: those wait in status */
} TidyConfigNotify;

/* What the keys of a remapped keyboard do while the screen is locked. The order is that of RemapLinkPolicy. */
typedef enum {
	TIDY_CONFIG_ON_LOCK_SAFE, /* remaps, layers and layouts stay; macros, text and commands do nothing */
	TIDY_CONFIG_ON_LOCK_KEEP,   /* all but commands */
	TIDY_CONFIG_ON_LOCK_UNGRAB, /* the keyboard is as without us */
} TidyConfigOnLock;

/* How often the daemon looks for duplicates, and says how much they take. It never does more. */
typedef enum {
	TIDY_CONFIG_DUPES_NEVER,
	TIDY_CONFIG_DUPES_WEEKLY,
	TIDY_CONFIG_DUPES_MONTHLY, /* every 30 days */
} TidyConfigDupesReport;

/* [keys]: settings of the key half; what the keys do is in keyremap.conf. */
typedef struct {
	gboolean is_enabled;
	TidyConfigOnLock on_lock;
} TidyConfigKeys;

/* What holds for one key of user-dirs.dirs. Lists are NULL-terminated and never NULL. */
typedef struct {
	char **aliases; /* further names of strays of this key, directly in the home; UTF-8, NFC */
	char **ignore; /* fnmatch(3) patterns of names never treated as strays; ask tidy_config_is_ignored */
	TidyConfigMode mode;
	TidyConfigLeave leave;
} TidyConfigDirs;

/* DESKTOP DOWNLOAD TEMPLATES PUBLICSHARE DOCUMENTS MUSIC PICTURES VIDEOS PROJECTS (xdg-user-dirs 0.20) */
#define TIDY_CONFIG_N_KEYS 9
/* The keys in that order, "DOWNLOAD" without prefix; NULL-terminated. */
extern const char *const tidy_config_keys[TIDY_CONFIG_N_KEYS + 1];

/* One per setting: which file and line it came from. */
typedef struct TidyConfigOrigins TidyConfigOrigins;

typedef struct TidyConfig {
	/* [dirs]: for keys that say nothing themselves, and for keys not in tidy_config_keys. Its aliases are
	 * "KEY:name"; they stand in the keys' own lists too, so a reader never needs to look at them. */
	TidyConfigDirs dirs;
	/* [dirs.DOWNLOAD] ...: what is in force for each key, [dirs] and the defaults already applied: a word
	 * of its own replaces that of [dirs], a list of its own adds to it. */
	TidyConfigDirs keys[TIDY_CONFIG_N_KEYS];
	struct {
		gint64 settle_usec; /* how long a file must have been quiet before it is moved */
		TidyConfigCollisions collisions;
		TidyConfigIdentical identical;
	} merge;
	struct {
		TidyConfigNotify level;
	} notify;
	struct {
		gint64 keep_days; /* operations older than this are forgotten; 0: never */
	} journal;
	TidyConfigKeys key_remap;
	struct {
		TidyConfigDupesReport report;
		gint64 min_size; /* bytes: smaller files do not count */
	} dupes;
	TidyConfigOrigins *origins; /* private */
} TidyConfig;

/* A problem in a file: what `xdgtidy config check` lists. */
typedef struct {
	char *file;
	guint line;	     /* from 1; 0: the whole file (it cannot be read) */
	guint column;	     /* from 1, in bytes; 0: the whole line */
	gboolean is_warning; /* the file still loads */
	char *message;	     /* one line of UTF-8, no control characters */
} TidyConfigProblem;

void tidy_config_problem_free(TidyConfigProblem *problem);
/* "file:line:column: message"; (transfer full) */
char *tidy_config_problem_text(const TidyConfigProblem *problem);
/* An empty array of problems that frees its elements. */
GPtrArray *tidy_config_problems_new(void);

/* The built-in settings; also what a home without files gets. */
TidyConfig *tidy_config_new_defaults(void);
void tidy_config_free(TidyConfig *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TidyConfig, tidy_config_free)

/**
 * tidy_config_parse - puts what one file says over what @config has
 * @config:   defaults, or the result of parsing files of lower priority
 * @file:     its name, for messages and origins
 * @data:     its bytes, @length of them; any bytes at all
 * @problems: from tidy_config_problems_new(); each problem found is added
 *
 * Strict: an unknown section or key, a value out of range, a key set twice, a line without "=" are errors. Lists may
 * be continued by giving the key again; a list in a later file replaces that of an earlier one. At most 100 problems
 * are added; then it stops.
 * Returns: FALSE when an error (not only warnings) was added; the good lines are in @config all the same.
 */
gboolean tidy_config_parse(TidyConfig *config, const char *file, const char *data, gsize length,
			   GPtrArray *problems);

/* What holds for @key ("DOWNLOAD"; without the prefix XDG_): its own settings, or [dirs] for a key not known. */
const TidyConfigDirs *tidy_config_dirs(const TidyConfig *config, const char *key);
/* Whether a directory called @name (raw bytes; NFC where it is UTF-8) in the home is never to be taken for a stray of @key. */
gboolean tidy_config_is_ignored(const TidyConfig *config, const char *key, const char *name);
/* The key that lists @name among its aliases, or NULL. @name is compared byte by byte; pass it in NFC. */
const char *tidy_config_alias_key(const TidyConfig *config, const char *name);

/* One line of `xdgtidy config show`. All borrowed for the call. */
typedef struct {
	const char *section; /* "dirs.DOWNLOAD" */
	const char *key;
	const char *value; /* as it would be written in the file */
	const char *file;  /* where it was set, or NULL: built in */
	guint line;
	gboolean is_live; /* a change is taken over by a running daemon */
} TidyConfigShown;
typedef void (*TidyConfigShowFunc)(const TidyConfigShown *shown, gpointer data);
/* Calls @func for every setting, in the order of the sample file. */
void tidy_config_show(const TidyConfig *config, TidyConfigShowFunc func, gpointer data);
/* The words of an enum as written in the file; for reports. */
const char *tidy_config_mode_name(TidyConfigMode mode);

/* The sample file: every setting, commented out, with its default and meaning. */
void tidy_config_write_sample(GString *out);
/* The settings as mdoc(7), for xdgtidy.conf(5). */
void tidy_config_write_man_options(GString *out);

/* ---- files ---- */

/**
 * tidy_config_paths - the files that count, lowest priority first
 * @config_dir:  NULL: $XDG_CONFIG_HOME or ~/.config
 * @sysconf_dir: NULL: TIDY_SYSCONFDIR/xdg
 *
 * Returns: (transfer full): SYSCONF/xdgtidy/xdgtidy.conf, CONFIG/xdgtidy/xdgtidy.conf
 */
char **tidy_config_paths(const char *config_dir, const char *sysconf_dir);

/**
 * tidy_config_load - defaults, then each file that exists
 * @paths:    lowest priority first
 * @problems: (nullable): gets everything found, warnings included
 *
 * A file that does not exist is skipped; one that cannot be read, or is larger than 1 MiB, is an error.
 * Returns: (transfer full): NULL with TIDY_ERROR_CONFIG: "file:line:column: message", and how many more there are.
 */
TidyConfig *tidy_config_load(const char *const *paths, GPtrArray *problems, GError **error);
