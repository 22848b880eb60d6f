/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The state directory: a lock and one journal file per operation. I/O. */
#include "home/engine/store.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "home/base/error.h"

#define LOCK_NAME      "lock"
#define JOURNAL_SUFFIX ".journal"
#define NEW_SUFFIX     ".new" /* of a small file that is being written */
#define WRITE_TRIES    3
/* A journal of ten million steps; larger is damage or an attack. */
#define JOURNAL_MAX_BYTES (G_GINT64_CONSTANT(1) << 30)
#define TEXT_MAX_BYTES	  (1 << 20)

struct TidyStore {
	TidyFs *fs;
	char *path;
	int dir;
	int lock; /* -1: not locked */
};

struct TidyJournalFile {
	TidyStore *store;
	int fd;
	gint64 size; /* durable bytes */
	guint64 run;
	guint64 next_seq;
	guint32 next_dir;
	GByteArray *pending;
};

static int
open_or_make(TidyFs *fs, const char *path)
{
	g_auto(GStrv) parts = g_strsplit(path + 1, "/", -1);
	int dir = fs->openat(fs, AT_FDCWD, "/", O_RDONLY | O_DIRECTORY, 0);

	for (guint i = 0; parts[i] != NULL && dir >= 0; i++) {
		int next;

		if (*parts[i] == '\0')
			continue;
		next = fs->openat(fs, dir, parts[i], O_RDONLY | O_DIRECTORY, 0);
		if (next == -ENOENT) {
			int r = fs->mkdir(fs, dir, parts[i], 0700);

			next = r == 0 || r == -EEXIST
				       ? fs->openat(fs, dir, parts[i], O_RDONLY | O_DIRECTORY, 0)
				       : r;
			if (r == 0)
				fs->fsync(fs, dir);
		}
		fs->close(fs, dir);
		dir = next;
	}
	return dir;
}

TidyStore *
tidy_store_open(TidyFs *fs, const char *path, gboolean makes, GError **error)
{
	TidyStore *store;
	/* The path may hold links that the user made (a state directory on another disk): the kernel follows them. */
	int dir = fs->openat(fs, AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0);

	if (dir == -ENOENT && !makes) {
		g_set_error(error, TIDY_ERROR, TIDY_ERROR_NOT_FOUND, "there is no %s", path);
		return NULL;
	}
	if (dir == -ENOENT)
		dir = open_or_make(fs, path);
	if (dir < 0) {
		tidy_error_set_errno(error, -dir, "cannot open the state directory %s", path);
		return NULL;
	}
	store = g_new0(TidyStore, 1);
	store->fs = fs;
	store->path = g_strdup(path);
	store->dir = dir;
	store->lock = -1;
	return store;
}

void
tidy_store_free(TidyStore *store)
{
	tidy_store_unlock(store);
	store->fs->close(store->fs, store->dir);
	g_free(store->path);
	g_free(store);
}

const char *
tidy_store_path(TidyStore *store)
{
	return store->path;
}

static gboolean
collect_leftover(const TidyDirent *entry, gpointer data)
{
	if (g_str_has_suffix(entry->name, NEW_SUFFIX))
		g_ptr_array_add(data, g_strdup(entry->name));
	return TRUE;
}

/* What a crash left of small files that were being written. One that is just being written, beside the lock, is written
 * again by tidy_store_write_text(). */
static void
remove_leftovers(TidyStore *store)
{
	TidyFs *fs = store->fs;
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);

	tidy_fs_list(fs, store->dir, collect_leftover, names);
	for (guint i = 0; i < names->len; i++)
		fs->unlink(fs, store->dir, g_ptr_array_index(names, i), 0);
}

