/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Trees in memory: nodes, printing, comparing, counting contents. Pure. */
#include "tests/support/tree.h"

#include <string.h>

#include "tests/support/tree-internal.h"

#define PAGE 4096

/* ---- nodes ---- */

static int
compare_names(gconstpointer a, gconstpointer b, gpointer unused)
{
	return strcmp(a, b);
}

GTree *
tree_xattrs_new(void)
{
	return g_tree_new_full(compare_names, NULL, g_free, (GDestroyNotify)g_bytes_unref);
}

TreeNode *
tree_node_new(const char *path, TidyType type)
{
	TreeNode *node = g_new0(TreeNode, 1);

	node->path = g_strdup(path);
	node->type = type;
	node->mode = type == TIDY_TYPE_DIR ? 0755 : type == TIDY_TYPE_LINK ? 0777 : 0644;
	node->mtime_ns = TREE_DEFAULT_MTIME_NS;
	node->uid = node->gid = -1;
	node->xattrs = tree_xattrs_new();
	return node;
}

void
tree_node_free(TreeNode *node)
{
	g_free(node->path);
	g_clear_pointer(&node->bytes, g_bytes_unref);
	g_free(node->digest);
	g_free(node->target);
	g_free(node->link_to);
	g_free(node->bind);
	g_tree_unref(node->xattrs);
	g_free(node);
}

static gboolean
copy_xattr(gpointer key, gpointer value, gpointer tree)
{
	g_tree_insert(tree, g_strdup(key), g_bytes_ref(value));
	return FALSE;
}

TreeNode *
tree_node_copy(const TreeNode *node)
{
	TreeNode *copy = g_memdup2(node, sizeof *node);

	copy->path = g_strdup(node->path);
	copy->bytes = node->bytes ? g_bytes_ref(node->bytes) : NULL;
	copy->digest = g_strdup(node->digest);
	copy->target = g_strdup(node->target);
	copy->link_to = g_strdup(node->link_to);
	copy->bind = g_strdup(node->bind);
	copy->xattrs = tree_xattrs_new();
	g_tree_foreach(node->xattrs, copy_xattr, copy->xattrs);
	return copy;
}

Tree *
tree_new(void)
{
	Tree *tree = g_new0(Tree, 1);

	tree->nodes = g_ptr_array_new_with_free_func((GDestroyNotify)tree_node_free);
	tree->is_sorted = TRUE;
	return tree;
}

void
tree_free(Tree *tree)
{
	g_ptr_array_unref(tree->nodes);
	g_free(tree);
}

void
tree_append(Tree *tree, TreeNode *node)
{
	g_ptr_array_add(tree->nodes, node);
	tree->is_sorted = FALSE;
}

static int
compare_nodes(gconstpointer a, gconstpointer b)
{
	const TreeNode *const *x = a, *const *y = b;

	return strcmp((*x)->path, (*y)->path);
}

void
tree_sort(Tree *tree)
{
	g_ptr_array_sort(tree->nodes, compare_nodes);
	tree->is_sorted = TRUE;
}

guint
tree_size(const Tree *tree)
{
	return tree->nodes->len;
}

const TreeNode *
tree_node(const Tree *tree, guint index)
{
	return tree->nodes->pdata[index];
}

const TreeNode *
tree_lookup(const Tree *tree, const char *path)
{
	for (guint i = 0; i < tree->nodes->len; i++) {
		if (strcmp(tree_node(tree, i)->path, path) == 0)
			return tree_node(tree, i);
	}
	return NULL;
}

void
tree_append_dir(Tree *tree, const char *path)
{
	TreeNode *node = tree_node_new(path, TIDY_TYPE_DIR);

	node->is_implied = TRUE;
	tree_append(tree, node);
	tree_sort(tree);
}

void
tree_add(Tree *tree, const Tree *more)
{
	for (guint i = 0; i < tree_size(more); i++)
		tree_append(tree, tree_node_copy(tree_node(more, i)));
	tree_sort(tree);
}

/* What of @path is below @root: the rest behind the slash, "" for @root itself, or NULL. */
static const char *
below(const char *path, const char *root)
{
	gsize length = strlen(root);

	if (strncmp(path, root, length) != 0)
		return NULL;
	if (path[length] == '\0')
		return path + length;
	return path[length] == '/' ? path + length + 1 : NULL;
}

