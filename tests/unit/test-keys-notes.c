/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the user is told about the keyboard, and how often. I/O: a scratch file. */
#include "daemon/keys-notes.h"

#include <glib/gstdio.h>

#include "tests/support/fake-notifier.h"

typedef struct {
	char *dir;
	char *file;
	TidyNotifier *notifier;
	TidyKeysNotes *notes;
} Fixture;

static void
set_up(Fixture *f, gconstpointer unused)
{
	f->dir = g_dir_make_tmp("xdgtidy-notes-XXXXXX", NULL);
	f->file = g_build_filename(f->dir, "run", "keyboards", NULL);
	f->notifier = fake_notifier_new();
	f->notes = tidy_keys_notes_new(f->notifier, f->file, 0);
}

static void
tear_down(Fixture *f, gconstpointer unused)
{
	g_autofree char *run = g_path_get_dirname(f->file);

	tidy_keys_notes_free(f->notes);
	tidy_notifier_free(f->notifier);
	(void)g_unlink(f->file);
	(void)g_rmdir(run);
	g_assert_cmpint(g_rmdir(f->dir), ==, 0);
	g_free(f->dir);
	g_free(f->file);
}

static void
connect_keyboard(Fixture *f, const char *name, guint32 product)
{
	tidy_keys_notes_remapped(f->notes, &(TidyKeysDevice){ .node = (char *)"event3",
							      .name = (char *)name,
							      .text = (char *)"",
							      .vendor = 1,
							      .product = product });
}

static void
run_loop(void)
{
	while (g_main_context_iteration(NULL, FALSE))
		;
}

static const char *
body(Fixture *f, const char *topic)
{
	const FakeNote *note = fake_notifier_note(f->notifier, topic);

	return note != NULL ? note->body : NULL;
}

static void
test_together_is_one_note(Fixture *f, gconstpointer unused)
{
	connect_keyboard(f, "A keyboard", 1);
	connect_keyboard(f, "A keyboard", 2);
	connect_keyboard(f, "Another", 3);
	g_assert_cmpuint(fake_notifier_n_shown(f->notifier), ==, 0);
	run_loop();
	g_assert_cmpuint(fake_notifier_n_shown(f->notifier), ==, 1);
	g_assert_cmpstr(body(f, "keyboard"), ==, "A keyboard\nAnother");
}

static void
test_long_lists_are_cut(Fixture *f, gconstpointer unused)
{
	static const char *const names[] = { "a", "b", "c", "d", "e", "f" };

	for (guint i = 0; i < G_N_ELEMENTS(names); i++)
		connect_keyboard(f, names[i], i);
	run_loop();
	g_assert_cmpstr(body(f, "keyboard"), ==, "a\nb\nc\nd\nand 2 more");
}

static void
test_once_a_day_over_restarts(Fixture *f, gconstpointer unused)
{
	connect_keyboard(f, "A keyboard", 1);
	run_loop();
	connect_keyboard(f, "A keyboard", 1);
	run_loop();
	g_assert_cmpuint(fake_notifier_n_shown(f->notifier), ==, 1);
	tidy_keys_notes_free(f->notes);
	f->notes = tidy_keys_notes_new(f->notifier, f->file, 0);
	connect_keyboard(f, "A keyboard", 1);
	run_loop();
	g_assert_cmpuint(fake_notifier_n_shown(f->notifier), ==, 1);
}

static void
test_another_day(Fixture *f, gconstpointer unused)
{
	g_autofree char *run = g_path_get_dirname(f->file);

	g_assert_cmpint(g_mkdir(run, 0700), ==, 0);
	g_assert_true(g_file_set_contents(f->file, "2001-02-03\n0001:0001 A keyboard", -1, NULL));
	tidy_keys_notes_free(f->notes);
	f->notes = tidy_keys_notes_new(f->notifier, f->file, 0);
	connect_keyboard(f, "A keyboard", 1);
	run_loop();
	g_assert_cmpuint(fake_notifier_n_shown(f->notifier), ==, 1);
}

static void
test_wrong_once_and_gone_when_mended(Fixture *f, gconstpointer unused)
{
	tidy_keys_notes_rejected(f->notes, "f:1:2: no", TRUE);
	tidy_keys_notes_rejected(f->notes, "f:1:2: no", TRUE);
	g_assert_cmpuint(fake_notifier_n_shown(f->notifier), ==, 1);
	g_assert_cmpstr(body(f, "keys"), ==, "f:1:2: no\nThe last good one stays in force.");
	tidy_keys_notes_rejected(f->notes, "f:1:3: no", FALSE);
	g_assert_cmpstr(body(f, "keys"), ==, "f:1:3: no\nNo key is remapped.");
	tidy_keys_notes_fine(f->notes);
	g_assert_null(body(f, "keys"));
	tidy_keys_notes_rejected(f->notes, "f:1:3: no", FALSE);
	g_assert_nonnull(body(f, "keys"));
}

static void
test_levels(Fixture *f, gconstpointer unused)
{
	tidy_keys_notes_set_level(f->notes, TIDY_CONFIG_NOTIFY_ERRORS);
	connect_keyboard(f, "A keyboard", 1);
	run_loop();
	g_assert_cmpuint(fake_notifier_n_shown(f->notifier), ==, 0);
	tidy_keys_notes_no_access(f->notes, "nobody may", "ask somebody");
	g_assert_cmpstr(body(f, "keys"), ==,
			"It cannot be done yet: nobody may.\nTo mend it, ask somebody");
	tidy_keys_notes_set_level(f->notes, TIDY_CONFIG_NOTIFY_NEVER);
	tidy_keys_notes_gave_up(f->notes, "it died");
	g_assert_cmpuint(fake_notifier_n_shown(f->notifier), ==, 1);
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *path;
		void (*func)(Fixture *f, gconstpointer data);
	} cases[] = {
		{ "together-is-one-note", test_together_is_one_note },
		{ "long-lists-are-cut", test_long_lists_are_cut },
		{ "once-a-day-over-restarts", test_once_a_day_over_restarts },
		{ "another-day", test_another_day },
		{ "wrong-once-and-gone-when-mended", test_wrong_once_and_gone_when_mended },
		{ "levels", test_levels },
	};

	g_test_init(&argc, &argv, NULL);
	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *path = g_strconcat("/keys/notes/", cases[i].path, NULL);

		g_test_add(path, Fixture, NULL, set_up, cases[i].func, tear_down);
	}
	return g_test_run();
}
