/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The planner: one decision per entry for every relation and policy, no name twice, links that would break. Pure. */
#include "home/merge/plan.h"

#include <string.h>

/* Two listings and the plan over them. */
typedef struct {
	TidyListing *source;
	TidyListing *target;
	GArray *twins;
	TidyPlanner *planner;
} Plan;

static void
plan_init(Plan *plan)
{
	*plan = (Plan){ .source = tidy_listing_new(), .target = tidy_listing_new() };
}

static void
plan_run(Plan *plan, const TidyPolicy *policy, TidyRelation relation)
{
	static const TidyPolicy defaults;

	tidy_listing_sort(plan->source);
	tidy_listing_sort(plan->target);
	plan->twins = tidy_plan_twins(plan->source, plan->target);
	for (guint i = 0; i < plan->twins->len; i++)
		g_array_index(plan->twins, TidyTwin, i).relation = relation;
	plan->planner = tidy_planner_new(plan->source, plan->target, plan->twins,
					 policy != NULL ? policy : &defaults);
}

static void
plan_clear(Plan *plan)
{
	tidy_listing_free(plan->source);
	tidy_listing_free(plan->target);
	g_array_unref(plan->twins);
	tidy_planner_free(plan->planner);
}

static void
assert_next(Plan *plan, TidyDecisionKind kind, TidyWhy why, const char *new_name)
{
	TidyDecision decision;

	g_assert_true(tidy_planner_next(plan->planner, &decision));
	g_assert_cmpint(decision.kind, ==, kind);
	g_assert_cmpint(decision.why, ==, why);
	g_assert_cmpstr(decision.new_name, ==, new_name);
}

static void
assert_end(Plan *plan)
{
	TidyDecision decision;

	g_assert_false(tidy_planner_next(plan->planner, &decision));
}

/* --- names on both sides --- */

typedef struct {
	TidyRelation relation;
	TidyType type;
	TidyCollisions collisions;
	TidyIdentical identical;
	gint64 source_mtime_ns;
	TidyDecisionKind kind;
	TidyWhy why;
	const char *new_name;
} TwinRow;

#define BOTH	TIDY_COLLISIONS_KEEP_BOTH
#define NEWER	TIDY_COLLISIONS_NEWER
#define T_FILE	TIDY_TYPE_FILE
#define T_LINK	TIDY_TYPE_LINK
#define T_DIR	TIDY_TYPE_DIR
#define TRASH	TIDY_IDENTICAL_TRASH
#define DELETE	TIDY_IDENTICAL_DELETE
#define KEEP	TIDY_IDENTICAL_KEEP
#define DIFFER	TIDY_RELATION_DIFFERENT
#define SAME	TIDY_RELATION_IDENTICAL
#define ONE	TIDY_RELATION_SAME_FILE
#define DIRS	TIDY_RELATION_BOTH_DIRS
#define UNKNOWN TIDY_RELATION_UNKNOWN

