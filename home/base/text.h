/* SPDX-License-Identifier: GPL-3.0-or-later */
/* File names as people may see them: raw bytes made safe for terminals and notifications. Pure. */
#pragma once

#include <glib.h>

/**
 * tidy_text_display - @name as valid UTF-8 that cannot steer a terminal or reorder text
 * @name: raw bytes, zero-terminated
 *
 * Control characters, bytes that are not UTF-8, line separators and the bidirectional controls
 * (U+061C, U+200E/F, U+202A-E, U+2066-9) become "\xNN" of each of their bytes; a backslash stays as it is.
 * Returns: (transfer full)
 */
char *tidy_text_display(const char *name);

/* The same, for a name inside a shell-like line: quoted with '...' when it holds spaces or quotes. */
char *tidy_text_quote(const char *name);
