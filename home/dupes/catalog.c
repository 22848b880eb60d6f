/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Records of what was seen, and the bounded set of descriptors under which it is open. I/O. */
#include "home/dupes/catalog.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>

#include "home/compare/compare.h"

#define MAX_OPEN	  512
#define MIN_OPEN	  8
#define PROGRESS_EVERY_US (G_USEC_PER_SEC / 10)
#define MAX_NOTED_SKIPS	  1000

/* A fixed number of descriptors; when all are taken, the one that was opened first goes. */
typedef struct {
	int fd;
	guint32 owner; /* TIDY_NO_INDEX: free */
} Slot;

struct TidyFdSlots {
	guint count;
	guint next;	/* to be given away when none is free */
	GArray *unused; /* of guint16 */
	Slot slots[];
};

static TidyFdSlots *
slots_new(guint count)
{
	TidyFdSlots *slots = g_malloc0(sizeof *slots + count * sizeof(Slot));

	slots->count = count;
	slots->unused = g_array_sized_new(FALSE, FALSE, sizeof(guint16), count);
	for (guint i = count; i > 0; i--) {
		guint16 slot = (guint16)(i - 1);

		slots->slots[slot] = (Slot){ -1, TIDY_NO_INDEX };
		g_array_append_val(slots->unused, slot);
	}
	return slots;
}

static void
slots_free(TidyFs *fs, TidyFdSlots *slots)
{
	for (guint i = 0; i < slots->count; i++) {
		if (slots->slots[i].owner != TIDY_NO_INDEX)
			fs->close(fs, slots->slots[i].fd);
	}
	g_array_unref(slots->unused);
	g_free(slots);
}

/* Half of what the process may open: the rest of it needs some too. */
static guint
open_limit(const TidyDupesOptions *options)
{
	guint limit = options->max_open > 0 ? options->max_open : MAX_OPEN;
	struct rlimit rlimit;

	if (getrlimit(RLIMIT_NOFILE, &rlimit) == 0 && rlimit.rlim_cur / 2 < limit)
		limit = (guint)(rlimit.rlim_cur / 2);
	return MAX(limit, MIN_OPEN);
}

TidyCatalog *
tidy_catalog_new(TidyFs *fs, const TidyDupesOptions *options, TidyDupes *dupes)
{
	TidyCatalog *catalog = g_new0(TidyCatalog, 1);
	guint limit = open_limit(options);

	catalog->fs = fs;
	catalog->options = options;
	catalog->dupes = dupes;
	catalog->dirs = g_array_new(FALSE, FALSE, sizeof(TidyDirRecord));
	catalog->files = g_array_new(FALSE, FALSE, sizeof(TidyFileRecord));
	catalog->names = g_string_new(NULL);
	catalog->dir_fds = slots_new(limit / 2);
	catalog->file_fds = slots_new(limit - limit / 2);
	return catalog;
}

void
tidy_catalog_free(TidyCatalog *catalog)
{
	slots_free(catalog->fs, catalog->dir_fds);
	slots_free(catalog->fs, catalog->file_fds);
	g_array_unref(catalog->dirs);
	g_array_unref(catalog->files);
	g_string_free(catalog->names, TRUE);
	g_free(catalog);
}

guint32
tidy_catalog_add_name(TidyCatalog *catalog, const char *name)
{
	guint32 place = (guint32)catalog->names->len;

	g_string_append_len(catalog->names, name, (gssize)strlen(name) + 1);
	return place;
}

/* ---- paths ---- */

static void
prepend_part(GString *path, const char *part)
{
	if (path->len > 0)
		g_string_prepend_c(path, '/');
	g_string_prepend(path, part);
}

static char *
path_of(TidyCatalog *catalog, guint dir, const char *name, gboolean with_root)
{
	GString *path = g_string_new(name);
	const TidyDirRecord *record = tidy_catalog_dir(catalog, dir);

	while (record->parent != TIDY_NO_INDEX) {
		prepend_part(path, tidy_catalog_name(catalog, record->name));
		record = tidy_catalog_dir(catalog, record->parent);
	}
	if (with_root) {
		const char *root = tidy_catalog_name(catalog, record->name);

		if (path->len > 0 && g_str_has_suffix(root, "/"))
			g_string_prepend(path, root);
		else
			prepend_part(path, root);
	}
	return g_string_free(path, FALSE);
}

char *
tidy_catalog_path(TidyCatalog *catalog, guint dir, const char *name)
{
	return path_of(catalog, dir, name, TRUE);
}

char *
tidy_catalog_path_below(TidyCatalog *catalog, guint dir, const char *name)
{
	return path_of(catalog, dir, name, FALSE);
}

