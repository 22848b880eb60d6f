/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Groups of equal files and directories, and which name of each is kept. Pure.
 *
 * A directory that equals another is listed once, as a whole. One of its group is kept ("unit"), the others are
 * covered: what is in them does not count again in the groups of files, where only the names in the kept one and
 * those elsewhere remain. Names inside a kept unit stay whatever the policy prefers: it would not be whole otherwise.
 * Groups are made from the highest trees down, so that a directory inside a covered one is out of the question.
 */
#include "home/dupes/groups.h"

#include <string.h>

#include "home/dupes/trees.h"

#define UNTOUCHABLE \
	(TIDY_DUPES_PROTECTED | TIDY_DUPES_IN_BUNDLE | TIDY_DUPES_OF_UNIT | TIDY_DUPES_LINKED_OUT)

typedef struct {
	TidyCatalog *catalog;
	TidyDupes *dupes;
	const GArray *trees;
} Groups;

/* One file (inode) or directory of a group, to be put in order. */
typedef struct {
	GArray *names;	      /* of TidyDupesName, the best first */
	guint32 root;	      /* of the best name */
	TidyDupesFlags flags; /* of all its names together; COVERED only when all are */
	guint64 device_bytes;
} Content;

static void
content_clear(gpointer data)
{
	Content *content = data;

	if (content->names != NULL)
		g_array_unref(content->names);
}

static void
name_clear(gpointer data)
{
	TidyDupesName *name = data;

	g_free(name->path);
}

static GArray *
names_new(void)
{
	GArray *names = g_array_new(FALSE, FALSE, sizeof(TidyDupesName));

	g_array_set_clear_func(names, name_clear);
	return names;
}

static GArray *
contents_new(void)
{
	GArray *contents = g_array_new(FALSE, FALSE, sizeof(Content));

	g_array_set_clear_func(contents, content_clear);
	return contents;
}

static void
group_free(gpointer data)
{
	TidyDupesGroup *group = data;

	g_array_unref(group->names);
	g_free(group);
}

/* ---- what a place in the tree means ---- */

static gboolean
has_above(Groups *groups, guint dir, TidyDirFlags flag)
{
	for (; dir != TIDY_NO_INDEX; dir = tidy_catalog_dir(groups->catalog, dir)->parent) {
		if (tidy_catalog_dir(groups->catalog, dir)->flags & flag)
			return TRUE;
	}
	return FALSE;
}

static TidyDupesFlags
flags_in(Groups *groups, guint dir)
{
	const TidyDirRecord *record = tidy_catalog_dir(groups->catalog, dir);
	TidyDupesFlags flags = 0;

	if (record->flags & TIDY_DIR_PROTECTED)
		flags |= TIDY_DUPES_PROTECTED;
	if (record->flags & (TIDY_DIR_IN_BUNDLE | TIDY_DIR_BUNDLE))
		flags |= TIDY_DUPES_IN_BUNDLE;
	if (has_above(groups, dir, TIDY_DIR_COVERED))
		flags |= TIDY_DUPES_COVERED;
	else if (has_above(groups, dir, TIDY_DIR_UNIT_KEPT))
		flags |= TIDY_DUPES_OF_UNIT;
	return flags;
}

/* ---- which one is kept ---- */

static gint
by_policy(TidyDupesKeep keep, const TidyDupesName *a, const TidyDupesName *b)
{
	gsize a_length = strlen(a->path);
	gsize b_length = strlen(b->path);

	switch (keep) {
	case TIDY_DUPES_KEEP_NEWEST:
		return a->st.mtime_ns > b->st.mtime_ns ? -1 : a->st.mtime_ns < b->st.mtime_ns;
	case TIDY_DUPES_KEEP_OLDEST:
		return a->st.mtime_ns < b->st.mtime_ns ? -1 : a->st.mtime_ns > b->st.mtime_ns;
	case TIDY_DUPES_KEEP_SHORTEST:
		return a_length < b_length ? -1 : a_length > b_length;
	case TIDY_DUPES_KEEP_FIRST:
		break;
	}
	return 0;
}

/* Covered ones last; what must stay anyway first; then as the user prefers. */
static gint
by_preference(gconstpointer a, gconstpointer b, gpointer data)
{
	const Content *x = a, *y = b;
	const TidyDupesOptions *options = data;
	const TidyDupesName *x_name = &g_array_index(x->names, TidyDupesName, 0);
	const TidyDupesName *y_name = &g_array_index(y->names, TidyDupesName, 0);
	static const TidyDupesFlags order[] = { TIDY_DUPES_PROTECTED, TIDY_DUPES_IN_BUNDLE,
						TIDY_DUPES_OF_UNIT, TIDY_DUPES_LINKED_OUT };
	gint by;

	if ((x->flags & TIDY_DUPES_COVERED) != (y->flags & TIDY_DUPES_COVERED))
		return x->flags & TIDY_DUPES_COVERED ? 1 : -1;
	for (guint i = 0; i < G_N_ELEMENTS(order); i++) {
		if ((x->flags & order[i]) != (y->flags & order[i]))
			return x->flags & order[i] ? -1 : 1;
	}
	by = by_policy(options->keep, x_name, y_name);
	if (by != 0)
		return by;
	if (x->root != y->root)
		return x->root < y->root ? -1 : 1;
	return strcmp(x_name->path, y_name->path);
}

