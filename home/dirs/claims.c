/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Directories that other programs name: a reader for each format. Pure.
 *
 * The readers find what a program would find in a file that is right, and something or nothing in one that is not. A
 * path too many costs a question, one too few an emptied sync folder; so the readers are generous: no section, no
 * nesting and no order of keys is looked at.
 */
#include "home/dirs/claims.h"

#include <string.h>

#include "home/dirs/user-dirs.h"

/* --- bytes that may be anything: every step knows where they end --- */

typedef struct {
	const char *at;
	gsize left;
} Bytes;

static Bytes
bytes(const char *at, gsize left)
{
	return (Bytes){ at, left };
}

static void
skip(Bytes *text, gsize n)
{
	n = MIN(n, text->left);
	text->at += n;
	text->left -= n;
}

static gboolean
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static Bytes
trim(Bytes text)
{
	while (text.left > 0 && is_blank(*text.at))
		skip(&text, 1);
	while (text.left > 0 && is_blank(text.at[text.left - 1]))
		text.left--;
	return text;
}

static gboolean
starts_with(Bytes text, const char *prefix)
{
	gsize n = strlen(prefix);

	return text.left >= n && memcmp(text.at, prefix, n) == 0;
}

static gboolean
take_until(Bytes *text, char end, Bytes *taken)
{
	const char *found = text->left > 0 ? memchr(text->at, end, text->left) : NULL;

	if (found == NULL)
		return FALSE;
	*taken = bytes(text->at, (gsize)(found - text->at));
	skip(text, taken->left + 1);
	return TRUE;
}

/* The next line in @line; FALSE at the end. */
static gboolean
take_line(Bytes *text, Bytes *line)
{
	if (text->left == 0)
		return FALSE;
	if (!take_until(text, '\n', line)) {
		*line = *text;
		skip(text, text->left);
	}
	return TRUE;
}

gboolean
tidy_claim_fits(const char *pattern, const char *name)
{
	const char *star = strchr(pattern, '*');
	gsize head, tail, length = strlen(name);

	if (star == NULL)
		return strcmp(pattern, name) == 0;
	head = (gsize)(star - pattern);
	tail = strlen(star + 1);
	return length >= head + tail && memcmp(name, pattern, head) == 0 &&
	       memcmp(name + length - tail, star + 1, tail) == 0;
}

static gboolean
is_wanted(char *const *keys, Bytes key)
{
	g_autofree char *name = g_strndup(key.at, key.left);

	for (guint i = 0; keys[i] != NULL; i++) {
		if (tidy_claim_fits(keys[i], name))
			return TRUE;
	}
	return FALSE;
}

/* --- one path --- */

typedef struct {
	const char *home;
	GPtrArray *paths;
	guint max; /* of @paths */
	char **keys;
} Reader;

/* "~/x", "$HOME/x", "%h/x", "file:///x", "/x" as an absolute path, or NULL. */
static char *
expand(const Reader *reader, Bytes word)
{
	static const char *const homes[] = { "~", "$HOME", "${HOME}", "%h" };
	g_autofree char *text = g_strndup(word.at, word.left);
	g_autofree char *full = NULL;

	/* A zero byte ends no path: such a word is none. */
	if (strlen(text) != word.left)
		return NULL;
	if (*text == '/')
		return tidy_dirs_normalise(text);
	if (g_str_has_prefix(text, "file:///")) {
		full = g_uri_unescape_string(text + strlen("file://"), NULL);
		return full != NULL ? tidy_dirs_normalise(full) : NULL;
	}
	for (gsize i = 0; i < G_N_ELEMENTS(homes); i++) {
		const char *rest = text + strlen(homes[i]);

		if (!g_str_has_prefix(text, homes[i]) || (*rest != '/' && *rest != '\0'))
			continue;
		full = g_strconcat(reader->home, rest, NULL);
		return tidy_dirs_normalise(full);
	}
	return NULL;
}

