/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A notifier that remembers what it was told and whose buttons a test presses. Pure. */
#pragma once

#include "daemon/notifier.h"

/* What is on the fake screen under one topic; all owned by the notifier. */
typedef struct {
	char *summary;
	char *body;
	char **actions; /* key, label, ..., NULL */
	gboolean stays;
} FakeNote;

TidyNotifier *fake_notifier_new(void);
/* The note of that topic, or NULL. */
const FakeNote *fake_notifier_note(TidyNotifier *notifier, const char *topic);
/* How often anything was shown. */
guint fake_notifier_n_shown(TidyNotifier *notifier);
/* Presses the button with that label, as a server does: the note closes afterwards. FALSE: no such button. */
gboolean fake_notifier_press(TidyNotifier *notifier, const char *topic, const char *label);
/* The user or the server ends a note. */
void fake_notifier_end(TidyNotifier *notifier, const char *topic, TidyNoteEnd why);
