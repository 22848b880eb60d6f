/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Decisions for the entries of one stray directory. Pure. */
#include "home/merge/plan.h"

#include <string.h>

#include "home/merge/naming.h"

/* Of file managers and of no use elsewhere; they are made again when somebody looks at the directory. */
static const char *const caches[] = { ".DS_Store", "Thumbs.db", "ehthumbs.db", ".localized" };
/* Names are kept in blocks: one allocation for hundreds. */
#define NAMES_BLOCK_BYTES 4096

/* How a directory is shown: the user's choice, worth keeping unless the target made its own. */
static const char *const view_files[] = { ".directory", ".hidden", "desktop.ini", "Desktop.ini" };

static gboolean
is_one_of(const char *name, const char *const *names, gsize n)
{
	for (gsize i = 0; i < n; i++) {
		if (strcmp(name, names[i]) == 0)
			return TRUE;
	}
	return FALSE;
}

static gboolean
is_cache(const char *name)
{
	return is_one_of(name, caches, G_N_ELEMENTS(caches));
}

gboolean
tidy_plan_is_view_file(const char *name)
{
	return is_cache(name) || is_one_of(name, view_files, G_N_ELEMENTS(view_files));
}

/* --- listings --- */

static void
entry_clear(gpointer data)
{
	TidyEntry *entry = data;

	if (entry->link == NULL)
		return;
	g_free(entry->link->old_text);
	g_free(entry->link->new_text);
	g_free(entry->link);
}

TidyListing *
tidy_listing_new(void)
{
	TidyListing *listing = g_new0(TidyListing, 1);

	listing->entries = g_array_new(FALSE, TRUE, sizeof(TidyEntry));
	listing->names = g_string_chunk_new(NAMES_BLOCK_BYTES);
	g_array_set_clear_func(listing->entries, entry_clear);
	return listing;
}

void
tidy_listing_free(TidyListing *listing)
{
	g_array_unref(listing->entries);
	g_string_chunk_free(listing->names);
	g_free(listing);
}

TidyEntry *
tidy_listing_add(TidyListing *listing, const char *name, guint64 ino, TidyType type)
{
	TidyEntry entry = {
		.name = g_string_chunk_insert(listing->names, name),
		.ino = ino,
		.type = type,
	};

	g_array_append_val(listing->entries, entry);
	return &g_array_index(listing->entries, TidyEntry, listing->entries->len - 1);
}

void
tidy_listing_set_link(TidyEntry *entry, char *old_text, char *new_text)
{
	g_assert(entry->link == NULL);
	entry->link = g_new(TidyLinkTexts, 1);
	*entry->link = (TidyLinkTexts){ old_text, new_text };
}

static int
compare_entries(gconstpointer a, gconstpointer b)
{
	return strcmp(((const TidyEntry *)a)->name, ((const TidyEntry *)b)->name);
}

static void
swap_entries(TidyEntry *a, TidyEntry *b)
{
	TidyEntry other = *a;

	*a = *b;
	*b = other;
}

static guchar
middle(guchar a, guchar b, guchar c)
{
	return MAX(MIN(a, b), MIN(MAX(a, b), c));
}

/* Entries whose names agree in their first @depth bytes. */
typedef struct {
	TidyEntry *entries;
	gsize n;
	gsize depth;
} Part;

/* Into those whose next byte is below that of a pivot, the same, and above. */
static void
split_part(const Part *part, Part parts[3])
{
	TidyEntry *entries = part->entries;
	gsize depth = part->depth;
	guchar pivot =
		middle((guchar)entries[0].name[depth], (guchar)entries[part->n / 2].name[depth],
		       (guchar)entries[part->n - 1].name[depth]);
	gsize below = 0;
	gsize above = part->n;

	for (gsize i = 0; i < above;) {
		guchar byte = (guchar)entries[i].name[depth];

		if (byte < pivot)
			swap_entries(&entries[below++], &entries[i++]);
		else if (byte > pivot)
			swap_entries(&entries[i], &entries[--above]);
		else
			i++;
	}
	parts[0] = (Part){ entries, below, depth };
	/* Equal up to the end: one name given twice. */
	parts[1] = (Part){ entries + below, pivot == '\0' ? 0 : above - below, depth + 1 };
	parts[2] = (Part){ entries + above, part->n - above, depth };
}

/*
 * Multikey quicksort (Bentley and Sedgewick, SODA 1997): in place, because a merge sort of a million names wants as
 * much memory again, and no byte is looked at much more than once. The loop goes on with the largest part, so that the
 * stack is at most log2(n) deep.
 */
