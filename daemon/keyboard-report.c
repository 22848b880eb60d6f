/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the key half says of itself: report "keys" of home/service/report.h. Pure. */
#include <string.h>

#include "daemon/keyboard-private.h"
#include "home/base/error.h"
#include "home/service/report.h"
#include "keys/remap/keymap.h"

/* Bits of REMAP_LINK_STATE as words; those after UNGRABBED are its reasons. */
static const struct {
	guint32 flag;
	const char *word;
	const char *text; /* NULL: no reason why keys are as without us */
} flags[] = {
	{ REMAP_LINK_IS_TRIAL, "trial", NULL },
	{ REMAP_LINK_IS_LOCKED, "locked", NULL },
	{ REMAP_LINK_IS_PANIC, "panic",
	  "let go by backspace+escape+enter; to go on: xdgtidy keys resume" },
	{ REMAP_LINK_IS_SUSPENDED, "suspended", "suspended; to go on: xdgtidy keys resume" },
	{ REMAP_LINK_NO_UINPUT, "no-uinput",
	  "/dev/uinput cannot be opened; as administrator: modprobe uinput" },
	{ REMAP_LINK_IS_INACTIVE, "inactive", "your session is not the one in front" },
	{ REMAP_LINK_LOCK_UNGRABS, "lock-ungrabs", "the screen is locked" },
	{ REMAP_LINK_IS_ASLEEP, "asleep", "the machine sleeps" },
	{ REMAP_LINK_NO_LANDLOCK, "no-landlock", NULL },
};

static const char *
running_text(const TidyKeyboard *keyboard)
{
	guint32 now = tidy_keys_client_view(keyboard->client)->flags;

	for (guint i = 0; i < G_N_ELEMENTS(flags); i++)
		if (now & flags[i].flag && flags[i].text != NULL)
			return flags[i].text;
	return now & REMAP_LINK_IS_TRIAL ? "a configuration is on trial" : "";
}

/* A word for programs and a sentence for people. */
static const char *
state(const TidyKeyboard *keyboard, const char **text)
{
	*text = "";
	if (!keyboard->config.is_enabled) {
		*text = "switched off by [keys] enabled = false";
		return "off";
	}
	if (keyboard->good.made == NULL && keyboard->trial.made == NULL) {
		if (keyboard->compiling != NULL)
			return "starting";
		return keyboard->bad != NULL ? "broken" : "none";
	}
	if (tidy_keyboard_is_ready(keyboard)) {
		*text = running_text(keyboard);
		return tidy_keys_client_view(keyboard->client)->keymap != 0 ? "running"
									    : "starting";
	}
	if (keyboard->last_words != NULL)
		*text = keyboard->last_words;
	switch (keyboard->halt) {
	case HALT_NONE:
		return "starting";
	case HALT_BACK_OFF:
		return "starting";
	case HALT_REFUSED:
		return "waiting";
	case HALT_NO_ACCESS:
		*text = keyboard->obstacle.missing;
		return "no-access";
	case HALT_GAVE_UP:
		return "failed";
	}
	return "";
}

static const char *
remedy(const TidyKeyboard *keyboard)
{
	if (keyboard->client != NULL)
		return "";
	if (keyboard->halt == HALT_NO_ACCESS)
		return keyboard->obstacle.remedy;
	return keyboard->halt == HALT_GAVE_UP ? "try again with: xdgtidy keys reload" : "";
}

gboolean
tidy_keyboard_set_obstacle_error(const TidyKeyboard *keyboard, GError **error)
{
	const char *text;

	(void)state(keyboard, &text);
	if (keyboard->client != NULL ||
	    (keyboard->halt == HALT_NONE && keyboard->config.is_enabled))
		return FALSE;
	g_set_error(error, TIDY_ERROR, TIDY_ERROR_REFUSED, "no key is remapped: %s%s%s", text,
		    *remedy(keyboard) != '\0' ? "; " : "", remedy(keyboard));
	return TRUE;
}