gboolean
tidy_store_lock(TidyStore *store, GError **error)
{
	TidyFs *fs = store->fs;
	int fd = fs->openat(fs, store->dir, LOCK_NAME, O_RDWR | O_CREAT, 0600);
	int r;

	if (fd < 0)
		return tidy_error_set_errno(error, -fd, "cannot open the lock %s/%s", store->path,
					    LOCK_NAME);
	r = fs->flock(fs, fd, TIDY_LOCK_EXCLUSIVE);
	if (r == 0) {
		store->lock = fd;
		remove_leftovers(store);
		return TRUE;
	}
	fs->close(fs, fd);
	if (r != -EWOULDBLOCK)
		return tidy_error_set_errno(error, -r, "cannot lock %s", store->path);
	g_set_error(error, TIDY_ERROR, TIDY_ERROR_LOCKED,
		    "another xdgtidy is at work (%s is locked); try again when it is done",
		    store->path);
	return FALSE;
}

void
tidy_store_unlock(TidyStore *store)
{
	if (store->lock >= 0)
		store->fs->close(store->fs, store->lock);
	store->lock = -1;
}

/* --- reading --- */

static gboolean
collect_id(const TidyDirent *entry, gpointer data)
{
	char *end;
	guint64 id = g_ascii_strtoull(entry->name, &end, 10);

	if (g_ascii_isdigit(entry->name[0]) && id > 0 && strcmp(end, JOURNAL_SUFFIX) == 0)
		g_array_append_val((GArray *)data, id);
	return TRUE;
}

static int
compare_ids(gconstpointer a, gconstpointer b)
{
	guint64 x = *(const guint64 *)a;
	guint64 y = *(const guint64 *)b;

	return (x > y) - (x < y);
}

GArray *
tidy_store_list(TidyStore *store, GError **error)
{
	g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(guint64));
	int r = tidy_fs_list(store->fs, store->dir, collect_id, ids);

	if (r < 0) {
		tidy_error_set_errno(error, -r, "cannot list %s", store->path);
		return NULL;
	}
	g_array_sort(ids, compare_ids);
	return g_steal_pointer(&ids);
}

static void
journal_name(guint64 id, char name[32])
{
	g_snprintf(name, 32, "%08" G_GUINT64_FORMAT JOURNAL_SUFFIX, id);
}

/* The whole of a file of at most @max bytes; NULL and -errno in @r. */
static GByteArray *
read_file(TidyStore *store, const char *name, gint64 max, int *r)
{
	TidyFs *fs = store->fs;
	g_autoptr(GByteArray) bytes = g_byte_array_new();
	TidyStat st = { 0 };
	int fd = fs->openat(fs, store->dir, name, O_RDONLY, 0);

	*r = fd;
	if (fd < 0)
		return NULL;
	*r = fs->stat(fs, fd, "", &st);
	if (*r == 0 && (tidy_stat_type(&st) != TIDY_TYPE_FILE || st.size > max))
		*r = -EFBIG;
	if (*r == 0)
		g_byte_array_set_size(bytes, (guint)st.size);
	for (gint64 at = 0; *r >= 0 && at < st.size; at += *r) {
		*r = (int)fs->pread(fs, fd, bytes->data + at, MIN((size_t)(st.size - at), 1u << 30),
				    at);
		if (*r == 0) {
			g_byte_array_set_size(bytes, (guint)at);
			break;
		}
	}
	fs->close(fs, fd);
	return *r < 0 ? NULL : g_steal_pointer(&bytes);
}

TidyJournal *
tidy_store_read(TidyStore *store, guint64 id, GError **error)
{
	char name[32];
	int r;
	g_autoptr(GByteArray) bytes = NULL;
	TidyJournal *journal;

	journal_name(id, name);
	bytes = read_file(store, name, JOURNAL_MAX_BYTES, &r);
	if (bytes == NULL && r == -ENOENT) {
		g_set_error(error, TIDY_ERROR, TIDY_ERROR_NOT_FOUND,
			    "there is no operation %" G_GUINT64_FORMAT, id);
		return NULL;
	}
	if (bytes == NULL) {
		tidy_error_set_errno(error, -r, "cannot read %s/%s", store->path, name);
		return NULL;
	}
	journal = tidy_journal_parse(bytes->data, bytes->len, error);
	if (journal != NULL && journal->header.id != id) {
		g_clear_pointer(&journal, tidy_journal_free);
		g_set_error(error, TIDY_ERROR, TIDY_ERROR_JOURNAL, "it is of another operation");
	}
	if (journal == NULL)
		g_prefix_error(error, "cannot use the journal %s/%s: ", store->path, name);
	return journal;
}

