/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The key half in the daemon: when there is a helper, and what it is told. I/O: by the files keys-*.c. */
#include "daemon/keyboard-private.h"

#include <string.h>
#include <sys/stat.h>

#include "daemon/keys-command.h"
#include "daemon/log.h"
#include "daemon/timer.h"

#define BACK_OFF_FACTOR 4
#define DEATHS_MAX	3
#define NEWS_USEC	(20 * G_TIME_SPAN_MILLISECOND)

const TidyKeyboardTimes tidy_keyboard_times_default = {
	.quiet_usec = 100 * G_TIME_SPAN_MILLISECOND,
	.patience_usec = 10 * G_TIME_SPAN_SECOND,
	.back_off_usec = G_TIME_SPAN_SECOND,
	.steady_usec = G_TIME_SPAN_MINUTE,
	.burst_usec = 2 * G_TIME_SPAN_SECOND,
};

static void
say(TidyKeyboard *keyboard, RemapLinkKind kind)
{
	if (tidy_keyboard_is_ready(keyboard))
		tidy_keys_client_say(keyboard->client, &(RemapLinkMessage){ .kind = kind });
}

static gboolean
on_news(gpointer data)
{
	TidyKeyboard *keyboard = data;

	tidy_timer_set(&keyboard->news, 0, NULL, NULL);
	keyboard->funcs.changed(keyboard->funcs.data);
	return G_SOURCE_REMOVE;
}

/* Once for all that happens together. */
static void
tell_changed(TidyKeyboard *keyboard)
{
	if (keyboard->news == NULL)
		tidy_timer_set(&keyboard->news, NEWS_USEC, on_news, keyboard);
}

gboolean
tidy_keyboard_is_ready(const TidyKeyboard *keyboard)
{
	return keyboard->client != NULL && tidy_keys_client_is_ready(keyboard->client);
}

gboolean
tidy_keyboard_is_locked(const TidyKeyboard *keyboard)
{
	return keyboard->session != NULL && tidy_keys_session_is_locked(keyboard->session);
}

/* ---- keymaps ---- */

static void
keymap_clear(TidyKeyboardKeymap *keymap)
{
	g_clear_pointer(&keymap->made, tidy_keys_made_free);
	keymap->id = 0;
}

void
tidy_keyboard_set_keymap(TidyKeyboard *keyboard, TidyKeyboardKeymap *keymap, TidyKeysMade *made)
{
	keymap_clear(keymap);
	keymap->made = made;
	keymap->id = ++keyboard->last_id;
}

static void
send_keymap(TidyKeyboard *keyboard, const TidyKeyboardKeymap *keymap, guint32 trial_ms)
{
	if (keymap->made != NULL && tidy_keyboard_is_ready(keyboard))
		tidy_keys_client_load(keyboard->client, keymap->id, keymap->made->text,
				      keymap->made->length, trial_ms);
}

void
tidy_keyboard_send_trial(TidyKeyboard *keyboard)
{
	send_keymap(keyboard, &keyboard->trial, keyboard->trial_ms);
}

/* ---- what the session is ---- */

static void
send_lock(TidyKeyboard *keyboard)
{
	gboolean is_locked = tidy_keyboard_is_locked(keyboard);

	if (!tidy_keyboard_is_ready(keyboard) || (!is_locked && !keyboard->is_lock_sent))
		return;
	keyboard->is_lock_sent = is_locked;
	tidy_keys_client_say(keyboard->client,
			     &(RemapLinkMessage){ .kind = REMAP_LINK_LOCK,
						  .is_on = is_locked,
						  .policy = keyboard->config.on_lock });
}

static void
send_sleep(TidyKeyboard *keyboard)
{
	if (tidy_keyboard_is_ready(keyboard))
		tidy_keys_client_say(keyboard->client,
				     &(RemapLinkMessage){ .kind = REMAP_LINK_SLEEP,
							  .is_on = keyboard->is_asleep });
	else if (keyboard->is_asleep)
		tidy_keys_session_may_sleep(keyboard->session);
}