static const TwinRow twin_rows[] = {
	{ UNKNOWN, T_FILE, BOTH, TRASH, 0, TIDY_DECISION_LEAVE, TIDY_WHY_UNREADABLE, NULL },
	{ DIRS, T_DIR, TIDY_COLLISIONS_SKIP, TRASH, 0, TIDY_DECISION_DESCEND, TIDY_WHY_NONE, NULL },
	{ ONE, T_FILE, TIDY_COLLISIONS_SKIP, KEEP, 0, TIDY_DECISION_DELETE, TIDY_WHY_SAME_FILE,
	  NULL },
	{ SAME, T_FILE, BOTH, TRASH, 0, TIDY_DECISION_FOLD, TIDY_WHY_IDENTICAL, NULL },
	{ SAME, T_FILE, BOTH, DELETE, 0, TIDY_DECISION_DELETE, TIDY_WHY_IDENTICAL, NULL },
	{ SAME, T_LINK, BOTH, DELETE, 0, TIDY_DECISION_FOLD, TIDY_WHY_IDENTICAL, NULL },
	{ SAME, T_FILE, BOTH, KEEP, 0, TIDY_DECISION_MOVE, TIDY_WHY_NAME_TAKEN, "n (2).txt" },
	{ DIFFER, T_FILE, BOTH, TRASH, 0, TIDY_DECISION_MOVE, TIDY_WHY_NAME_TAKEN, "n (2).txt" },
	{ DIFFER, T_FILE, TIDY_COLLISIONS_SKIP, TRASH, 0, TIDY_DECISION_LEAVE, TIDY_WHY_POLICY_SKIP,
	  NULL },
	{ DIFFER, T_FILE, TIDY_COLLISIONS_ASK, TRASH, 0, TIDY_DECISION_LEAVE, TIDY_WHY_POLICY_ASK,
	  NULL },
	{ DIFFER, T_FILE, NEWER, TRASH, 1, TIDY_DECISION_REPLACE, TIDY_WHY_NEWER, NULL },
	{ DIFFER, T_FILE, NEWER, TRASH, 0, TIDY_DECISION_FOLD, TIDY_WHY_NEWER, NULL },
	{ DIFFER, T_FILE, NEWER, TRASH, -1, TIDY_DECISION_FOLD, TIDY_WHY_NEWER, NULL },
	{ DIFFER, T_DIR, NEWER, TRASH, 1, TIDY_DECISION_MOVE, TIDY_WHY_NAME_TAKEN, "n.txt (2)" },
};

static void
test_twins(void)
{
	for (gsize i = 0; i < G_N_ELEMENTS(twin_rows); i++) {
		const TwinRow *row = &twin_rows[i];
		TidyPolicy policy = { row->collisions, row->identical };
		Plan plan;

		plan_init(&plan);
		tidy_listing_add(plan.source, "n.txt", 1, row->type);
		tidy_listing_add(plan.target, "n.txt", 2, row->type);
		plan_run(&plan, &policy, row->relation);
		g_array_index(plan.twins, TidyTwin, 0).source_mtime_ns = row->source_mtime_ns;
		assert_next(&plan, row->kind, row->why, row->new_name);
		assert_end(&plan);
		plan_clear(&plan);
	}
}

/* A file has an age beside a file only. */
static void
test_newer_of_two_kinds(void)
{
	TidyPolicy policy = { NEWER, TRASH };
	Plan plan;

	plan_init(&plan);
	tidy_listing_add(plan.source, "n", 1, T_FILE);
	tidy_listing_add(plan.target, "n", 2, T_DIR);
	plan_run(&plan, &policy, DIFFER);
	assert_next(&plan, TIDY_DECISION_MOVE, TIDY_WHY_NAME_TAKEN, "n (2)");
	plan_clear(&plan);
}

static void
test_view_files(void)
{
	Plan plan;

	plan_init(&plan);
	tidy_listing_add(plan.source, ".DS_Store", 1, T_FILE);
	tidy_listing_add(plan.source, ".directory", 2, T_FILE);
	tidy_listing_add(plan.source, ".hidden", 3, T_FILE);
	tidy_listing_add(plan.source, "Thumbs.db", 4, T_DIR);
	tidy_listing_add(plan.source, "desktop.ini", 5, T_DIR);
	tidy_listing_add(plan.target, ".directory", 6, T_FILE);
	tidy_listing_add(plan.target, "desktop.ini", 7, T_FILE);
	plan_run(&plan, NULL, DIFFER);
	assert_next(&plan, TIDY_DECISION_DISCARD, TIDY_WHY_VIEW_FILE, NULL);
	assert_next(&plan, TIDY_DECISION_DISCARD, TIDY_WHY_VIEW_FILE, NULL);
	assert_next(&plan, TIDY_DECISION_MOVE, TIDY_WHY_ABSENT, NULL);
	/* Directories with such names are the user's. */
	assert_next(&plan, TIDY_DECISION_MOVE, TIDY_WHY_ABSENT, NULL);
	assert_next(&plan, TIDY_DECISION_MOVE, TIDY_WHY_NAME_TAKEN, "desktop.ini (2)");
	assert_end(&plan);
	plan_clear(&plan);
}

