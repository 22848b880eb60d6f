/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Homes full of awkward entries, made from a seed: the text of a tree (tests/support/tree.h). Pure. */
#pragma once

#include <glib.h>

/**
 * corpus_generate - two trees, Download and Downloads, that meet in every way the author could think of
 * @seed: the same seed, the same text
 * @n_entries: about so many entries
 *
 * Names with newlines, escape sequences, bytes that are not UTF-8, 255 bytes; hard links within and between the two,
 * symbolic links that hold, break and dangle, FIFOs, extended attributes, modes, time stamps with nanoseconds, a path
 * beyond PATH_MAX on both sides, a directory that holds its own name, collisions, identical files, a file against a
 * directory, unfinished downloads, empty files and directories. (transfer full)
 */
char *corpus_generate(guint64 seed, guint n_entries);
