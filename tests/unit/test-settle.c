/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of home/merge/settle: each row is a small story told in events. Pure. */
#include "home/merge/settle.h"

#include <string.h>

/*
 * A story is a line of words. Times are seconds; quiet is 30 s, the longest back-off 480 s.
 *	+name@T  arrived     ~name@T  changed     -name@T  gone     <name@T  back
 *	?T=a,b   take at T answers a and b (nothing: "?T=")         !T       the deadline is T ("!never")
 *	*( and *) frame a listing                                    #N       N names wait
 */
typedef struct {
	const char *name;
	const char *story;
} Story;

static const Story stories[] = {
	{ "nothing-never-wakes", "!never ?100= #0" },
	{ "quiet-then-taken", "+a@0 !30 ?29= ?30=a !never ?31= #0" },
	{ "change-moves-the-deadline", "+a@0 ~a@20 !50 ?30= ?50=a" },
	{ "gone-is-forgotten", "+a@0 -a@5 !never ?90=" },
	{ "gone-of-unknown-name", "-a@5 !never" },
	{ "earliest-of-several", "+a@10 +b@0 !30 ?30=b !40 ?40=a" },
	{ "several-sorted", "+c@0 +a@0 +b@0 ?30=a,b,c" },
	{ "old-file-needs-no-wait", "+a@-1000 !-970 ?0=a" },
	{ "older-arrival-changes-nothing", "+a@10 +a@5 !40" },
	{ "busy-backs-off", "+a@0 ?30=a <a@30 !90 ?60= ?90=a <a@90 !210 ?210=a <a@210 !450" },
	{ "back-off-has-a-ceiling",
	  "+a@0 ?30=a <a@30 ?90=a <a@90 ?210=a <a@210 ?450=a <a@450 !930 ?930=a <a@930 !1410" },
	{ "event-ends-the-back-off",
	  "+a@0 ?30=a <a@30 ?90=a <a@90 ~a@100 !130 ?130=a <a@130 !190" },
	{ "back-of-a-name-that-went", "+a@0 ?30=a -a@31 <a@32 !never" },
	{ "back-without-take", "+a@0 <a@10 !30" },
	{ "taken-and-written-again", "+a@0 ?30=a ~a@31 !61" },
	{ "partial-waits-for-its-rename", "+x.part@0 !never #1 ?999= -x.part@50 +x@50 !80 ?80=x" },
	{ "placeholder-waits-with-its-part",
	  "+x.iso@0 +x.iso.part@1 !never ?900= -x.iso@60 -x.iso.part@60 +x.iso@60 !90" },
	{ "placeholder-alone-again", "+x@0 +x.part@1 -x.part@40 !30 ?40=x" },
	{ "other-partial-holds-nothing-up", "+y.part@0 +x@0 !30 ?30=x" },
	{ "prefix-is-not-a-sibling", "+x@0 +xy.part@0 !30" },
	{ "rescan-forgets-what-left", "+a@0 +b@0 *( +b@0 *) ?90=b" },
	{ "rescan-forgets-partial", "+x@0 +x.part@0 *( +x@0 *) ?90=x" },
	{ "rescan-keeps-the-taken", "+a@0 ?30=a *( +a@0 *) !never <a@40 !100" },
	{ "end-of-time", "+a@9223372036854 !max" },
};

static gboolean
ends_with_part(const char *name, gpointer data)
{
	return g_str_has_suffix(name, ".part");
}

static gint64
parse_time(const char *text)
{
	return g_ascii_strtoll(text, NULL, 10) * G_USEC_PER_SEC;
}

static void
check_deadline(TidySettle *settle, const char *expected)
{
	gint64 deadline = tidy_settle_deadline(settle);

	if (strcmp(expected, "never") == 0)
		g_assert_cmpint(deadline, ==, G_MAXINT64);
	else if (strcmp(expected, "max") == 0)
		g_assert_cmpint(deadline, ==, G_MAXINT64 - 1);
	else
		g_assert_cmpint(deadline, ==, parse_time(expected));
}

static void
check_take(TidySettle *settle, const char *arguments)
{
	g_auto(GStrv) taken = tidy_settle_take(settle, parse_time(arguments));
	g_autofree char *joined = taken != NULL ? g_strjoinv(",", taken) : g_strdup("");

	g_assert_cmpstr(joined, ==, strchr(arguments, '=') + 1);
}

static void
act_on_name(TidySettle *settle, const char *word)
{
	const char *at = strchr(word, '@');
	g_autofree char *name = g_strndup(word + 1, (gsize)(at - word - 1));
	gint64 when = parse_time(at + 1);

	if (word[0] == '+')
		tidy_settle_event(settle, TIDY_SETTLE_ARRIVED, name, when);
	else if (word[0] == '~')
		tidy_settle_event(settle, TIDY_SETTLE_CHANGED, name, when);
	else if (word[0] == '-')
		tidy_settle_event(settle, TIDY_SETTLE_GONE, name, when);
	else
		tidy_settle_back(settle, name, when);
}

static void
act(TidySettle *settle, const char *word)
{
	if (word[0] == '!')
		check_deadline(settle, word + 1);
	else if (word[0] == '?')
		check_take(settle, word + 1);
	else if (word[0] == '#')
		g_assert_cmpint(tidy_settle_n_waiting(settle), ==,
				g_ascii_strtoll(word + 1, NULL, 10));
	else if (strcmp(word, "*(") == 0)
		tidy_settle_rescan_begin(settle);
	else if (strcmp(word, "*)") == 0)
		tidy_settle_rescan_end(settle);
	else
		act_on_name(settle, word);
}

static void
test_story(gconstpointer data)
{
	const Story *story = data;
	g_auto(GStrv) words = g_strsplit(story->story, " ", -1);
	g_autoptr(TidySettle) settle = tidy_settle_new(&(TidySettleOptions){
		.quiet_usec = 30 * G_USEC_PER_SEC,
		.backoff_max_usec = 480 * G_USEC_PER_SEC,
		.is_partial = ends_with_part,
	});

	for (guint i = 0; words[i] != NULL; i++) {
		g_test_message("%s", words[i]);
		act(settle, words[i]);
	}
}

static void
test_no_quiet_time_does_not_spin(void)
{
	g_autoptr(TidySettle) settle = tidy_settle_new(&(TidySettleOptions){ .quiet_usec = 0 });
	g_auto(GStrv) taken = NULL;

	tidy_settle_event(settle, TIDY_SETTLE_ARRIVED, "a", 0);
	taken = tidy_settle_take(settle, 0);
	g_assert_cmpstr(taken[0], ==, "a");
	tidy_settle_back(settle, "a", 0);
	g_assert_cmpint(tidy_settle_deadline(settle), >=, 250 * G_TIME_SPAN_MILLISECOND);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (guint i = 0; i < G_N_ELEMENTS(stories); i++) {
		g_autofree char *path = g_strconcat("/merge/settle/", stories[i].name, NULL);

		g_test_add_data_func(path, &stories[i], test_story);
	}
	g_test_add_func("/merge/settle/no-quiet-time-does-not-spin",
			test_no_quiet_time_does_not_spin);
	return g_test_run();
}
