/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A scenario file: a home before and after a merge, in text that reads without C. I/O (reads the file).
 *
 *	# same name, different content: both are kept
 *	policy: collisions=keep-both identical=trash
 *	before:
 *	  Download/a.txt = "one" mtime=5
 *	  Downloads/a.txt = "two"
 *	after:
 *	  Downloads/a.txt = "two"
 *	  Downloads/a (2).txt = "one" mtime=5
 *	report: outcome=done moved=0 kept-both=1
 *	undo: exact
 *
 * stray: and target: say which pair (default Download and Downloads); "after" may have paths below Trash/, which
 * are the entries of the home trash's files directory. leave: names an entry that stays behind and why, one per line:
 * "leave: Download/x.part partial". report: keys are those of the merge report's counts, and outcome. A key that is
 * not written is not checked. again: lossless is for a merge that may end otherwise when it was cut in two by a crash
 * or an error, and was made again: nothing is lost, and the undo is exact, all the same. undo: exact (the whole tree is back, directory times too) is the default; none: do not try.
 */
#pragma once

#include "tests/support/tree.h"

/* Where a runner builds "before" on a fake, and where the trash of that home lies. */
#define SCENARIO_HOME  "/home/user"
#define SCENARIO_TRASH ".local/share/Trash"

typedef struct {
	char *path; /* as in the tree */
	char *reason;
} ScenarioLeft;

typedef struct {
	char *file;	    /* basename without ".txt" */
	char *title;	    /* the first comment */
	char *stray;	    /* "Download" */
	char *target;	    /* "Downloads" */
	GHashTable *policy; /* char* -> char* */
	Tree *before;
	Tree *after;
	GHashTable *report; /* char* -> char* */
	GPtrArray *left;    /* ScenarioLeft* */
	char *undo;	    /* "exact" or "none" */
	char *again;	    /* "same" or "lossless" */
} Scenario;

Scenario *scenario_parse(const char *name, const char *text, GError **error);
Scenario *scenario_load(const char *path, GError **error);
void scenario_free(Scenario *scenario);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Scenario, scenario_free)

/* All *.txt below @dir by name; (transfer full), elements Scenario*, freed with it. Aborts on one that does not parse. */
GPtrArray *scenario_load_all(const char *dir);

/* policy or report value, or @fallback. */
const char *scenario_get(GHashTable *table, const char *key, const char *fallback);

/* Builds "before" into a new fake at SCENARIO_HOME. (transfer full) */
FakeFs *scenario_new_fake(const Scenario *scenario, GError **error);
/**
 * scenario_snapshot - the home below @dir as a scenario sees it
 *
 * The user's files without .local and .cache, and what lies in the trash's files directory as "Trash/...".
 */
Tree *scenario_snapshot(TidyFs *fs, int dir, GError **error);
