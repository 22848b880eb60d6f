/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Homes full of awkward entries, made from a seed: the text of a tree (tests/support/tree.h). Pure. */
#pragma once

#include <glib.h>

typedef enum {
	CORPUS_MIXED, /* everything below, a little of each */
	CORPUS_SPECIAL, /* sparse files, modes of 000, FIFOs and sockets, many hard links and attributes */
	CORPUS_NAMES, /* few names, used again and again: numbers, cases, saved pages, view files */
} CorpusKind;
#define CORPUS_N_KINDS 3

const char *corpus_kind_name(CorpusKind kind);
char *corpus_generate_kind(CorpusKind kind, guint64 seed, guint n_entries);

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
