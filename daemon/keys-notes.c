/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the user is told about the keyboard. I/O: a timer, notifications, a small file in the runtime directory. */
#include "daemon/keys-notes.h"

#include <string.h>

#include "daemon/timer.h"
#include "daemon/wording.h"

#define TOPIC_KEYBOARD "keyboard"
#define TOPIC_KEYS     "keys"

/* Names in one note; a keyboard has up to four devices of nearly the same name. */
#define NAMES_MAX 4

struct TidyKeysNotes {
	TidyNotifier *notifier;
	TidyConfigNotify level;
	char *file;
	gint64 burst_usec;
	char *day;	  /* that told is about */
	GHashTable *told; /* "046d:c31c A keyboard" */
	GPtrArray *names; /* of the burst under way */
	GSource *timer;
	char *wrong; /* as last told */
};

/* ---- once for each device and day ---- */

static char *
today(void)
{
	g_autoptr(GDateTime) now = g_date_time_new_now_local();

	return g_date_time_format(now, "%Y-%m-%d");
}

/* The first line is the day, each other a device. The file is ours, and losing it costs a repeated note. */
static void
load(TidyKeysNotes *notes)
{
	g_autofree char *text = NULL;
	g_auto(GStrv) lines = NULL;

	if (notes->file == NULL || !g_file_get_contents(notes->file, &text, NULL, NULL))
		return;
	lines = g_strsplit(text, "\n", -1);
	if (lines[0] == NULL)
		return;
	notes->day = g_strdup(lines[0]);
	for (guint i = 1; lines[i] != NULL; i++)
		if (*lines[i] != '\0')
			g_hash_table_add(notes->told, g_strdup(lines[i]));
}

static void
save(TidyKeysNotes *notes)
{
	g_autoptr(GString) text = g_string_new(notes->day);
	g_autofree char *dir = notes->file != NULL ? g_path_get_dirname(notes->file) : NULL;
	GHashTableIter iter;
	gpointer line;

	if (notes->file == NULL)
		return;
	g_hash_table_iter_init(&iter, notes->told);
	while (g_hash_table_iter_next(&iter, &line, NULL))
		g_string_append_printf(text, "\n%s", (const char *)line);
	(void)g_mkdir_with_parents(dir, 0700);
	(void)g_file_set_contents_full(notes->file, text->str, (gssize)text->len,
				       G_FILE_SET_CONTENTS_CONSISTENT, 0600, NULL);
}

static gboolean
is_first_today(TidyKeysNotes *notes, const TidyKeysDevice *device)
{
	char *line = g_strdup_printf("%04x:%04x %s", device->vendor, device->product, device->name);
	g_autofree char *day = today();

	if (g_strcmp0(day, notes->day) != 0) {
		g_hash_table_remove_all(notes->told);
		g_free(notes->day);
		notes->day = g_steal_pointer(&day);
	}
	if (!g_hash_table_add(notes->told, line))
		return FALSE;
	save(notes);
	return TRUE;
}

static gboolean
show_burst(gpointer data)
{
	TidyKeysNotes *notes = data;
	g_auto(TidyWording) wording = { 0 };

	tidy_timer_set(&notes->timer, 0, NULL, NULL);
	tidy_wording_keyboards(&wording, (const char *const *)notes->names->pdata,
			       MIN(notes->names->len, NAMES_MAX), notes->names->len);
	g_ptr_array_set_size(notes->names, 0);
	tidy_notifier_show(notes->notifier, &(TidyNote){ .topic = TOPIC_KEYBOARD,
							 .summary = wording.summary,
							 .body = wording.body,
							 .urgency = TIDY_NOTE_LOW });
	return G_SOURCE_REMOVE;
}

void
tidy_keys_notes_remapped(TidyKeysNotes *notes, const TidyKeysDevice *device)
{
	if (notes->level == TIDY_CONFIG_NOTIFY_ERRORS || notes->level == TIDY_CONFIG_NOTIFY_NEVER ||
	    !is_first_today(notes, device))
		return;
	if (!g_ptr_array_find_with_equal_func(notes->names, device->name, g_str_equal, NULL))
		g_ptr_array_add(notes->names, g_strdup(device->name));
	if (notes->timer == NULL)
		tidy_timer_set(&notes->timer, notes->burst_usec, show_burst, notes);
}

/* ---- what is wrong ---- */

static void
show_wrong(TidyKeysNotes *notes, const TidyWording *wording)
{
	if (g_strcmp0(notes->wrong, wording->body) == 0)
		return;
	g_free(notes->wrong);
	notes->wrong = g_strdup(wording->body);
	if (notes->level != TIDY_CONFIG_NOTIFY_NEVER)
		tidy_notifier_show(notes->notifier, &(TidyNote){ .topic = TOPIC_KEYS,
								 .summary = wording->summary,
								 .body = wording->body,
								 .urgency = TIDY_NOTE_NORMAL });
}

void
tidy_keys_notes_rejected(TidyKeysNotes *notes, const char *where, gboolean is_running)
{
	g_auto(TidyWording) wording = { 0 };

	tidy_wording_keymap_rejected(&wording, where, is_running);
	show_wrong(notes, &wording);
}

void
tidy_keys_notes_no_access(TidyKeysNotes *notes, const char *missing, const char *remedy)
{
	g_auto(TidyWording) wording = { 0 };

	tidy_wording_keys_no_access(&wording, missing, remedy);
	show_wrong(notes, &wording);
}

void
tidy_keys_notes_gave_up(TidyKeysNotes *notes, const char *why)
{
	g_auto(TidyWording) wording = { 0 };

	tidy_wording_keys_gave_up(&wording, why);
	show_wrong(notes, &wording);
}

void
tidy_keys_notes_fine(TidyKeysNotes *notes)
{
	if (notes->wrong == NULL)
		return;
	g_clear_pointer(&notes->wrong, g_free);
	tidy_notifier_close(notes->notifier, TOPIC_KEYS);
}

/* ---- life ---- */

TidyKeysNotes *
tidy_keys_notes_new(TidyNotifier *notifier, const char *file, gint64 burst_usec)
{
	TidyKeysNotes *notes = g_new0(TidyKeysNotes, 1);

	notes->notifier = notifier;
	notes->level = TIDY_CONFIG_NOTIFY_SUMMARY;
	notes->file = g_strdup(file);
	notes->burst_usec = burst_usec;
	notes->told = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	notes->names = g_ptr_array_new_with_free_func(g_free);
	load(notes);
	return notes;
}

void
tidy_keys_notes_free(TidyKeysNotes *notes)
{
	tidy_timer_set(&notes->timer, 0, NULL, NULL);
	g_ptr_array_unref(notes->names);
	g_hash_table_unref(notes->told);
	g_free(notes->day);
	g_free(notes->file);
	g_free(notes->wrong);
	g_free(notes);
}

void
tidy_keys_notes_set_level(TidyKeysNotes *notes, TidyConfigNotify level)
{
	notes->level = level;
}
