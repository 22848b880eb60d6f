/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Trees from text. Pure. */
#include <gio/gio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/tree-internal.h"

typedef struct {
	Tree *tree;
	guint line;
	GHashTable *seen; /* path -> TreeNode* */
} Parser;

static gboolean
fail(const Parser *parser, GError **error, const char *what, const char *text)
{
	g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "line %u: %s: %s", parser->line,
		    what, text);
	return FALSE;
}

/* Bytes of @text up to @size, escapes resolved. NULL for a bad escape. */
static GString *
unescape(const char *text, gsize size)
{
	g_autoptr(GString) bytes = g_string_new(NULL);

	for (gsize i = 0; i < size; i++) {
		char digits[3] = { 0 };

		if (text[i] != '\\') {
			g_string_append_c(bytes, text[i]);
			continue;
		}
		if (++i == size)
			return NULL;
		switch (text[i]) {
		case 'n':
			g_string_append_c(bytes, '\n');
			break;
		case 't':
			g_string_append_c(bytes, '\t');
			break;
		case '\\':
		case '"':
			g_string_append_c(bytes, text[i]);
			break;
		case 'x':
			if (i + 2 >= size || !g_ascii_isxdigit(text[i + 1]) ||
			    !g_ascii_isxdigit(text[i + 2]))
				return NULL;
			memcpy(digits, text + i + 1, 2);
			g_string_append_c(bytes, (char)strtoul(digits, NULL, 16));
			i += 2;
			break;
		default:
			return NULL;
		}
	}
	return g_steal_pointer(&bytes);
}

static char *
unescape_path(const char *text, gsize size)
{
	g_autoptr(GString) path = unescape(text, size);

	if (!path || path->len == 0 || strlen(path->str) != path->len || *path->str == '/' ||
	    g_str_has_suffix(path->str, "/") || strstr(path->str, "//"))
		return NULL;
	return g_string_free(g_steal_pointer(&path), FALSE);
}

/* A "..." at @text: its bytes, and *end behind it. */
static GBytes *
quoted(const char *text, const char **end)
{
	const char *p;
	GString *bytes;

	if (*text != '"')
		return NULL;
	for (p = text + 1; *p && *p != '"'; p++) {
		if (*p == '\\' && p[1])
			p++;
	}
	if (*p != '"')
		return NULL;
	bytes = unescape(text + 1, (gsize)(p - text - 1));
	*end = p + 1;
	return bytes ? g_string_free_to_bytes(bytes) : NULL;
}

/* "5", "-3.25" as nanoseconds. */
static gboolean
parse_time(const char *text, gint64 *ns)
{
	char *end;
	gint64 seconds = g_ascii_strtoll(text, &end, 10), unit = 100000000, rest = 0;

	if (end == text)
		return FALSE;
	if (*end == '.') {
		for (end++; g_ascii_isdigit(*end); end++, unit /= 10)
			rest += (*end - '0') * unit;
	}
	*ns = seconds * 1000000000 +
	      rest; /* "-3.25" is 3 s before, 0.25 s later, as statx has it */
	return *end == '\0';
}

static gboolean
parse_number(const char *text, guint base, gint64 *value)
{
	char *end;

	*value = g_ascii_strtoll(text, &end, base);
	return end != text && *end == '\0';
}

static gboolean
set_flag(TreeNode *node, const char *word)
{
	static const struct {
		const char *word;
		guint flag;
	} flags[] = {
		{ "writer", FAKE_HAS_WRITER },
		{ "immutable", FAKE_IMMUTABLE },
		{ "append", FAKE_APPEND },
		{ "casefold", FAKE_CASEFOLD },
	};

	for (guint i = 0; i < G_N_ELEMENTS(flags); i++) {
		if (strcmp(word, flags[i].word) == 0) {
			node->flags |= flags[i].flag;
			return TRUE;
		}
	}
	return FALSE;
}

static gboolean
set_word(TreeNode *node, const char *word)
{
	const char *value = strchr(word, '=');
	gint64 number;

	if (!value++)
		return set_flag(node, word);
	if (g_str_has_prefix(word, "mtime=")) {
		node->has_mtime = TRUE;
		return parse_time(value, &node->mtime_ns);
	}
	if (!parse_number(value, g_str_has_prefix(word, "mode=") ? 8 : 10, &number))
		return FALSE;
	if (g_str_has_prefix(word, "mode="))
		node->mode = (guint32)number;
	else if (g_str_has_prefix(word, "uid="))
		node->uid = number;
	else if (g_str_has_prefix(word, "gid="))
		node->gid = number;
	else if (g_str_has_prefix(word, "size=") && node->type == TIDY_TYPE_FILE)
		node->size = number;
	else
		return FALSE;
	return TRUE;
}