/* Turns @contents, in order, into the names of a group and adds it. NULL when it says nothing. */
static TidyDupesGroup *
add_group(Groups *groups, GArray *contents, TidyType type, gint64 size)
{
	TidyDupesGroup *group = g_new0(TidyDupesGroup, 1);

	g_array_sort_with_data(contents, by_preference, (gpointer)groups->catalog->options);
	group->type = type;
	group->size = size;
	group->names = names_new();
	for (guint i = 0; i < contents->len; i++) {
		Content *content = &g_array_index(contents, Content, i);
		gboolean is_covered = (content->flags & TIDY_DUPES_COVERED) != 0;
		gboolean is_kept = i == 0 || (content->flags & UNTOUCHABLE) != 0;

		for (guint k = 0; k < content->names->len; k++) {
			TidyDupesName *name = &g_array_index(content->names, TidyDupesName, k);

			name->content = i;
			if (is_kept && !(name->flags & TIDY_DUPES_COVERED))
				name->flags |= TIDY_DUPES_KEPT;
			g_array_append_vals(group->names, name, 1);
			name->path = NULL;
		}
		group->n_contents += is_covered ? 0 : 1;
		if (!is_kept && !is_covered)
			group->reclaimable_bytes += content->device_bytes;
	}
	groups->dupes->reclaimable_bytes += group->reclaimable_bytes;
	g_ptr_array_add(groups->dupes->groups, group);
	return group;
}

/* ---- directories ---- */

static Content
dir_content(Groups *groups, guint dir)
{
	TidyCatalog *catalog = groups->catalog;
	const TidyDirRecord *record = tidy_catalog_dir(catalog, dir);
	TidyDupesName name = {
		.path = tidy_catalog_path(catalog, dir, NULL),
		.st = { .dev = record->dev,
			.ino = record->ino,
			.mtime_ns = record->mtime_ns,
			.ctime_ns = record->ctime_ns,
			.mode = record->mode,
			.uid = record->uid,
			.gid = record->gid },
	};
	Content content = { .names = names_new(), .root = record->root };

	if (record->flags & (TIDY_DIR_PROTECTED | TIDY_DIR_HOLDS_PROTECTED))
		name.flags |= TIDY_DUPES_PROTECTED;
	if (record->flags & TIDY_DIR_IN_BUNDLE)
		name.flags |= TIDY_DUPES_IN_BUNDLE;
	if (has_above(groups, dir, TIDY_DIR_UNIT_KEPT))
		name.flags |= TIDY_DUPES_OF_UNIT;
	content.flags = name.flags;
	content.device_bytes = g_array_index(groups->trees, TidyTree, dir).device_bytes;
	g_array_append_val(content.names, name);
	return content;
}

/* The directories of one unit number: marks which one is kept, and which are covered. */
static void
group_dirs(Groups *groups, GArray *dirs)
{
	g_autoptr(GArray) contents = contents_new();
	TidyDupesGroup *group;
	gint64 size = 0;

	for (guint i = 0; i < dirs->len; i++) {
		guint32 dir = g_array_index(dirs, guint32, i);
		Content content;

		if (has_above(groups, dir, TIDY_DIR_COVERED))
			continue;
		size = g_array_index(groups->trees, TidyTree, dir).size;
		content = dir_content(groups, dir);
		g_array_append_val(contents, content);
	}
	if (contents->len < 2)
		return;
	group = add_group(groups, contents, TIDY_TYPE_DIR, size);
	for (guint i = 0; i < group->names->len; i++) {
		const TidyDupesName *name = &g_array_index(group->names, TidyDupesName, i);
		gboolean is_kept = (name->flags & TIDY_DUPES_KEPT) != 0;

		for (guint k = 0; k < dirs->len; k++) {
			TidyDirRecord *record =
				tidy_catalog_dir(groups->catalog, g_array_index(dirs, guint32, k));

			if (record->ino == name->st.ino && record->dev == name->st.dev)
				record->flags |= is_kept ? TIDY_DIR_UNIT_KEPT : TIDY_DIR_COVERED;
		}
	}
}

/* Directories of one unit number follow each other, the highest trees first. */
static gint
by_height_and_unit(gconstpointer a, gconstpointer b, gpointer data)
{
	const GArray *trees = data;
	guint32 x = *(const guint32 *)a, y = *(const guint32 *)b;
	const TidyTree *x_tree = &g_array_index(trees, TidyTree, x);
	const TidyTree *y_tree = &g_array_index(trees, TidyTree, y);

	if (x_tree->height != y_tree->height)
		return x_tree->height > y_tree->height ? -1 : 1;
	if (x_tree->unit != y_tree->unit)
		return x_tree->unit < y_tree->unit ? -1 : 1;
	return x < y ? -1 : x > y;
}