static guint
count_remapped(const TidyKeyboard *keyboard)
{
	GHashTableIter iter;
	gpointer device;
	guint count = 0;

	if (keyboard->client == NULL)
		return 0;
	g_hash_table_iter_init(&iter, tidy_keys_client_view(keyboard->client)->devices);
	while (g_hash_table_iter_next(&iter, NULL, &device))
		count += ((const TidyKeysDevice *)device)->event == REMAP_LINK_DEVICE_GRABBED;
	return count;
}

GVariant *
tidy_keyboard_summary(const TidyKeyboard *keyboard)
{
	GVariantBuilder *dict = tidy_report_new();
	const char *text;

	tidy_report_add_text(dict, "state", state(keyboard, &text));
	if (keyboard->bad != NULL) {
		g_autofree char *where =
			tidy_keys_problem_text(g_ptr_array_index(keyboard->bad->problems, 0));

		tidy_report_add_text(dict, "text", where);
	} else {
		tidy_report_add_text(dict, "text", text);
	}
	tidy_report_add_number(dict, "remapped", count_remapped(keyboard));
	return tidy_report_end(dict);
}

/* ---- parts of the report ---- */

static void
add_problems(GVariantBuilder *dict, const TidyKeysMade *made)
{
	GVariantBuilder *list = tidy_report_new_list();

	for (guint i = 0; made != NULL && i < made->problems->len; i++) {
		const TidyKeysProblem *problem = g_ptr_array_index(made->problems, i);
		GVariantBuilder *item = tidy_report_new();

		tidy_report_add_path(item, "file", problem->file);
		tidy_report_add(item, "line", g_variant_new_uint32(problem->line));
		tidy_report_add(item, "column", g_variant_new_uint32(problem->column));
		tidy_report_add_text(item, "severity", problem->severity);
		tidy_report_add_text(item, "text", problem->text);
		tidy_report_add_item(list, item);
	}
	tidy_report_add_list(dict, "problems", list);
}

static void
add_keymap(GVariantBuilder *dict, const TidyKeyboard *keyboard, guint32 running)
{
	const TidyKeyboardKeymap *keymap =
		running == keyboard->trial.id ? &keyboard->trial : &keyboard->good;
	GVariantBuilder *item = tidy_report_new();

	if (running != 0 && keymap->id == running && keymap->made != NULL) {
		tidy_report_add_path(item, "file", keymap->made->path);
		tidy_report_add_number(item, "layers", keymap->made->n_layers);
		tidy_report_add_number(item, "commands", g_strv_length(keymap->made->commands));
		tidy_report_add(item, "trial", g_variant_new_boolean(keymap == &keyboard->trial));
	}
	tidy_report_add(dict, "keymap", tidy_report_end(item));
}

static const char *
device_event(RemapLinkDeviceEvent event)
{
	switch (event) {
	case REMAP_LINK_DEVICE_IGNORED:
		return "ignored";
	case REMAP_LINK_DEVICE_WAITING:
		return "waiting";
	case REMAP_LINK_DEVICE_GRABBED:
		return "remapped";
	case REMAP_LINK_DEVICE_CLOSED:
		return "closed";
	case REMAP_LINK_DEVICE_REMOVED:
	case REMAP_LINK_DEVICE_EVENTS:
		break;
	}
	return "removed";
}

/* "event3" before "event10" */
static int
compare_nodes(gconstpointer a, gconstpointer b)
{
	size_t one = strlen(a), other = strlen(b);

	return one != other ? (one > other ? 1 : -1) : strcmp(a, b);
}

static void
add_device(GVariantBuilder *list, const TidyKeysDevice *device)
{
	GVariantBuilder *item = tidy_report_new();
	g_autofree char *id =
		g_strdup_printf("%04x:%04x:%08x", device->vendor, device->product, device->hash);

	tidy_report_add_text(item, "node", device->node);
	tidy_report_add_text(item, "name", device->name);
	tidy_report_add_text(item, "id", id);
	tidy_report_add(item, "keyboard",
			g_variant_new_boolean((device->kind & REMAP_ID_KEYBOARD) != 0));
	tidy_report_add(item, "mouse", g_variant_new_boolean((device->kind & REMAP_ID_MOUSE) != 0));
	tidy_report_add_text(item, "state", device_event(device->event));
	tidy_report_add_text(item, "text", device->text);
	tidy_report_add_item(list, item);
}