gint64
tidy_store_touched_at(TidyStore *store, guint64 id)
{
	char name[32];
	TidyStat st;

	journal_name(id, name);
	return store->fs->stat(store->fs, store->dir, name, &st) == 0 ? st.mtime_ns : 0;
}

gboolean
tidy_store_forget(TidyStore *store, guint64 id, GError **error)
{
	char name[32];
	int r;

	journal_name(id, name);
	r = store->fs->unlink(store->fs, store->dir, name, 0);
	return r == 0 || tidy_error_set_errno(error, -r, "cannot remove %s/%s", store->path, name);
}

/* --- writing --- */

static TidyJournalFile *
journal_file_new(TidyStore *store, int fd, guint64 run)
{
	TidyJournalFile *file = g_new0(TidyJournalFile, 1);

	file->store = store;
	file->fd = fd;
	file->run = run;
	file->next_dir = 1;
	file->pending = g_byte_array_new();
	return file;
}

void
tidy_journal_file_free(TidyJournalFile *file)
{
	file->store->fs->close(file->store->fs, file->fd);
	g_byte_array_unref(file->pending);
	g_free(file);
}

TidyJournalFile *
tidy_store_create(TidyStore *store, TidyJournalHeader *header, GError **error)
{
	TidyFs *fs = store->fs;
	g_autoptr(GArray) ids = tidy_store_list(store, error);
	TidyJournalFile *file;
	char name[32];
	int fd;
	int r;

	if (ids == NULL)
		return NULL;
	header->id = ids->len > 0 ? g_array_index(ids, guint64, ids->len - 1) + 1 : 1;
	header->run = (guint64)g_random_int() << 32 | g_random_int();
	journal_name(header->id, name);
	fd = fs->openat(fs, store->dir, name, O_RDWR | O_CREAT | O_EXCL, 0600);
	if (fd < 0) {
		tidy_error_set_errno(error, -fd, "cannot make the journal %s/%s", store->path,
				     name);
		return NULL;
	}
	file = journal_file_new(store, fd, header->run);
	tidy_record_put_header(file->pending, header);
	file->next_seq = 1;
	if (tidy_journal_file_sync(file, error)) {
		r = fs->fsync(fs, store->dir);
		if (r == 0)
			return file;
		tidy_error_set_errno(error, -r, "cannot make %s durable", store->path);
	}
	fs->unlink(fs, store->dir, name, 0);
	tidy_journal_file_free(file);
	return NULL;
}

TidyJournalFile *
tidy_store_reopen(TidyStore *store, const TidyJournal *journal, GError **error)
{
	TidyFs *fs = store->fs;
	TidyJournalFile *file;
	char name[32];
	int fd;
	int r;

	journal_name(journal->header.id, name);
	fd = fs->openat(fs, store->dir, name, O_RDWR, 0);
	if (fd < 0) {
		tidy_error_set_errno(error, -fd, "cannot go on with the journal %s/%s", store->path,
				     name);
		return NULL;
	}
	r = fs->truncate(fs, fd, (gint64)journal->valid_bytes);
	if (r < 0) {
		fs->close(fs, fd);
		tidy_error_set_errno(error, -r, "cannot go on with the journal %s/%s", store->path,
				     name);
		return NULL;
	}
	file = journal_file_new(store, fd, journal->header.run);
	file->size = (gint64)journal->valid_bytes;
	file->next_seq = journal->next_seq;
	file->next_dir = journal->dirs->len + 1;
	return file;
}