static void
build_dirs(Groups *groups)
{
	g_autoptr(GArray) units = g_array_new(FALSE, FALSE, sizeof(guint32));
	g_autoptr(GArray) dirs = g_array_new(FALSE, FALSE, sizeof(guint32));
	guint32 last = 0;

	for (guint32 i = 0; i < groups->trees->len; i++) {
		const TidyTree *tree = &g_array_index(groups->trees, TidyTree, i);

		if (tree->unit != 0 && tree->size > 0)
			g_array_append_val(units, i);
	}
	g_array_sort_with_data(units, by_height_and_unit, (gpointer)groups->trees);
	for (guint i = 0; i < units->len; i++) {
		guint32 dir = g_array_index(units, guint32, i);
		guint32 unit = g_array_index(groups->trees, TidyTree, dir).unit;

		if (unit != last) {
			group_dirs(groups, dirs);
			g_array_set_size(dirs, 0);
			last = unit;
		}
		g_array_append_val(dirs, dir);
	}
	group_dirs(groups, dirs);
}

/* ---- files ---- */

static gint
by_path(gconstpointer a, gconstpointer b)
{
	const TidyDupesName *x = a, *y = b;
	gboolean is_x_covered = (x->flags & TIDY_DUPES_COVERED) != 0;
	gboolean is_y_covered = (y->flags & TIDY_DUPES_COVERED) != 0;

	if (is_x_covered != is_y_covered)
		return is_x_covered ? 1 : -1;
	return strcmp(x->path, y->path);
}

/* One inode with all its names. */
static Content
file_content(Groups *groups, guint32 file)
{
	TidyCatalog *catalog = groups->catalog;
	const TidyFileRecord *first = tidy_catalog_file(catalog, file);
	Content content = { .names = names_new(), .flags = TIDY_DUPES_COVERED };

	content.root = tidy_catalog_dir(catalog, first->dir)->root;
	for (guint32 at = file; at != TIDY_NO_INDEX;) {
		const TidyFileRecord *record = tidy_catalog_file(catalog, at);
		TidyDupesName name = {
			.path = tidy_catalog_path(catalog, record->dir,
						  tidy_catalog_name(catalog, record->name)),
			.flags = flags_in(groups, record->dir),
			.st = tidy_catalog_file_stat(catalog, at),
		};

		if (first->is_shared)
			name.flags |= TIDY_DUPES_SHARED;
		if (!(name.flags & TIDY_DUPES_COVERED))
			content.flags &= ~TIDY_DUPES_COVERED;
		content.flags |= name.flags & ~TIDY_DUPES_COVERED;
		g_array_append_val(content.names, name);
		at = record->next_link;
	}
	if (first->nlink > content.names->len)
		content.flags |= TIDY_DUPES_LINKED_OUT;
	for (guint i = 0; i < content.names->len; i++)
		g_array_index(content.names, TidyDupesName, i).flags |=
			content.flags & TIDY_DUPES_LINKED_OUT;
	g_array_sort(content.names, by_path);
	content.device_bytes = first->is_shared ? 0 : first->blocks * 512;
	return content;
}

static void
build_files(Groups *groups, const TidySets *sets, const TidyContent *equal)
{
	g_autoptr(GArray) contents = contents_new();
	gint64 size = 0;

	for (guint i = equal->start; i < equal->start + equal->count; i++) {
		guint32 file = g_array_index(sets->members, guint32, i);

		size = tidy_catalog_file(groups->catalog, file)->size;
		while (file != TIDY_NO_INDEX) {
			Content content = file_content(groups, file);

			g_array_append_val(contents, content);
			file = tidy_catalog_file(groups->catalog, file)->next_twin;
		}
	}
	if (contents->len > 1)
		add_group(groups, contents, TIDY_TYPE_FILE, size);
}

/* ---- all ---- */

static gint
by_worth(gconstpointer a, gconstpointer b)
{
	const TidyDupesGroup *x = *(TidyDupesGroup *const *)a, *y = *(TidyDupesGroup *const *)b;

	if (x->reclaimable_bytes != y->reclaimable_bytes)
		return x->reclaimable_bytes > y->reclaimable_bytes ? -1 : 1;
	return strcmp(g_array_index(x->names, TidyDupesName, 0).path,
		      g_array_index(y->names, TidyDupesName, 0).path);
}

void
tidy_groups_build(TidyCatalog *catalog, const TidySets *sets, const GArray *trees)
{
	Groups groups = { catalog, catalog->dupes, trees };

	g_ptr_array_set_free_func(catalog->dupes->groups, group_free);
	build_dirs(&groups);
	for (guint i = 0; i < sets->contents->len; i++)
		build_files(&groups, sets, &g_array_index(sets->contents, TidyContent, i));
	g_ptr_array_sort(catalog->dupes->groups, by_worth);
}
