/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the user asks of the key half; requests wait here for the helper's answer. I/O: timers. */
#include "daemon/keyboard-private.h"
#include "daemon/timer.h"
#include "home/base/error.h"

/* A helper that is busy or hangs must not keep the user from seeing the rest. */
#define STATUS_USEC (2 * G_TIME_SPAN_SECOND)
#define SECONDS_MAX 3600

typedef struct {
	TidyKeyboard *keyboard;
	TidyKeyboardWishKind kind;
	guint32 id; /* WISH_KEYMAP */
	gboolean wants_report;
	TidyKeyboardDone done; /* NULL once called */
	gpointer data;
	GSource *timer;
	GCancellable *compiling; /* the file to be tried */
	guint seconds;
} Wish;

static void
answer(Wish *wish, GVariant *report, const GError *error)
{
	TidyKeyboardDone done = wish->done;

	wish->done = NULL;
	if (done != NULL)
		done(report, error, wish->data);
}

static GVariant *
nothing(void)
{
	return g_variant_ref_sink(g_variant_new_array(G_VARIANT_TYPE("{sv}"), NULL, 0));
}

static void
answer_well(Wish *wish)
{
	g_autoptr(GVariant) report =
		wish->wants_report ? tidy_keyboard_report(wish->keyboard) : nothing();

	answer(wish, report, NULL);
}

static void
answer_error(Wish *wish, TidyError code, const char *text)
{
	g_autoptr(GError) error = g_error_new_literal(TIDY_ERROR, (int)code, text);

	answer(wish, NULL, error);
}

static void
answer_obstacle(Wish *wish)
{
	g_autoptr(GError) error = NULL;

	if (!tidy_keyboard_set_obstacle_error(wish->keyboard, &error))
		g_set_error_literal(&error, TIDY_ERROR, TIDY_ERROR_REFUSED,
				    "no key is remapped: there is no key helper");
	answer(wish, NULL, error);
}

static Wish *
wish_new(TidyKeyboard *keyboard, TidyKeyboardWishKind kind, TidyKeyboardDone done, gpointer data)
{
	Wish *wish = g_new0(Wish, 1);

	wish->keyboard = keyboard;
	wish->kind = kind;
	wish->done = done;
	wish->data = data;
	g_ptr_array_add(keyboard->wishes, wish);
	return wish;
}

void
tidy_keyboard_wish_free(gpointer data)
{
	Wish *wish = data;

	answer_error(wish, TIDY_ERROR_CANCELLED, "the daemon ends");
	tidy_timer_set(&wish->timer, 0, NULL, NULL);
	if (wish->compiling != NULL)
		g_cancellable_cancel(wish->compiling);
	g_clear_object(&wish->compiling);
	g_free(wish);
}

static void
fulfil(Wish *wish)
{
	g_ptr_array_remove(wish->keyboard->wishes, wish);
}

typedef gboolean (*WishFunc)(Wish *wish, gconstpointer data);

/* Takes out the wishes that @func has answered. */
static void
for_each(TidyKeyboard *keyboard, WishFunc func, gconstpointer data)
{
	for (guint i = 0; i < keyboard->wishes->len;) {
		if (func(g_ptr_array_index(keyboard->wishes, i), data))
			g_ptr_array_remove_index(keyboard->wishes, i);
		else
			i++;
	}
}

/* ---- status ---- */

static gboolean
answer_status(Wish *wish, gconstpointer unused)
{
	if (wish->kind != WISH_STATUS)
		return FALSE;
	answer_well(wish);
	return TRUE;
}

void
tidy_keyboard_on_told(TidyKeyboard *keyboard)
{
	for_each(keyboard, answer_status, NULL);
}

static gboolean
on_status_late(gpointer data)
{
	Wish *wish = data;

	answer_well(wish);
	fulfil(wish);
	return G_SOURCE_REMOVE;
}

void
tidy_keyboard_status(TidyKeyboard *keyboard, TidyKeyboardDone done, gpointer data)
{
	Wish *wish = wish_new(keyboard, WISH_STATUS, done, data);

	wish->wants_report = TRUE;
	if (!tidy_keyboard_is_ready(keyboard)) {
		answer_well(wish);
		fulfil(wish);
		return;
	}
	tidy_timer_set(&wish->timer, STATUS_USEC, on_status_late, wish);
	tidy_keys_client_say(keyboard->client, &(RemapLinkMessage){ .kind = REMAP_LINK_STATUS });
}

/* ---- a keymap on its way ---- */

typedef struct {
	guint32 id;
	const char *problem;
} Answer;

static gboolean
answer_keymap(Wish *wish, gconstpointer data)
{
	const Answer *got = data;

	if (wish->kind != WISH_KEYMAP || wish->id != got->id)
		return FALSE;
	if (got->problem == NULL)
		answer_well(wish);
	else
		answer_error(wish, TIDY_ERROR_CONFIG, got->problem);
	return TRUE;
}

void
tidy_keyboard_on_answer(TidyKeyboard *keyboard, guint32 id, const char *problem)
{
	for_each(keyboard, answer_keymap, &(Answer){ id, problem });
}

static gboolean
answer_halt(Wish *wish, gconstpointer unused)
{
	if (wish->kind == WISH_STATUS)
		answer_well(wish);
	else if (wish->kind == WISH_KEYMAP)
		answer_obstacle(wish);
	return wish->done == NULL;
}

void
tidy_keyboard_on_halt(TidyKeyboard *keyboard)
{
	for_each(keyboard, answer_halt, NULL);
}