Tree *
tree_subtree(const Tree *tree, const char *path, gboolean strip)
{
	Tree *sub = tree_new();

	for (guint i = 0; i < tree_size(tree); i++) {
		const char *rest = below(tree_node(tree, i)->path, path);
		TreeNode *copy;

		if (!rest || (strip && *rest == '\0'))
			continue;
		copy = tree_node_copy(tree_node(tree, i));
		if (strip) {
			g_free(copy->path);
			copy->path = g_strdup(rest);
		}
		tree_append(sub, copy);
	}
	tree_sort(sub);
	return sub;
}

/* ---- contents ---- */

struct TreeDigest {
	GChecksum *sum;
};

TreeDigest *
tree_digest_new(void)
{
	TreeDigest *digest = g_new0(TreeDigest, 1);

	digest->sum = g_checksum_new(G_CHECKSUM_SHA256);
	return digest;
}

void
tree_digest_add(TreeDigest *digest, gint64 offset, const void *bytes, gsize size)
{
	static const char zeros[PAGE];

	for (gsize done = 0; done < size; done += PAGE) {
		gsize part = MIN(PAGE, size - done);
		gint64 index = (offset + (gint64)done) / PAGE;
		const guint8 *page = (const guint8 *)bytes + done;

		if (memcmp(page, zeros, part) == 0)
			continue;
		while (part > 0 && page[part - 1] == 0) /* a short last page is as a full one */
			part--;
		g_checksum_update(digest->sum, (const guchar *)&index, sizeof index);
		g_checksum_update(digest->sum, page, (gssize)part);
	}
}

char *
tree_digest_end(TreeDigest *digest, gint64 size)
{
	char *text;

	g_checksum_update(digest->sum, (const guchar *)&size, sizeof size);
	text = g_strdup(g_checksum_get_string(digest->sum));
	g_checksum_free(digest->sum);
	g_free(digest);
	return text;
}

/* Byte @offset of seed @seed: a word of splitmix64 for each 8 bytes. */
static guint8
random_byte(guint64 seed, gint64 offset)
{
	guint64 x = seed * G_GUINT64_CONSTANT(0xD1342543DE82EF95) +
		    ((guint64)offset / 8 + 1) * G_GUINT64_CONSTANT(0x9E3779B97F4A7C15);

	x = (x ^ x >> 30) * G_GUINT64_CONSTANT(0xBF58476D1CE4E5B9);
	x = (x ^ x >> 27) * G_GUINT64_CONSTANT(0x94D049BB133111EB);
	return (guint8)((x ^ x >> 31) >> (offset % 8 * 8));
}

gsize
tree_content(const TreeNode *node, gint64 offset, void *buffer, gsize size)
{
	gsize length;
	const char *bytes;

	if (node->content == TREE_FILE_RANDOM) {
		size = (gsize)CLAMP(node->size - offset, 0, (gint64)size);
		for (gsize i = 0; i < size; i++)
			((guint8 *)buffer)[i] = random_byte(node->seed, offset + (gint64)i);
		return size;
	}
	bytes = g_bytes_get_data(node->bytes, &length);
	size = (gsize)CLAMP((gint64)length - offset, 0, (gint64)size);
	if (size > 0)
		memcpy(buffer, bytes + offset, size);
	return size;
}

/* ---- text ---- */

/* Escapes bytes; in a path also what the format would take for something else. */
static void
append_escaped(GString *text, const char *bytes, gsize size, gboolean is_path)
{
	for (gsize i = 0; i < size; i++) {
		guchar c = (guchar)bytes[i];
		gboolean is_edge =
			i == 0 || i + 1 == size || bytes[i - 1] == '/' || bytes[i + 1] == '/';
		gboolean is_mark =
			is_path && c == ' ' && i + 1 < size && strchr("=-:", bytes[i + 1]);

		if (c == '\\' || (c == '"' && !is_path))
			g_string_append_printf(text, "\\%c", c);
		else if (c == '\n')
			g_string_append(text, "\\n");
		else if (c == '\t')
			g_string_append(text, "\\t");
		else if (c < 0x20 || c == 0x7F || (is_path && c == ' ' && (is_edge || is_mark)) ||
			 (is_path && i == 0 && c == '#'))
			g_string_append_printf(text, "\\x%02X", c);
		else
			g_string_append_c(text, (char)c);
	}
}

