/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The codec of user-dirs.dirs. Pure.
 *
 * A line goes through split_line() once, which finds the key, the bytes of the value and a mask of
 * what is odd about it. Parsing and setting both work on that, so what one accepts the other edits.
 * What readers do with odd lines was tried with xdg-user-dirs 0.18 and 0.20 and GLib 2.74;
 * tests/unit/test-user-dirs.c holds the table.
 */
#include "home/dirs/user-dirs.h"

#include <string.h>

#include "home/base/error.h"
#include "home/base/text.h"

#define MAX_WARNINGS 200
/* xdg-user-dirs-update up to 0.20 reads with fgets() into 512 bytes. */
#define MAX_LINE_BYTES 511

const char *const tidy_dir_keys[] = { "DESKTOP",   "DOWNLOAD", "TEMPLATES", "PUBLICSHARE",
				      "DOCUMENTS", "MUSIC",    "PICTURES",  "VIDEOS",
				      "PROJECTS",  NULL };

/* What is odd about a line; the bit is the index in oddities[]. */
typedef enum {
	ODD_NUL,
	ODD_BOM,
	ODD_FORMAT,
	ODD_SPACES,
	ODD_ESCAPE,
	ODD_SHELL,
	ODD_TRAIL,
	ODD_CRLF,
	ODD_LONG,
	ODD_DESKTOP,
	ODD_DUP,
	N_ODDITIES,
} Oddity;
#define BIT(oddity) (1U << (oddity))

static const struct {
	const char *code;
	const char *text;
} oddities[] = {
	[ODD_NUL] = { "W-NUL", "the line holds a zero byte and is not used" },
	[ODD_BOM] = { "W-BOM",
		      "the file begins with a byte order mark, which hides its first line" },
	[ODD_FORMAT] = { "W-FORMAT", "not of the form XDG_NAME_DIR=\"$HOME/...\" or \"/...\"" },
	[ODD_SPACES] = { "W-SPACES",
			 "blanks around \"=\": the shell and xdg-user-dirs-update skip the line, "
			 "and the latter resets the directory" },
	[ODD_ESCAPE] = { "W-ESCAPE", "backslash in the value: GLib takes it as part of the name" },
	[ODD_SHELL] = { "W-SHELL",
			"\"$\" or \"`\" in the value: the shell expands it, others do not" },
	[ODD_TRAIL] = { "W-TRAIL", "text behind the value: GLib reads up to the last quote, the "
				   "shell adds it" },
	[ODD_CRLF] = { "W-CRLF",
		       "the line ends with CR LF: the shell takes the CR as part of the name" },
	[ODD_LONG] = { "W-LONG", "over 511 bytes: xdg-user-dirs-update cuts the line" },
	[ODD_DESKTOP] = { "W-DESKTOP", "\"$HOME\" without a slash: Firefox and xdg-user-dir 0.20 "
				       "use ~/Desktop" },
	[ODD_DUP] = { "W-DUP",
		      "set before: xdg-user-dirs-update uses the first line, others the last" },
};
G_STATIC_ASSERT(G_N_ELEMENTS(oddities) == N_ODDITIES);

typedef struct {
	const char *text;
	gsize len;     /* without LF */
	gsize raw_len; /* with it */
	guint number;

	/* NULL unless the line sets or tries to set a key. */
	const char *key;
	gsize key_len;
	const char *name_end; /* behind "_DIR" */
	gboolean is_usable;
	gboolean is_home;  /* the value begins with $HOME or ${HOME} */
	const char *value; /* behind the opening quote */
	const char *rest;  /* of the value, behind $HOME when it begins with that */
	const char *quote; /* the closing one */
	guint odd;	   /* mask */
} Line;

static gboolean
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static const char *
skip_blanks(const char *p, const char *end)
{
	while (p < end && is_blank(*p))
		p++;
	return p;
}

