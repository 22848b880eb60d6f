/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the user is asked and told, and what the buttons do. I/O: timers, notifications. */
#include "daemon/offers.h"

#include <string.h>

#include "daemon/reading.h"
#include "daemon/wording.h"

#define TOPIC_QUESTION "question"
#define TOPIC_MERGE    "merge"
#define TOPIC_ERROR    "error"

#define ALLOWED_IN_KEY "/"

struct TidyOffers {
	TidyNotifier *notifier;
	TidyOffersFuncs funcs;
	TidyOffersTimes times;
	TidyConfigNotify level;
	char *home;

	GHashTable *asked; /* strays that were asked about in this run */
	char *question;	   /* the stray that is planned or asked about, or NULL */
	char *question_target;
	GVariant *preview;    /* its plan */
	gboolean has_buttons; /* what the server can do; TRUE until it says otherwise */

	/* the burst under way */
	TidyWordingCounts counts;
	char *stray;
	char *target;
	char *problem;
	GArray *ids; /* guint64, oldest first */
	GSource *timer;
	gint64 last_summary_usec; /* 0: none */

	char *config_error;
	char *failure;
};

TidyOffer
tidy_offers_decide(const char *mode, const char *verdict, const char *answer, gint64 answered_at,
		   gint64 now)
{
	gboolean is_mergeable = strcmp(verdict, "merge") == 0;

	if (!is_mergeable && strcmp(verdict, "propose") != 0)
		return TIDY_OFFER_NOTHING;
	if (strcmp(mode, "report") == 0 || g_strcmp0(answer, "never") == 0)
		return TIDY_OFFER_NOTHING;
	if (g_strcmp0(answer, "later") == 0)
		return MAX(now - answered_at, 0) < TIDY_OFFER_LATER_SEC ? TIDY_OFFER_NOTHING
									: TIDY_OFFER_ASK;
	if (is_mergeable && strcmp(mode, "auto") == 0)
		return TIDY_OFFER_AUTO;
	return TIDY_OFFER_ASK;
}

/* ---- keys of buttons ---- */

static char *
key_for_path(const char *verb, const char *path)
{
	g_autofree char *escaped =
		g_uri_escape_bytes((const guint8 *)path, strlen(path), ALLOWED_IN_KEY);

	return g_strdup_printf("%s:%s", verb, escaped);
}

static char *
key_for_ids(const GArray *ids)
{
	GString *key = g_string_new("undo:");

	for (guint i = ids->len; i-- > 0;)
		g_string_append_printf(key, "%s%" G_GUINT64_FORMAT, i + 1 < ids->len ? "," : "",
				       g_array_index(ids, guint64, i));
	return g_string_free(key, FALSE);
}

/* NULL when a key that came over the bus is not one of ours. */
static GArray *
ids_from_key(const char *text)
{
	g_auto(GStrv) words = g_strsplit(text, ",", -1);
	g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(guint64));

	for (char **word = words; *word != NULL; word++) {
		guint64 id;

		if (!g_ascii_string_to_unsigned(*word, 10, 1, G_MAXUINT64, &id, NULL))
			return NULL;
		g_array_append_val(ids, id);
	}
	return ids->len > 0 ? g_steal_pointer(&ids) : NULL;
}

static char *
path_from_key(const char *text)
{
	gsize length = 0;
	g_autoptr(GBytes) bytes = g_uri_unescape_bytes(text, -1, NULL, NULL);
	const char *data = bytes != NULL ? g_bytes_get_data(bytes, &length) : NULL;

	if (data == NULL || length == 0 || data[0] != '/')
		return NULL;
	return g_strndup(data, length);
}

/* ---- counting ---- */

static void
add_counts(TidyWordingCounts *counts, GVariant *operation)
{
	g_autoptr(GVariant) dict = tidy_report_dict(operation, "counts");

	counts->moved += tidy_report_number(dict, "moved");
	counts->folded += tidy_report_number(dict, "folded");
	counts->kept_both += tidy_report_number(dict, "kept-both");
	counts->left += tidy_report_number(dict, "skipped") + tidy_report_number(dict, "failed");
	counts->bytes += tidy_report_number(dict, "bytes");
}

static gboolean
is_something(const TidyWordingCounts *counts, GVariant *operation)
{
	g_autoptr(GVariant) dict = tidy_report_dict(operation, "counts");

	return counts->moved + counts->folded + counts->kept_both +
		       tidy_report_number(dict, "removed") >
	       0;
}

