/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What notifications say: plain, short sentences about counts; names made harmless. Pure. */
#pragma once

#include <glib.h>

/* A summary line and a body; both owned. */
typedef struct {
	char *summary;
	char *body;
} TidyWording;

void tidy_wording_clear(TidyWording *wording);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(TidyWording, tidy_wording_clear)

/* What a burst of merges did, added up. */
typedef struct {
	guint64 moved, folded, kept_both, left, bytes; /* left: skipped or failed */
	guint n_dirs;				       /* strays */
	const char *stray;			       /* the path of the first, raw bytes */
	const char *target;			       /* likewise */
	const char *home;			       /* to write "~/Download" */
	const char *first_problem;		       /* a sentence, or NULL */
} TidyWordingCounts;

/* "Merge Download into Downloads?" with what would happen. */
void tidy_wording_question(TidyWording *wording, const TidyWordingCounts *preview,
			   gboolean has_buttons);
/* "42 files moved into Downloads" */
void tidy_wording_merged(TidyWording *wording, const TidyWordingCounts *counts);
/* "42 files are back in Download" */
void tidy_wording_undone(TidyWording *wording, const TidyWordingCounts *counts);
/* The settings file is wrong: @where is "file:line:column: message". */
void tidy_wording_config_error(TidyWording *wording, const char *where);
/* Something failed by itself: @message is the error's. */
void tidy_wording_failed(TidyWording *wording, const char *message);

/* These keyboards are remapped: the first @n_names of @n_all. */
void tidy_wording_keyboards(TidyWording *wording, const char *const *names, guint n_names,
			    guint n_all);
/* keyremap.conf is wrong: @where is "file:line:column: message"; @is_running: an earlier one holds. */
void tidy_wording_keymap_rejected(TidyWording *wording, const char *where, gboolean is_running);
/* No key helper can be had: what is missing, and what to do. */
void tidy_wording_keys_no_access(TidyWording *wording, const char *missing, const char *remedy);
/* The key helper ended too often; @why it did so last. */
void tidy_wording_keys_gave_up(TidyWording *wording, const char *why);

/* "1.2 GB in duplicate files" */
void tidy_wording_dupes(TidyWording *wording, guint64 bytes, guint64 n_groups);

const char *tidy_wording_button_merge(void);
const char *tidy_wording_button_later(void);
const char *tidy_wording_button_never(void);
const char *tidy_wording_button_undo(void);
const char *tidy_wording_button_show(void);