static gboolean
is_key_char(char c)
{
	return g_ascii_isalnum(c) || c == '_';
}

/* Takes the next line off @bytes; FALSE at the end. */
static gboolean
next_line(Line *line, const char *bytes, gsize size, gsize *offset)
{
	const char *start = bytes + *offset;
	const char *newline;
	guint number = line->number + 1;

	if (*offset >= size)
		return FALSE;
	newline = memchr(start, '\n', size - *offset);
	*line = (Line){ .text = start, .number = number };
	line->len = newline ? (gsize)(newline - start) : size - *offset;
	line->raw_len = line->len + (newline ? 1 : 0);
	*offset += line->raw_len;
	return TRUE;
}

/* Finds "XDG_<key>_DIR" at @p and sets the key of the line; the place behind it, or NULL. */
static const char *
split_name(Line *line, const char *p, const char *end)
{
	const char *start = p;

	while (p < end && is_key_char(*p))
		p++;
	if (p - start < (gssize)strlen("XDG_?_DIR") || strncmp(start, "XDG_", 4) != 0 ||
	    strncmp(p - 4, "_DIR", 4) != 0)
		return NULL;
	line->key = start + 4;
	line->key_len = (gsize)(p - start) - 8;
	line->name_end = p;
	return p;
}

/* Where the value that begins at @p ends: its first quote that has no backslash, or NULL. */
static const char *
find_quote(Line *line, const char *p, const char *end)
{
	for (; p < end && *p != '"'; p++) {
		if (*p != '\\')
			continue;
		line->odd |= BIT(ODD_ESCAPE);
		if (++p == end)
			return NULL;
	}
	return p < end ? p : NULL;
}

/* Recognises the beginning of a value: "$HOME", "${HOME}" or "/". */
static gboolean
split_home(Line *line)
{
	gsize len = (gsize)(line->quote - line->value);

	line->rest = line->value;
	if (len >= 1 && *line->value == '/')
		return TRUE;
	if (len >= 5 && memcmp(line->value, "$HOME", 5) == 0) {
		line->rest += 5;
	} else if (len >= 7 && memcmp(line->value, "${HOME}", 7) == 0) {
		line->rest += 7;
		line->odd |= BIT(ODD_FORMAT);
	}
	line->is_home = line->rest > line->value;
	return line->is_home && (line->rest == line->quote || *line->rest == '/');
}

/* "$" and "`" that the shell would expand. */
static gboolean
has_shell_char(const char *p, const char *end)
{
	for (; p < end; p++) {
		if (*p == '\\')
			p++;
		else if (*p == '$' || *p == '`')
			return TRUE;
	}
	return FALSE;
}

/* What stands behind the closing quote. */
static void
check_tail(Line *line, const char *end)
{
	const char *p = line->quote + 1;

	if (end > p && end[-1] == '\r') {
		line->odd |= BIT(ODD_CRLF);
		end--;
	}
	if (skip_blanks(p, end) < end)
		line->odd |= BIT(ODD_TRAIL);
}

/* The value of a line, from the "=" on; the line is usable when it is one. */
static void
split_value(Line *line, const char *p, const char *end)
{
	const char *equals = skip_blanks(p, end);

	if (equals == end || *equals != '=')
		return;
	p = skip_blanks(equals + 1, end);
	if (p == end || *p != '"')
		return;
	if (equals > line->name_end || p > equals + 1)
		line->odd |= BIT(ODD_SPACES);
	line->value = p + 1;
	line->quote = find_quote(line, p + 1, end);
	if (!line->quote || !split_home(line))
		return;
	line->is_usable = TRUE;
	if (has_shell_char(line->rest, line->quote))
		line->odd |= BIT(ODD_SHELL);
	if (line->raw_len > MAX_LINE_BYTES)
		line->odd |= BIT(ODD_LONG);
	if (line->is_home && line->rest == line->quote && line->key_len == 7 &&
	    memcmp(line->key, "DESKTOP", 7) == 0)
		line->odd |= BIT(ODD_DESKTOP);
	check_tail(line, end);
}