static void
on_session_changed(gpointer data)
{
	TidyKeyboard *keyboard = data;

	if (tidy_keyboard_is_locked(keyboard) != keyboard->is_lock_sent)
		send_lock(keyboard);
	if (keyboard->halt == HALT_REFUSED || keyboard->halt == HALT_NO_ACCESS) {
		keyboard->halt = HALT_NONE;
		tidy_keyboard_advance(keyboard);
	}
}

static void
on_sleep(gboolean is_on, gpointer data)
{
	TidyKeyboard *keyboard = data;

	keyboard->is_asleep = is_on;
	send_sleep(keyboard);
}

/* ---- the helper ---- */

static gboolean
on_back_off(gpointer data)
{
	TidyKeyboard *keyboard = data;

	tidy_timer_set(&keyboard->timer, 0, NULL, NULL);
	keyboard->halt = HALT_NONE;
	tidy_keyboard_advance(keyboard);
	return G_SOURCE_REMOVE;
}

static void
halt(TidyKeyboard *keyboard, TidyKeyboardHalt why)
{
	keyboard->halt = why;
	tidy_keyboard_on_halt(keyboard);
	/* Not tried again: perhaps it is what killed the helper. */
	keymap_clear(&keyboard->trial);
	tell_changed(keyboard);
}

/* After 1, 4 and 16 s; FALSE: that was tried. */
static gboolean
back_off(TidyKeyboard *keyboard)
{
	gint64 span = keyboard->times.back_off_usec;

	if (keyboard->n_deaths >= DEATHS_MAX)
		return FALSE;
	for (guint i = 0; i < keyboard->n_deaths; i++)
		span *= BACK_OFF_FACTOR;
	keyboard->n_deaths++;
	tidy_timer_set(&keyboard->timer, span, on_back_off, keyboard);
	return TRUE;
}

static void
on_ready(gpointer data)
{
	TidyKeyboard *keyboard = data;

	keyboard->ready_usec = g_get_monotonic_time();
	keyboard->is_lock_sent = FALSE;
	send_lock(keyboard);
	if (keyboard->is_asleep)
		send_sleep(keyboard);
	if (keyboard->is_suspended)
		say(keyboard, REMAP_LINK_SUSPEND);
	send_keymap(keyboard, &keyboard->good, 0);
	tidy_keyboard_send_trial(keyboard);
	tell_changed(keyboard);
}

static void
on_changed(gpointer data)
{
	TidyKeyboard *keyboard = data;
	guint32 flags = tidy_keys_client_view(keyboard->client)->flags;

	if (keyboard->is_asleep && flags & REMAP_LINK_IS_ASLEEP)
		tidy_keys_session_may_sleep(keyboard->session);
	tell_changed(keyboard);
}

static void
on_accepted(guint32 id, gpointer data)
{
	TidyKeyboard *keyboard = data;

	if (keyboard->bad == NULL)
		tidy_keys_notes_fine(keyboard->notes);
	tidy_keyboard_on_answer(keyboard, id, NULL);
	tell_changed(keyboard);
}

/* The same parser took the same text a moment ago. */
static void
on_rejected(guint32 id, const char *problem, gpointer data)
{
	TidyKeyboard *keyboard = data;

	tidy_log(G_LOG_LEVEL_WARNING, TIDY_LOG_CONFIG, 0, "keymap",
		 "bug: the key helper rejected a keymap at %s", problem);
	if (id == keyboard->trial.id)
		keymap_clear(&keyboard->trial);
	tidy_keyboard_on_answer(keyboard, id, problem);
	tell_changed(keyboard);
	tidy_keyboard_advance(keyboard);
}