static void
sort_part(Part part)
{
	while (part.n > 1) {
		Part parts[3];
		gsize largest = 0;

		split_part(&part, parts);
		for (gsize i = 1; i < 3; i++) {
			if (parts[i].n > parts[largest].n)
				largest = i;
		}
		for (gsize i = 0; i < 3; i++) {
			if (i != largest)
				sort_part(parts[i]);
		}
		part = parts[largest];
	}
}

void
tidy_listing_sort(TidyListing *listing)
{
	sort_part((Part){ (TidyEntry *)(void *)listing->entries->data, listing->entries->len, 0 });
}

TidyEntry *
tidy_listing_find(const TidyListing *listing, const char *name)
{
	TidyEntry key = { .name = name };
	guint at;

	if (!g_array_binary_search(listing->entries, &key, compare_entries, &at))
		return NULL;
	return &g_array_index(listing->entries, TidyEntry, at);
}

static const TidyEntry *
entry_at(const TidyListing *listing, guint index)
{
	return &g_array_index(listing->entries, TidyEntry, index);
}

GArray *
tidy_plan_twins(const TidyListing *source, const TidyListing *target)
{
	GArray *twins = g_array_new(FALSE, TRUE, sizeof(TidyTwin));
	guint s = 0;
	guint t = 0;

	while (s < source->entries->len && t < target->entries->len) {
		int order = strcmp(entry_at(source, s)->name, entry_at(target, t)->name);

		if (order == 0) {
			TidyTwin twin = { .source_index = s, .target_index = t };

			g_array_append_val(twins, twin);
		}
		s += order <= 0;
		t += order >= 0;
	}
	return twins;
}

/* --- decisions --- */

struct TidyPlanner {
	const TidyListing *source;
	const TidyListing *target;
	const GArray *twins;
	TidyPolicy policy;
	GHashTable *given; /* names that this plan gives away */
	guint next_entry;
	guint next_twin;
};

static gboolean
is_taken(const char *name, gpointer data)
{
	const TidyPlanner *planner = data;

	return tidy_listing_find(planner->target, name) != NULL ||
	       tidy_listing_find(planner->source, name) != NULL ||
	       g_hash_table_contains(planner->given, name);
}

const char *
tidy_planner_free_name(TidyPlanner *planner, const char *name, gboolean is_directory)
{
	char *given = tidy_naming_next(name, is_directory, is_taken, planner);

	if (given != NULL)
		g_hash_table_add(planner->given, given);
	return given;
}

static gboolean
has_new_text(const TidyEntry *entry)
{
	return entry->link != NULL && entry->link->new_text != NULL;
}

static gboolean
has_no_rename(const TidyEntry *entry)
{
	return (entry->flags & TIDY_ENTRY_NO_RENAME) != 0;
}

/* How an entry gets to a name that is free in the target. */
static TidyDecisionKind
way_over(const TidyEntry *entry)
{
	if (has_new_text(entry) || (entry->type == TIDY_TYPE_LINK && has_no_rename(entry)))
		return TIDY_DECISION_RELINK;
	if (entry->type == TIDY_TYPE_DIR && has_no_rename(entry))
		return TIDY_DECISION_MAKE_DIR;
	return TIDY_DECISION_MOVE;
}

static TidyDecision
leave(TidyWhy why)
{
	return (TidyDecision){ .kind = TIDY_DECISION_LEAVE, .why = why };
}

static TidyDecision
keep_both(TidyPlanner *planner, const TidyEntry *entry)
{
	const char *name =
		tidy_planner_free_name(planner, entry->name, entry->type == TIDY_TYPE_DIR);

	if (name == NULL)
		return leave(TIDY_WHY_NO_NAME);
	return (TidyDecision){
		.kind = way_over(entry),
		.why = TIDY_WHY_NAME_TAKEN,
		.new_name = name,
	};
}

/* Only files and links have an age that says which one a user wants. */
static TidyDecision
keep_newer(TidyPlanner *planner, const TidyEntry *entry, const TidyTwin *twin)
{
	const TidyEntry *other = entry_at(planner->target, twin->target_index);

	if (entry->type != other->type || entry->type == TIDY_TYPE_DIR)
		return keep_both(planner, entry);
	if (twin->source_mtime_ns <= twin->target_mtime_ns)
		return (TidyDecision){ .kind = TIDY_DECISION_FOLD, .why = TIDY_WHY_NEWER };
	return (TidyDecision){ .kind = TIDY_DECISION_REPLACE, .why = TIDY_WHY_NEWER };
}