/* Finds out what a line says. Lines that do not name a key keep key == NULL. */
static void
split_line(Line *line)
{
	const char *end = line->text + line->len;
	const char *p = line->text;
	gboolean is_hidden = FALSE;

	if (line->number == 1 && line->len >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0) {
		line->odd |= BIT(ODD_BOM);
		p += 3;
		is_hidden = TRUE;
	}
	p = skip_blanks(p, end);
	if (end - p > 7 && memcmp(p, "export", 6) == 0 && is_blank(p[6])) {
		line->odd |= BIT(ODD_FORMAT);
		p = skip_blanks(p + 6, end);
		is_hidden = TRUE;
	}
	p = split_name(line, p, end);
	if (!p)
		return;
	split_value(line, p, end);
	if (memchr(line->text, '\0', line->len)) {
		line->odd |= BIT(ODD_NUL);
		is_hidden = TRUE;
	}
	if (!line->is_usable)
		line->odd = (line->odd & (BIT(ODD_BOM) | BIT(ODD_NUL))) | BIT(ODD_FORMAT);
	if (is_hidden)
		line->is_usable = FALSE;
}

char *
tidy_dirs_normalise(const char *path)
{
	GString *out = g_string_sized_new(strlen(path));
	gboolean is_absolute = *path == '/';

	while (*path) {
		gsize len = strcspn(path, "/");

		if (len > 0 && !(len == 1 && *path == '.')) {
			if (is_absolute || out->len > 0)
				g_string_append_c(out, '/');
			g_string_append_len(out, path, (gssize)len);
		}
		path += len + (path[len] == '/');
	}
	if (is_absolute && out->len == 0)
		g_string_append_c(out, '/');
	return g_string_free(out, FALSE);
}

gboolean
tidy_dirs_is_within(const char *path, const char *base)
{
	gsize len = strlen(base);

	if (strcmp(base, "/") == 0)
		return *path == '/';
	return strncmp(path, base, len) == 0 && (path[len] == '\0' || path[len] == '/');
}

/* The path that the value of a usable line means. */
static char *
line_path(const Line *line, const char *home)
{
	g_autoptr(GString) path = g_string_new(line->is_home ? home : "");

	for (const char *p = line->rest; p < line->quote; p++) {
		if (*p == '\\')
			p++;
		g_string_append_c(path, *p);
	}
	return tidy_dirs_normalise(path->str);
}

static void
user_dir_free(gpointer data)
{
	TidyUserDir *dir = data;

	g_free(dir->key);
	g_free(dir->path);
	g_free(dir);
}

static void
warning_free(gpointer data)
{
	TidyDirsWarning *warning = data;

	g_free(warning->text);
	g_free(warning);
}

static void
add_warning(TidyUserDirs *dirs, guint line, const char *code, char *text)
{
	TidyDirsWarning *warning = g_new0(TidyDirsWarning, 1);

	warning->line = line;
	warning->code = code;
	warning->text = text;
	g_ptr_array_add(dirs->warnings, warning);
}

/* One warning for each bit of the line; noise cannot make more than MAX_WARNINGS of them. */
static void
add_line_warnings(TidyUserDirs *dirs, const Line *line)
{
	for (guint i = 0; i < N_ODDITIES; i++) {
		if (!(line->odd & BIT(i)) || dirs->warnings->len >= MAX_WARNINGS)
			continue;
		if (dirs->warnings->len == MAX_WARNINGS - 1) {
			add_warning(dirs, line->number, "W-MORE",
				    g_strdup("further warnings are left out"));
			return;
		}
		if (line->key)
			add_warning(dirs, line->number, oddities[i].code,
				    g_strdup_printf("XDG_%.*s_DIR: %s", (int)MIN(line->key_len, 64),
						    line->key, oddities[i].text));
		else
			add_warning(dirs, line->number, oddities[i].code,
				    g_strdup(oddities[i].text));
	}
}