static void
add_devices(GVariantBuilder *dict, GHashTable *devices)
{
	GVariantBuilder *list = tidy_report_new_list();
	g_autoptr(GList) nodes = g_list_sort(g_hash_table_get_keys(devices), compare_nodes);

	for (const GList *node = nodes; node != NULL; node = node->next)
		add_device(list, g_hash_table_lookup(devices, node->data));
	tidy_report_add_list(dict, "devices", list);
}

static void
add_words(GVariantBuilder *dict, const char *key, GList *words)
{
	GVariantBuilder builder;

	g_variant_builder_init(&builder, G_VARIANT_TYPE_STRING_ARRAY);
	for (; words != NULL; words = words->next)
		g_variant_builder_add(&builder, "s", words->data);
	tidy_report_add(dict, key, g_variant_builder_end(&builder));
}

static void
add_flags(GVariantBuilder *dict, guint32 now)
{
	g_autoptr(GList) words = NULL;

	for (guint i = 0; i < G_N_ELEMENTS(flags); i++)
		if (now & flags[i].flag)
			words = g_list_append(words, (gpointer)flags[i].word);
	add_words(dict, "flags", words);
}

static void
add_layers(GVariantBuilder *dict, GHashTable *layers)
{
	g_autoptr(GList) names = g_list_sort(g_hash_table_get_keys(layers), (GCompareFunc)strcmp);

	add_words(dict, "layers", names);
}

static void
add_counts(GVariantBuilder *dict, const TidyKeysView *view)
{
	GVariantBuilder *item = tidy_report_new();

	tidy_report_add_number(item, "events", view->events);
	tidy_report_add_number(item, "frames", view->frames);
	tidy_report_add_number(item, "overruns", view->overruns);
	tidy_report_add_number(item, "lost", view->lost);
	tidy_report_add_number(item, "devices", view->n_devices);
	tidy_report_add_number(item, "remapped", view->n_grabbed);
	tidy_report_add(dict, "counts", tidy_report_end(item));
}

GVariant *
tidy_keyboard_report(const TidyKeyboard *keyboard)
{
	static const char *const policies[] = { "safe", "keep", "ungrab" };
	GVariantBuilder *dict = tidy_report_new();
	const TidyKeysView *view =
		tidy_keyboard_is_ready(keyboard) ? tidy_keys_client_view(keyboard->client) : NULL;
	const char *text;

	tidy_report_add(dict, "version", g_variant_new_uint32(TIDY_REPORT_VERSION));
	tidy_report_add_text(dict, "state", state(keyboard, &text));
	tidy_report_add_text(dict, "text", text);
	tidy_report_add_text(dict, "remedy", remedy(keyboard));
	tidy_report_add_path(dict, "file", keyboard->path);
	tidy_report_add_text(dict, "on-lock", policies[keyboard->config.on_lock]);
	tidy_report_add(dict, "locked", g_variant_new_boolean(tidy_keyboard_is_locked(keyboard)));
	tidy_report_add_text(dict, "unwatched",
			     keyboard->files != NULL ? tidy_keys_files_problem(keyboard->files)
						     : "");
	add_problems(dict, keyboard->bad != NULL ? keyboard->bad : keyboard->good.made);
	if (view == NULL)
		return tidy_report_end(dict);
	tidy_report_add_text(dict, "how", view->how == REMAP_LINK_SERVICE ? "service" : "direct");
	tidy_report_add_text(dict, "seat", view->seat);
	add_keymap(dict, keyboard, view->keymap);
	add_flags(dict, view->flags);
	add_layers(dict, view->layers);
	add_devices(dict, view->devices);
	add_counts(dict, view);
	return tidy_report_end(dict);
}
