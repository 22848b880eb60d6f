/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A notifier for tests. Pure. */
#include "tests/support/fake-notifier.h"

#include <string.h>

typedef struct {
	TidyNotifier parent;
	GHashTable *notes; /* topic -> FakeNote */
	guint n_shown;
} Fake;

static void
note_free(FakeNote *note)
{
	g_free(note->summary);
	g_free(note->body);
	g_strfreev(note->actions);
	g_free(note);
}

static void
fake_show(TidyNotifier *notifier, const TidyNote *note)
{
	Fake *fake = (Fake *)notifier;
	FakeNote *copy = g_new0(FakeNote, 1);

	copy->summary = g_strdup(note->summary);
	copy->body = g_strdup(note->body);
	copy->actions = g_strdupv((char **)note->actions);
	copy->stays = note->stays;
	g_hash_table_replace(fake->notes, g_strdup(note->topic), copy);
	fake->n_shown++;
}

static void
fake_close(TidyNotifier *notifier, const char *topic)
{
	g_hash_table_remove(((Fake *)notifier)->notes, topic);
}

static void
fake_free(TidyNotifier *notifier)
{
	g_hash_table_unref(((Fake *)notifier)->notes);
	g_free(notifier);
}

static const TidyNotifierClass fake_class = { fake_show, fake_close, fake_free };

TidyNotifier *
fake_notifier_new(void)
{
	Fake *fake = g_new0(Fake, 1);

	fake->parent.klass = &fake_class;
	fake->notes =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)note_free);
	return &fake->parent;
}

const FakeNote *
fake_notifier_note(TidyNotifier *notifier, const char *topic)
{
	return g_hash_table_lookup(((Fake *)notifier)->notes, topic);
}

guint
fake_notifier_n_shown(TidyNotifier *notifier)
{
	return ((Fake *)notifier)->n_shown;
}

void
fake_notifier_end(TidyNotifier *notifier, const char *topic, TidyNoteEnd why)
{
	g_hash_table_remove(((Fake *)notifier)->notes, topic);
	notifier->funcs.ended(topic, why, notifier->funcs.data);
}

gboolean
fake_notifier_press(TidyNotifier *notifier, const char *topic, const char *label)
{
	const FakeNote *note = fake_notifier_note(notifier, topic);

	for (char **action = note != NULL ? note->actions : NULL;
	     action != NULL && action[0] != NULL; action += 2) {
		g_autofree char *key = g_strdup(action[0]);

		if (strcmp(action[1], label) != 0)
			continue;
		notifier->funcs.action(topic, key, notifier->funcs.data);
		fake_notifier_end(notifier, topic, TIDY_NOTE_DISMISSED);
		return TRUE;
	}
	return FALSE;
}