static TidyUserDir *
ensure_entry(TidyUserDirs *dirs, const Line *line)
{
	g_autofree char *key = g_strndup(line->key, line->key_len);
	TidyUserDir *dir = g_hash_table_lookup(dirs->index, key);

	if (!dir) {
		dir = g_new0(TidyUserDir, 1);
		dir->key = g_steal_pointer(&key);
		dir->line = line->number;
		g_ptr_array_add(dirs->entries, dir);
		g_hash_table_insert(dirs->index, dir->key, dir);
	}
	return dir;
}

static void
take_line(TidyUserDirs *dirs, Line *line, const char *home)
{
	TidyUserDir *dir = ensure_entry(dirs, line);

	if (!line->is_usable)
		return;
	if (dir->path)
		line->odd |= BIT(ODD_DUP);
	g_free(dir->path);
	dir->path = line_path(line, home);
	dir->state = strcmp(dir->path, home) == 0 ? TIDY_DIR_DISABLED : TIDY_DIR_SET;
	dir->line = line->number;
}

TidyUserDirs *
tidy_user_dirs_parse(const char *bytes, gsize size, const char *home)
{
	g_autofree char *clean_home = tidy_dirs_normalise(home);
	TidyUserDirs *dirs = g_new0(TidyUserDirs, 1);
	Line line = { 0 };
	gsize offset = 0;

	dirs->entries = g_ptr_array_new_with_free_func(user_dir_free);
	dirs->warnings = g_ptr_array_new_with_free_func(warning_free);
	dirs->index = g_hash_table_new(g_str_hash, g_str_equal);
	while (next_line(&line, bytes, size, &offset)) {
		split_line(&line);
		if (line.key)
			take_line(dirs, &line, clean_home);
		add_line_warnings(dirs, &line);
	}
	return dirs;
}

void
tidy_user_dirs_free(TidyUserDirs *dirs)
{
	if (!dirs)
		return;
	g_hash_table_unref(dirs->index);
	g_ptr_array_unref(dirs->entries);
	g_ptr_array_unref(dirs->warnings);
	g_free(dirs);
}

const TidyUserDir *
tidy_user_dirs_get(const TidyUserDirs *dirs, const char *key)
{
	return g_hash_table_lookup(dirs->index, key);
}

TidyDirState
tidy_user_dirs_state(const TidyUserDirs *dirs, const char *key)
{
	const TidyUserDir *dir = tidy_user_dirs_get(dirs, key);

	return dir ? dir->state : TIDY_DIR_UNSET;
}

gboolean
tidy_user_dirs_has_warning(const TidyUserDirs *dirs, const char *code)
{
	for (guint i = 0; i < dirs->warnings->len; i++) {
		const TidyDirsWarning *warning = g_ptr_array_index(dirs->warnings, i);

		if (strcmp(warning->code, code) == 0)
			return TRUE;
	}
	return FALSE;
}

/* The value to write for @path: "$HOME/rel", "$HOME/" or absolute; NULL when no value reads alike
 * everywhere. */
static char *
make_value(const char *key, const char *path, const char *home, GError **error)
{
	g_autofree char *clean_home = tidy_dirs_normalise(home);
	g_autofree char *clean = tidy_dirs_normalise(path);
	gboolean is_below = tidy_dirs_is_within(clean, clean_home) && strcmp(clean_home, "/") != 0;
	const char *written = is_below ? clean + strlen(clean_home) : clean;
	gsize len;

	for (const char *p = written; *p; p++) {
		if (strchr("\"$\\`", *p) || g_ascii_iscntrl(*p)) {
			g_set_error(
				error, TIDY_ERROR, TIDY_ERROR_REFUSED,
				"XDG_%s_DIR cannot be set: the path holds a quote, \"$\", \"\\\", "
				"\"`\" or a control character, which programs read differently; "
				"choose another name",
				key);
			return NULL;
		}
	}
	len = strlen("XDG__DIR=\"$HOME/\"\n") + strlen(key) + strlen(written);
	if (len > MAX_LINE_BYTES) {
		g_set_error(
			error, TIDY_ERROR, TIDY_ERROR_REFUSED,
			"XDG_%s_DIR cannot be set: the path is too long for xdg-user-dirs-update "
			"(%" G_GSIZE_FORMAT " bytes in all, at most %d)",
			key, len, MAX_LINE_BYTES);
		return NULL;
	}
	return is_below ? g_strconcat("$HOME", *written ? written : "/", NULL) : g_strdup(written);
}

