/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Walks all crash points of a run and all states each may leave. Pure (on a fake). */
#include "tests/support/crash-walk.h"

#define OPS_LIMIT 100000

typedef struct {
	FakeFs *start;
	CrashWalkOptions options;
	CrashRunFunc run;
	CrashCheckFunc check;
	gpointer data;
	CrashWalkStats stats;
} Walk;

static const char *const MODE_NAMES[] = {
	[FAKE_KILL] = "kill",
	[FAKE_CUT_ORDERED] = "cut-ordered",
	[FAKE_CUT_BTRFS] = "cut-btrfs",
};

static const char *const WHEN_NAMES[] = {
	[FAKE_BEFORE] = "before",
	[FAKE_AFTER] = "after",
	[FAKE_HALF] = "in the middle of",
};

/* The @i-th of @wanted indices below @n, spread evenly, first and last included; shifted by @offset inside. */
static guint
spread(guint i, guint wanted, guint n, guint offset)
{
	if (wanted == 0 || wanted >= n)
		return i;
	if (i == 0 || wanted == 1)
		return 0;
	if (i == wanted - 1)
		return n - 1;
	return 1 + (guint)(((guint64)i * (n - 2) / wanted + offset) % (n - 2));
}

static guint
spread_count(guint wanted, guint n)
{
	return wanted == 0 || wanted >= n ? n : wanted;
}

static void
check_state(Walk *walk, FakeFs *crashed, CrashPoint *point)
{
	g_autoptr(FakeFs) copy = fake_fs_clone(crashed);
	g_autofree char *state = fake_fs_state_text(copy, point->mode, point->state);
	const char *op = fake_fs_op_text(crashed, point->op);
	g_autofree char *text =
		g_strdup_printf("crash %s %s; %s; %s", WHEN_NAMES[point->when], op ? op : "the end",
				MODE_NAMES[point->mode], state);

	point->text = text;
	fake_fs_reboot(copy, point->mode, point->state);
	walk->stats.states++;
	walk->check(copy, point, walk->data);
}

static void
check_modes(Walk *walk, FakeFs *crashed, guint op, FakeWhen when)
{
	for (guint mode = 0; mode < FAKE_REBOOT_N; mode++) {
		guint n, count;

		if (!(walk->options.modes >> mode & 1))
			continue;
		n = fake_fs_states(crashed, (FakeReboot)mode);
		count = spread_count(walk->options.max_states, n);
		for (guint i = 0; i < count; i++) {
			CrashPoint point = {
				.op = op,
				.when = when,
				.mode = (FakeReboot)mode,
				.state = spread(i, walk->options.max_states, n,
						walk->options.offset + op),
			};

			check_state(walk, crashed, &point);
		}
	}
}

static void
crash_once(Walk *walk, guint op, FakeWhen when)
{
	g_autoptr(FakeFs) fake = fake_fs_clone(walk->start);

	fake_fs_crash_at(fake, op, when);
	walk->run(fake, walk->data);
	if (!fake_fs_is_crashed(fake))
		g_error("operation %u came in one run and not in another: the run is not "
			"deterministic",
			op);
	walk->stats.points++;
	check_modes(walk, fake, op, when);
}

CrashWalkStats
crash_walk(FakeFs *start, const CrashWalkOptions *options, CrashRunFunc run, CrashCheckFunc check,
	   gpointer data)
{
	Walk walk = {
		.start = start, .options = *options, .run = run, .check = check, .data = data
	};
	g_autoptr(FakeFs) whole = fake_fs_clone(start);
	guint points;

	if (walk.options.modes == 0)
		walk.options.modes = CRASH_WALK_ALL;
	fake_fs_crash_at(whole, 0, FAKE_AFTER);
	run(whole, data);
	walk.stats.ops = fake_fs_op_count(whole);
	g_assert_cmpuint(walk.stats.ops, <, OPS_LIMIT);
	check_modes(&walk, whole, 0, FAKE_AFTER);
	points = spread_count(options->max_points, walk.stats.ops);
	for (guint i = 0; i < points; i++) {
		guint op = 1 + spread(i, options->max_points, walk.stats.ops, options->offset);

		if (!options->is_sparse || op == 1)
			crash_once(&walk, op, FAKE_BEFORE);
		if (!options->is_sparse && g_regex_match_simple("^[0-9]+ (pwrite|clone|copy_range)",
								fake_fs_op_text(whole, op), 0, 0))
			crash_once(&walk, op, FAKE_HALF);
		crash_once(&walk, op, FAKE_AFTER);
	}
	return walk.stats;
}