static TidyDecision
decide_collision(TidyPlanner *planner, const TidyEntry *entry, const TidyTwin *twin)
{
	if (tidy_plan_is_view_file(entry->name) && entry->type == TIDY_TYPE_FILE)
		return (TidyDecision){ .kind = TIDY_DECISION_DISCARD, .why = TIDY_WHY_VIEW_FILE };
	switch (planner->policy.collisions) {
	case TIDY_COLLISIONS_KEEP_BOTH:
		break;
	case TIDY_COLLISIONS_NEWER:
		return keep_newer(planner, entry, twin);
	case TIDY_COLLISIONS_SKIP:
		return leave(TIDY_WHY_POLICY_SKIP);
	case TIDY_COLLISIONS_ASK:
		return leave(TIDY_WHY_POLICY_ASK);
	}
	return keep_both(planner, entry);
}

static TidyDecision
decide_identical(TidyPlanner *planner, const TidyEntry *entry)
{
	switch (planner->policy.identical) {
	case TIDY_IDENTICAL_TRASH:
		return (TidyDecision){ .kind = TIDY_DECISION_FOLD, .why = TIDY_WHY_IDENTICAL };
	case TIDY_IDENTICAL_DELETE:
		/* A link has no content to compare again at the moment of acting: the Trash is as good. */
		return (TidyDecision){
			.kind = entry->type == TIDY_TYPE_FILE ? TIDY_DECISION_DELETE
							      : TIDY_DECISION_FOLD,
			.why = TIDY_WHY_IDENTICAL,
		};
	case TIDY_IDENTICAL_KEEP:
		break;
	}
	return keep_both(planner, entry);
}

static TidyDecision
decide_twin(TidyPlanner *planner, const TidyEntry *entry, const TidyTwin *twin)
{
	switch (twin->relation) {
	case TIDY_RELATION_UNKNOWN:
		return leave(TIDY_WHY_UNREADABLE);
	case TIDY_RELATION_SAME_FILE:
		return (TidyDecision){ .kind = TIDY_DECISION_DELETE, .why = TIDY_WHY_SAME_FILE };
	case TIDY_RELATION_BOTH_DIRS:
		return (TidyDecision){ .kind = TIDY_DECISION_DESCEND };
	case TIDY_RELATION_IDENTICAL:
		if (way_over(entry) == TIDY_DECISION_RELINK)
			return (TidyDecision){ .kind = TIDY_DECISION_UNLINK,
					       .why = TIDY_WHY_RELATIVE_LINK };
		return decide_identical(planner, entry);
	case TIDY_RELATION_DIFFERENT:
		break;
	}
	return decide_collision(planner, entry, twin);
}

static TidyDecision
decide_alone(TidyPlanner *planner, const TidyEntry *entry)
{
	if ((entry->flags & TIDY_ENTRY_TAKEN) != 0)
		return keep_both(planner, entry);
	if (is_cache(entry->name) && entry->type == TIDY_TYPE_FILE)
		return (TidyDecision){ .kind = TIDY_DECISION_DISCARD, .why = TIDY_WHY_VIEW_FILE };
	return (TidyDecision){
		.kind = way_over(entry),
		.why = has_new_text(entry) ? TIDY_WHY_RELATIVE_LINK : TIDY_WHY_ABSENT,
	};
}

/* Sockets are found by their program under that name or not at all, and a device is no file. */
static gboolean
is_bound(const TidyEntry *entry)
{
	return has_no_rename(entry) &&
	       (entry->type == TIDY_TYPE_SOCKET || entry->type == TIDY_TYPE_CHAR ||
		entry->type == TIDY_TYPE_BLOCK || entry->type == TIDY_TYPE_UNKNOWN);
}

