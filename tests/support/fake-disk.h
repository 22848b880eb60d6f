/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One disk of the fake file system: nodes, what of them is durable, and what a power cut leaves. Pure.
 *
 * An image is the whole tree at one moment: an array of nodes by id. Images share nodes, nodes share data, and each
 * copies what it changes; so a clone of the image per operation is cheap, and the list of these clones ("log") is
 * the journal of the file system. Only fake-*.c include this.
 */
#pragma once

#include "tests/support/fake-fs.h"

#define FAKE_PAGE 4096

/* A file's bytes: pages that exist, sorted; the rest up to size is hole. */
typedef struct {
	guint ref;
	gint64 size;
	GArray *pages; /* FakePage */
} FakeData;

typedef struct {
	guint64 index;
	GBytes *bytes;
} FakePage;

FakeData *fake_data_new(void);
FakeData *fake_data_ref(FakeData *data);
void fake_data_unref(FakeData *data);
/* Makes *data unshared. */
FakeData *fake_data_edit(FakeData **data);
gsize fake_data_read(const FakeData *data, void *buffer, gsize size, gint64 offset);
void fake_data_write(FakeData *data, const void *buffer, gsize size, gint64 offset);
void fake_data_truncate(FakeData *data, gint64 size);
gint64 fake_data_seek(const FakeData *data, gint64 offset, int whence);
/* Pages that a write there would have to add. */
guint64 fake_data_new_pages(const FakeData *data, gsize size, gint64 offset);

typedef struct {
	char *name; /* GRefString */
	guint id;
} FakeEntry;

typedef struct {
	guint ref;
	guint id; /* index in images; never given twice */
	guint64 ino;
	guint32 mode;
	guint32 uid, gid;
	guint32 nlink; /* names; directories: subdirectories + 2 */
	gint64 mtime, ctime, atime, btime;
	FakeData *data;
	FakeData *durable; /* what a sync wrote; the same pointer when nothing is dirty */
	FakeData *failed; /* data that an fsync failed to write: counts as clean until it changes */
	char *target;
	GArray *entries;      /* FakeEntry sorted by key; directories */
	guint parent;	      /* directories */
	GTree *xattrs;	      /* char* -> GBytes*, or NULL */
	guint flags;	      /* FakeFlag */
	gboolean is_tmpfile;  /* may get its first name */
	guint64 changed;      /* log position of the last change, */
	guint64 changed_data; /* and of the last that fdatasync must write */
} FakeNode;

typedef struct {
	guint ref;
	GPtrArray *nodes; /* FakeNode* by id, NULL where gone */
} FakeImage;

typedef struct {
	FakeImage *image;
	char *text; /* GRefString: the operation that led here */
} FakeLogEntry;

typedef struct {
	guint id;
	guint64 position; /* the log's last entry when it was synced */
} FakeSynced;

struct FakeDisk {
	char *name;
	guint64 dev;
	guint root;
	FakeImage *live;
	GArray *free_inos; /* guint64, last in first out */
	guint64 next_ino;
	gboolean is_read_only;
	gint64 free_limit; /* bytes that all data may take, or -1 */
	guint64 magic;
	guint lacks;

	gboolean is_recording;
	GArray *log;	     /* FakeLogEntry; the last is the live image */
	guint64 log_base;    /* position of the log's first entry */
	guint64 ordered_min; /* the first position that an ordered cut may leave */
	GArray *synced;	     /* FakeSynced since the last syncfs */
	GArray *torn_counts
		[FAKE_REBOOT_N]; /* guint per log entry, or NULL: a cache of the states */
};

FakeDisk *fake_disk_new(const char *name, guint64 dev, gint64 now, guint32 uid, guint32 gid);
FakeDisk *fake_disk_clone(FakeDisk *disk);
void fake_disk_free(FakeDisk *disk);

/* The live node; NULL when there is none. Only to read. */
const FakeNode *fake_disk_node(const FakeDisk *disk, guint id);

typedef enum { FAKE_CHANGE_NONE, FAKE_CHANGE_TIMES, FAKE_CHANGE_ALL } FakeChange;

/* The live node to change, unshared. */
FakeNode *fake_disk_edit(FakeDisk *disk, guint id, FakeChange change);
FakeNode *fake_disk_add(FakeDisk *disk, guint32 mode, gint64 now);
/* Frees the node and its inode number. */
void fake_disk_drop(FakeDisk *disk, guint id);
/* Bytes that data and directories take. */
guint64 fake_disk_used(const FakeDisk *disk);

/* 0 when there is no such name. */
guint fake_node_lookup(const FakeNode *dir, const char *name);
void fake_node_insert(FakeNode *dir, const char *name, guint id);
void fake_node_remove(FakeNode *dir, const char *name);
gboolean fake_node_is_dir(const FakeNode *node);
/* A copy of the table of xattrs, or of none. */
GTree *fake_xattrs_copy(GTree *from);

/* Starts the log; what is there is durable. */
void fake_disk_record(FakeDisk *disk);
void fake_disk_commit(FakeDisk *disk, char *text);
/* After fsync or fdatasync of @id, after syncfs. */
void fake_disk_sync_node(FakeDisk *disk, guint id, gboolean is_data);
void fake_disk_sync_all(FakeDisk *disk);
/* An fsync that failed: the pages are clean now and not written. */
void fake_disk_fail_node(FakeDisk *disk, guint id);

guint fake_disk_states(FakeDisk *disk, FakeReboot mode);
char *fake_disk_state_text(FakeDisk *disk, FakeReboot mode, guint state);
/* Puts the disk into the state. FAKE_KILL only drops what has no name. */
void fake_disk_reboot(FakeDisk *disk, FakeReboot mode, guint state);