static char *
first_problem(GVariant *operation)
{
	g_autoptr(GVariant) problems = tidy_report_list(operation, "problems");
	g_autoptr(GVariant) problem = NULL;

	if (g_variant_n_children(problems) == 0)
		return NULL;
	problem = g_variant_get_child_value(problems, 0);
	return g_strdup(tidy_report_text(problem, "text"));
}

/* ---- the question ---- */

static gboolean
is_level_for_questions(const TidyOffers *offers)
{
	return offers->level != TIDY_CONFIG_NOTIFY_NEVER;
}

static void
forget_question(TidyOffers *offers)
{
	g_clear_pointer(&offers->question, g_free);
	g_clear_pointer(&offers->question_target, g_free);
	g_clear_pointer(&offers->preview, g_variant_unref);
}

static void
show_question(TidyOffers *offers)
{
	g_autoptr(GVariant) operations = tidy_report_list(offers->preview, "operations");
	g_autofree char *yes = key_for_path("merge", offers->question);
	g_autofree char *later = key_for_path("later", offers->question);
	g_autofree char *never = key_for_path("never", offers->question);
	const char *actions[] = { yes,	 tidy_wording_button_merge(),
				  later, tidy_wording_button_later(),
				  never, tidy_wording_button_never(),
				  NULL };
	TidyWordingCounts counts = { .stray = offers->question,
				     .target = offers->question_target,
				     .home = offers->home };
	g_auto(TidyWording) wording = { 0 };

	for (gsize i = 0; i < g_variant_n_children(operations); i++) {
		g_autoptr(GVariant) operation = g_variant_get_child_value(operations, i);

		add_counts(&counts, operation);
	}
	tidy_wording_question(&wording, &counts, offers->has_buttons);
	tidy_notifier_show(offers->notifier, &(TidyNote){ .topic = TOPIC_QUESTION,
							  .summary = wording.summary,
							  .body = wording.body,
							  .actions = actions,
							  .urgency = TIDY_NOTE_NORMAL,
							  .stays = TRUE });
}

static gboolean
is_among(const char *stray, const TidyOfferStray *strays, guint n_strays)
{
	for (guint i = 0; i < n_strays; i++) {
		if (strcmp(strays[i].stray, stray) == 0)
			return TRUE;
	}
	return FALSE;
}

void
tidy_offers_ask(TidyOffers *offers, const TidyOfferStray *strays, guint n_strays)
{
	if (offers->question != NULL && !is_among(offers->question, strays, n_strays)) {
		tidy_notifier_close(offers->notifier, TOPIC_QUESTION);
		forget_question(offers);
	}
	if (offers->question != NULL || !is_level_for_questions(offers))
		return;
	for (guint i = 0; i < n_strays; i++) {
		if (!g_hash_table_add(offers->asked, g_strdup(strays[i].stray)))
			continue;
		offers->question = g_strdup(strays[i].stray);
		offers->question_target = g_strdup(strays[i].target);
		offers->funcs.plan(offers->question, offers->funcs.data);
		return;
	}
}

void
tidy_offers_planned(TidyOffers *offers, const char *stray, GVariant *report)
{
	if (g_strcmp0(offers->question, stray) != 0)
		return;
	if (report == NULL) {
		/* It may be asked about again when it can be planned. */
		g_hash_table_remove(offers->asked, stray);
		forget_question(offers);
		return;
	}
	g_clear_pointer(&offers->preview, g_variant_unref);
	offers->preview = g_variant_ref(report);
	show_question(offers);
}

/* ---- the summary ---- */

static gboolean
is_level_for_summary(const TidyOffers *offers)
{
	gboolean is_trouble = offers->counts.left > 0 && offers->problem != NULL;

	switch (offers->level) {
	case TIDY_CONFIG_NOTIFY_ALL:
	case TIDY_CONFIG_NOTIFY_SUMMARY:
		return TRUE;
	case TIDY_CONFIG_NOTIFY_ERRORS:
		return is_trouble;
	case TIDY_CONFIG_NOTIFY_NEVER:
		return FALSE;
	}
	return FALSE;
}

static void
end_burst(TidyOffers *offers)
{
	offers->counts = (TidyWordingCounts){ 0 };
	g_clear_pointer(&offers->stray, g_free);
	g_clear_pointer(&offers->target, g_free);
	g_clear_pointer(&offers->problem, g_free);
	g_array_set_size(offers->ids, 0);
}

static void
stop_timer(TidyOffers *offers)
{
	if (offers->timer == NULL)
		return;
	g_source_destroy(offers->timer);
	g_clear_pointer(&offers->timer, g_source_unref);
}