static gboolean
parse_xattr(TreeNode *node, const char **cursor)
{
	const char *name = *cursor + strlen("xattr:"), *equals = strchr(name, '=');
	GBytes *value = equals ? quoted(equals + 1, cursor) : NULL;

	if (!value)
		return FALSE;
	g_tree_insert(node->xattrs, g_strndup(name, (gsize)(equals - name)), value);
	return TRUE;
}

static gboolean
parse_words(const Parser *parser, TreeNode *node, const char *cursor, GError **error)
{
	for (;;) {
		g_autofree char *word = NULL;
		gsize length;

		while (*cursor == ' ')
			cursor++;
		if (*cursor == '\0')
			return TRUE;
		if (g_str_has_prefix(cursor, "xattr:")) {
			if (!parse_xattr(node, &cursor))
				return fail(parser, error, "bad xattr", cursor);
			continue;
		}
		length = strcspn(cursor, " ");
		word = g_strndup(cursor, length);
		if (!set_word(node, word))
			return fail(parser, error, "unknown or bad attribute", word);
		cursor += length;
	}
}

/* A path written up to the next attribute: "../x mode=..": attributes follow the last blank before key= or a flag. */
static gsize
path_length(const char *text)
{
	static GRegex *pattern;
	GMatchInfo *match;
	int start = (int)strlen(text);

	if (!pattern)
		pattern = g_regex_new(
			" (?:(?:mode|mtime|uid|gid|size)=|xattr:|writer\\b|immutable\\b|append\\b|"
			"casefold\\b)",
			G_REGEX_RAW, 0, NULL);
	if (g_regex_match(pattern, text, 0, &match))
		g_match_info_fetch_pos(match, 0, &start, NULL);
	g_match_info_free(match);
	while (start > 0 && text[start - 1] == ' ')
		start--;
	return (gsize)start;
}

static char *
digest_of(const TreeNode *node)
{
	TreeDigest *digest = tree_digest_new();
	char page[4096];
	gsize n;

	for (gint64 at = 0; (n = tree_content(node, at, page, sizeof page)) > 0; at += (gint64)n)
		tree_digest_add(digest, at, page, n);
	return tree_digest_end(digest, node->size);
}

static gboolean
parse_link_to(Parser *parser, TreeNode *node, const char *text, GError **error)
{
	const TreeNode *first;

	node->link_to = unescape_path(text, strlen(text));
	first = node->link_to ? g_hash_table_lookup(parser->seen, node->link_to) : NULL;
	if (!first || first->type != TIDY_TYPE_FILE || first->link_to)
		return fail(parser, error, "link to a file that has no line above", text);
	node->content = first->content;
	node->bytes = first->bytes ? g_bytes_ref(first->bytes) : NULL;
	node->seed = first->seed;
	node->size = first->size;
	node->digest = g_strdup(first->digest);
	node->mode = first->mode;
	node->mtime_ns = first->mtime_ns;
	return TRUE;
}

static gboolean
parse_file(Parser *parser, TreeNode *node, const char *text, GError **error)
{
	const char *end = text;

	if (g_str_has_prefix(text, "link:"))
		return parse_link_to(parser, node, text + strlen("link:"), error);
	if (g_str_has_prefix(text, "random:")) {
		node->content = TREE_FILE_RANDOM;
		node->seed = g_ascii_strtoull(text + strlen("random:"), (char **)&end, 10);
	} else {
		node->bytes = quoted(text, &end);
		if (!node->bytes)
			return fail(parser, error, "no \"...\", link: or random: after =", text);
		node->size = (gint64)g_bytes_get_size(node->bytes);
	}
	if (!parse_words(parser, node, end, error))
		return FALSE;
	if (node->bytes && node->size < (gint64)g_bytes_get_size(node->bytes))
		return fail(parser, error, "size is less than the bytes", text);
	node->digest = digest_of(node);
	return TRUE;
}

