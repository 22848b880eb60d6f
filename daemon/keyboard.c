/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The key half in the daemon: its file, its settings, its life. I/O: by the files keys-*.c. */
#include "daemon/keyboard-private.h"

#include <string.h>
#include <sys/stat.h>

#include "daemon/log.h"
#include "daemon/timer.h"

#define NEWS_USEC (20 * G_TIME_SPAN_MILLISECOND)

const TidyKeyboardTimes tidy_keyboard_times_default = {
	.quiet_usec = 100 * G_TIME_SPAN_MILLISECOND,
	.patience_usec = 10 * G_TIME_SPAN_SECOND,
	.back_off_usec = G_TIME_SPAN_SECOND,
	.steady_usec = G_TIME_SPAN_MINUTE,
	.burst_usec = 2 * G_TIME_SPAN_SECOND,
};

static gboolean
on_news(gpointer data)
{
	TidyKeyboard *keyboard = data;

	tidy_timer_set(&keyboard->news, 0, NULL, NULL);
	keyboard->funcs.changed(keyboard->funcs.data);
	return G_SOURCE_REMOVE;
}

/* Once for all that happens together. */
void
tidy_keyboard_tell_changed(TidyKeyboard *keyboard)
{
	if (keyboard->news == NULL)
		tidy_timer_set(&keyboard->news, NEWS_USEC, on_news, keyboard);
}

/* ---- the file ---- */

/* What the present keymap reads; and while nobody lets us at the keyboards, the socket that may come. */
static gboolean
set_watches(TidyKeyboard *keyboard, char *const *paths)
{
	g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
	g_auto(GStrv) all = NULL;

	g_strv_builder_add(builder, keyboard->path);
	for (char *const *path = paths; path != NULL && *path != NULL; path++)
		if (strcmp(*path, keyboard->path) != 0)
			g_strv_builder_add(builder, *path);
	if (keyboard->halt == HALT_NO_ACCESS)
		g_strv_builder_add(builder, keyboard->access->socket);
	all = g_strv_builder_end(builder);
	return tidy_keys_files_set(keyboard->files, (const char *const *)all);
}

static char *const *
read_paths(const TidyKeyboard *keyboard)
{
	const TidyKeysMade *made = keyboard->bad != NULL ? keyboard->bad : keyboard->good.made;

	return made != NULL ? made->paths : NULL;
}

void
tidy_keyboard_watch(TidyKeyboard *keyboard)
{
	(void)set_watches(keyboard, read_paths(keyboard));
}

static void
on_wrong(TidyKeyboard *keyboard, TidyKeysMade *made)
{
	g_autofree char *where = tidy_keys_problem_text(g_ptr_array_index(made->problems, 0));

	g_clear_pointer(&keyboard->bad, tidy_keys_made_free);
	keyboard->bad = made;
	tidy_log(G_LOG_LEVEL_WARNING, TIDY_LOG_CONFIG, 0, "keymap", "config: %s", where);
	tidy_keys_notes_rejected(keyboard->notes, where, keyboard->good.made != NULL);
}

/* A keymap that is the same to the last byte runs on: whoever holds a key does not notice. */
static void
on_right(TidyKeyboard *keyboard, TidyKeysMade *made)
{
	gboolean is_same =
		keyboard->good.made != NULL && strcmp(keyboard->good.made->text, made->text) == 0;

	if (keyboard->bad != NULL)
		tidy_keys_notes_fine(keyboard->notes);
	g_clear_pointer(&keyboard->bad, tidy_keys_made_free);
	if (is_same) {
		tidy_keys_made_free(keyboard->good.made);
		keyboard->good.made = made;
		return;
	}
	tidy_keyboard_set_keymap(keyboard, &keyboard->good, made);
	tidy_keyboard_clear_keymap(&keyboard->trial);
	tidy_keyboard_send_keymap(keyboard, &keyboard->good, 0);
}

static void
on_missing(TidyKeyboard *keyboard)
{
	g_clear_pointer(&keyboard->bad, tidy_keys_made_free);
	tidy_keyboard_clear_keymap(&keyboard->good);
	if (keyboard->trial.made == NULL)
		tidy_keys_notes_fine(keyboard->notes);
}

