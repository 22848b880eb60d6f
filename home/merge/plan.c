/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Decisions for the entries of one stray directory. Pure. */
#include "home/merge/plan.h"

#include <limits.h>
#include <string.h>

#include "home/merge/naming.h"

/* --- decisions --- */

static const TidyEntry *
entry_at(const TidyListing *listing, guint index)
{
	return &g_array_index(listing->entries, TidyEntry, index);
}

struct TidyPlanner {
	const TidyListing *source;
	const TidyListing *target;
	const GArray *twins;
	TidyPolicy policy;
	GHashTable *given; /* names that this plan gives away */
	GHashTable *pages; /* tidy_plan_pages(); or NULL */
	GArray *paged; /* of TidyDecision with index: partners that were decided with their page */
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
has_new_text(const TidyPlanner *planner, const TidyEntry *entry)
{
	const TidyLinkTexts *link = tidy_listing_link(planner->source, entry);

	return link != NULL && link->new_text != NULL;
}

static gboolean
has_no_rename(const TidyEntry *entry)
{
	return (entry->flags & TIDY_ENTRY_NO_RENAME) != 0;
}

/* How an entry gets to a name that is free in the target. */
static TidyDecisionKind
way_over(const TidyPlanner *planner, const TidyEntry *entry)
{
	if (has_new_text(planner, entry) || (entry->type == TIDY_TYPE_LINK && has_no_rename(entry)))
		return TIDY_DECISION_RELINK;
	if (entry->type == TIDY_TYPE_DIR &&
	    (entry->flags & (TIDY_ENTRY_NO_RENAME | TIDY_ENTRY_RELINKS)) != 0)
		return TIDY_DECISION_MAKE_DIR;
	return TIDY_DECISION_MOVE;
}

static TidyDecision
leave(TidyWhy why)
{
	return (TidyDecision){ .kind = TIDY_DECISION_LEAVE, .why = why };
}

static TidyDecision
keep_as(const TidyPlanner *planner, const TidyEntry *entry, const char *name)
{
	if (name == NULL)
		return leave(TIDY_WHY_NO_NAME);
	return (TidyDecision){
		.kind = way_over(planner, entry),
		.why = TIDY_WHY_NAME_TAKEN,
		.new_name = name,
	};
}

static TidyDecision
keep_both(TidyPlanner *planner, const TidyEntry *entry)
{
	return keep_as(planner, entry,
		       tidy_planner_free_name(planner, entry->name, entry->type == TIDY_TYPE_DIR));
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
		return (TidyDecision){
			.kind = tidy_plan_is_union_file(entry->name) ? TIDY_DECISION_UNION
								     : TIDY_DECISION_DISCARD,
			.why = TIDY_WHY_VIEW_FILE,
		};
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
		if (way_over(planner, entry) == TIDY_DECISION_RELINK)
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
	if (tidy_plan_is_cache_file(entry->name) && entry->type == TIDY_TYPE_FILE)
		return (TidyDecision){ .kind = TIDY_DECISION_DISCARD, .why = TIDY_WHY_VIEW_FILE };
	return (TidyDecision){
		.kind = way_over(planner, entry),
		.why = has_new_text(planner, entry) ? TIDY_WHY_RELATIVE_LINK : TIDY_WHY_ABSENT,
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

/* --- a saved page and its directory --- */

static const TidyTwin *
twin_of(const TidyPlanner *planner, guint at)
{
	guint low = 0;
	guint high = planner->twins->len;

	while (low < high) {
		guint middle = (low + high) / 2;
		const TidyTwin *twin = &g_array_index(planner->twins, TidyTwin, middle);

		if (twin->source_index == at)
			return twin;
		if (twin->source_index < at)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* What keeps an entry where it is whatever the target has; NONE: nothing. */
static TidyWhy
why_bound(const TidyEntry *entry)
{
	if ((entry->flags & TIDY_ENTRY_UNFINISHED) != 0)
		return TIDY_WHY_UNFINISHED;
	if ((entry->flags & TIDY_ENTRY_MOUNT) != 0)
		return TIDY_WHY_MOUNT;
	if ((entry->flags & TIDY_ENTRY_UNREADABLE) != 0)
		return TIDY_WHY_UNREADABLE;
	if ((entry->flags & TIDY_ENTRY_OPEN) != 0)
		return TIDY_WHY_OPEN;
	return (entry->flags & TIDY_ENTRY_YOUNG) != 0 ? TIDY_WHY_YOUNG : TIDY_WHY_NONE;
}

typedef struct {
	TidyPlanner *planner;
	const char *page;
	const char *directory;
} PageNames;

static gboolean
is_page_taken(const char *name, gpointer data)
{
	const PageNames *names = data;
	g_autofree char *directory = tidy_plan_page_directory(names->page, names->directory, name);

	return is_taken(name, names->planner) || is_taken(directory, names->planner) ||
	       strlen(directory) > NAME_MAX;
}

/* Both under the next number that is free for both. */
static void
number_page(TidyPlanner *planner, const TidyEntry *page, const TidyEntry *directory,
	    TidyDecision decisions[2])
{
	PageNames names = { planner, page->name, directory->name };
	char *new_page = tidy_naming_next(page->name, FALSE, is_page_taken, &names);
	char *new_directory = NULL;

	if (new_page != NULL) {
		new_directory = tidy_plan_page_directory(page->name, directory->name, new_page);
		g_hash_table_add(planner->given, new_page);
		g_hash_table_add(planner->given, new_directory);
	}
	decisions[0] = keep_as(planner, page, new_page);
	decisions[1] = keep_as(planner, directory, new_directory);
}

/* Decides for both. FALSE: each may go its own way, which is the same one, or the page is there already. */
static gboolean
decide_page(TidyPlanner *planner, guint page_at, guint directory_at, TidyDecision decisions[2])
{
	const TidyEntry *page = entry_at(planner->source, page_at);
	const TidyEntry *directory = entry_at(planner->source, directory_at);
	const TidyTwin *page_twin = twin_of(planner, page_at);
	const TidyTwin *directory_twin = twin_of(planner, directory_at);
	TidyWhy why = why_bound(page) != TIDY_WHY_NONE ? why_bound(page) : why_bound(directory);

	if (((page->flags | directory->flags) & TIDY_ENTRY_EXCLUDED) != 0)
		return FALSE;
	if (page_twin != NULL && (page_twin->relation == TIDY_RELATION_IDENTICAL ||
				  page_twin->relation == TIDY_RELATION_SAME_FILE))
		return FALSE;
	if (why == TIDY_WHY_NONE && page_twin != NULL &&
	    page_twin->relation == TIDY_RELATION_UNKNOWN)
		why = TIDY_WHY_UNREADABLE;
	if (why == TIDY_WHY_NONE && page_twin == NULL && directory_twin == NULL &&
	    ((page->flags | directory->flags) & TIDY_ENTRY_TAKEN) == 0)
		return FALSE;
	if (why == TIDY_WHY_NONE && (directory->flags & TIDY_ENTRY_HOLDS) != 0)
		why = TIDY_WHY_OPEN;
	if (why == TIDY_WHY_NONE && planner->policy.collisions == TIDY_COLLISIONS_SKIP)
		why = TIDY_WHY_POLICY_SKIP;
	if (why == TIDY_WHY_NONE && planner->policy.collisions == TIDY_COLLISIONS_ASK)
		why = TIDY_WHY_POLICY_ASK;
	if (why == TIDY_WHY_NONE)
		number_page(planner, page, directory, decisions);
	else
		decisions[0] = decisions[1] = leave(why);
	return TRUE;
}

/* TRUE when the entry is half of a saved page, and decided with its other half. */
static gboolean
take_paged(TidyPlanner *planner, guint at, TidyDecision *decision)
{
	guint partner =
		GPOINTER_TO_UINT(g_hash_table_lookup(planner->pages, GUINT_TO_POINTER(at + 1)));
	gboolean is_page = entry_at(planner->source, at)->type != TIDY_TYPE_DIR;
	TidyDecision decisions[2];

	if (partner == 0)
		return FALSE;
	for (guint i = 0; i < planner->paged->len; i++) {
		if (g_array_index(planner->paged, TidyDecision, i).index != at)
			continue;
		*decision = g_array_index(planner->paged, TidyDecision, i);
		g_array_remove_index_fast(planner->paged, i);
		return TRUE;
	}
	/* The other half, if it came first, was not decided either. */
	if (partner - 1 < at || !decide_page(planner, is_page ? at : partner - 1,
					     is_page ? partner - 1 : at, decisions))
		return FALSE;
	*decision = decisions[is_page ? 0 : 1];
	decisions[is_page ? 1 : 0].index = partner - 1;
	g_array_append_val(planner->paged, decisions[is_page ? 1 : 0]);
	return TRUE;
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
	planner->pages = tidy_plan_pages(source);
	planner->paged = g_array_new(FALSE, FALSE, sizeof(TidyDecision));
	return planner;
}

void
tidy_planner_free(TidyPlanner *planner)
{
	g_hash_table_unref(planner->given);
	g_clear_pointer(&planner->pages, g_hash_table_unref);
	g_array_unref(planner->paged);
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
		if (planner->pages == NULL || !take_paged(planner, at, decision))
			*decision = decide(planner, entry, twin);
		decision->index = at;
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
