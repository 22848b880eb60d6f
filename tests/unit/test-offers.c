/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of daemon/offers: who is asked what and when, and what the buttons do. Pure. */
#include "daemon/offers.h"

#include <string.h>

#include "tests/support/fake-notifier.h"

#define DAY G_GINT64_CONSTANT(86400)
#define NOW (20000 * DAY)

/* ---- the decision ---- */

static const struct {
	const char *name, *mode, *verdict, *answer;
	gint64 answered_at;
	TidyOffer expected;
} decisions[] = {
	{ "first-contact-is-a-question", "auto", "propose", NULL, 0, TIDY_OFFER_ASK },
	{ "consented-merges", "auto", "merge", NULL, 0, TIDY_OFFER_AUTO },
	{ "yes-merges", "auto", "merge", "yes", NOW - DAY, TIDY_OFFER_AUTO },
	{ "ask-mode-asks-in-spite-of-yes", "ask", "merge", "yes", NOW - DAY, TIDY_OFFER_ASK },
	{ "report-mode-says-nothing", "report", "merge", "yes", NOW - DAY, TIDY_OFFER_NOTHING },
	{ "verdict-report", "auto", "report", "yes", NOW, TIDY_OFFER_NOTHING },
	{ "verdict-refused", "auto", "refused", "yes", NOW, TIDY_OFFER_NOTHING },
	{ "unknown-verdict-of-a-newer-engine", "auto", "perhaps", NULL, 0, TIDY_OFFER_NOTHING },
	{ "never-is-for-good", "auto", "merge", "never", NOW - 4000 * DAY, TIDY_OFFER_NOTHING },
	{ "not-now-holds-for-six-days", "auto", "merge", "later", NOW - 6 * DAY,
	  TIDY_OFFER_NOTHING },
	{ "not-now-ends-with-a-question", "auto", "merge", "later", NOW - 7 * DAY, TIDY_OFFER_ASK },
	{ "not-now-in-the-future", "auto", "propose", "later", NOW + DAY, TIDY_OFFER_NOTHING },
	{ "propose-in-spite-of-yes", "auto", "propose", "yes", NOW - DAY, TIDY_OFFER_ASK },
};

static void
test_decide(gconstpointer data)
{
	guint i = GPOINTER_TO_UINT(data);

	g_assert_cmpint(tidy_offers_decide(decisions[i].mode, decisions[i].verdict,
					   decisions[i].answer, decisions[i].answered_at, NOW),
			==, decisions[i].expected);
}

/* ---- the flow ---- */

typedef struct {
	TidyNotifier *notifier;
	TidyOffers *offers;
	GString *calls; /* "plan /h/Download; merge ..." */
} Fixture;

static void
note_call(Fixture *fixture, const char *verb, const char *detail)
{
	g_string_append_printf(fixture->calls, "%s%s %s", fixture->calls->len > 0 ? "; " : "", verb,
			       detail);
}

static void
on_plan(const char *stray, gpointer data)
{
	note_call(data, "plan", stray);
}

static void
on_merge(const char *stray, gpointer data)
{
	note_call(data, "merge", stray);
}

static void
on_undo(GArray *ids, gpointer data)
{
	g_autoptr(GString) text = g_string_new(NULL);

	for (guint i = 0; i < ids->len; i++)
		g_string_append_printf(text, "%s%" G_GUINT64_FORMAT, i > 0 ? "," : "",
				       g_array_index(ids, guint64, i));
	note_call(data, "undo", text->str);
}

static void
on_show(const char *path, gpointer data)
{
	note_call(data, "show", path);
}

static void
on_answer(const char *stray, const char *answer, gpointer data)
{
	note_call(data, answer, stray);
}

static void
fixture_set_up(Fixture *fixture, gconstpointer data)
{
	fixture->calls = g_string_new(NULL);
	fixture->notifier = fake_notifier_new();
	fixture->offers = tidy_offers_new(fixture->notifier,
					  &(TidyOffersFuncs){ .plan = on_plan,
							      .merge = on_merge,
							      .undo = on_undo,
							      .show = on_show,
							      .answer = on_answer,
							      .data = fixture },
					  &(TidyOffersTimes){ .burst_usec = 1000 });
	tidy_offers_set_home(fixture->offers, "/h");
}