static void
add_path(const Reader *reader, Bytes word)
{
	char *path = reader->paths->len < reader->max ? expand(reader, word) : NULL;

	if (path != NULL)
		g_ptr_array_add(reader->paths, path);
}

static Bytes
unquote(Bytes text)
{
	if (text.left >= 2 && (*text.at == '"' || *text.at == '\'') &&
	    text.at[text.left - 1] == *text.at)
		return bytes(text.at + 1, text.left - 2);
	return text;
}

/* --- lines --- */

/* "key = value"; the key is what stands before the first "=". */
static gboolean
split_line(Bytes line, Bytes *key, Bytes *value)
{
	if (!take_until(&line, '=', key))
		return FALSE;
	*key = trim(*key);
	*value = trim(line);
	return TRUE;
}

static gboolean
is_comment(Bytes line)
{
	return line.left == 0 || *line.at == '#' || *line.at == ';';
}

static void
read_values(const Reader *reader, Bytes text)
{
	Bytes line, key, value;

	while (take_line(&text, &line)) {
		line = trim(line);
		if (!is_comment(line) && split_line(line, &key, &value) &&
		    is_wanted(reader->keys, key))
			add_path(reader, unquote(value));
	}
}

/* What stands between paths in lists, commands and options; blanks inside quotes are the path's own. */
static gboolean
is_separator(char c)
{
	return is_blank(c) || c == '\0' || strchr(";,:=|&()<>[]", c) != NULL;
}

static gsize
word_length(Bytes text)
{
	gsize n = starts_with(text, "file://") ? strlen("file://") : 0;

	while (n < text.left && !is_separator(text.at[n]) && text.at[n] != '"' &&
	       text.at[n] != '\'')
		n++;
	return n;
}

static void
read_words_of(const Reader *reader, Bytes text)
{
	Bytes word;

	while (text.left > 0) {
		char c = *text.at;

		if (c == '"' || c == '\'') {
			skip(&text, 1);
			if (!take_until(&text, c, &word))
				continue;
			add_path(reader, trim(word));
			continue;
		}
		if (is_separator(c)) {
			skip(&text, 1);
			continue;
		}
		word = bytes(text.at, word_length(text));
		skip(&text, word.left);
		/* In units "-", "+", "!" and "@" before a path say how it is taken. */
		while (word.left > 0 && strchr("-+!@", *word.at) != NULL)
			skip(&word, 1);
		add_path(reader, word);
	}
}

static void
read_words(const Reader *reader, Bytes text)
{
	Bytes line, key, value;

	while (take_line(&text, &line)) {
		line = trim(line);
		if (is_comment(line))
			continue;
		if (reader->keys == NULL)
			read_words_of(reader, line);
		else if (split_line(line, &key, &value) && is_wanted(reader->keys, key))
			read_words_of(reader, value);
	}
}

static gboolean
is_octal(Bytes text, gsize at)
{
	for (gsize i = at; i < at + 3; i++) {
		if (i >= text.left || text.at[i] < '0' || text.at[i] > '7')
			return FALSE;
	}
	return TRUE;
}

static void
add_octal(const Reader *reader, Bytes word)
{
	g_autoptr(GString) plain = g_string_new(NULL);

	while (word.left > 0) {
		if (*word.at == '\\' && is_octal(word, 1)) {
			g_string_append_c(plain, (char)((word.at[1] - '0') * 64 +
							(word.at[2] - '0') * 8 + word.at[3] - '0'));
			skip(&word, 4);
			continue;
		}
		g_string_append_c(plain, *word.at);
		skip(&word, 1);
	}
	add_path(reader, bytes(plain->str, plain->len));
}

