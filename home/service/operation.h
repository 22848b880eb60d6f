/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One operation of the engine as a part of a report: what scan.c, verbs.c and history.c share. Pure but for the clock. */
#pragma once

#include "home/dirs/guard.h"
#include "home/service/report.h"
#include "home/service/service-private.h"

/* A report with its version. End it with tidy_report_end(). */
GVariantBuilder *tidy_report_begin(void);
void tidy_report_add_counts(GVariantBuilder *dict, const TidyCounts *counts);
/* @findings: of TidyGuardFinding. */
void tidy_report_add_reasons(GVariantBuilder *dict, const GPtrArray *findings);
/* @from, @to: absolute raw bytes; @to may be NULL. */
void tidy_report_add_step(GVariantBuilder *list, const TidyStep *step, const char *from,
			  const char *to);
void tidy_report_add_problem(GVariantBuilder *list, const char *path, TidyWhy why,
			     const char *text);

/* What the engine tells while it works. */
typedef struct {
	GVariantBuilder *steps;
	GVariantBuilder *problems;
	guint64 n_steps;
	gint64 told_usec;
	const TidyMergeOptions *options; /* or NULL */
} TidyCollector;

/* @options may be NULL: nobody wants to know how far it is. */
void tidy_collector_init(TidyCollector *collector, const TidyMergeOptions *options);
/* The functions to give to the engine; @collector must outlive them. */
TidySink tidy_collector_sink(TidyCollector *collector);
/* Adds the operation to @list and consumes what was collected. @key and @findings may be NULL. */
void tidy_collector_end(GVariantBuilder *list, TidyCollector *collector, const char *stray,
			const char *target, const char *key, const GPtrArray *findings,
			const TidyResult *result, const char *outcome);