/* The same, with the bytes that are not UTF-8 as \xNN. */
static char *
escape(const char *bytes, gsize size, gboolean is_path)
{
	g_autoptr(GString) text = g_string_new(NULL);
	g_autoptr(GString) clean = g_string_new(NULL);

	append_escaped(text, bytes, size, is_path);
	for (const char *p = text->str; *p;) {
		const char *end;

		g_utf8_validate(p, -1, &end);
		g_string_append_len(clean, p, end - p);
		p = end;
		if (*p)
			g_string_append_printf(clean, "\\x%02X", (guchar)*p++);
	}
	return g_string_free(g_steal_pointer(&clean), FALSE);
}

char *
tree_escape_path(const char *path)
{
	return escape(path, strlen(path), TRUE);
}

static void
append_time(GString *text, gint64 ns)
{
	gint64 seconds = ns / 1000000000, rest = ns % 1000000000;

	if (rest < 0) {
		seconds--;
		rest += 1000000000;
	}
	g_string_append_printf(text, " mtime=%" G_GINT64_FORMAT, seconds);
	if (rest != 0) {
		g_string_append_printf(text, ".%09" G_GINT64_FORMAT, rest);
		while (g_str_has_suffix(text->str, "0"))
			g_string_truncate(text, text->len - 1);
	}
}

static gboolean
append_xattr(gpointer key, gpointer value, gpointer data)
{
	gsize size;
	const char *bytes = g_bytes_get_data(value, &size);
	g_autofree char *text = escape(bytes, size, FALSE);

	g_string_append_printf(data, " xattr:%s=\"%s\"", (const char *)key, text);
	return FALSE;
}

static void
append_file(GString *text, const TreeNode *node, guint options)
{
	gsize size = 0;
	const char *bytes = node->bytes ? g_bytes_get_data(node->bytes, &size) : NULL;
	g_autofree char *escaped = NULL;

	if (node->link_to && !(options & TREE_NO_LINK_GROUPS)) {
		escaped = tree_escape_path(node->link_to);
		g_string_append_printf(text, " = link:%s", escaped);
	} else if (node->content == TREE_FILE_BYTES && (gint64)size == node->size) {
		escaped = escape(bytes, size, FALSE);
		g_string_append_printf(text, " = \"%s\"", escaped);
	} else {
		g_string_append_printf(text, " = digest:%.16s size=%" G_GINT64_FORMAT, node->digest,
				       node->size);
	}
}

/* What is behind the path: kind and content. */
static void
append_kind(GString *text, const TreeNode *node, guint options)
{
	g_autofree char *target = NULL;

	switch (node->type) {
	case TIDY_TYPE_DIR:
		g_string_append_c(text, '/');
		break;
	case TIDY_TYPE_FILE:
		append_file(text, node, options);
		break;
	case TIDY_TYPE_LINK:
		target = tree_escape_path(node->target);
		g_string_append_printf(text, " -> %s", target);
		break;
	case TIDY_TYPE_FIFO:
		g_string_append(text, " : fifo");
		break;
	case TIDY_TYPE_SOCKET:
		g_string_append(text, " : socket");
		break;
	case TIDY_TYPE_CHAR:
	case TIDY_TYPE_BLOCK:
	case TIDY_TYPE_UNKNOWN:
		g_string_append_printf(text, " : type %u", (guint)node->type);
		break;
	}
}

static gboolean
has_times(const TreeNode *node, guint options)
{
	if (options & TREE_NO_MTIMES)
		return FALSE;
	return node->type == TIDY_TYPE_DIR ? node->has_mtime && !(options & TREE_NO_DIR_MTIMES)
					   : TRUE;
}

/* The line of @node; times only when @with_times. */
static char *
node_line(const TreeNode *node, guint options, gboolean with_times)
{
	g_autoptr(GString) text = g_string_new(NULL);
	g_autofree char *path = tree_escape_path(node->path);

	g_string_append(text, path);
	append_kind(text, node, options);
	if (node->link_to && !(options & TREE_NO_LINK_GROUPS))
		return g_string_free(g_steal_pointer(&text), FALSE);
	if (!(options & TREE_NO_MODES) && node->type != TIDY_TYPE_LINK)
		g_string_append_printf(text, " mode=%04o", node->mode);
	if (with_times)
		append_time(text, node->mtime_ns);
	if (options & TREE_WITH_OWNERS)
		g_string_append_printf(text, " uid=%" G_GINT64_FORMAT " gid=%" G_GINT64_FORMAT,
				       node->uid, node->gid);
	if (!(options & TREE_NO_XATTRS))
		g_tree_foreach(node->xattrs, append_xattr, text);
	return g_string_free(g_steal_pointer(&text), FALSE);
}

