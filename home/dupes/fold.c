/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Plans of what to do about duplicates, and the rules that every plan has to keep. Pure. */
#include <string.h>

#include "home/dupes/dupes.h"

static const TidyDupesName *
name_at(const TidyDupesGroup *group, guint index)
{
	return &g_array_index(group->names, TidyDupesName, index);
}

static void
add_fold(GArray *folds, const TidyDupesGroup *group, const TidyDupesName *keep,
	 const TidyDupesName *name)
{
	TidyDupesFold fold = { group, keep, name };

	g_array_append_val(folds, fold);
}

/* Hard-linked names go together: one that stayed would keep the blocks. */
static void
plan_trash(GArray *folds, const TidyDupesGroup *group)
{
	for (guint i = 1; i < group->names->len; i++) {
		const TidyDupesName *name = name_at(group, i);

		if (!(name->flags & (TIDY_DUPES_KEPT | TIDY_DUPES_COVERED)))
			add_fold(folds, group, name_at(group, 0), name);
	}
}

static gboolean
can_be_one_file(const TidyDupesName *keep, const TidyDupesName *name, TidyDupesAction action)
{
	if (keep->st.dev != name->st.dev || keep->st.ino == name->st.ino)
		return FALSE;
	if (action == TIDY_DUPES_REFLINK)
		return !(keep->flags & name->flags & TIDY_DUPES_SHARED);
	return keep->st.mode == name->st.mode && keep->st.uid == name->st.uid &&
	       keep->st.gid == name->st.gid;
}

/* The name that those of the same device are folded onto: the first one there. */
static const TidyDupesName *
keep_of_device(const TidyDupesGroup *group, guint64 dev)
{
	guint i = 0;

	while (name_at(group, i)->st.dev != dev)
		i++;
	return name_at(group, i);
}

static void
plan_links(GArray *folds, const TidyDupesGroup *group, TidyDupesAction action)
{
	guint last_content = G_MAXUINT;

	if (group->type != TIDY_TYPE_FILE)
		return;
	for (guint i = 1; i < group->names->len; i++) {
		const TidyDupesName *name = name_at(group, i);
		const TidyDupesName *keep = keep_of_device(group, name->st.dev);

		if ((name->flags & (TIDY_DUPES_KEPT | TIDY_DUPES_PROTECTED | TIDY_DUPES_IN_BUNDLE |
				    TIDY_DUPES_LINKED_OUT)) ||
		    !can_be_one_file(keep, name, action))
			continue;
		/* Sharing blocks is done once for a file, whatever its names. */
		if (action == TIDY_DUPES_REFLINK && name->content == last_content)
			continue;
		last_content = name->content;
		add_fold(folds, group, keep, name);
	}
}

GArray *
tidy_dupes_plan(const TidyDupes *dupes, TidyDupesAction action)
{
	GArray *folds = g_array_new(FALSE, FALSE, sizeof(TidyDupesFold));

	for (guint i = 0; i < dupes->groups->len; i++) {
		if (action == TIDY_DUPES_TRASH)
			plan_trash(folds, dupes->groups->pdata[i]);
		else
			plan_links(folds, dupes->groups->pdata[i], action);
	}
	return folds;
}

/* TRUE when a directory above @path is in @set. */
static gboolean
has_ancestor(GHashTable *set, const char *path)
{
	g_autofree char *above = g_strdup(path);
	char *slash;

	while ((slash = strrchr(above, '/')) != NULL) {
		*slash = '\0';
		if (g_hash_table_contains(set, above))
			return TRUE;
	}
	return FALSE;
}

static const char *
check_fold(const TidyDupesFold *fold, GHashTable *folded, GHashTable *kept)
{
	if (g_hash_table_contains(folded, fold->keep->path))
		return "a name is both kept and folded";
	if (has_ancestor(folded, fold->keep->path))
		return "a name is kept in a directory that is folded";
	if (has_ancestor(folded, fold->fold->path))
		return "a name is folded in a directory that is folded";
	if (has_ancestor(kept, fold->fold->path))
		return "a name is folded in a directory that is kept";
	if (fold->fold->flags & (TIDY_DUPES_PROTECTED | TIDY_DUPES_IN_BUNDLE | TIDY_DUPES_KEPT))
		return "a name that has to stay is folded";
	return NULL;
}

const char *
tidy_dupes_check_plan(GArray *folds)
{
	g_autoptr(GHashTable) folded = g_hash_table_new(g_str_hash, g_str_equal);
	g_autoptr(GHashTable) kept = g_hash_table_new(g_str_hash, g_str_equal);

	for (guint i = 0; i < folds->len; i++) {
		const TidyDupesFold *fold = &g_array_index(folds, TidyDupesFold, i);

		if (!g_hash_table_add(folded, fold->fold->path))
			return "a name is folded twice";
		g_hash_table_add(kept, fold->keep->path);
	}
	for (guint i = 0; i < folds->len; i++) {
		const char *problem =
			check_fold(&g_array_index(folds, TidyDupesFold, i), folded, kept);

		if (problem != NULL)
			return problem;
	}
	return NULL;
}