/* --- flags --- */

static const struct {
	guint flags;
	gboolean has_twin;
	TidyDecisionKind kind;
	TidyWhy why;
} flag_rows[] = {
	{ TIDY_ENTRY_UNFINISHED, FALSE, TIDY_DECISION_LEAVE, TIDY_WHY_UNFINISHED },
	{ TIDY_ENTRY_UNFINISHED | TIDY_ENTRY_OPEN, TRUE, TIDY_DECISION_LEAVE, TIDY_WHY_UNFINISHED },
	{ TIDY_ENTRY_MOUNT, FALSE, TIDY_DECISION_LEAVE, TIDY_WHY_MOUNT },
	{ TIDY_ENTRY_OPEN, FALSE, TIDY_DECISION_LEAVE, TIDY_WHY_OPEN },
	{ TIDY_ENTRY_OPEN, TRUE, TIDY_DECISION_LEAVE, TIDY_WHY_OPEN },
	{ TIDY_ENTRY_YOUNG, FALSE, TIDY_DECISION_LEAVE, TIDY_WHY_YOUNG },
	{ TIDY_ENTRY_HOLDS, FALSE, TIDY_DECISION_MAKE_DIR, TIDY_WHY_ABSENT },
	{ TIDY_ENTRY_HOLDS, TRUE, TIDY_DECISION_LEAVE, TIDY_WHY_OPEN },
	{ TIDY_ENTRY_TAKEN, FALSE, TIDY_DECISION_MOVE, TIDY_WHY_NAME_TAKEN },
};

static void
test_flags(void)
{
	for (gsize i = 0; i < G_N_ELEMENTS(flag_rows); i++) {
		TidyDecision decision;
		Plan plan;

		plan_init(&plan);
		tidy_listing_add(plan.source, "n", 1, T_DIR)->flags = flag_rows[i].flags;
		if (flag_rows[i].has_twin)
			tidy_listing_add(plan.target, "n", 2, T_FILE);
		plan_run(&plan, NULL, DIFFER);
		g_assert_true(tidy_planner_next(plan.planner, &decision));
		g_assert_cmpint(decision.kind, ==, flag_rows[i].kind);
		g_assert_cmpint(decision.why, ==, flag_rows[i].why);
		plan_clear(&plan);
	}
}

static void
test_excluded_has_no_decision(void)
{
	Plan plan;
	TidyDecision decision;

	plan_init(&plan);
	tidy_listing_add(plan.source, "a", 1, T_FILE)->flags = TIDY_ENTRY_EXCLUDED;
	tidy_listing_add(plan.source, "b", 2, T_FILE);
	tidy_listing_add(plan.target, "a", 3, T_FILE);
	plan_run(&plan, NULL, DIFFER);
	g_assert_true(tidy_planner_next(plan.planner, &decision));
	g_assert_cmpuint(decision.index, ==, 1);
	assert_end(&plan);
	plan_clear(&plan);
}

/* --- names --- */

/* "a (2)" is free at the target, but the stray has one that keeps its name. */
static void
test_no_name_twice(void)
{
	Plan plan;

	plan_init(&plan);
	tidy_listing_add(plan.source, "a", 1, T_FILE);
	tidy_listing_add(plan.source, "a (2)", 2, T_FILE);
	tidy_listing_add(plan.source, "a (3)", 3, T_FILE);
	tidy_listing_add(plan.target, "a", 4, T_FILE);
	tidy_listing_add(plan.target, "a (3)", 5, T_FILE);
	plan_run(&plan, NULL, DIFFER);
	assert_next(&plan, TIDY_DECISION_MOVE, TIDY_WHY_NAME_TAKEN, "a (4)");
	assert_next(&plan, TIDY_DECISION_MOVE, TIDY_WHY_ABSENT, NULL);
	g_assert_cmpstr(tidy_planner_free_name(plan.planner, "a", TRUE), ==, "a (5)");
	assert_next(&plan, TIDY_DECISION_MOVE, TIDY_WHY_NAME_TAKEN, "a (6)");
	assert_end(&plan);
	plan_clear(&plan);
}