char *
tree_dump(const Tree *tree, guint options)
{
	g_autoptr(GString) text = g_string_new(NULL);

	for (guint i = 0; i < tree_size(tree); i++) {
		const TreeNode *node = tree_node(tree, i);
		g_autofree char *line = node_line(node, options, has_times(node, options));

		g_string_append_printf(text, "%s\n", line);
	}
	return g_string_free(g_steal_pointer(&text), FALSE);
}

/* ---- compare ---- */

static void
diff_node(GString *diff, const TreeNode *expected, const TreeNode *actual, guint options)
{
	gboolean with_times = has_times(expected, options);
	guint some = expected->uid < 0 ? options & ~(guint)TREE_WITH_OWNERS : options;
	g_autofree char *want = node_line(expected, some, with_times);
	g_autofree char *have = node_line(actual, some, with_times);

	/* both show a short digest or the bytes; the digest decides in any case */
	if (strcmp(want, have) == 0 && g_strcmp0(expected->digest, actual->digest) == 0)
		return;
	g_string_append_printf(diff, "differs\n  expected %s\n  actual   %s\n", want, have);
}

char *
tree_diff(const Tree *expected, const Tree *actual, guint options)
{
	g_autoptr(GString) diff = g_string_new(NULL);
	guint i = 0, k = 0;

	while (i < tree_size(expected) || k < tree_size(actual)) {
		const TreeNode *want = i < tree_size(expected) ? tree_node(expected, i) : NULL;
		const TreeNode *have = k < tree_size(actual) ? tree_node(actual, k) : NULL;
		int order = !want ? 1 : !have ? -1 : strcmp(want->path, have->path);
		g_autofree char *line = NULL;

		if (order == 0) {
			diff_node(diff, want, have, options);
			i++;
			k++;
			continue;
		}
		line = node_line(order < 0 ? want : have, options, FALSE);
		g_string_append_printf(diff, "%s %s\n", order < 0 ? "missing   " : "unexpected",
				       line);
		if (order < 0)
			i++;
		else
			k++;
	}
	if (diff->len == 0)
		return NULL;
	return g_string_free(g_steal_pointer(&diff), FALSE);
}

/* The content of @node as a key; NULL for directories and for further names of a file. */
static char *
content_key(const TreeNode *node, guint flags)
{
	if (node->type == TIDY_TYPE_DIR || node->link_to)
		return NULL;
	if (node->type == TIDY_TYPE_FILE)
		return g_strdup_printf("file of %" G_GINT64_FORMAT " bytes, %s", node->size,
				       node->digest);
	if (node->type == TIDY_TYPE_LINK)
		return g_strdup_printf("link -> %s",
				       flags & TREE_LOST_ANY_TARGET ? "*" : node->target);
	return g_strdup_printf("type %u", (guint)node->type);
}

static GHashTable *
count_contents(const Tree *tree, guint flags)
{
	GHashTable *counts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

	for (guint i = 0; i < tree_size(tree); i++) {
		char *key = content_key(tree_node(tree, i), flags);
		guint n;

		if (!key)
			continue;
		n = GPOINTER_TO_UINT(g_hash_table_lookup(counts, key));
		g_hash_table_insert(counts, key, GUINT_TO_POINTER(n + 1));
	}
	return counts;
}

char *
tree_lost(const Tree *before, const Tree *after, guint flags)
{
	g_autoptr(GHashTable) was = count_contents(before, flags),
			      is = count_contents(after, flags);
	g_autoptr(GString) lost = g_string_new(NULL);

	for (guint i = 0; i < tree_size(before); i++) {
		const TreeNode *node = tree_node(before, i);
		g_autofree char *key = content_key(node, flags);
		g_autofree char *path = tree_escape_path(node->path);
		guint need, have;

		if (!key)
			continue;
		need = flags & TREE_LOST_SET ? 1 : GPOINTER_TO_UINT(g_hash_table_lookup(was, key));
		have = GPOINTER_TO_UINT(g_hash_table_lookup(is, key));
		if (have < need)
			g_string_append_printf(lost, "lost %s (%s): %u of %u\n", path, key, have,
					       need);
	}
	if (lost->len == 0)
		return NULL;
	return g_string_free(g_steal_pointer(&lost), FALSE);
}