/* exports(5): quotes, and "\040" for a blank. */
static void
read_exports(const Reader *reader, Bytes text)
{
	Bytes line, word;

	while (take_line(&text, &line)) {
		gsize n = 0;

		line = trim(line);
		if (is_comment(line))
			continue;
		if (*line.at == '"') {
			skip(&line, 1);
			if (take_until(&line, '"', &word))
				add_octal(reader, word);
			continue;
		}
		while (n < line.left && !is_blank(line.at[n]))
			n++;
		add_octal(reader, bytes(line.at, n));
	}
}

/* --- XML: <folder ... path="..."> --- */

static void
append_entity(GString *value, Bytes name)
{
	static const struct {
		const char *name;
		char c;
	} entities[] = {
		{ "amp", '&' }, { "lt", '<' }, { "gt", '>' }, { "quot", '"' }, { "apos", '\'' },
	};
	g_autofree char *text = g_strndup(name.at, name.left);

	for (gsize i = 0; i < G_N_ELEMENTS(entities); i++) {
		if (strcmp(text, entities[i].name) == 0)
			g_string_append_c(value, entities[i].c);
	}
	if (*text == '#') {
		gboolean is_hex = text[1] == 'x';
		guint64 code = g_ascii_strtoull(text + (is_hex ? 2 : 1), NULL, is_hex ? 16 : 10);

		if (code > 0 && code <= 0x10ffff && g_unichar_validate((gunichar)code))
			g_string_append_unichar(value, (gunichar)code);
	}
}

static void
add_xml_value(const Reader *reader, Bytes text)
{
	g_autoptr(GString) value = g_string_new(NULL);
	Bytes part;

	while (take_until(&text, '&', &part)) {
		g_string_append_len(value, part.at, (gssize)part.left);
		if (take_until(&text, ';', &part))
			append_entity(value, part);
	}
	g_string_append_len(value, text.at, (gssize)text.left);
	add_path(reader, bytes(value->str, value->len));
}

static void
read_attributes(const Reader *reader, Bytes tag, const char *wanted)
{
	Bytes name, value;

	while (take_until(&tag, '=', &name)) {
		char quote;

		name = trim(name);
		while (tag.left > 0 && (is_blank(*tag.at) || *tag.at == '\n'))
			skip(&tag, 1);
		quote = tag.left > 0 ? *tag.at : '\0';
		if (quote != '"' && quote != '\'')
			return;
		skip(&tag, 1);
		if (!take_until(&tag, quote, &value))
			return;
		/* The name is the last word before "=". */
		for (gsize i = name.left; i > 0; i--) {
			if (is_blank(name.at[i - 1]) || name.at[i - 1] == '\n') {
				skip(&name, i);
				break;
			}
		}
		if (name.left == strlen(wanted) && memcmp(name.at, wanted, name.left) == 0)
			add_xml_value(reader, value);
	}
}

static void
read_xml(const Reader *reader, Bytes text)
{
	const char *slash = strchr(reader->keys[0], '/');
	g_autofree char *element =
		g_strdup_printf("%.*s", (int)(slash - reader->keys[0]), reader->keys[0]);
	gsize n = strlen(element);
	Bytes tag, before;

	while (take_until(&text, '<', &before)) {
		if (!starts_with(text, element) || text.left <= n || !g_ascii_isspace(text.at[n]))
			continue;
		skip(&text, n);
		if (!take_until(&text, '>', &tag))
			tag = text;
		read_attributes(reader, tag, slash + 1);
	}
}

/* --- JSON and user_pref() --- */

/* The string whose opening quote is at the start of @text, without escapes, or NULL. */
static GString *
take_string(Bytes *text)
{
	g_autoptr(GString) value = g_string_new(NULL);

	for (skip(text, 1); text->left > 0 && *text->at != '"'; skip(text, 1)) {
		guint64 code;
		char digits[5] = { 0 };

		if (*text->at != '\\') {
			g_string_append_c(value, *text->at);
			continue;
		}
		skip(text, 1);
		if (text->left == 0)
			return NULL;
		if (*text->at != 'u' || text->left < 5) {
			g_string_append_c(value, *text->at);
			continue;
		}
		memcpy(digits, text->at + 1, 4);
		code = g_ascii_strtoull(digits, NULL, 16);
		if (code > 0 && g_unichar_validate((gunichar)code))
			g_string_append_unichar(value, (gunichar)code);
		skip(text, 4);
	}
	if (text->left == 0)
		return NULL;
	skip(text, 1);
	return g_steal_pointer(&value);
}