gboolean
tidy_store_settle(TidyStore *store, guint64 id, GError **error)
{
	TidyFs *fs = store->fs;
	char name[32];
	int fd;
	int r;

	journal_name(id, name);
	fd = fs->openat(fs, store->dir, name, O_RDWR, 0);
	r = fd < 0 ? fd : fs->fdatasync(fs, fd);
	if (fd >= 0)
		fs->close(fs, fd);
	return r == 0 || tidy_error_set_errno(error, -r, "cannot go on with the journal %s/%s",
					      store->path, name);
}

void
tidy_journal_file_put_dir(TidyJournalFile *file, TidyDirInfo *info)
{
	info->id = file->next_dir++;
	tidy_record_put_dir(file->pending, file->run, file->next_seq++, info);
}

void
tidy_journal_file_put_step(TidyJournalFile *file, TidyStep *step)
{
	step->seq = file->next_seq++;
	tidy_record_put_step(file->pending, file->run, step->seq, step);
}

void
tidy_journal_file_put_skip(TidyJournalFile *file, guint64 step_seq, TidyWhy why)
{
	tidy_record_put_skip(file->pending, file->run, file->next_seq++, step_seq, why);
}

gboolean
tidy_journal_file_sync(TidyJournalFile *file, GError **error)
{
	TidyFs *fs = file->store->fs;
	int r;

	if (file->pending->len == 0)
		return TRUE;
	r = tidy_fs_write_all(fs, file->fd, file->pending->data, file->pending->len, file->size);
	if (r == 0)
		r = fs->fdatasync(fs, file->fd);
	if (r < 0) {
		/* What may have been written has no effect: nothing acted on it, and the reader is told to stop. */
		fs->truncate(fs, file->fd, file->size);
		return tidy_error_set_errno(
			error, -r, "cannot write the journal in %s; nothing more was changed",
			file->store->path);
	}
	file->size += file->pending->len;
	g_byte_array_set_size(file->pending, 0);
	return TRUE;
}

gboolean
tidy_journal_file_commit(TidyJournalFile *file, const TidyJournalCommit *commit, GError **error)
{
	tidy_record_put_commit(file->pending, file->run, file->next_seq++, commit);
	return tidy_journal_file_sync(file, error);
}

/* --- small state files --- */

char *
tidy_store_read_text(TidyStore *store, const char *name)
{
	int r;
	g_autoptr(GByteArray) bytes = read_file(store, name, TEXT_MAX_BYTES, &r);

	/* An empty array has no data. */
	return bytes != NULL
		       ? g_strndup(bytes->len > 0 ? (const char *)bytes->data : "", bytes->len)
		       : NULL;
}

/* 0 or -errno; -ENOENT: another process has taken the new file for a leftover. */
static int
write_text_once(TidyStore *store, const char *name, const char *text)
{
	TidyFs *fs = store->fs;
	g_autofree char *temporary = g_strdup_printf("%s-%08x" NEW_SUFFIX, name, g_random_int());
	int fd = fs->openat(fs, store->dir, temporary, O_WRONLY | O_CREAT | O_EXCL, 0600);
	int r = fd;

	if (fd < 0)
		return r;
	r = tidy_fs_write_all(fs, fd, text, strlen(text), 0);
	if (r == 0)
		r = fs->fsync(fs, fd);
	fs->close(fs, fd);
	if (r == 0)
		r = fs->replace(fs, store->dir, temporary, store->dir, name);
	if (r < 0)
		fs->unlink(fs, store->dir, temporary, 0);
	return r;
}

gboolean
tidy_store_write_text(TidyStore *store, const char *name, const char *text, GError **error)
{
	int r = -ENOENT;

	for (guint i = 0; i < WRITE_TRIES && r == -ENOENT; i++)
		r = write_text_once(store, name, text);
	if (r == 0)
		r = store->fs->fsync(store->fs, store->dir);
	if (r < 0)
		return tidy_error_set_errno(error, -r, "cannot write %s/%s", store->path, name);
	return TRUE;
}