static void
test_all_names_taken(void)
{
	Plan plan;

	plan_init(&plan);
	tidy_listing_add(plan.source, "a", 1, T_FILE);
	tidy_listing_add(plan.target, "a", 2, T_FILE);
	for (guint i = 2; i <= 9999; i++) {
		g_autofree char *name = g_strdup_printf("a (%u)", i);

		tidy_listing_add(plan.target, name, i + 1, T_FILE);
	}
	plan_run(&plan, NULL, DIFFER);
	assert_next(&plan, TIDY_DECISION_LEAVE, TIDY_WHY_NO_NAME, NULL);
	g_assert_null(tidy_planner_free_name(plan.planner, "a", TRUE));
	plan_clear(&plan);
}

/* --- links --- */

static void
test_links(void)
{
	static const struct {
		TidyRelation relation;
		TidyDecisionKind kind;
		TidyWhy why;
		const char *new_name;
	} rows[] = {
		{ DIFFER, TIDY_DECISION_RELINK, TIDY_WHY_NAME_TAKEN, "l (2)" },
		{ SAME, TIDY_DECISION_UNLINK, TIDY_WHY_RELATIVE_LINK, NULL },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
		Plan plan;

		plan_init(&plan);
		tidy_listing_set_link(plan.source,
				      tidy_listing_add(plan.source, "alone", 1, T_LINK),
				      g_strdup("../x"), g_strdup("../../x"));
		tidy_listing_set_link(plan.source, tidy_listing_add(plan.source, "l", 1, T_LINK),
				      g_strdup("../x"), g_strdup("../../x"));
		tidy_listing_set_link(plan.source,
				      tidy_listing_add(plan.source, "still", 1, T_LINK),
				      g_strdup("x"), NULL);
		tidy_listing_add(plan.target, "l", 2, T_LINK);
		plan_run(&plan, NULL, rows[i].relation);
		assert_next(&plan, TIDY_DECISION_RELINK, TIDY_WHY_RELATIVE_LINK, NULL);
		assert_next(&plan, rows[i].kind, rows[i].why, rows[i].new_name);
		assert_next(&plan, TIDY_DECISION_MOVE, TIDY_WHY_ABSENT, NULL);
		plan_clear(&plan);
	}
}

static const struct {
	const char *text;
	const char *from;
	const char *to;
	const char *expected;
} link_rows[] = {
	{ "", "/h/Download", "/h/Downloads", NULL },
	{ "/abs", "/h/Download", "/h/x/Downloads", NULL },
	{ "../x", "/h/Download", "/h/Downloads", NULL },
	{ "sub/y", "/h/Download", "/h/deep/Downloads", NULL },
	{ "../x", "/h/Download", "/h/deep/Downloads", "../../x" },
	{ ".", "/h/Download", "/h/deep/Downloads", NULL },
	{ "../Download/a", "/h/Download", "/h/deep/Downloads", "a" },
	{ "../..", "/h/Download/s", "/h/deep/Downloads/s", "../../.." },
	{ "../Downloadx", "/h/Download", "/h/deep/Downloads", "../../Downloadx" },
};

static void
test_link_text(void)
{
	for (gsize i = 0; i < G_N_ELEMENTS(link_rows); i++) {
		g_autofree char *text = tidy_plan_link_text(link_rows[i].text, link_rows[i].from,
							    link_rows[i].to, "/h/Download",
							    strstr(link_rows[i].to, "deep") != NULL
								    ? "/h/deep/Downloads"
								    : "/h/Downloads");

		g_assert_cmpstr(text, ==, link_rows[i].expected);
	}
}

