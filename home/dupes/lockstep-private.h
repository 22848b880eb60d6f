/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the two passes of the comparison share (lockstep.c, probe.c). I/O. */
#pragma once

#include "home/dupes/device.h"
#include "home/dupes/lockstep.h"

typedef struct {
	TidyCatalog *catalog;
	TidySets *sets;
	TidyDevices *devices;
	TidySplitter *splitter;
	GArray *rest;	   /* of TidyClass: for the second pass */
	GArray *parts;	   /* of guint32, for one class */
	gsize block_bytes; /* that all blocks together may take */
	guint8 *probed;	   /* first pass: the first blocks */
	gsize probed_size;
	guint8 *blocks; /* second pass: room for the blocks that are kept, and one more */
	gsize blocks_size;
	guint8 *zeros; /* what a hole reads as */
	gsize zeros_size;
	guint64 open_bytes; /* in files that may still equal another */
} TidyLockstep;

/* The file that is the member at that place. */
static inline guint32
tidy_lockstep_file(const TidyLockstep *ls, guint member)
{
	return g_array_index(ls->sets->members, guint32, member);
}

/* It may have holes: fewer blocks on the device than its size takes. */
static inline gboolean
tidy_lockstep_is_sparse(const TidyFileRecord *file)
{
	return file->blocks < ((guint64)file->size + 511) / 512;
}

/* Tells how far it is; TRUE once the search is to end. */
gboolean tidy_lockstep_tick(TidyLockstep *ls);

/* Splits @cls by ls->parts; what is equal to the end is done with, the rest is added to @out. */
void tidy_lockstep_split(TidyLockstep *ls, const TidyClass *cls, const TidyRange *range,
			 GArray *out);

/* Reads @range of a file. 0; 1: it is a hole, nothing was read; or -errno. */
int tidy_lockstep_read(TidyLockstep *ls, guint32 file, const TidyRange *range, guint8 *buffer);

/* For how many files the device is asked ahead. */
guint tidy_lockstep_ahead_files(const TidyLockstep *ls);

/* The first pass: the first block of every file; what is still together goes to ls->rest. */
void tidy_lockstep_probe(TidyLockstep *ls);