static void
show_summary(TidyOffers *offers)
{
	g_autofree char *undo = key_for_ids(offers->ids);
	g_autofree char *show = key_for_path("show", offers->target != NULL ? offers->target : "/");
	const char *actions[] = { undo, tidy_wording_button_undo(), show,
				  tidy_wording_button_show(), NULL };
	g_auto(TidyWording) wording = { 0 };

	offers->counts.stray = offers->stray;
	offers->counts.target = offers->target;
	offers->counts.home = offers->home;
	offers->counts.first_problem = offers->problem;
	tidy_wording_merged(&wording, &offers->counts);
	tidy_notifier_show(offers->notifier,
			   &(TidyNote){ .topic = TOPIC_MERGE,
					.summary = wording.summary,
					.body = wording.body,
					.actions = offers->ids->len > 0 ? actions : NULL,
					.urgency = offers->problem != NULL ? TIDY_NOTE_NORMAL
									   : TIDY_NOTE_LOW });
}

static gboolean
flush(gpointer data)
{
	TidyOffers *offers = data;

	stop_timer(offers);
	if (offers->counts.n_dirs > 0 && is_level_for_summary(offers)) {
		show_summary(offers);
		offers->last_summary_usec = g_get_monotonic_time();
	}
	end_burst(offers);
	return G_SOURCE_REMOVE;
}

/* At the end of the burst, but not sooner than the gap allows; with level "all" every burst is told. */
static void
arm_flush(TidyOffers *offers)
{
	gint64 now = g_get_monotonic_time();
	gint64 due = now + offers->times.burst_usec;

	if (offers->timer != NULL)
		return;
	if (offers->last_summary_usec != 0 && offers->level != TIDY_CONFIG_NOTIFY_ALL)
		due = MAX(due, offers->last_summary_usec + offers->times.gap_usec);
	offers->timer = g_timeout_source_new((guint)((due - now) / 1000));
	g_source_set_callback(offers->timer, flush, offers, NULL);
	g_source_attach(offers->timer, g_main_context_get_thread_default());
}

static void
add_operation(TidyOffers *offers, GVariant *operation, guint64 id)
{
	g_autofree char *stray = tidy_report_path(operation, "stray");

	add_counts(&offers->counts, operation);
	if (id != 0)
		g_array_append_val(offers->ids, id);
	if (g_strcmp0(stray, offers->stray) != 0)
		offers->counts.n_dirs++;
	if (offers->stray == NULL) {
		offers->stray = g_steal_pointer(&stray);
		offers->target = tidy_report_path(operation, "target");
	}
	if (offers->problem == NULL)
		offers->problem = first_problem(operation);
}

static void
report_undo(TidyOffers *offers, GVariant *operation)
{
	g_autofree char *stray = tidy_report_path(operation, "stray");
	TidyWordingCounts counts = { .stray = stray, .home = offers->home };
	g_auto(TidyWording) wording = { 0 };

	add_counts(&counts, operation);
	tidy_wording_undone(&wording, &counts);
	tidy_notifier_show(offers->notifier, &(TidyNote){ .topic = TOPIC_MERGE,
							  .summary = wording.summary,
							  .body = wording.body,
							  .urgency = TIDY_NOTE_LOW });
}

void
tidy_offers_report(TidyOffers *offers, GVariant *report, gboolean by_button)
{
	g_autoptr(GVariant) operations = tidy_report_list(report, "operations");
	gboolean is_undo = strcmp(tidy_report_text(report, "kind"), "undo") == 0;

	for (gsize i = 0; i < g_variant_n_children(operations); i++) {
		g_autoptr(GVariant) operation = g_variant_get_child_value(operations, i);
		TidyWordingCounts counts = { 0 };

		add_counts(&counts, operation);
		if (is_undo && by_button)
			report_undo(offers, operation);
		else if (!is_undo && is_something(&counts, operation))
			add_operation(offers, operation, tidy_report_number(operation, "id"));
	}
	if (is_undo || offers->counts.n_dirs == 0)
		return;
	if (by_button)
		flush(offers);
	else
		arm_flush(offers);
}

/* ---- errors ---- */

static void
show_error(TidyOffers *offers, const TidyWording *wording)
{
	if (offers->level == TIDY_CONFIG_NOTIFY_NEVER)
		return;
	tidy_notifier_show(offers->notifier, &(TidyNote){ .topic = TOPIC_ERROR,
							  .summary = wording->summary,
							  .body = wording->body,
							  .urgency = TIDY_NOTE_NORMAL });
}