static void
fixture_tear_down(Fixture *fixture, gconstpointer data)
{
	tidy_offers_free(fixture->offers);
	tidy_notifier_free(fixture->notifier);
	g_string_free(fixture->calls, TRUE);
}

static GVariant *
report(const char *kind, guint64 id, guint64 moved, guint64 failed)
{
	g_autofree char *text =
		g_strdup_printf("{'kind': <'%s'>, 'operations': <[{'id': <uint64 %" G_GUINT64_FORMAT
				">, 'stray': <'/h/Download'>, 'target': <'/h/Downloads'>, "
				"'counts': <{'moved': <uint64 %" G_GUINT64_FORMAT
				">, 'failed': <uint64 %" G_GUINT64_FORMAT
				">}>, 'problems': <%s>}]>}",
				kind, id, moved, failed,
				failed > 0 ? "[{'text': <'disk <full>'>}]" : "@aa{sv} []");
	GVariant *variant = g_variant_parse(G_VARIANT_TYPE_VARDICT, text, NULL, NULL, NULL);

	g_assert_nonnull(variant);
	return variant;
}

static const TidyOfferStray strays[] = { { "/h/Download", "/h/Downloads" },
					 { "/h/Musik", "/h/Music" } };

static void
ask_and_plan(Fixture *fixture)
{
	g_autoptr(GVariant) plan = report("merge", 0, 42, 0);

	tidy_offers_ask(fixture->offers, strays, G_N_ELEMENTS(strays));
	tidy_offers_planned(fixture->offers, "/h/Download", plan);
}

static void
test_question_has_a_preview(Fixture *fixture, gconstpointer data)
{
	const FakeNote *note;

	ask_and_plan(fixture);

	note = fake_notifier_note(fixture->notifier, "question");
	g_assert_cmpstr(fixture->calls->str, ==, "plan /h/Download");
	g_assert_cmpstr(note->summary, ==, "Merge Download into Downloads?");
	g_assert_nonnull(strstr(note->body, "42 entries would move."));
	g_assert_true(note->stays);
}

static void
test_buttons(Fixture *fixture, const char *label, const char *expected)
{
	ask_and_plan(fixture);
	g_string_truncate(fixture->calls, 0);

	g_assert_true(fake_notifier_press(fixture->notifier, "question", label));

	g_assert_cmpstr(fixture->calls->str, ==, expected);
	g_assert_null(fake_notifier_note(fixture->notifier, "question"));
}

static void
test_merge_button(Fixture *fixture, gconstpointer data)
{
	test_buttons(fixture, "Merge", "merge /h/Download");
}

static void
test_later_button(Fixture *fixture, gconstpointer data)
{
	test_buttons(fixture, "Not now", "later /h/Download");
}

static void
test_never_button(Fixture *fixture, gconstpointer data)
{
	test_buttons(fixture, "Never", "never /h/Download");
}

static void
test_dismissed_is_later(Fixture *fixture, gconstpointer data)
{
	ask_and_plan(fixture);
	g_string_truncate(fixture->calls, 0);
	fake_notifier_end(fixture->notifier, "question", TIDY_NOTE_DISMISSED);
	g_assert_cmpstr(fixture->calls->str, ==, "later /h/Download");
}

static void
test_expired_is_no_answer(Fixture *fixture, gconstpointer data)
{
	ask_and_plan(fixture);
	g_string_truncate(fixture->calls, 0);
	fake_notifier_end(fixture->notifier, "question", TIDY_NOTE_EXPIRED);
	g_assert_cmpstr(fixture->calls->str, ==, "");

	/* The next look asks about the other one, and not again about this one. */
	tidy_offers_ask(fixture->offers, strays, G_N_ELEMENTS(strays));
	g_assert_cmpstr(fixture->calls->str, ==, "plan /h/Musik");
}

static void
test_question_goes_with_its_stray(Fixture *fixture, gconstpointer data)
{
	ask_and_plan(fixture);
	tidy_offers_ask(fixture->offers, &strays[1], 1);
	g_assert_null(fake_notifier_note(fixture->notifier, "question"));
}

static void
test_plan_that_failed_asks_nothing(Fixture *fixture, gconstpointer data)
{
	tidy_offers_ask(fixture->offers, strays, 1);
	tidy_offers_planned(fixture->offers, "/h/Download", NULL);
	g_assert_cmpuint(fake_notifier_n_shown(fixture->notifier), ==, 0);
}

