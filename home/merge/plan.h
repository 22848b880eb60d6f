/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What to do with each entry of a stray directory: two listings, the facts about names that both have, and a policy
 * in; one decision per entry out. One pair of directories at a time, so that a tree of a million entries never
 * stands in memory as a whole. Pure.
 *
 *	tidy_listing_sort(source); tidy_listing_sort(target);
 *	twins = tidy_plan_twins(source, target);        names on both sides: the engine fills in their relation
 *	planner = tidy_planner_new(source, target, twins, policy);
 *	while (tidy_planner_next(planner, &decision)) ...
 */
#pragma once

#include "home/merge/step.h"

typedef enum {
	TIDY_COLLISIONS_KEEP_BOTH,
	TIDY_COLLISIONS_NEWER,
	TIDY_COLLISIONS_SKIP,
	TIDY_COLLISIONS_ASK,
} TidyCollisions;

typedef enum {
	TIDY_IDENTICAL_TRASH,
	TIDY_IDENTICAL_DELETE,
	TIDY_IDENTICAL_KEEP,
} TidyIdentical;

typedef struct {
	TidyCollisions collisions;
	TidyIdentical identical;
} TidyPolicy;

/* What the engine knows about an entry beyond its listing. */
typedef enum {
	TIDY_ENTRY_UNFINISHED = 1 << 0, /* a partial download or its partner */
	TIDY_ENTRY_OPEN = 1 << 1,	/* open for writing */
	TIDY_ENTRY_YOUNG = 1 << 2,
	TIDY_ENTRY_MOUNT = 1 << 3,
	TIDY_ENTRY_TAKEN =
		1 << 4, /* the target refused this very name (a case-insensitive directory) */
	TIDY_ENTRY_HOLDS = 1 << 6, /* a directory with something below it that cannot go along */
	TIDY_ENTRY_UNREADABLE = 1 << 7, /* what must be known of it could not be read */
	TIDY_ENTRY_RELINKS = 1 << 9, /* a directory with a link below it that has to be rewritten */
	TIDY_ENTRY_NO_RENAME = 1 << 8, /* no rename takes it over: another file system */
	TIDY_ENTRY_EXCLUDED = 1 << 5,  /* not part of this job: no decision, it just stays */
} TidyEntryFlags;

/* Of a symbolic link: what it says. */
typedef struct {
	char *old_text;
	char *new_text; /* of a relative link that the move would break: its text at the target; else NULL */
} TidyLinkTexts;

/* Kept small (24 bytes beside its name): a directory may have a million. */
typedef struct {
	const char *name; /* the listing's */
	guint64 ino;
	TidyEntryFlags flags;
	TidyType type : 8;
	guint link : 24; /* see tidy_listing_link() */
} TidyEntry;

/* A listing of one directory; sorted by the bytes of the names. */
typedef struct {
	GArray *entries;     /* of TidyEntry */
	GStringChunk *names; /* of all entries */
	GPtrArray *links;    /* of TidyLinkTexts, or NULL */
} TidyListing;

TidyListing *tidy_listing_new(void);
void tidy_listing_free(TidyListing *listing);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TidyListing, tidy_listing_free)
/* Adds an entry; @name is copied. The answer is valid until the next call. */
TidyEntry *tidy_listing_add(TidyListing *listing, const char *name, guint64 ino, TidyType type);
/* What the link @entry says, and what it has to say after the move (or NULL). (transfer full) both. FALSE: there are too many
 * links in this directory, and nothing is known of this one. */
gboolean tidy_listing_set_link(TidyListing *listing, TidyEntry *entry, char *old_text,
			       char *new_text);
/* What was set, or NULL: not a link, or not read. Borrowed. */
const TidyLinkTexts *tidy_listing_link(const TidyListing *listing, const TidyEntry *entry);
void tidy_listing_sort(TidyListing *listing);
/* Less for an entry that the directory gave earlier; by blocks of a few hundred, not surely beyond. Never 0. */
gsize tidy_listing_disk_order(const TidyEntry *entry);
/* The entry of that name in a sorted listing, or NULL. Borrowed. */
TidyEntry *tidy_listing_find(const TidyListing *listing, const char *name);

/* How the two entries of one name relate. */
typedef enum {
	TIDY_RELATION_UNKNOWN,	 /* could not be found out: nothing is touched */
	TIDY_RELATION_DIFFERENT, /* other content, or other kinds */
	TIDY_RELATION_IDENTICAL, /* equal bytes, or links with equal text */
	TIDY_RELATION_SAME_FILE, /* two links to one inode */
	TIDY_RELATION_BOTH_DIRS, /* descend */
} TidyRelation;

typedef struct {
	guint source_index;
	guint target_index;
	TidyRelation relation;
	gint64 source_mtime_ns;
	gint64 target_mtime_ns;
} TidyTwin;