static void
on_made(TidyKeysMade *made, gpointer data)
{
	TidyKeyboard *keyboard = data;
	const TidyKeysMade *kept = made;

	g_clear_object(&keyboard->compiling);
	/* What was included may have changed before it was watched. */
	if (set_watches(keyboard, made->paths)) {
		tidy_keys_made_free(made);
		tidy_keyboard_compile(keyboard);
		return;
	}
	if (made->is_missing)
		on_missing(keyboard);
	else if (made->text == NULL)
		on_wrong(keyboard, made);
	else
		on_right(keyboard, made);
	tidy_keyboard_advance(keyboard);
	tidy_keyboard_on_compiled(keyboard, kept);
	if (kept->is_missing)
		tidy_keys_made_free(made);
	tidy_keyboard_tell_changed(keyboard);
}

void
tidy_keyboard_compile(TidyKeyboard *keyboard)
{
	if (keyboard->compiling != NULL)
		g_cancellable_cancel(keyboard->compiling);
	g_clear_object(&keyboard->compiling);
	if (!keyboard->config.is_enabled)
		return;
	keyboard->compiling = g_cancellable_new();
	tidy_keys_compile_start(keyboard->path, keyboard->compiling, on_made, keyboard);
}

static gboolean
has_file(const TidyKeyboard *keyboard)
{
	struct stat st;

	return lstat(keyboard->path, &st) == 0;
}

/* A home without keyremap.conf costs a watch and this look. */
static void
on_files_changed(gpointer data)
{
	TidyKeyboard *keyboard = data;

	tidy_keyboard_forgive(keyboard);
	if (has_file(keyboard) || keyboard->good.made != NULL || keyboard->bad != NULL)
		tidy_keyboard_compile(keyboard);
}

/* ---- life ---- */

static void
switch_off(TidyKeyboard *keyboard)
{
	if (keyboard->compiling != NULL)
		g_cancellable_cancel(keyboard->compiling);
	g_clear_object(&keyboard->compiling);
	g_clear_pointer(&keyboard->files, tidy_keys_files_free);
	g_clear_pointer(&keyboard->bad, tidy_keys_made_free);
	tidy_keyboard_clear_keymap(&keyboard->good);
	tidy_keyboard_clear_keymap(&keyboard->trial);
	tidy_keyboard_drop_helper(keyboard);
	tidy_keyboard_on_compiled(keyboard, NULL);
	tidy_keys_notes_fine(keyboard->notes);
}

static void
switch_on(TidyKeyboard *keyboard)
{
	keyboard->files =
		tidy_keys_files_new(keyboard->times.quiet_usec, on_files_changed, keyboard);
	set_watches(keyboard, NULL);
	if (has_file(keyboard))
		tidy_keyboard_compile(keyboard);
}

void
tidy_keyboard_configure(TidyKeyboard *keyboard, const TidyConfigKeys *config,
			TidyConfigNotify level)
{
	TidyConfigKeys before = keyboard->config;

	keyboard->config = *config;
	tidy_keys_notes_set_level(keyboard->notes, level);
	if (config->on_lock != before.on_lock)
		tidy_keyboard_send_lock(keyboard);
	if (config->is_enabled == before.is_enabled)
		return;
	if (config->is_enabled)
		switch_on(keyboard);
	else
		switch_off(keyboard);
	tidy_keyboard_tell_changed(keyboard);
}

TidyKeyboard *
tidy_keyboard_new(const TidyKeyboardOptions *options, const TidyKeyboardFuncs *funcs)
{
	TidyKeyboard *keyboard = g_new0(TidyKeyboard, 1);

	keyboard->times = options->times;
	keyboard->funcs = *funcs;
	keyboard->access = options->access;
	g_set_object(&keyboard->bus, options->bus);
	keyboard->path = g_strdup(options->path);
	keyboard->notes = tidy_keys_notes_new(options->notifier, options->notes_file,
					      options->times.burst_usec);
	keyboard->wishes = g_ptr_array_new_with_free_func(tidy_keyboard_wish_free);
	return keyboard;
}

void
tidy_keyboard_free(TidyKeyboard *keyboard)
{
	keyboard->config.is_enabled = FALSE;
	switch_off(keyboard);
	tidy_timer_set(&keyboard->news, 0, NULL, NULL);
	g_ptr_array_unref(keyboard->wishes);
	tidy_keys_notes_free(keyboard->notes);
	tidy_keys_obstacle_clear(&keyboard->obstacle);
	g_clear_object(&keyboard->bus);
	g_free(keyboard->last_words);
	g_free(keyboard->path);
	g_free(keyboard);
}