void
tidy_offers_config_error(TidyOffers *offers, const char *where)
{
	g_auto(TidyWording) wording = { 0 };

	if (g_strcmp0(where, offers->config_error) == 0)
		return;
	g_free(offers->config_error);
	offers->config_error = g_strdup(where);
	if (where == NULL) {
		tidy_notifier_close(offers->notifier, TOPIC_ERROR);
		return;
	}
	tidy_wording_config_error(&wording, where);
	show_error(offers, &wording);
}

void
tidy_offers_failed(TidyOffers *offers, const char *message)
{
	g_auto(TidyWording) wording = { 0 };

	if (g_strcmp0(message, offers->failure) == 0)
		return;
	g_free(offers->failure);
	offers->failure = g_strdup(message);
	tidy_wording_failed(&wording, message);
	show_error(offers, &wording);
}

/* ---- buttons ---- */

static void
on_question_button(TidyOffers *offers, const char *verb, const char *path)
{
	if (strcmp(verb, "merge") == 0)
		offers->funcs.merge(path, offers->funcs.data);
	else
		offers->funcs.answer(path, verb, offers->funcs.data);
	tidy_notifier_close(offers->notifier, TOPIC_QUESTION);
	forget_question(offers);
}

static void
on_action(const char *topic, const char *key, gpointer data)
{
	TidyOffers *offers = data;
	g_auto(GStrv) parts = g_strsplit(key, ":", 2);
	g_autofree char *path = NULL;

	if (parts[0] == NULL || parts[1] == NULL)
		return;
	if (strcmp(parts[0], "undo") == 0) {
		g_autoptr(GArray) ids = ids_from_key(parts[1]);

		if (ids != NULL)
			offers->funcs.undo(ids, offers->funcs.data);
		return;
	}
	path = path_from_key(parts[1]);
	if (path == NULL)
		return;
	if (strcmp(parts[0], "show") == 0)
		offers->funcs.show(path, offers->funcs.data);
	else if (strcmp(parts[0], "merge") == 0 || strcmp(parts[0], "later") == 0 ||
		 strcmp(parts[0], "never") == 0)
		on_question_button(offers, parts[0], path);
}

/* A dismissed question is "Not now"; one that only ran out may be asked again by the next run. */
static void
on_ended(const char *topic, TidyNoteEnd why, gpointer data)
{
	TidyOffers *offers = data;

	if (strcmp(topic, TOPIC_QUESTION) != 0 || offers->question == NULL)
		return;
	if (why == TIDY_NOTE_DISMISSED)
		offers->funcs.answer(offers->question, "later", offers->funcs.data);
	forget_question(offers);
}

static void
on_shown(const char *topic, gboolean has_buttons, gpointer data)
{
	TidyOffers *offers = data;
	gboolean is_new = has_buttons != offers->has_buttons;

	offers->has_buttons = has_buttons;
	if (is_new && strcmp(topic, TOPIC_QUESTION) == 0 && offers->preview != NULL)
		show_question(offers);
}

/* ---- life ---- */

TidyOffers *
tidy_offers_new(TidyNotifier *notifier, const TidyOffersFuncs *funcs, const TidyOffersTimes *times)
{
	TidyOffers *offers = g_new0(TidyOffers, 1);

	offers->notifier = notifier;
	offers->funcs = *funcs;
	offers->times = *times;
	offers->level = TIDY_CONFIG_NOTIFY_SUMMARY;
	offers->has_buttons = TRUE;
	offers->asked = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	offers->ids = g_array_new(FALSE, FALSE, sizeof(guint64));
	tidy_notifier_set_funcs(notifier, &(TidyNotifierFuncs){ .action = on_action,
								.ended = on_ended,
								.shown = on_shown,
								.data = offers });
	return offers;
}

void
tidy_offers_free(TidyOffers *offers)
{
	tidy_notifier_set_funcs(offers->notifier, &(TidyNotifierFuncs){ 0 });
	stop_timer(offers);
	forget_question(offers);
	end_burst(offers);
	g_hash_table_unref(offers->asked);
	g_array_unref(offers->ids);
	g_free(offers->home);
	g_free(offers->config_error);
	g_free(offers->failure);
	g_free(offers);
}

void
tidy_offers_set_level(TidyOffers *offers, TidyConfigNotify level)
{
	offers->level = level;
}

void
tidy_offers_set_home(TidyOffers *offers, const char *home)
{
	g_free(offers->home);
	offers->home = g_strdup(home);
}
