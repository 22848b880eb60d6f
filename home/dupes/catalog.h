/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the duplicate finder has seen: directories and files in compact records, and the bounded set of descriptors under
 * which they are open. I/O.
 *
 * A record is named by its number. Directories stand in the order of the walk, a parent before its children; the
 * files of one directory follow each other, in the order of their inodes, which is about their order on the device.
 */
#pragma once

#include "home/dupes/dupes.h"

#define TIDY_NO_INDEX G_MAXUINT32
#define TIDY_NO_SLOT  G_MAXUINT16

typedef enum {
	TIDY_DIR_PROTECTED = 1 << 0,
	TIDY_DIR_IN_BUNDLE = 1 << 1, /* below the top of a bundle */
	TIDY_DIR_BUNDLE = 1 << 2,    /* the top of one */
	TIDY_DIR_INCOMPLETE =
		1 << 3, /* holds things that were not compared: never equal as a whole */
	TIDY_DIR_HOLDS_PROTECTED = 1 << 4,
	TIDY_DIR_UNIT_KEPT = 1 << 5, /* a group lists it as the one to keep */
	TIDY_DIR_COVERED = 1 << 6,   /* a group lists it, or one above it, as a duplicate */
} TidyDirFlags;

typedef struct {
	guint64 dev;
	guint64 ino;
	guint64 mnt_id;
	gint64 mtime_ns;
	gint64 ctime_ns;
	guint32 parent; /* TIDY_NO_INDEX: a root */
	guint32 name;	/* in the names; of a root: its path as given */
	guint32 root;
	guint32 first_file;
	guint32 n_files;
	guint16 slot; /* of its descriptor */
	guint8 flags;
	guint32 mode;
	guint32 uid;
	guint32 gid;
} TidyDirRecord;

typedef struct {
	guint64 ino;
	gint64 size;
	gint64 mtime_ns;
	gint64 ctime_ns;
	guint64 blocks;
	guint32 dir;
	guint32 name;
	guint32 nlink;
	guint32 mode;
	guint32 uid;
	guint32 gid;
	guint32 next_link; /* another name of the same inode, or TIDY_NO_INDEX */
	guint32 next_twin; /* another inode with the very same blocks (reflink), or TIDY_NO_INDEX */
	guint32 content;   /* number of its content from 1; 0: equal to nothing, or not known */
	guint16 slot;
	gboolean is_shared; /* has, or had, a twin */
} TidyFileRecord;

typedef struct TidyFdSlots TidyFdSlots;

typedef struct {
	TidyFs *fs;
	const TidyDupesOptions *options;
	TidyDupes *dupes; /* statistics and skips go there */
	GArray *dirs;	  /* of TidyDirRecord */
	GArray *files;	  /* of TidyFileRecord */
	GString *names;	  /* zero-terminated, one after the other */
	TidyFdSlots *dir_fds;
	TidyFdSlots *file_fds;
	guint n_open;
	gint64 last_progress_us;
	TidyDupesProgress progress;
} TidyCatalog;

TidyCatalog *tidy_catalog_new(TidyFs *fs, const TidyDupesOptions *options, TidyDupes *dupes);
void tidy_catalog_free(TidyCatalog *catalog);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TidyCatalog, tidy_catalog_free)

static inline TidyDirRecord *
tidy_catalog_dir(TidyCatalog *catalog, guint dir)
{
	return &g_array_index(catalog->dirs, TidyDirRecord, dir);
}

static inline TidyFileRecord *
tidy_catalog_file(TidyCatalog *catalog, guint file)
{
	return &g_array_index(catalog->files, TidyFileRecord, file);
}

static inline const char *
tidy_catalog_name(const TidyCatalog *catalog, guint32 name)
{
	return catalog->names->str + name;
}

/* Keeps a copy of @name; its place in the names. */
guint32 tidy_catalog_add_name(TidyCatalog *catalog, const char *name);

/* Path of a directory, and of @name in it (NULL: of the directory). (transfer full) */
char *tidy_catalog_path(TidyCatalog *catalog, guint dir, const char *name);
/* The same without the root's path; "" for a root. (transfer full) */
char *tidy_catalog_path_below(TidyCatalog *catalog, guint dir, const char *name);

/* Counts, and for the reasons worth it notes, what is not compared. @name NULL: the directory itself. */
void tidy_catalog_skip(TidyCatalog *catalog, guint dir, const char *name,
		       TidyDupesSkipReason reason, int errno_code);
/* The same for a file; notes that its directory is incomplete. */
void tidy_catalog_skip_file(TidyCatalog *catalog, guint file, TidyDupesSkipReason reason,
			    int errno_code);

/* Tells how far it is, now and then; TRUE when the caller of the search wants it to end. */
gboolean tidy_catalog_tick(TidyCatalog *catalog);

/* What a stat of the file should say. */
TidyStat tidy_catalog_file_stat(TidyCatalog *catalog, guint file);
/* 0 when the file still is what the scan saw; -ESTALE or another -errno when not. By its descriptor when it is open,
 * else by its name. */
int tidy_catalog_check_file(TidyCatalog *catalog, guint file);

/* ---- descriptors: borrowed until the next call that opens one of the same kind; -errno ---- */

/* Opens directories from the nearest one above that is open. */
int tidy_catalog_open_dir(TidyCatalog *catalog, guint dir);
/* Opens a file and makes sure that it is the one that the scan saw: -ESTALE when it is not. */
int tidy_catalog_open_file(TidyCatalog *catalog, guint file);
/* The same without making sure: whatever is concluded from it must be checked afterwards. */
int tidy_catalog_open_unchecked(TidyCatalog *catalog, guint file);
void tidy_catalog_close_file(TidyCatalog *catalog, guint file);
/* How many files may be open at a time. */
guint tidy_catalog_max_files(const TidyCatalog *catalog);

/* ---- the walk ---- */

/* Walks the roots and the protected directories. FALSE when no root could be opened. */
gboolean tidy_catalog_scan(TidyCatalog *catalog, GError **error);