static TidyDecision
decide(TidyPlanner *planner, const TidyEntry *entry, const TidyTwin *twin)
{
	if (is_bound(entry))
		return leave(TIDY_WHY_CROSS_DEVICE);
	if ((entry->flags & TIDY_ENTRY_UNFINISHED) != 0)
		return leave(TIDY_WHY_UNFINISHED);
	if ((entry->flags & TIDY_ENTRY_MOUNT) != 0)
		return leave(TIDY_WHY_MOUNT);
	if ((entry->flags & TIDY_ENTRY_UNREADABLE) != 0)
		return leave(TIDY_WHY_UNREADABLE);
	/* Below a directory that both have, each entry is looked at by itself. */
	if (twin != NULL && twin->relation == TIDY_RELATION_BOTH_DIRS)
		return decide_twin(planner, entry, twin);
	if ((entry->flags & TIDY_ENTRY_HOLDS) != 0 && twin == NULL)
		return (TidyDecision){ .kind = TIDY_DECISION_MAKE_DIR, .why = TIDY_WHY_ABSENT };
	if ((entry->flags & (TIDY_ENTRY_OPEN | TIDY_ENTRY_HOLDS)) != 0)
		return leave(TIDY_WHY_OPEN);
	if ((entry->flags & TIDY_ENTRY_YOUNG) != 0)
		return leave(TIDY_WHY_YOUNG);
	return twin != NULL ? decide_twin(planner, entry, twin) : decide_alone(planner, entry);
}

TidyPlanner *
tidy_planner_new(const TidyListing *source, const TidyListing *target, const GArray *twins,
		 const TidyPolicy *policy)
{
	TidyPlanner *planner = g_new0(TidyPlanner, 1);

	planner->source = source;
	planner->target = target;
	planner->twins = twins;
	planner->policy = *policy;
	planner->given = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	return planner;
}

void
tidy_planner_free(TidyPlanner *planner)
{
	g_hash_table_unref(planner->given);
	g_free(planner);
}

gboolean
tidy_planner_next(TidyPlanner *planner, TidyDecision *decision)
{
	while (planner->next_entry < planner->source->entries->len) {
		guint at = planner->next_entry++;
		const TidyEntry *entry = entry_at(planner->source, at);
		const TidyTwin *twin = NULL;

		if (planner->next_twin < planner->twins->len &&
		    g_array_index(planner->twins, TidyTwin, planner->next_twin).source_index == at)
			twin = &g_array_index(planner->twins, TidyTwin, planner->next_twin++);
		if ((entry->flags & TIDY_ENTRY_EXCLUDED) != 0)
			continue;
		*decision = decide(planner, entry, twin);
		decision->index = at;
		return TRUE;
	}
	return FALSE;
}

/* Two repositories of the same name are two repositories: mixing their files would ruin both. */
gboolean
tidy_plan_is_unit(const TidyListing *listing)
{
	static const char *const marks[] = { ".git", ".hg", ".svn", ".bzr", ".jj", "CVS" };

	for (gsize i = 0; i < G_N_ELEMENTS(marks); i++) {
		if (tidy_listing_find(listing, marks[i]) != NULL)
			return TRUE;
	}
	return FALSE;
}

/* --- links --- */

/* TRUE, and @rest is what follows, when @path is @root or lies below it. */
static gboolean
is_below(const char *path, const char *root, const char **rest)
{
	size_t length = strlen(root);

	if (strncmp(path, root, length) != 0 || (path[length] != '\0' && path[length] != '/'))
		return FALSE;
	*rest = path + length;
	return TRUE;
}

/* "/a/b" and "/a/c/d" give "../c/d". */
char *
tidy_plan_relative_path(const char *from_dir, const char *to)
{
	g_auto(GStrv) from_parts = g_strsplit(from_dir + 1, "/", -1);
	g_auto(GStrv) to_parts = g_strsplit(to + 1, "/", -1);
	GString *path = g_string_new(NULL);
	guint common = 0;

	while (from_parts[common] != NULL && to_parts[common] != NULL &&
	       strcmp(from_parts[common], to_parts[common]) == 0)
		common++;
	for (guint i = common; from_parts[i] != NULL && *from_parts[i] != '\0'; i++)
		g_string_append(path, "../");
	for (guint i = common; to_parts[i] != NULL; i++)
		g_string_append_printf(path, "%s/", to_parts[i]);
	if (path->len == 0)
		g_string_append(path, "./");
	g_string_truncate(path, path->len - 1);
	return g_string_free(path, FALSE);
}

char *
tidy_plan_link_text(const char *text, const char *from_dir, const char *to_dir, const char *stray,
		    const char *target)
{
	g_autofree char *before = NULL;
	g_autofree char *after = NULL;
	g_autofree char *wanted = NULL;
	const char *rest;

	if (*text == '\0' || *text == '/')
		return NULL;
	before = g_canonicalize_filename(text, from_dir);
	after = g_canonicalize_filename(text, to_dir);
	if (is_below(before, stray, &rest))
		wanted = g_strconcat(target, rest, NULL);
	else
		wanted = g_strdup(before);
	return strcmp(after, wanted) == 0 ? NULL : tidy_plan_relative_path(to_dir, wanted);
}