static void
test_relative_path(void)
{
	static const char *const rows[][3] = {
		{ "/a/b", "/a/c/d", "../c/d" },
		{ "/a", "/a/b", "b" },
		{ "/a/b", "/a", ".." },
		{ "/a", "/a", "." },
		{ "/", "/a", "a" },
		{ "/a/b/c", "/x", "../../../x" },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *path = tidy_plan_relative_path(rows[i][0], rows[i][1]);

		g_assert_cmpstr(path, ==, rows[i][2]);
	}
}

/* --- listings --- */

static void
test_units(void)
{
	static const char *const marks[] = { ".git", ".hg", ".svn", ".bzr", ".jj", "CVS" };
	g_autoptr(TidyListing) none = tidy_listing_new();

	for (gsize i = 0; i < G_N_ELEMENTS(marks); i++) {
		g_autoptr(TidyListing) listing = tidy_listing_new();

		tidy_listing_add(listing, "a", 1, T_FILE);
		tidy_listing_add(listing, marks[i], 2, T_DIR);
		tidy_listing_sort(listing);
		g_assert_true(tidy_plan_is_unit(listing));
	}
	g_assert_false(tidy_plan_is_unit(none));
	g_assert_true(tidy_plan_is_view_file(".directory"));
	g_assert_true(tidy_plan_is_view_file("Thumbs.db"));
	g_assert_false(tidy_plan_is_view_file("notes"));
}

/* As strcmp orders them: long common beginnings, one in the other, bytes above 127, and all that twice. */
static void
test_sort(void)
{
	g_autoptr(GRand) rand = g_rand_new_with_seed(5);
	g_autofree char *common = g_strnfill(240, 'c');

	for (guint round = 0; round < 40; round++) {
		g_autoptr(TidyListing) listing = tidy_listing_new();
		guint n = round < 20 ? round : 2000;

		for (guint i = 0; i < n; i++) {
			char tail[12] = { 0 };
			g_autofree char *name = NULL;

			for (guint j = 0; j < (guint)g_rand_int_range(rand, 1, 11); j++)
				tail[j] = (char)(round % 3 == 0 ? g_rand_int_range(rand, 1, 255)
								: g_rand_int_range(rand, 'a', 'c'));
			name = g_strconcat(round % 2 != 0 ? common : "", tail, NULL);
			tidy_listing_add(listing, name, i, T_FILE);
		}
		tidy_listing_sort(listing);
		for (guint i = 1; i < listing->entries->len; i++)
			g_assert_cmpint(
				strcmp(g_array_index(listing->entries, TidyEntry, i - 1).name,
				       g_array_index(listing->entries, TidyEntry, i).name),
				<=, 0);
		for (guint i = 0; i < listing->entries->len; i++)
			g_assert_nonnull(tidy_listing_find(
				listing, g_array_index(listing->entries, TidyEntry, i).name));
		g_assert_null(tidy_listing_find(listing, "\001none"));
	}
}

static void
test_entry_is_small(void)
{
	g_assert_cmpuint(sizeof(TidyEntry), <=, 32);
}

int
main(int argc, char *argv[])
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/merge/plan/names-on-both-sides", test_twins);
	g_test_add_func("/merge/plan/newer-of-two-kinds-keeps-both", test_newer_of_two_kinds);
	g_test_add_func("/merge/plan/view-files", test_view_files);
	g_test_add_func("/merge/plan/flags", test_flags);
	g_test_add_func("/merge/plan/excluded-has-no-decision", test_excluded_has_no_decision);
	g_test_add_func("/merge/plan/no-name-twice", test_no_name_twice);
	g_test_add_func("/merge/plan/all-names-taken", test_all_names_taken);
	g_test_add_func("/merge/plan/links", test_links);
	g_test_add_func("/merge/plan/link-text", test_link_text);
	g_test_add_func("/merge/plan/relative-path", test_relative_path);
	g_test_add_func("/merge/plan/units-and-view-files", test_units);
	g_test_add_func("/merge/plan/sort", test_sort);
	g_test_add_func("/merge/plan/entry-is-small", test_entry_is_small);
	return g_test_run();
}
