/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Asks the table of guards, and puts what it answers into order, a verdict and words. Pure. */
#include <string.h>

#include "home/base/text.h"
#include "home/dirs/guard.h"

static void
finding_free(gpointer data)
{
	TidyGuardFinding *finding = data;

	g_free(finding->path);
	g_free(finding->detail);
	g_free(finding);
}

static gboolean
has_finding(const GPtrArray *findings, const char *code, TidyGuardSide side)
{
	for (guint i = 0; i < findings->len; i++) {
		const TidyGuardFinding *finding = g_ptr_array_index(findings, i);

		if (finding->side == side && strcmp(finding->row->code, code) == 0)
			return TRUE;
	}
	return FALSE;
}

static void
test_side(const TidyGuardRow *row, const TidyGuardFacts *facts, TidyGuardSide side,
	  GPtrArray *findings)
{
	const TidyGuardRoot *root = side == TIDY_GUARD_TARGET ? &facts->target : &facts->source;
	const char *detail = NULL;
	TidyGuardFinding *finding;

	if (has_finding(findings, row->code, side) ||
	    !row->test(row, facts, side == TIDY_GUARD_PAIR ? NULL : root, &detail))
		return;
	finding = g_new0(TidyGuardFinding, 1);
	finding->row = row;
	finding->side = side;
	finding->path = g_strdup(root->path);
	finding->detail = g_strdup(detail);
	g_ptr_array_add(findings, finding);
}

GPtrArray *
tidy_guard_check(const TidyGuardFacts *facts)
{
	static const TidyGuardSeverity severities[] = { TIDY_GUARD_BLOCK, TIDY_GUARD_ASK,
							TIDY_GUARD_INFO };
	static const TidyGuardSide sides[] = { TIDY_GUARD_SOURCE, TIDY_GUARD_TARGET,
					       TIDY_GUARD_PAIR };
	GPtrArray *findings = g_ptr_array_new_with_free_func(finding_free);
	gsize n;
	const TidyGuardRow *rows = tidy_guard_rows(&n);

	for (gsize i = 0; i < G_N_ELEMENTS(severities); i++)
		for (gsize j = 0; j < n; j++)
			for (gsize k = 0; k < G_N_ELEMENTS(sides); k++)
				if (rows[j].severity == severities[i] && (rows[j].side & sides[k]))
					test_side(&rows[j], facts, sides[k], findings);
	return findings;
}

TidyGuardVerdict
tidy_guard_verdict(const GPtrArray *findings)
{
	TidyGuardVerdict verdict = TIDY_VERDICT_AUTO;

	for (guint i = 0; i < findings->len; i++) {
		const TidyGuardFinding *finding = g_ptr_array_index(findings, i);

		if (finding->row->severity == TIDY_GUARD_BLOCK)
			return TIDY_VERDICT_REFUSED;
		if (finding->row->severity == TIDY_GUARD_ASK)
			verdict = MAX(verdict, finding->row->is_per_entry ? TIDY_VERDICT_PARTLY
									  : TIDY_VERDICT_ASK);
	}
	return verdict;
}

const TidyGuardFinding *
tidy_guard_find(const GPtrArray *findings, const char *code)
{
	for (guint i = 0; i < findings->len; i++) {
		const TidyGuardFinding *finding = g_ptr_array_index(findings, i);

		if (strcmp(finding->row->code, code) == 0)
			return finding;
	}
	return NULL;
}

char *
tidy_guard_text(const TidyGuardFinding *finding)
{
	g_autofree char *path = tidy_text_display(finding->path ? finding->path : "");
	g_autofree char *detail = finding->detail ? tidy_text_display(finding->detail) : NULL;
	GString *text = g_string_new(path);

	g_string_append_printf(text, " %s", finding->row->message);
	if (detail)
		g_string_append_printf(text, " (%s)", detail);
	g_string_append_c(text, '.');
	if (finding->row->remedy)
		g_string_append_printf(text, " %s", finding->row->remedy);
	return g_string_free(text, FALSE);
}

const char *
tidy_guard_severity_name(TidyGuardSeverity severity)
{
	switch (severity) {
	case TIDY_GUARD_INFO:
		return "info";
	case TIDY_GUARD_ASK:
		return "ask";
	case TIDY_GUARD_BLOCK:
		return "block";
	}
	g_return_val_if_reached("");
}
