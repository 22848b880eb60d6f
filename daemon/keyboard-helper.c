/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The key half's helper: when there is one, what it is told, what it says. I/O: by the files keys-*.c. */
#include "daemon/keyboard-private.h"

#include "daemon/keys-command.h"
#include "daemon/log.h"
#include "daemon/timer.h"

#define BACK_OFF_FACTOR 4
#define DEATHS_MAX	3

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

static void
say(TidyKeyboard *keyboard, RemapLinkKind kind)
{
	if (tidy_keyboard_is_ready(keyboard))
		tidy_keys_client_say(keyboard->client, &(RemapLinkMessage){ .kind = kind });
}

/* ---- keymaps ---- */

void
tidy_keyboard_clear_keymap(TidyKeyboardKeymap *keymap)
{
	g_clear_pointer(&keymap->made, tidy_keys_made_free);
	keymap->id = 0;
}

void
tidy_keyboard_set_keymap(TidyKeyboard *keyboard, TidyKeyboardKeymap *keymap, TidyKeysMade *made)
{
	tidy_keyboard_clear_keymap(keymap);
	keymap->made = made;
	keymap->id = ++keyboard->last_id;
}

void
tidy_keyboard_send_keymap(TidyKeyboard *keyboard, const TidyKeyboardKeymap *keymap,
			  guint32 trial_ms)
{
	if (keymap->made != NULL && tidy_keyboard_is_ready(keyboard))
		tidy_keys_client_load(keyboard->client, keymap->id, keymap->made->text,
				      keymap->made->length, trial_ms);
}

void
tidy_keyboard_send_trial(TidyKeyboard *keyboard)
{
	tidy_keyboard_send_keymap(keyboard, &keyboard->trial, keyboard->trial_ms);
}

/* ---- what the session is ---- */

void
tidy_keyboard_send_lock(TidyKeyboard *keyboard)
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
		tidy_keyboard_send_lock(keyboard);
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
	tidy_keyboard_clear_keymap(&keyboard->trial);
	tidy_keyboard_tell_changed(keyboard);
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
	tidy_keyboard_send_lock(keyboard);
	if (keyboard->is_asleep)
		send_sleep(keyboard);
	if (keyboard->is_suspended)
		say(keyboard, REMAP_LINK_SUSPEND);
	tidy_keyboard_send_keymap(keyboard, &keyboard->good, 0);
	tidy_keyboard_send_trial(keyboard);
	tidy_keyboard_tell_changed(keyboard);
}

static void
on_changed(gpointer data)
{
	TidyKeyboard *keyboard = data;
	guint32 flags = tidy_keys_client_view(keyboard->client)->flags;

	if (keyboard->is_asleep && flags & REMAP_LINK_IS_ASLEEP)
		tidy_keys_session_may_sleep(keyboard->session);
	tidy_keyboard_tell_changed(keyboard);
}

static void
on_accepted(guint32 id, gpointer data)
{
	TidyKeyboard *keyboard = data;

	if (keyboard->bad == NULL)
		tidy_keys_notes_fine(keyboard->notes);
	tidy_keyboard_on_answer(keyboard, id, NULL);
	tidy_keyboard_tell_changed(keyboard);
}

/* The same parser took the same text a moment ago. */
static void
on_rejected(guint32 id, const char *problem, gpointer data)
{
	TidyKeyboard *keyboard = data;

	tidy_log(G_LOG_LEVEL_WARNING, TIDY_LOG_CONFIG, 0, "keymap",
		 "bug: the key helper rejected a keymap at %s", problem);
	if (id == keyboard->trial.id)
		tidy_keyboard_clear_keymap(&keyboard->trial);
	tidy_keyboard_on_answer(keyboard, id, problem);
	tidy_keyboard_tell_changed(keyboard);
	tidy_keyboard_advance(keyboard);
}

static void
on_reverted(guint32 now, guint32 gone, gpointer data)
{
	TidyKeyboard *keyboard = data;

	if (gone == keyboard->trial.id)
		tidy_keyboard_clear_keymap(&keyboard->trial);
	/* It was confirmed when the helper had already let go of it. */
	else if (gone == keyboard->good.id)
		tidy_keyboard_compile(keyboard);
	tidy_keyboard_tell_changed(keyboard);
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
	tidy_keyboard_tell_changed(keyboard);
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
	tidy_keyboard_watch(keyboard);
}

void
tidy_keyboard_drop_helper(TidyKeyboard *keyboard)
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
		tidy_keyboard_drop_helper(keyboard);
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
