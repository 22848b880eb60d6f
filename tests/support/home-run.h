/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs the engine over a scenario's home: what scenario, crash and fault tests share. I/O through a TidyFs. */
#pragma once

#include "home/engine/engine.h"
#include "tests/support/scenario.h"

/* An engine for the home at SCENARIO_HOME of @fs. (transfer full) */
TidyEngine *home_run_engine(TidyFs *fs, const char *home);

typedef struct {
	TidyResult result;
	GPtrArray *left;  /* char*: "Download/x code", relative to the home */
	GPtrArray *steps; /* char*: "move Download/a -> Downloads/a" */
	GError *error;	  /* or NULL */
} HomeRun;

void home_run_clear(HomeRun *run);

/* Merges as the scenario says; files with the writer flag are told to the engine as open. */
void home_run_merge(const Scenario *scenario, TidyFs *fs, const char *home, gboolean is_dry_run,
		    HomeRun *run);
void home_run_undo(TidyFs *fs, const char *home, guint64 id, HomeRun *run);
void home_run_recover(const Scenario *scenario, TidyFs *fs, const char *home, HomeRun *run);

/* The home as a scenario sees it. (transfer full); aborts on an error. */
Tree *home_run_snapshot(TidyFs *fs, const char *home);