static gboolean
parse_special(Parser *parser, TreeNode *node, const char *text, GError **error)
{
	gsize length = path_length(text);
	g_autofree char *word = g_strndup(text, length);

	if (strcmp(word, "fifo") == 0) {
		node->type = TIDY_TYPE_FIFO;
	} else if (strcmp(word, "socket") == 0) {
		node->type = TIDY_TYPE_SOCKET;
	} else if (strcmp(word, "mount") == 0 || g_str_has_prefix(word, "bind:")) {
		node->type = TIDY_TYPE_DIR;
		node->mode = 0755;
		node->is_mount = TRUE;
		if (*word == 'b')
			node->bind = unescape_path(word + strlen("bind:"),
						   strlen(word) - strlen("bind:"));
	} else {
		return fail(parser, error, "neither fifo, socket, mount nor bind:", word);
	}
	return parse_words(parser, node, text + length, error);
}

static gboolean
parse_link(Parser *parser, TreeNode *node, const char *text, GError **error)
{
	gsize length = path_length(text);
	g_autoptr(GString) target = unescape(text, length);

	if (!target || target->len == 0)
		return fail(parser, error, "bad target", text);
	node->target = g_string_free(g_steal_pointer(&target), FALSE);
	return parse_words(parser, node, text + length, error);
}

/* Where the path of @line ends, and what it is: '/' '=' '-' ':' or 0. */
static char
find_mark(const char *line, gsize *length)
{
	for (const char *p = line; *p; p++) {
		*length = (gsize)(p - line);
		if (*p == '/' && (p[1] == '\0' || p[1] == ' '))
			return '/';
		if (g_str_has_prefix(p, " = ") || g_str_has_prefix(p, " : "))
			return p[1];
		if (g_str_has_prefix(p, " -> "))
			return '-';
	}
	return '\0';
}

/* Directories above @path that have no line. FALSE: one of them is something else. */
static gboolean
add_parents(Parser *parser, const char *path)
{
	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		g_autofree char *parent = g_strndup(path, (gsize)(slash - path));
		TreeNode *node = g_hash_table_lookup(parser->seen, parent);

		if (node && node->type != TIDY_TYPE_DIR)
			return FALSE;
		if (node)
			continue;
		node = tree_node_new(parent, TIDY_TYPE_DIR);
		node->is_implied = TRUE;
		g_hash_table_insert(parser->seen, node->path, node);
		tree_append(parser->tree, node);
	}
	return TRUE;
}

static gboolean
parse_rest(Parser *parser, TreeNode *node, char mark, const char *rest, GError **error)
{
	switch (mark) {
	case '/':
		return parse_words(parser, node, rest + 1, error);
	case '=':
		return parse_file(parser, node, rest + strlen(" = "), error);
	case '-':
		return parse_link(parser, node, rest + strlen(" -> "), error);
	default:
		return parse_special(parser, node, rest + strlen(" : "), error);
	}
}

static gboolean
parse_line(Parser *parser, const char *line, GError **error)
{
	gsize length = 0;
	char mark = find_mark(line, &length);
	g_autofree char *path = mark ? unescape_path(line, length) : NULL;
	TreeNode *old, *node;

	if (!path)
		return fail(parser, error, "not an entry", line);
	node = tree_node_new(path, mark == '/'	 ? TIDY_TYPE_DIR
				   : mark == '-' ? TIDY_TYPE_LINK
						 : TIDY_TYPE_FILE);
	if (!parse_rest(parser, node, mark, line + length, error)) {
		tree_node_free(node);
		return FALSE;
	}
	if (!add_parents(parser, path)) {
		tree_node_free(node);
		return fail(parser, error, "below something that is no directory", line);
	}
	old = g_hash_table_lookup(parser->seen, path);
	if (old && (!old->is_implied || node->type != TIDY_TYPE_DIR)) {
		tree_node_free(node);
		return fail(parser, error, "second entry of that path", line);
	}
	if (old) {
		g_hash_table_remove(parser->seen, path);
		g_ptr_array_remove(parser->tree->nodes, old);
	}
	g_hash_table_insert(parser->seen, node->path, node);
	tree_append(parser->tree, node);
	return TRUE;
}

Tree *
tree_parse(const char *text, guint first_line, GError **error)
{
	g_autoptr(Tree) tree = tree_new();
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	Parser parser = { .tree = tree, .seen = seen };

	for (guint i = 0; lines[i]; i++) {
		const char *line = g_strstrip(lines[i]);

		parser.line = first_line + i;
		if (*line == '\0' || *line == '#')
			continue;
		if (!parse_line(&parser, line, error))
			return NULL;
	}
	tree_sort(tree);
	return g_steal_pointer(&tree);
}
