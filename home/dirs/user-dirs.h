/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The codec of user-dirs.dirs and its three companions (.locale, .conf, .defaults). Pure: bytes in,
 * data out.
 *
 *	g_autoptr(TidyUserDirs) dirs = tidy_user_dirs_parse(bytes, size, "/home/ann");
 *	const TidyUserDir *dir = tidy_user_dirs_get(dirs, "DOWNLOAD");
 *	if (dir && dir->state == TIDY_DIR_SET)
 *		use(dir->path);
 *
 * The programs that read user-dirs.dirs disagree (xdg-user-dirs-update, the shell, xdg-user-dir,
 * GLib). This parser accepts the union of what they accept, and says for each line where two of
 * them would read different things.
 */
#pragma once

#include <glib.h>

/* The names between "XDG_" and "_DIR" that xdg-user-dirs knows, in its order; NULL-terminated. */
extern const char *const tidy_dir_keys[];

typedef enum {
	TIDY_DIR_UNSET,	   /* no line, or no usable one */
	TIDY_DIR_DISABLED, /* the value is the home itself: "there is no such directory" */
	TIDY_DIR_SET,
} TidyDirState;

typedef struct {
	char *key; /* "DOWNLOAD"; custom keys too */
	TidyDirState state;
	/* Absolute; no "//", "/./" or final "/". ".." stays: only the kernel knows what it means
	 * behind a link. Disabled: the home. Unset: NULL. Raw bytes, not necessarily UTF-8. */
	char *path;
	guint line; /* of the line that counts (the last one), from 1; 0: a built-in default */
} TidyUserDir;

/* Codes, fixed for scripts:
 * W-SPACES blanks around "="            W-DESKTOP "$HOME" without slash: DESKTOP is ~/Desktop for
 * some
 * W-DUP    key given twice              W-ESCAPE  backslash in the value: GLib keeps it
 * W-SHELL  "$" or "`" in the value      W-FORMAT  not XDG_KEY_DIR="$HOME/..." or "/..."
 * W-TRAIL  text behind the value        W-CRLF    line ends with CR LF
 * W-LONG   over 511 bytes               W-NUL     a zero byte, line not used
 * W-BOM    byte order mark              W-MORE    further warnings were left out */
typedef struct {
	guint line;
	const char *code; /* static */
	char *text;	  /* one sentence */
} TidyDirsWarning;

typedef struct {
	GPtrArray
		*entries; /* of TidyUserDir, in file order of their first usable or unusable line */
	GPtrArray *warnings; /* of TidyDirsWarning, by line; at most 200 */
	GHashTable *index;   /* private: key -> TidyUserDir */
} TidyUserDirs;

/**
 * tidy_user_dirs_parse - what the bytes of a user-dirs.dirs say
 * @bytes: the file, any content; may be NULL when @size is 0 (no file)
 * @home: absolute path that $HOME stands for
 *
 * Nothing here fails: a line that no reader understands is a warning. Keys without a usable line
 * have no entry, or one in state TIDY_DIR_UNSET where a line tried to set them.
 * Returns: (transfer full)
 */
TidyUserDirs *tidy_user_dirs_parse(const char *bytes, gsize size, const char *home);
void tidy_user_dirs_free(TidyUserDirs *dirs);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TidyUserDirs, tidy_user_dirs_free)

/* The entry of @key or NULL. Borrowed. */
const TidyUserDir *tidy_user_dirs_get(const TidyUserDirs *dirs, const char *key);
/* The same as a state: TIDY_DIR_UNSET when there is no entry. */
TidyDirState tidy_user_dirs_state(const TidyUserDirs *dirs, const char *key);
gboolean tidy_user_dirs_has_warning(const TidyUserDirs *dirs, const char *code);

/**
 * tidy_user_dirs_set - the bytes of a user-dirs.dirs with another value for one key
 * @path: absolute; the home itself disables the key
 *
 * Only the bytes of that value change, in each usable line of the key (normally one: with
 * duplicates readers disagree on which counts); blanks around "=" go too, since
 * xdg-user-dirs-update skips such a line. Without a usable line one is added at the end. Paths
 * below @home are written as $HOME/...; everything else of the file stays as it is.
 * Returns: (transfer full): the new bytes, or NULL with TIDY_ERROR_REFUSED for a path that no value
 * can express alike for all readers (" $ \ ` or control characters, line over 511 bytes) and
 * TIDY_ERROR_USAGE for a bad key or a relative path.
 */
GBytes *tidy_user_dirs_set(GBytes *bytes, const char *key, const char *path, const char *home,
			   GError **error);

/* @path without "//", "/./" and final "/"; relative ones stay relative. (transfer full) */
char *tidy_dirs_normalise(const char *path);
/* Whether @path is @base or below it, by whole components; both normalised. */
gboolean tidy_dirs_is_within(const char *path, const char *base);

/* user-dirs.locale: the locale without blanks and codeset ("fr_FR", "sr_RS@latin", "C"), or NULL
 * when empty or not a locale. (transfer full) */
char *tidy_user_dirs_parse_locale(const char *bytes, gsize size);
/* The catalogs that serve @locale, best first: ll_CC@mod, ll@mod, ll_CC, ll. A codeset is dropped.
 * (transfer full) */
char **tidy_locale_variants(const char *locale);

typedef struct {
	int enabled;		 /* 1, 0, or -1: not said */
	char *filename_encoding; /* or NULL */
} TidyUserDirsConf;

/* user-dirs.conf; what it does not say stays as it was in @conf (start with {-1, NULL}, load the
 * least important file first). */
void tidy_user_dirs_parse_conf(const char *bytes, gsize size, TidyUserDirsConf *conf);
void tidy_user_dirs_conf_clear(TidyUserDirsConf *conf);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(TidyUserDirsConf, tidy_user_dirs_conf_clear)

/* One line of user-dirs.defaults; @path is untranslated, absolute or relative to the home. */
typedef struct {
	char *key;
	char *path;
} TidyUserDirsDefault;

/* user-dirs.defaults: array of TidyUserDirsDefault in file order. (transfer full) */
GPtrArray *tidy_user_dirs_parse_defaults(const char *bytes, gsize size);