static void
test_server_without_buttons(Fixture *fixture, gconstpointer data)
{
	const TidyNotifierFuncs *funcs = &fixture->notifier->funcs;

	ask_and_plan(fixture);
	funcs->shown("question", FALSE, funcs->data);
	g_assert_nonnull(
		strstr(fake_notifier_note(fixture->notifier, "question")->body, "xdgtidy merge"));
}

static gboolean
set_true(gpointer data)
{
	*(gboolean *)data = TRUE;
	return G_SOURCE_REMOVE;
}

/* Until a note of that topic is there; a second at most. */
static const FakeNote *
wait_for_note(Fixture *fixture, const char *topic)
{
	gboolean is_late = FALSE;
	guint timeout = g_timeout_add_seconds(1, set_true, &is_late);

	while (!is_late && fake_notifier_note(fixture->notifier, topic) == NULL)
		g_main_context_iteration(NULL, TRUE);
	if (!is_late)
		g_source_remove(timeout);
	return fake_notifier_note(fixture->notifier, topic);
}

static void
test_burst_is_one_summary(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GVariant) one = report("merge", 11, 2, 0);
	g_autoptr(GVariant) two = report("merge", 12, 3, 0);
	const FakeNote *note;

	tidy_offers_report(fixture->offers, one, FALSE);
	tidy_offers_report(fixture->offers, two, FALSE);
	g_assert_cmpuint(fake_notifier_n_shown(fixture->notifier), ==, 0);
	note = wait_for_note(fixture, "merge");

	g_assert_cmpstr(note->summary, ==, "5 entries merged into Downloads");
	g_assert_cmpstr(note->body, ==, "From ~/Download\n5 moved");
	g_assert_true(fake_notifier_press(fixture->notifier, "merge", "Undo"));
	g_assert_cmpstr(fixture->calls->str, ==, "undo 12,11");
}

static void
test_show_button(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GVariant) one = report("merge", 11, 1, 0);

	tidy_offers_report(fixture->offers, one, TRUE);
	g_assert_cmpstr(fake_notifier_note(fixture->notifier, "merge")->summary, ==,
			"1 entry merged into Downloads");
	g_assert_true(fake_notifier_press(fixture->notifier, "merge", "Show"));
	g_assert_cmpstr(fixture->calls->str, ==, "show /h/Downloads");
}

static void
test_undo_says_so(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GVariant) undone = report("undo", 13, 5, 0);

	tidy_offers_report(fixture->offers, undone, TRUE);
	g_assert_cmpstr(fake_notifier_note(fixture->notifier, "merge")->summary, ==,
			"5 entries are back in Download");
}

static void
test_nothing_done_nothing_said(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GVariant) nothing = report("merge", 0, 0, 0);

	tidy_offers_report(fixture->offers, nothing, TRUE);
	g_assert_cmpuint(fake_notifier_n_shown(fixture->notifier), ==, 0);
}

static const struct {
	TidyConfigNotify level;
	gboolean has_question, has_summary, has_partial, has_error;
} levels[] = {
	{ TIDY_CONFIG_NOTIFY_ALL, TRUE, TRUE, TRUE, TRUE },
	{ TIDY_CONFIG_NOTIFY_SUMMARY, TRUE, TRUE, TRUE, TRUE },
	{ TIDY_CONFIG_NOTIFY_ERRORS, TRUE, FALSE, TRUE, TRUE },
	{ TIDY_CONFIG_NOTIFY_NEVER, FALSE, FALSE, FALSE, FALSE },
};

static void
test_levels(Fixture *fixture, gconstpointer data)
{
	guint i = GPOINTER_TO_UINT(data);
	g_autoptr(GVariant) good = report("merge", 11, 1, 0);
	g_autoptr(GVariant) partial = report("merge", 12, 1, 1);

	tidy_offers_set_level(fixture->offers, levels[i].level);
	tidy_offers_ask(fixture->offers, strays, 1);
	g_assert_cmpint(fixture->calls->len > 0, ==, levels[i].has_question);
	tidy_offers_report(fixture->offers, good, TRUE);
	g_assert_cmpint(fake_notifier_note(fixture->notifier, "merge") != NULL, ==,
			levels[i].has_summary);
	tidy_notifier_close(fixture->notifier, "merge");
	tidy_offers_report(fixture->offers, partial, TRUE);
	g_assert_cmpint(fake_notifier_note(fixture->notifier, "merge") != NULL, ==,
			levels[i].has_partial);
	tidy_offers_config_error(fixture->offers, "f:1:2: bad");
	g_assert_cmpint(fake_notifier_note(fixture->notifier, "error") != NULL, ==,
			levels[i].has_error);
}