/* Whether the line says @path already, and says it to every reader. */
static gboolean
line_says(const Line *line, const char *path, const char *home)
{
	const guint matters = BIT(ODD_SPACES) | BIT(ODD_ESCAPE) | BIT(ODD_SHELL) | BIT(ODD_FORMAT) |
			      BIT(ODD_DESKTOP);
	g_autofree char *clean_home = tidy_dirs_normalise(home);
	g_autofree char *clean = tidy_dirs_normalise(path);
	g_autofree char *said = line_path(line, clean_home);

	return !(line->odd & matters) && strcmp(said, clean) == 0;
}

static gboolean
check_key(const char *key, const char *path, GError **error)
{
	gboolean is_key = *key != '\0';

	for (const char *p = key; *p; p++)
		is_key = is_key && is_key_char(*p);
	if (!is_key) {
		g_autofree char *shown = tidy_text_display(key);

		g_set_error(error, TIDY_ERROR, TIDY_ERROR_USAGE,
			    "\"%s\" is no name of a user directory: only letters, digits and \"_\"",
			    shown);
	} else if (*path != '/') {
		g_autofree char *shown = tidy_text_display(path);

		g_set_error(error, TIDY_ERROR, TIDY_ERROR_USAGE,
			    "XDG_%s_DIR needs an absolute path, not \"%s\"", key, shown);
	}
	return is_key && *path == '/';
}

/* Copies the lines of @bytes to @out with @value in those of @key; the number of usable lines of
 * @key. */
static guint
replace_value(GString *out, GBytes *bytes, const char *key, const char *value, const char *path,
	      const char *home)
{
	Line line = { 0 };
	gsize size, offset = 0;
	const char *data = g_bytes_get_data(bytes, &size);
	guint n = 0;

	while (next_line(&line, data, size, &offset)) {
		split_line(&line);
		if (!line.is_usable || line.key_len != strlen(key) ||
		    memcmp(line.key, key, line.key_len) != 0) {
			g_string_append_len(out, line.text, (gssize)line.raw_len);
			continue;
		}
		n++;
		if (line_says(&line, path, home)) {
			g_string_append_len(out, line.text, (gssize)line.raw_len);
			continue;
		}
		g_string_append_len(out, line.text, line.name_end - line.text);
		g_string_append_printf(out, "=\"%s", value);
		g_string_append_len(out, line.quote, line.text + line.raw_len - line.quote);
	}
	return n;
}

GBytes *
tidy_user_dirs_set(GBytes *bytes, const char *key, const char *path, const char *home,
		   GError **error)
{
	g_autofree char *value = NULL;
	GString *out;

	if (!check_key(key, path, error))
		return NULL;
	value = make_value(key, path, home, error);
	if (!value)
		return NULL;
	out = g_string_sized_new(g_bytes_get_size(bytes) + 64);
	if (replace_value(out, bytes, key, value, path, home) == 0) {
		if (out->len > 0 && out->str[out->len - 1] != '\n')
			g_string_append_c(out, '\n');
		g_string_append_printf(out, "XDG_%s_DIR=\"%s\"\n", key, value);
	}
	return g_string_free_to_bytes(out);
}
