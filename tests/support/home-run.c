/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs the engine over a scenario's home. I/O through a TidyFs. */
#include "tests/support/home-run.h"

#include <fcntl.h>
#include <string.h>

TidyEngine *
home_run_engine(TidyFs *fs, const char *home)
{
	g_autofree char *state = g_build_filename(home, ".local/state/xdgtidy", NULL);
	g_autofree char *trash = g_build_filename(home, SCENARIO_TRASH, NULL);
	TidyPlaces places = { home, state, trash };
	TidyEngine *engine = tidy_engine_new(fs, &places, NULL);

	g_assert_nonnull(engine);
	return engine;
}

typedef struct {
	HomeRun *run;
	const char *home;
} Sink;

static const char *
relative(const Sink *sink, const char *path)
{
	return g_str_has_prefix(path, sink->home) ? path + strlen(sink->home) + 1 : path;
}

static void
on_step(const TidyStep *step, const char *from, const char *to, gpointer data)
{
	Sink *sink = data;

	g_ptr_array_add(sink->run->steps,
			g_strdup_printf("%s %s%s%s", tidy_step_op_name(step->op),
					relative(sink, from), to != NULL ? " -> " : "",
					to != NULL ? relative(sink, to) : ""));
}

static void
on_left(const char *path, TidyWhy why, gpointer data)
{
	Sink *sink = data;

	g_ptr_array_add(sink->run->left,
			g_strdup_printf("%s %s", relative(sink, path), tidy_why_code(why)));
}

static void
on_problem(const char *path, TidyWhy why, int errno_code, gpointer data)
{
	on_left(path, why, data);
}

static void
run_init(HomeRun *run)
{
	*run = (HomeRun){
		.left = g_ptr_array_new_with_free_func(g_free),
		.steps = g_ptr_array_new_with_free_func(g_free),
	};
}

void
home_run_clear(HomeRun *run)
{
	g_ptr_array_unref(run->left);
	g_ptr_array_unref(run->steps);
	g_clear_error(&run->error);
}

static char **
flagged_paths(const Scenario *scenario, const char *home, gboolean wants_mounts)
{
	GPtrArray *paths = g_ptr_array_new();

	for (guint i = 0; i < tree_size(scenario->before); i++) {
		const TreeNode *node = tree_node(scenario->before, i);

		if (wants_mounts ? node->is_mount : (node->flags & FAKE_HAS_WRITER) != 0)
			g_ptr_array_add(paths, g_build_filename(home, node->path, NULL));
	}
	g_ptr_array_add(paths, NULL);
	return (char **)g_ptr_array_free(paths, FALSE);
}

static TidyPolicy
policy_of(const Scenario *scenario)
{
	static const char *const collisions[] = { "keep-both", "newer", "skip", "ask", NULL };
	static const char *const identical[] = { "trash", "delete", "keep", NULL };
	const char *c = scenario_get(scenario->policy, "collisions", "keep-both");
	const char *i = scenario_get(scenario->policy, "identical", "trash");
	TidyPolicy policy = { 0 };

	for (guint n = 0; collisions[n] != NULL; n++) {
		if (strcmp(collisions[n], c) == 0)
			policy.collisions = n;
	}
	for (guint n = 0; identical[n] != NULL; n++) {
		if (strcmp(identical[n], i) == 0)
			policy.identical = n;
	}
	return policy;
}

void
home_run_merge(const Scenario *scenario, TidyFs *fs, const char *home, gboolean is_dry_run,
	       HomeRun *run)
{
	g_autoptr(TidyEngine) engine = home_run_engine(fs, home);
	g_autofree char *stray = g_build_filename(home, scenario->stray, NULL);
	g_autofree char *target = g_build_filename(home, scenario->target, NULL);
	g_auto(GStrv) open = flagged_paths(scenario, home, FALSE);
	g_auto(GStrv) mounts = flagged_paths(scenario, home, TRUE);
	Sink sink = { run, home };
	TidySink callbacks = {
		.step = on_step, .left = on_left, .problem = on_problem, .data = &sink
	};
	TidyMergeJob job = {
		.stray = stray,
		.target = target,
		.key = "DOWNLOAD",
		.policy = policy_of(scenario),
		.leaves_symlink =
			strcmp(scenario_get(scenario->policy, "leave", "nothing"), "symlink") == 0,
		.is_dry_run = is_dry_run,
		.open_paths = (const char *const *)open,
		.mount_points = (const char *const *)mounts,
	};

	run_init(run);
	tidy_engine_merge(engine, &job, &callbacks, &run->result, &run->error);
}

void
home_run_undo(TidyFs *fs, const char *home, guint64 id, HomeRun *run)
{
	g_autoptr(TidyEngine) engine = home_run_engine(fs, home);
	Sink sink = { run, home };
	TidySink callbacks = {
		.step = on_step, .left = on_left, .problem = on_problem, .data = &sink
	};

	run_init(run);
	tidy_engine_undo(engine, id, &callbacks, FALSE, NULL, &run->result, NULL, &run->error);
}

static void
on_resumed(const TidyResult *result, const TidyJournalHeader *header, gpointer data)
{
	((HomeRun *)data)->result = *result;
}

void
home_run_recover(const Scenario *scenario, TidyFs *fs, const char *home, HomeRun *run)
{
	g_autoptr(TidyEngine) engine = home_run_engine(fs, home);
	g_auto(GStrv) open = flagged_paths(scenario, home, FALSE);
	g_auto(GStrv) mounts = flagged_paths(scenario, home, TRUE);
	Sink sink = { run, home };
	TidySink callbacks = {
		.step = on_step, .left = on_left, .problem = on_problem, .data = &sink
	};

	run_init(run);
	tidy_engine_recover(engine, (const char *const *)open, (const char *const *)mounts,
			    &callbacks, NULL, on_resumed, run, &run->error);
}

Tree *
home_run_snapshot(TidyFs *fs, const char *home)
{
	g_autoptr(GError) error = NULL;
	int dir = fs->openat(fs, AT_FDCWD, home, O_RDONLY | O_DIRECTORY, 0);
	Tree *tree;

	g_assert_cmpint(dir, >=, 0);
	tree = scenario_snapshot(fs, dir, &error);
	g_assert_no_error(error);
	fs->close(fs, dir);
	return tree;
}