static void
on_reverted(guint32 now, guint32 gone, gpointer data)
{
	TidyKeyboard *keyboard = data;

	if (gone == keyboard->trial.id)
		keymap_clear(&keyboard->trial);
	/* It was confirmed when the helper had already let go of it. */
	else if (gone == keyboard->good.id)
		tidy_keyboard_compile(keyboard);
	tell_changed(keyboard);
	tidy_keyboard_advance(keyboard);
}

static void
on_device(const TidyKeysDevice *device, gpointer data)
{
	TidyKeyboard *keyboard = data;

	if (device->event != REMAP_LINK_DEVICE_GRABBED)
		return;
	tidy_log(G_LOG_LEVEL_MESSAGE, NULL, 0, NULL, "remapping %s (%04x:%04x)", device->node,
		 device->vendor, device->product);
	tidy_keys_notes_remapped(keyboard->notes, device);
}

static void
on_layer(const char *name, gboolean is_on, gpointer data)
{
	TidyKeyboard *keyboard = data;

	keyboard->funcs.layer(name, is_on, keyboard->funcs.data);
}

/* Of a keymap that is no longer ours to know, or while locked: nothing. */
static void
on_command(guint32 id, guint32 index, gpointer data)
{
	TidyKeyboard *keyboard = data;
	const TidyKeyboardKeymap *keymap =
		id == keyboard->good.id ? &keyboard->good : &keyboard->trial;

	if (keymap->made == NULL || keymap->id != id ||
	    index >= g_strv_length(keymap->made->commands) || tidy_keyboard_is_locked(keyboard))
		return;
	tidy_keys_command_run(keyboard->bus, keymap->made->commands[index]);
}

static void
on_told(gpointer data)
{
	tidy_keyboard_on_told(data);
}

static char *
describe_end(TidyKeysEnd why, const char *text)
{
	switch (why) {
	case TIDY_KEYS_END_CLOSED:
		return g_strdup("its helper died");
	case TIDY_KEYS_END_FAULT:
		return g_strdup_printf("its helper gave up: %s", text);
	case TIDY_KEYS_END_NONSENSE:
		return g_strdup_printf("its helper said what it must not (%s)", text);
	case TIDY_KEYS_END_SILENT:
		return g_strdup("its helper does not answer");
	}
	return NULL;
}

static void
on_ended(TidyKeysEnd why, RemapLinkFaultCode code, const char *text, gpointer data)
{
	TidyKeyboard *keyboard = data;
	gboolean is_refused = why == TIDY_KEYS_END_FAULT && code == REMAP_LINK_FAULT_REFUSED;
	gboolean was_ready = tidy_keyboard_is_ready(keyboard);

	if (tidy_keys_client_view(keyboard->client)->flags & REMAP_LINK_IS_PANIC)
		keyboard->is_suspended = TRUE;
	g_free(keyboard->last_words);
	keyboard->last_words = is_refused ? g_strdup(text) : describe_end(why, text);
	g_clear_pointer(&keyboard->client, tidy_keys_client_free);
	if (keyboard->is_asleep && keyboard->session != NULL)
		tidy_keys_session_may_sleep(keyboard->session);
	if (was_ready &&
	    g_get_monotonic_time() - keyboard->ready_usec > keyboard->times.steady_usec)
		keyboard->n_deaths = 0;
	tidy_log(is_refused ? G_LOG_LEVEL_MESSAGE : G_LOG_LEVEL_WARNING, NULL, 0, "helper",
		 "keys: %s", keyboard->last_words);
	if (is_refused && keyboard->session != NULL &&
	    tidy_keys_session_seat(keyboard->session) == TIDY_KEYS_SESSION_INACTIVE) {
		halt(keyboard, HALT_REFUSED);
	} else if (back_off(keyboard)) {
		halt(keyboard, HALT_BACK_OFF);
	} else if (is_refused) {
		halt(keyboard, HALT_REFUSED);
	} else {
		tidy_keys_notes_gave_up(keyboard->notes, keyboard->last_words);
		halt(keyboard, HALT_GAVE_UP);
	}
}

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