static void
read_json(const Reader *reader, Bytes text)
{
	gboolean is_value = FALSE;
	Bytes before;

	while (take_until(&text, '"', &before)) {
		g_autoptr(GString) string = NULL;

		/* Back onto the quote. */
		text.at--;
		text.left++;
		string = take_string(&text);
		if (string == NULL)
			return;
		if (is_value) {
			add_path(reader, bytes(string->str, string->len));
			is_value = FALSE;
			continue;
		}
		while (text.left > 0 && g_ascii_isspace(*text.at))
			skip(&text, 1);
		/* Only a string that follows at once is the key's. */
		if (text.left > 0 && (*text.at == ':' || *text.at == ',') &&
		    is_wanted(reader->keys, bytes(string->str, string->len))) {
			skip(&text, 1);
			while (text.left > 0 && g_ascii_isspace(*text.at))
				skip(&text, 1);
			is_value = text.left > 0 && *text.at == '"';
		}
	}
}

/* --- bencode --- */

/* "12:" at the start of @text. */
static gboolean
take_length(Bytes *text, gsize *length)
{
	gsize n = 0;

	*length = 0;
	while (n < text->left && n < 9 && g_ascii_isdigit(text->at[n]))
		*length = *length * 10 + (gsize)(text->at[n++] - '0');
	if (n == 0 || n >= text->left || text->at[n] != ':' || *length > text->left - n - 1)
		return FALSE;
	skip(text, n + 1);
	return TRUE;
}

static void
read_bencode(const Reader *reader, Bytes text)
{
	gboolean is_value = FALSE;
	gsize length;

	while (text.left > 0) {
		Bytes string;

		if (!take_length(&text, &length)) {
			/* A list, a number, or the end of one. */
			skip(&text, 1);
			is_value = FALSE;
			continue;
		}
		string = bytes(text.at, length);
		skip(&text, length);
		if (is_value)
			add_path(reader, string);
		is_value = !is_value && is_wanted(reader->keys, string);
	}
}

/* --- all of them --- */

void
tidy_claims_parse(const TidyClaimSource *source, const char *data, gsize size, const char *home,
		  GPtrArray *paths)
{
	Reader reader = {
		.home = home,
		.paths = paths,
		.max = paths->len + TIDY_CLAIM_PATHS_MAX,
	};
	Bytes text = bytes(data != NULL ? data : "", data != NULL ? size : 0);

	/* Of nothing, @data may be NULL. */
	if (size == 0 ||
	    (source->needs != NULL && g_strstr_len(data, (gssize)size, source->needs) == NULL))
		return;
	reader.keys = source->keys != NULL ? g_strsplit(source->keys, "|", -1) : NULL;
	switch (source->format) {
	case TIDY_CLAIM_VALUE:
		read_values(&reader, text);
		break;
	case TIDY_CLAIM_WORDS:
		read_words(&reader, text);
		break;
	case TIDY_CLAIM_XML:
		read_xml(&reader, text);
		break;
	case TIDY_CLAIM_JSON:
		read_json(&reader, text);
		break;
	case TIDY_CLAIM_BENCODE:
		read_bencode(&reader, text);
		break;
	case TIDY_CLAIM_EXPORTS:
		read_exports(&reader, text);
		break;
	case TIDY_CLAIM_LINK:
		add_path(&reader, text);
		break;
	}
	g_strfreev(reader.keys);
}