static void
test_config_error_is_told_once(Fixture *fixture, gconstpointer data)
{
	tidy_offers_config_error(fixture->offers, "f:1:2: bad");
	tidy_offers_config_error(fixture->offers, "f:1:2: bad");
	g_assert_cmpuint(fake_notifier_n_shown(fixture->notifier), ==, 1);
	tidy_offers_config_error(fixture->offers, NULL);
	g_assert_null(fake_notifier_note(fixture->notifier, "error"));
	tidy_offers_config_error(fixture->offers, "f:1:2: bad");
	g_assert_cmpuint(fake_notifier_n_shown(fixture->notifier), ==, 2);
}

/* Keys come over the bus, from whoever owns the server's name. */
static void
test_foreign_keys_do_nothing(Fixture *fixture, gconstpointer data)
{
	static const char *const keys[] = { "",	       "undo",	   "undo:",	"undo:0",
					    "undo:-1", "undo:1,x", "merge:",	"merge:rel",
					    "show:%2", "show:%00", "explode:/", "default:",
					    NULL };
	const TidyNotifierFuncs *funcs = &fixture->notifier->funcs;

	for (guint i = 0; keys[i] != NULL; i++)
		funcs->action("merge", keys[i], funcs->data);
	g_assert_cmpstr(fixture->calls->str, ==, "");
}

static void
test_key_of_an_earlier_run(Fixture *fixture, gconstpointer data)
{
	const TidyNotifierFuncs *funcs = &fixture->notifier->funcs;

	funcs->action("merge", "undo:7", funcs->data);
	funcs->action("question", "merge:/h/T%C3%A9l%FF%20x", funcs->data);
	g_assert_cmpstr(fixture->calls->str, ==, "undo 7; merge /h/T\303\251l\377 x");
}

static void
add(const char *path, void (*test)(Fixture *, gconstpointer), gconstpointer data)
{
	g_test_add(path, Fixture, data, fixture_set_up, test, fixture_tear_down);
}

int
main(int argc, char **argv)
{
	static const char *const level_names[] = { "all", "summary", "errors", "never" };

	g_test_init(&argc, &argv, NULL);
	for (guint i = 0; i < G_N_ELEMENTS(decisions); i++) {
		g_autofree char *path = g_strconcat("/offers/decide/", decisions[i].name, NULL);

		g_test_add_data_func(path, GUINT_TO_POINTER(i), test_decide);
	}
	for (guint i = 0; i < G_N_ELEMENTS(levels); i++) {
		g_autofree char *path = g_strconcat("/offers/level/", level_names[i], NULL);

		add(path, test_levels, GUINT_TO_POINTER(i));
	}
	add("/offers/question/has-a-preview", test_question_has_a_preview, NULL);
	add("/offers/question/merge", test_merge_button, NULL);
	add("/offers/question/not-now", test_later_button, NULL);
	add("/offers/question/never", test_never_button, NULL);
	add("/offers/question/dismissed-is-not-now", test_dismissed_is_later, NULL);
	add("/offers/question/expired-is-no-answer", test_expired_is_no_answer, NULL);
	add("/offers/question/goes-with-its-stray", test_question_goes_with_its_stray, NULL);
	add("/offers/question/plan-failed", test_plan_that_failed_asks_nothing, NULL);
	add("/offers/question/server-without-buttons", test_server_without_buttons, NULL);
	add("/offers/summary/burst-is-one", test_burst_is_one_summary, NULL);
	add("/offers/summary/show", test_show_button, NULL);
	add("/offers/summary/undo-says-so", test_undo_says_so, NULL);
	add("/offers/summary/nothing-done", test_nothing_done_nothing_said, NULL);
	add("/offers/config-error-is-told-once", test_config_error_is_told_once, NULL);
	add("/offers/keys/foreign", test_foreign_keys_do_nothing, NULL);
	add("/offers/keys/of-an-earlier-run", test_key_of_an_earlier_run, NULL);
	return g_test_run();
}