/* ---- what is not compared ---- */

void
tidy_catalog_skip(TidyCatalog *catalog, guint dir, const char *name, TidyDupesSkipReason reason,
		  int errno_code)
{
	TidyDupes *dupes = catalog->dupes;
	gboolean is_usual = reason == TIDY_DUPES_SKIP_LINK || reason == TIDY_DUPES_SKIP_SMALL ||
			    reason == TIDY_DUPES_SKIP_IGNORED;
	TidyDupesSkip skip = { .reason = reason, .errno_code = errno_code };

	dupes->stats.skipped[reason]++;
	if (is_usual || dupes->skips->len >= MAX_NOTED_SKIPS)
		return;
	skip.path = tidy_catalog_path(catalog, dir, name);
	g_array_append_val(dupes->skips, skip);
}

void
tidy_catalog_skip_file(TidyCatalog *catalog, guint file, TidyDupesSkipReason reason, int errno_code)
{
	TidyFileRecord *record = tidy_catalog_file(catalog, file);

	tidy_catalog_dir(catalog, record->dir)->flags |= TIDY_DIR_INCOMPLETE;
	tidy_catalog_skip(catalog, record->dir, tidy_catalog_name(catalog, record->name), reason,
			  errno_code);
}

gboolean
tidy_catalog_tick(TidyCatalog *catalog)
{
	const TidyDupesOptions *options = catalog->options;

	if (options->progress != NULL) {
		gint64 now = g_get_monotonic_time();

		if (now - catalog->last_progress_us >= PROGRESS_EVERY_US) {
			catalog->last_progress_us = now;
			catalog->progress.seen_files = catalog->dupes->stats.files;
			catalog->progress.read_bytes = catalog->dupes->stats.read_bytes;
			options->progress(&catalog->progress, options->data);
		}
	}
	return options->is_cancelled != NULL && options->is_cancelled(options->data);
}

/* ---- identity ---- */

TidyStat
tidy_catalog_file_stat(TidyCatalog *catalog, guint file)
{
	const TidyFileRecord *record = tidy_catalog_file(catalog, file);

	return (TidyStat){
		.dev = tidy_catalog_dir(catalog, record->dir)->dev,
		.ino = record->ino,
		.size = record->size,
		.mtime_ns = record->mtime_ns,
		.ctime_ns = record->ctime_ns,
		.blocks = record->blocks,
		.mode = record->mode,
		.nlink = record->nlink,
		.uid = record->uid,
		.gid = record->gid,
	};
}

static int
check_state(TidyCatalog *catalog, guint file, int dir, const char *name)
{
	TidyStat expected = tidy_catalog_file_stat(catalog, file);
	TidyStat st;
	int r = catalog->fs->stat(catalog->fs, dir, name, &st);

	if (r < 0)
		return r;
	return tidy_compare_is_same_state(&expected, &st) ? 0 : -ESTALE;
}

int
tidy_catalog_check_file(TidyCatalog *catalog, guint file)
{
	const TidyFileRecord *record = tidy_catalog_file(catalog, file);
	int dir;

	if (record->slot != TIDY_NO_SLOT)
		return check_state(catalog, file, catalog->file_fds->slots[record->slot].fd, "");
	dir = tidy_catalog_open_dir(catalog, record->dir);
	return dir < 0 ? dir
		       : check_state(catalog, file, dir, tidy_catalog_name(catalog, record->name));
}

/* ---- descriptors ---- */

static void
count_open(TidyCatalog *catalog)
{
	catalog->n_open++;
	catalog->dupes->stats.max_open = MAX(catalog->dupes->stats.max_open, catalog->n_open);
}

static guint16 *
dir_slot(TidyCatalog *catalog, guint dir)
{
	return &tidy_catalog_dir(catalog, dir)->slot;
}

static guint16 *
file_slot(TidyCatalog *catalog, guint file)
{
	return &tidy_catalog_file(catalog, file)->slot;
}

typedef guint16 *(*SlotOf)(TidyCatalog *catalog, guint owner);

/* Closes what is in @slot. */
static void
empty_slot(TidyCatalog *catalog, TidyFdSlots *slots, guint slot, SlotOf slot_of)
{
	catalog->fs->close(catalog->fs, slots->slots[slot].fd);
	*slot_of(catalog, slots->slots[slot].owner) = TIDY_NO_SLOT;
	slots->slots[slot].owner = TIDY_NO_INDEX;
	catalog->n_open--;
}

