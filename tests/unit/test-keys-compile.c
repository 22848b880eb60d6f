/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From keyremap.conf to what the helper gets: commands by their number, findings, files to watch. I/O: scratch files. */
#include "daemon/keys-compile.h"

#include <glib/gstdio.h>
#include <string.h>

#include "keys/remap/keymap.h"

typedef struct {
	char *dir;
	char *path;
} Fixture;

static void
set_up(Fixture *f, gconstpointer unused)
{
	f->dir = g_dir_make_tmp("xdgtidy-keys-XXXXXX", NULL);
	f->path = g_build_filename(f->dir, "keyremap.conf", NULL);
}

static void
tear_down(Fixture *f, gconstpointer unused)
{
	static const char *const names[] = { "keyremap.conf", "part" };

	for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree char *path = g_build_filename(f->dir, names[i], NULL);

		(void)g_unlink(path);
	}
	g_assert_cmpint(g_rmdir(f->dir), ==, 0);
	g_free(f->dir);
	g_free(f->path);
}

static TidyKeysMade *
compile(Fixture *f, const char *text)
{
	g_assert_true(g_file_set_contents(f->path, text, -1, NULL));
	return tidy_keys_compile(f->path);
}

/* The helper says a number, which counts the commands of the text that it got, not of the user's file. */
static void
test_commands_are_numbered_by_the_text(Fixture *f, gconstpointer unused)
{
	g_autoptr(TidyKeysMade) made = compile(
		f,
		"[ids]\n*\n[zeta]\nz = command(echo zeta)\n[main]\n"
		"f1 = tapdance(a, command(echo one), overload(zeta, command(echo two)), 200)\n"
		"f2 = command(echo \\(three\\) | tr a-z A-Z)\n[alpha:C]\na = command(echo one)\n");
	const RemapSource flat = { .name = "flat", .text = made->text, .length = made->length };
	RemapDiags diags = { 0 };
	RemapKeymap *keymap = remap_keymap_load(&flat, &diags);

	g_assert_nonnull(keymap);
	g_assert_cmpuint(g_strv_length(made->commands), ==, keymap->command_count);
	g_assert_cmpuint(keymap->command_count, >=, 4);
	for (guint i = 0; i < keymap->command_count; i++)
		g_assert_cmpstr(made->commands[i], ==, keymap->commands[i]);
	g_assert_true(
		g_strv_contains((const char *const *)made->commands, "echo (three) | tr a-z A-Z"));
	remap_keymap_free(keymap);
	remap_diags_clear(&diags);
}

static void
test_error_has_its_place_and_comes_first(Fixture *f, gconstpointer unused)
{
	g_autoptr(TidyKeysMade) made =
		compile(f, "[main]\nnosuch = a\ncapslock = overload(nolayer, a)\n");
	g_autofree char *where = NULL;
	g_autofree char *expected = g_strdup_printf("%s:2:1: ", f->path);
	const TidyKeysProblem *first;

	g_assert_null(made->text);
	g_assert_false(made->is_missing);
	g_assert_cmpuint(made->problems->len, >=, 2);
	first = g_ptr_array_index(made->problems, 0);
	g_assert_cmpstr(first->severity, ==, "error");
	where = tidy_keys_problem_text(first);
	g_assert_true(g_str_has_prefix(where, expected));
}

static void
test_missing_is_no_problem(Fixture *f, gconstpointer unused)
{
	g_autoptr(TidyKeysMade) made = tidy_keys_compile(f->path);

	g_assert_true(made->is_missing);
	g_assert_null(made->text);
	g_assert_cmpuint(made->problems->len, ==, 0);
	g_assert_cmpstr(made->paths[0], ==, f->path);
}

static void
test_unreadable_is_a_problem(Fixture *f, gconstpointer unused)
{
	g_autoptr(TidyKeysMade) made = tidy_keys_compile(f->dir);
	g_autofree char *where = NULL;

	g_assert_false(made->is_missing);
	g_assert_null(made->text);
	g_assert_cmpuint(made->problems->len, ==, 1);
	where = tidy_keys_problem_text(g_ptr_array_index(made->problems, 0));
	g_assert_true(g_str_has_prefix(where, f->dir));
}

static void
test_includes_are_watched(Fixture *f, gconstpointer unused)
{
	g_autofree char *part = g_build_filename(f->dir, "part", NULL);
	g_autofree char *gone = g_build_filename(f->dir, "gone/away", NULL);

	g_assert_true(g_file_set_contents(part, "tab = q\ninclude gone/away\n", -1, NULL));
	{
		g_autoptr(TidyKeysMade) made =
			compile(f, "[ids]\n*\n[main]\ncapslock = z\ninclude part\n");

		g_assert_null(made->text);
		g_assert_true(g_strv_contains((const char *const *)made->paths, f->path));
		g_assert_true(g_strv_contains((const char *const *)made->paths, part));
		g_assert_true(g_strv_contains((const char *const *)made->paths, gone));
	}
}

/* Every place a thread could be cancelled at: the caller is not called any more. */
static void
on_made(TidyKeysMade *made, gpointer data)
{
	guint *n_calls = data;

	tidy_keys_made_free(made);
	++*n_calls;
}

static void
test_cancelled_is_not_answered(Fixture *f, gconstpointer unused)
{
	g_autoptr(GCancellable) cancelled = g_cancellable_new();
	guint n_cancelled = 0, n_answered = 0;

	g_assert_true(g_file_set_contents(f->path, "[ids]\n*\n[main]\ncapslock = z\n", -1, NULL));
	tidy_keys_compile_start(f->path, cancelled, on_made, &n_cancelled);
	g_cancellable_cancel(cancelled);
	tidy_keys_compile_start(f->path, NULL, on_made, &n_answered);
	while (n_answered == 0)
		g_main_context_iteration(NULL, TRUE);
	while (g_main_context_iteration(NULL, FALSE))
		;
	g_assert_cmpuint(n_cancelled, ==, 0);
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *path;
		void (*func)(Fixture *f, gconstpointer data);
	} cases[] = {
		{ "commands-are-numbered-by-the-text", test_commands_are_numbered_by_the_text },
		{ "error-has-its-place-and-comes-first", test_error_has_its_place_and_comes_first },
		{ "missing-is-no-problem", test_missing_is_no_problem },
		{ "unreadable-is-a-problem", test_unreadable_is_a_problem },
		{ "includes-are-watched", test_includes_are_watched },
		{ "cancelled-is-not-answered", test_cancelled_is_not_answered },
	};

	g_test_init(&argc, &argv, NULL);
	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *path = g_strconcat("/keys/compile/", cases[i].path, NULL);

		g_test_add(path, Fixture, NULL, set_up, cases[i].func, tear_down);
	}
	return g_test_run();
}
