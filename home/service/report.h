/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reports: the answers of TidyService as GVariant dictionaries (a{sv}), which D-Bus carries and --json prints as
 * they are. Pure.
 *
 * Every report has "version" (u, 1). Times are strings, RFC 3339 in UTC with microseconds. A path is a string "path"
 * (or "from", "to", "stray", "target") made displayable with tidy_text_display(); where that is not the name itself
 * (not UTF-8, control characters) its bytes stand beside it in base64 under "<key>_b64". Sizes are bytes (t). Codes
 * are lower-case words with hyphens.
 *
 * scan:    home s; dirs aa{sv} {key s, path s, state s: ok|disabled|unset|missing};
 *          warnings aa{sv} {file s, line u, code s, text s};
 *          strays aa{sv} {stray s, target s, key s, class s, locale s, mode s: auto|ask|report,
 *                         verdict s: merge|propose|report|refused, entries t, bytes t,
 *                         reasons aa{sv} {code s, severity s: info|ask|block, text s, remedy s (or ""), path s},
 *                         links aa{sv} {path s, text s, new-text s}: symbolic links that lead into it, and what they
 *                         would have to say after the merge (absent where nobody looked); links-cut b: there may be more}
 * merge:   id t (of the last operation; 0: dry run or nothing done); kind s: merge|undo|dupes;
 *          outcome s: the worst of nothing|done|partial|refused|stopped;
 *          operations aa{sv}: one per stray {id t, stray s, target s, key s, outcome s, reasons as in scan,
 *             counts a{sv} {moved t, folded t, kept-both t, removed t, skipped t (left for a reason), failed t, bytes t},
 *             steps aa{sv} {op s, from s, to s, why s, type s: file|directory|link|other, bytes t},
 *             problems aa{sv} {code s, path s, text s}}
 *          op, why and code: tidy_step_op_name() and tidy_why_code() in home/merge/step.h. Steps over 1,000
 *          (in a history: 10,000) are cut: "steps-cut" t in the operation says how many.
 * history: operations aa{sv}, newest first {id t, kind s, stray s, target s, begin s, end s, state s:
 *             done|partial|interrupted|undone, undoes t, undone-by t, counts as in merge}; with one id also steps.
 *          A journal that cannot be read: {id t, state s: unreadable, problem s}.
 * status:  running b, paused b, config a{sv} {path s, error s}, strays as in scan,
 *          last a{sv} (an operation as in history; absent: none);
 *          of a running daemon also daemon-version s, pid u, watches u, degraded s (what is not watched, or ""),
 *          working s (what is being done, or ""), keys a{sv} {state s as in keys, text s, remapped t (devices)}.
 * keys:    state s: off|none (no keyremap.conf)|broken (wrong, and nothing runs)|starting|running|waiting (no session)|
 *             no-access|failed (given up); text s: why, remedy s; file s; on-lock s; locked b;
 *          unwatched s (what cannot be watched, or "");
 *          problems aa{sv}, errors first {file s, line u, column u, severity s: error|warning|note, text s};
 *          of a helper that runs also how s: service|direct, seat s,
 *          keymap a{sv} {file s, layers t, commands t, trial b} (empty: none), layers as (active),
 *          flags as: trial, locked, panic, suspended, inactive, lock-ungrabs, asleep, no-uinput, no-landlock,
 *          devices aa{sv} {node s, name s, id s, keyboard b, mouse b, state s: ignored|waiting|remapped|closed, text s},
 *          counts a{sv} {events t, frames t, overruns t, lost t, devices t, remapped t}.
 */
#pragma once

#include <glib.h>

#define TIDY_REPORT_VERSION 1

/* A dictionary or a list being built. Each is given back by what ends it: tidy_report_end(), _add_item(), _add_list(). */
GVariantBuilder *tidy_report_new(void);
GVariantBuilder *tidy_report_new_list(void);
void tidy_report_add(GVariantBuilder *dict, const char *key, GVariant *value);
void tidy_report_add_text(GVariantBuilder *dict, const char *key, const char *text);
void tidy_report_add_number(GVariantBuilder *dict, const char *key, guint64 number);
/* Displayable, and "<key>_b64" beside it when the bytes are not UTF-8. NULL is "". */
void tidy_report_add_path(GVariantBuilder *dict, const char *key, const char *path);
/* Nanoseconds since the epoch; "" for 0. */
void tidy_report_add_time(GVariantBuilder *dict, const char *key, gint64 time_ns);
/* Consumes @list. */
void tidy_report_add_list(GVariantBuilder *dict, const char *key, GVariantBuilder *list);
/* Consumes @dict. */
void tidy_report_add_item(GVariantBuilder *list, GVariantBuilder *dict);
/* Consumes @dict. (transfer full) */
GVariant *tidy_report_end(GVariantBuilder *dict);