/* The wish waits for the helper's word on @keymap, unless that is known. */
static gboolean
await_keymap(Wish *wish, const TidyKeyboardKeymap *keymap)
{
	TidyKeyboard *keyboard = wish->keyboard;

	wish->kind = WISH_KEYMAP;
	wish->id = keymap->id;
	if (keyboard->client == NULL)
		answer_obstacle(wish);
	else if (tidy_keys_client_view(keyboard->client)->keymap == keymap->id)
		answer_well(wish);
	return wish->done == NULL;
}

static void
answer_wrong(Wish *wish, const TidyKeysMade *made)
{
	g_autofree char *where = tidy_keys_problem_text(g_ptr_array_index(made->problems, 0));

	answer_error(wish, TIDY_ERROR_CONFIG, where);
}

/* ---- reload ---- */

static gboolean
answer_compiled(Wish *wish, gconstpointer data)
{
	const TidyKeysMade *made = data;

	if (wish->kind != WISH_COMPILE || wish->compiling != NULL)
		return FALSE;
	if (made == NULL)
		answer_obstacle(wish);
	else if (made->is_missing)
		answer_error(wish, TIDY_ERROR_NOT_FOUND, "there is no keyremap.conf");
	else if (made->text == NULL)
		answer_wrong(wish, made);
	else
		return await_keymap(wish, &wish->keyboard->good);
	return TRUE;
}

void
tidy_keyboard_on_compiled(TidyKeyboard *keyboard, const TidyKeysMade *made)
{
	for_each(keyboard, answer_compiled, made);
}

void
tidy_keyboard_reload(TidyKeyboard *keyboard, TidyKeyboardDone done, gpointer data)
{
	Wish *wish = wish_new(keyboard, WISH_COMPILE, done, data);

	if (!keyboard->config.is_enabled) {
		answer_obstacle(wish);
		fulfil(wish);
		return;
	}
	tidy_keyboard_forgive(keyboard);
	tidy_keyboard_compile(keyboard);
}

/* ---- suspend and resume ---- */

void
tidy_keyboard_suspend(TidyKeyboard *keyboard, gboolean is_on, TidyKeyboardDone done, gpointer data)
{
	g_autoptr(GVariant) report = nothing();

	keyboard->is_suspended = is_on;
	/* Who can say this sees an open screen. */
	if (!is_on && keyboard->session != NULL)
		tidy_keys_session_is_open(keyboard->session);
	if (tidy_keyboard_is_ready(keyboard)) {
		tidy_keys_client_say(keyboard->client,
				     &(RemapLinkMessage){ .kind = is_on ? REMAP_LINK_SUSPEND
									: REMAP_LINK_RESUME });
	} else if (!is_on) {
		tidy_keyboard_forgive(keyboard);
		tidy_keyboard_advance(keyboard);
	}
	done(report, NULL, data);
}

/* ---- a trial ---- */

static void
on_trial_made(TidyKeysMade *made, gpointer data)
{
	Wish *wish = data;
	TidyKeyboard *keyboard = wish->keyboard;

	g_clear_object(&wish->compiling);
	if (made->text == NULL) {
		if (made->is_missing)
			answer_error(wish, TIDY_ERROR_NOT_FOUND, "there is no such file");
		else
			answer_wrong(wish, made);
		tidy_keys_made_free(made);
		fulfil(wish);
		return;
	}
	keyboard->trial_ms = wish->seconds * 1000;
	tidy_keyboard_set_keymap(keyboard, &keyboard->trial, made);
	wish->kind = WISH_KEYMAP;
	wish->id = keyboard->trial.id;
	tidy_keyboard_forgive(keyboard);
	if (tidy_keyboard_is_ready(keyboard))
		tidy_keyboard_send_trial(keyboard);
	else
		tidy_keyboard_advance(keyboard);
}

void
tidy_keyboard_try(TidyKeyboard *keyboard, const char *path, guint seconds, TidyKeyboardDone done,
		  gpointer data)
{
	Wish *wish = wish_new(keyboard, WISH_COMPILE, done, data);

	wish->wants_report = TRUE;
	wish->seconds = CLAMP(seconds, 1, SECONDS_MAX);
	if (!keyboard->config.is_enabled) {
		answer_obstacle(wish);
	} else if (tidy_keyboard_is_locked(keyboard)) {
		answer_error(wish, TIDY_ERROR_REFUSED, "not while the screen is locked");
	} else {
		wish->compiling = g_cancellable_new();
		tidy_keys_compile_start(path, wish->compiling, on_trial_made, wish);
		return;
	}
	fulfil(wish);
}

void
tidy_keyboard_settle_trial(TidyKeyboard *keyboard, gboolean stays, TidyKeyboardDone done,
			   gpointer data)
{
	g_autoptr(GVariant) report = nothing();
	g_autoptr(GError) error = NULL;

	if (keyboard->trial.made == NULL || !tidy_keyboard_is_ready(keyboard)) {
		g_set_error_literal(&error, TIDY_ERROR, TIDY_ERROR_NOT_FOUND,
				    "no key configuration is on trial");
		done(NULL, error, data);
		return;
	}
	tidy_keys_client_say(keyboard->client,
			     &(RemapLinkMessage){ .kind = stays ? REMAP_LINK_CONFIRM
								: REMAP_LINK_REVERT,
						  .id = keyboard->trial.id });
	if (stays) {
		g_clear_pointer(&keyboard->good.made, tidy_keys_made_free);
		keyboard->good = keyboard->trial;
		keyboard->trial = (TidyKeyboardKeymap){ 0 };
	}
	done(report, NULL, data);
}