/* A free slot; closes the oldest descriptor when there is none. To be called before the new one is opened. */
static guint16
take_slot(TidyCatalog *catalog, TidyFdSlots *slots, SlotOf slot_of)
{
	guint16 slot;

	if (slots->unused->len > 0) {
		slot = g_array_index(slots->unused, guint16, slots->unused->len - 1);
		g_array_set_size(slots->unused, slots->unused->len - 1);
		return slot;
	}
	slot = (guint16)slots->next;
	slots->next = (slots->next + 1) % slots->count;
	empty_slot(catalog, slots, slot, slot_of);
	return slot;
}

static void
fill_slot(TidyCatalog *catalog, TidyFdSlots *slots, guint16 slot, int fd, guint owner)
{
	slots->slots[slot] = (Slot){ fd, owner };
	count_open(catalog);
}

/* A root may be given as a symbolic link: the one place where a link is followed, because the user wrote it. */
static int
open_root(TidyCatalog *catalog, const char *path)
{
	TidyFs *fs = catalog->fs;
	int fd = fs->openat(fs, AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0);

	if (fd == -ELOOP || fd == -ENOTDIR) {
		g_autofree char *behind = g_strconcat(path, "/.", NULL);

		fd = fs->openat(fs, AT_FDCWD, behind, O_RDONLY | O_DIRECTORY, 0);
	}
	return fd;
}

static int
open_dir_now(TidyCatalog *catalog, guint dir)
{
	TidyDirRecord *record = tidy_catalog_dir(catalog, dir);
	const char *name = tidy_catalog_name(catalog, record->name);
	TidyFdSlots *slots = catalog->dir_fds;
	int parent = -1;
	guint16 slot;
	int fd;

	if (record->parent != TIDY_NO_INDEX)
		parent = slots->slots[*dir_slot(catalog, record->parent)].fd;
	fd = parent < 0 ? open_root(catalog, name)
			: catalog->fs->openat(catalog->fs, parent, name, O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0)
		return fd;
	slot = take_slot(catalog, slots, dir_slot);
	fill_slot(catalog, slots, slot, fd, dir);
	record->slot = slot;
	return fd;
}

/* Not recursive: a tree may be deeper than the stack. */
int
tidy_catalog_open_dir(TidyCatalog *catalog, guint dir)
{
	guint16 slot = *dir_slot(catalog, dir);
	g_autoptr(GArray) closed = NULL;
	int fd = -1;

	if (slot != TIDY_NO_SLOT)
		return catalog->dir_fds->slots[slot].fd;
	closed = g_array_new(FALSE, FALSE, sizeof(guint));
	for (guint at = dir; at != TIDY_NO_INDEX && *dir_slot(catalog, at) == TIDY_NO_SLOT;) {
		g_array_append_val(closed, at);
		at = tidy_catalog_dir(catalog, at)->parent;
	}
	for (guint i = closed->len; i > 0; i--) {
		fd = open_dir_now(catalog, g_array_index(closed, guint, i - 1));
		if (fd < 0)
			return fd;
	}
	return fd;
}

int
tidy_catalog_open_unchecked(TidyCatalog *catalog, guint file)
{
	TidyFileRecord *record = tidy_catalog_file(catalog, file);
	int dir;
	int fd;

	if (record->slot != TIDY_NO_SLOT)
		return catalog->file_fds->slots[record->slot].fd;
	dir = tidy_catalog_open_dir(catalog, record->dir);
	if (dir < 0)
		return dir;
	record->slot = take_slot(catalog, catalog->file_fds, file_slot);
	fd = tidy_compare_open(catalog->fs, dir, tidy_catalog_name(catalog, record->name));
	if (fd < 0) {
		g_array_append_val(catalog->file_fds->unused, record->slot);
		record->slot = TIDY_NO_SLOT;
		return fd;
	}
	fill_slot(catalog, catalog->file_fds, record->slot, fd, file);
	return fd;
}

int
tidy_catalog_open_file(TidyCatalog *catalog, guint file)
{
	gboolean is_open = *file_slot(catalog, file) != TIDY_NO_SLOT;
	int fd = tidy_catalog_open_unchecked(catalog, file);
	int r;

	if (is_open || fd < 0)
		return fd;
	r = check_state(catalog, file, fd, "");
	if (r < 0)
		tidy_catalog_close_file(catalog, file);
	return r < 0 ? r : fd;
}

void
tidy_catalog_close_file(TidyCatalog *catalog, guint file)
{
	guint16 slot = *file_slot(catalog, file);

	if (slot == TIDY_NO_SLOT)
		return;
	empty_slot(catalog, catalog->file_fds, slot, file_slot);
	g_array_append_val(catalog->file_fds->unused, slot);
}

guint
tidy_catalog_max_files(const TidyCatalog *catalog)
{
	return catalog->file_fds->count;
}