typedef enum {
	TIDY_DECISION_MOVE,    /* to @new_name, or under its own name when that is NULL */
	TIDY_DECISION_RELINK,  /* as MOVE, and its text becomes the link's new_text */
	TIDY_DECISION_FOLD,    /* the source's copy to the Trash */
	TIDY_DECISION_DELETE,  /* the source's copy goes; the target's twin stays */
	TIDY_DECISION_REPLACE, /* the target's goes to the Trash, then the source's takes the name */
	TIDY_DECISION_UNLINK,  /* a link that the target has already as it would be rewritten */
	TIDY_DECISION_DISCARD, /* a view file: to the Trash */
	TIDY_DECISION_UNION,   /* as DISCARD, and the target's gets the lines that it lacks */
	/* those above take the entry out of the source; those below do not by themselves */
	TIDY_DECISION_DESCEND,
	TIDY_DECISION_MAKE_DIR, /* the target gets a directory, named as for MOVE, then as DESCEND */
	TIDY_DECISION_LEAVE,
} TidyDecisionKind;

typedef struct {
	TidyDecisionKind kind;
	TidyWhy why;
	guint index;	      /* in the source listing */
	const char *new_name; /* or NULL */
} TidyDecision;

/* The names that both sorted listings have, in order, relation UNKNOWN. (transfer full): GArray of TidyTwin. */
GArray *tidy_plan_twins(const TidyListing *source, const TidyListing *target);

/**
 * tidy_planner_new - plans one directory, entry by entry
 * @twins: from tidy_plan_twins(), filled in; borrowed as everything else
 *
 * No two decisions give the same name, and none gives a name that either listing has. A saved page and its directory
 * go, stay or get a number together. Directories that only the source has move whole, but for those with NO_RENAME,
 * RELINKS or HOLDS; links with NO_RENAME are made anew.
 */
typedef struct TidyPlanner TidyPlanner;
TidyPlanner *tidy_planner_new(const TidyListing *source, const TidyListing *target,
			      const GArray *twins, const TidyPolicy *policy);
void tidy_planner_free(TidyPlanner *planner);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TidyPlanner, tidy_planner_free)

/* The decision for the next entry of the source that is not EXCLUDED, in the order of the listing. FALSE: that was all.
 * @decision: (out): its new_name is the planner's. */
gboolean tidy_planner_next(TidyPlanner *planner, TidyDecision *decision);

/**
 * tidy_planner_free_name - a further name for @name that neither listing has and no decision gives
 *
 * For a directory that turns out to be a unit (a repository) only when it is looked into. The planner's, or NULL.
 */
const char *tidy_planner_free_name(TidyPlanner *planner, const char *name, gboolean is_directory);

/* TRUE for a directory that must stay in one piece: a listing with a repository's own directory in it, or a bundle of
 * a Mac. */
gboolean tidy_plan_is_unit(const TidyListing *listing);

/* TRUE for the files that file managers leave in directories (".directory", "desktop.ini", "Thumbs.db", ...). */
gboolean tidy_plan_is_view_file(const char *name);
/* TRUE for those of them that nobody misses, since they are made again (".DS_Store", "Thumbs.db"). */
gboolean tidy_plan_is_cache_file(const char *name);
/* TRUE for those whose lines are a set (".hidden"): of two files one is made. */
gboolean tidy_plan_is_union_file(const char *name);
/* The lines of @target, and those of @source that it lacks. (transfer full) */
char *tidy_plan_union_lines(const char *target, const char *source);

/**
 * tidy_plan_pages - saved web pages in a sorted listing: "page.html" and "page_files", which belong together
 *
 * Returns: (transfer full): index + 1 of the one -> index + 1 of the other, both ways; NULL: there are none.
 */
GHashTable *tidy_plan_pages(const TidyListing *listing);
/* The name of the page's directory when the page is called @new_page: "page (2)_files". (transfer full) */
char *tidy_plan_page_directory(const char *page, const char *directory, const char *new_page);

/**
 * tidy_plan_link_text - the text that a symbolic link needs after its directory moved
 * @text: as it is now
 * @from_dir: absolute path of the directory that it lies in
 * @to_dir: absolute path of the directory that it will lie in
 * @stray, @target: absolute paths of the roots: what lies below @stray is going to lie below @target
 *
 * Paths are compared as text ("a/.." is dropped), no disk is asked. Absolute links stay.
 * Returns: (transfer full): the new text, or NULL when the old one still leads to the same place.
 */
char *tidy_plan_link_text(const char *text, const char *from_dir, const char *to_dir,
			  const char *stray, const char *target);

/* The way from the directory @from_dir to @to as a relative path; both absolute and canonical. (transfer full) */
char *tidy_plan_relative_path(const char *from_dir, const char *to);
