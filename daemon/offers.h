/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the user is asked and told, and what the buttons do. Pure: notes go to a TidyNotifier, wishes to functions. */
/*
 * Three topics, so at most three notes: "question", "merge", "error". The key of every button says all that pressing
 * it needs ("undo:12,11"), so that a button of an earlier run of the daemon works too.
 */
#pragma once

#include "daemon/notifier.h"
#include "home/config/config.h"

typedef struct TidyOffers TidyOffers;

/* How the daemon deals with a stray. */
typedef enum {
	TIDY_OFFER_NOTHING, /* shown by scan and status only */
	TIDY_OFFER_ASK,
	TIDY_OFFER_AUTO,
} TidyOffer;

#define TIDY_OFFER_LATER_SEC (7 * 24 * 3600)

/**
 * tidy_offers_decide - whether a stray is merged, asked about or left alone
 * @mode: of the stray's key: "auto", "ask" or "report"
 * @verdict: of the scan: "merge", "propose", "report" or "refused"
 * @answer: what the user said about this stray: "yes", "later", "never" or NULL
 * @answered_at: when, seconds since the epoch
 * @now: seconds since the epoch
 *
 * The verdict "merge" already says that the user consented to automatic merges of the key. "Not now" counts for 7 days,
 * "Never" for good; both hold back automatic merges too, and after "Not now" there is a question first. An answer from the future (the
 * clock was set back) counts as given now.
 */
TidyOffer tidy_offers_decide(const char *mode, const char *verdict, const char *answer,
			     gint64 answered_at, gint64 now);

/* A stray to ask about; borrowed. */
typedef struct {
	const char *stray;
	const char *target;
} TidyOfferStray;

typedef struct {
	/* Plan a merge of @stray; the answer goes to tidy_offers_planned(). */
	void (*plan)(const char *stray, gpointer data);
	/* The user said yes to it. */
	void (*merge)(const char *stray, gpointer data);
	/* @ids newest first */
	void (*undo)(GArray *ids, gpointer data);
	void (*show)(const char *path, gpointer data);
	/* Remember "later" or "never". */
	void (*answer)(const char *stray, const char *answer, gpointer data);
	gpointer data;
} TidyOffersFuncs;

typedef struct {
	gint64 burst_usec; /* reports within this time become one summary */
	gint64 gap_usec;   /* no new summary of automatic work sooner after the last one */
} TidyOffersTimes;

/* Takes over the notifier's funcs, not the notifier. */
TidyOffers *tidy_offers_new(TidyNotifier *notifier, const TidyOffersFuncs *funcs,
			    const TidyOffersTimes *times);
void tidy_offers_free(TidyOffers *offers);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TidyOffers, tidy_offers_free)

void tidy_offers_set_level(TidyOffers *offers, TidyConfigNotify level);
void tidy_offers_set_home(TidyOffers *offers, const char *home);

/* All strays to ask about now; one question is on the screen at a time, and each is asked once a run. A question about
 * a stray that is no longer among them is taken back. */
void tidy_offers_ask(TidyOffers *offers, const TidyOfferStray *strays, guint n_strays);
/* The plan that funcs.plan asked for; NULL when there is none: no question then. */
void tidy_offers_planned(TidyOffers *offers, const char *stray, GVariant *report);

/* Something was merged or undone. @by_button: the user waits for the answer, so it comes at once. */
void tidy_offers_report(TidyOffers *offers, GVariant *report, gboolean by_button);

/* The settings are wrong (NULL: right again); told once for each text. */
void tidy_offers_config_error(TidyOffers *offers, const char *where);
/* Something that was not asked for failed; told once for each text. */
void tidy_offers_failed(TidyOffers *offers, const char *message);