static void
start_client(TidyKeyboard *keyboard, int fd)
{
	keyboard->client = tidy_keys_client_new(&fd, keyboard->times.patience_usec,
						&(TidyKeysClientFuncs){ .ready = on_ready,
									.changed = on_changed,
									.accepted = on_accepted,
									.rejected = on_rejected,
									.reverted = on_reverted,
									.device = on_device,
									.layer = on_layer,
									.command = on_command,
									.told = on_told,
									.ended = on_ended,
									.data = keyboard });
	tell_changed(keyboard);
}

static void
get_helper(TidyKeyboard *keyboard)
{
	g_autofree char *before = g_strdup(keyboard->obstacle.missing);
	int fd = -1;

	switch (tidy_keys_access_get(keyboard->access, &fd, &keyboard->obstacle)) {
	case TIDY_KEYS_ACCESS_GIVEN:
		start_client(keyboard, fd);
		return;
	case TIDY_KEYS_ACCESS_LATER:
		if (back_off(keyboard)) {
			halt(keyboard, HALT_BACK_OFF);
			return;
		}
		break;
	case TIDY_KEYS_ACCESS_NONE:
		break;
	}
	if (g_strcmp0(before, keyboard->obstacle.missing) != 0)
		tidy_log(G_LOG_LEVEL_WARNING, NULL, 0, "access", "keys: %s; %s",
			 keyboard->obstacle.missing, keyboard->obstacle.remedy);
	tidy_keys_notes_no_access(keyboard->notes, keyboard->obstacle.missing,
				  keyboard->obstacle.remedy);
	halt(keyboard, HALT_NO_ACCESS);
	set_watches(keyboard, read_paths(keyboard));
}

static void
drop_helper(TidyKeyboard *keyboard)
{
	tidy_timer_set(&keyboard->timer, 0, NULL, NULL);
	if (keyboard->client != NULL)
		tidy_log(G_LOG_LEVEL_MESSAGE, NULL, 0, NULL, "no key is remapped any more");
	g_clear_pointer(&keyboard->client, tidy_keys_client_free);
	g_clear_pointer(&keyboard->session, tidy_keys_session_free);
	keyboard->is_asleep = FALSE;
	keyboard->halt = HALT_NONE;
	keyboard->n_deaths = 0;
	tidy_keyboard_on_halt(keyboard);
}

void
tidy_keyboard_advance(TidyKeyboard *keyboard)
{
	if (keyboard->good.made == NULL && keyboard->trial.made == NULL) {
		drop_helper(keyboard);
		return;
	}
	if (keyboard->session == NULL)
		keyboard->session = tidy_keys_session_new(&(TidyKeysSessionFuncs){
			.changed = on_session_changed, .sleep = on_sleep, .data = keyboard });
	if (keyboard->client == NULL && keyboard->halt == HALT_NONE)
		get_helper(keyboard);
}

void
tidy_keyboard_forgive(TidyKeyboard *keyboard)
{
	tidy_timer_set(&keyboard->timer, 0, NULL, NULL);
	keyboard->halt = HALT_NONE;
	keyboard->n_deaths = 0;
}

/* ---- the file ---- */

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
	keymap_clear(&keyboard->trial);
	send_keymap(keyboard, &keyboard->good, 0);
}

static void
on_missing(TidyKeyboard *keyboard)
{
	g_clear_pointer(&keyboard->bad, tidy_keys_made_free);
	keymap_clear(&keyboard->good);
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
	tell_changed(keyboard);
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
	keymap_clear(&keyboard->good);
	keymap_clear(&keyboard->trial);
	drop_helper(keyboard);
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
		send_lock(keyboard);
	if (config->is_enabled == before.is_enabled)
		return;
	if (config->is_enabled)
		switch_on(keyboard);
	else
		switch_off(keyboard);
	tell_changed(keyboard);
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
