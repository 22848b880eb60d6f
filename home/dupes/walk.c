/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The walk of the duplicate finder: one record for each directory and each file worth comparing. I/O.
 *
 * The entries of a directory are looked at in the order of their inodes: in that order ext4 and others keep both the
 * inodes and, mostly, the data, so that neither this pass nor the reading that follows jumps about the device.
 */
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <linux/magic.h>
#include <string.h>

#include "home/base/error.h"
#include "home/dupes/bundle.h"
#include "home/dupes/catalog.h"

/* One entry of the directory at hand. */
typedef struct {
	guint64 ino;
	TidyType type;
	gsize name; /* in Walk.names */
} Entry;

typedef struct {
	TidyCatalog *catalog;
	GHashTable *visited; /* directories as "dev:ino" */
	GArray *pending;     /* of guint: directories still to list, the next one last */
	GArray *entries;     /* of Entry: of the directory at hand */
	GString *names;
	GArray *protect; /* of TidyStat: protected directories */
	guint dir;	 /* at hand */
	int fd;
} Walk;

static guint
id_hash(gconstpointer key)
{
	const guint64 *id = key;

	return (guint)((id[1] * G_GUINT64_CONSTANT(0x9e3779b97f4a7c15)) >> 32) ^ (guint)id[0];
}

static gboolean
id_equal(gconstpointer a, gconstpointer b)
{
	return memcmp(a, b, 2 * sizeof(guint64)) == 0;
}

/* FALSE when the directory was seen before: a bind mount, a root inside another, a root given twice. */
static gboolean
visit(Walk *walk, const TidyStat *st)
{
	guint64 id[2] = { st->dev, st->ino };

	return g_hash_table_add(walk->visited, g_memdup2(id, sizeof id));
}

/* ---- what is ignored ---- */

static gboolean
is_ignored(Walk *walk, const char *name)
{
	const char *const *glob = walk->catalog->options->ignore;
	g_autofree char *path = NULL;

	for (; glob != NULL && *glob != NULL; glob++) {
		if (strchr(*glob, '/') == NULL) {
			if (fnmatch(*glob, name, 0) == 0)
				return TRUE;
			continue;
		}
		if (path == NULL)
			path = tidy_catalog_path_below(walk->catalog, walk->dir, name);
		if (fnmatch(*glob + (**glob == '/'), path, FNM_PATHNAME) == 0)
			return TRUE;
	}
	return FALSE;
}

static void
skip(Walk *walk, const char *name, TidyDupesSkipReason reason, int errno_code)
{
	/* Empty files and links are looked at again when whole directories are compared. */
	if (reason != TIDY_DUPES_SKIP_LINK)
		tidy_catalog_dir(walk->catalog, walk->dir)->flags |= TIDY_DIR_INCOMPLETE;
	tidy_catalog_skip(walk->catalog, walk->dir, name, reason, errno_code);
}

/* ---- directories ---- */

static gboolean
is_protected(const Walk *walk, const TidyStat *st)
{
	for (guint i = 0; i < walk->protect->len; i++) {
		const TidyStat *protect = &g_array_index(walk->protect, TidyStat, i);

		if (protect->dev == st->dev && protect->ino == st->ino)
			return TRUE;
	}
	return FALSE;
}

/* A directory with such a descendant cannot go as a whole. */
static void
mark_ancestors(TidyCatalog *catalog, guint dir, TidyDirFlags flag)
{
	for (dir = tidy_catalog_dir(catalog, dir)->parent; dir != TIDY_NO_INDEX;
	     dir = tidy_catalog_dir(catalog, dir)->parent)
		tidy_catalog_dir(catalog, dir)->flags |= (guint8)flag;
}

static guint
add_dir(Walk *walk, const char *name, const TidyStat *st, guint parent)
{
	TidyCatalog *catalog = walk->catalog;
	guint dir = catalog->dirs->len;
	TidyDirRecord record = {
		.dev = st->dev,
		.ino = st->ino,
		.mnt_id = st->mnt_id,
		.mtime_ns = st->mtime_ns,
		.ctime_ns = st->ctime_ns,
		.mode = st->mode,
		.uid = st->uid,
		.gid = st->gid,
		.parent = parent,
		.name = tidy_catalog_add_name(catalog, name),
		.slot = TIDY_NO_SLOT,
	};

	if (parent != TIDY_NO_INDEX) {
		const TidyDirRecord *above = tidy_catalog_dir(catalog, parent);

		record.flags = above->flags & (TIDY_DIR_PROTECTED | TIDY_DIR_IN_BUNDLE);
		if (above->flags & TIDY_DIR_BUNDLE)
			record.flags |= TIDY_DIR_IN_BUNDLE;
		record.root = above->root;
	} else {
		record.root = dir;
	}
	if (is_protected(walk, st))
		record.flags |= TIDY_DIR_PROTECTED;
	g_array_append_val(catalog->dirs, record);
	g_array_append_val(walk->pending, dir);
	if (record.flags & TIDY_DIR_PROTECTED)
		mark_ancestors(catalog, dir, TIDY_DIR_HOLDS_PROTECTED);
	return dir;
}

static gboolean
is_other_mount(const TidyDirRecord *dir, const TidyStat *st)
{
	if (dir->mnt_id != 0 && st->mnt_id != 0)
		return dir->mnt_id != st->mnt_id;
	return dir->dev != st->dev;
}

static void
take_dir(Walk *walk, const char *name, const TidyStat *st)
{
	const TidyDirRecord *here = tidy_catalog_dir(walk->catalog, walk->dir);

	if (is_other_mount(here, st))
		skip(walk, name, TIDY_DUPES_SKIP_MOUNT, 0);
	else if (!visit(walk, st))
		skip(walk, name, TIDY_DUPES_SKIP_VISITED, 0);
	else
		add_dir(walk, name, st, walk->dir);
}

/* ---- files ---- */

static void
take_file(Walk *walk, const char *name, const TidyStat *st)
{
	TidyCatalog *catalog = walk->catalog;
	const TidyDirRecord *here = tidy_catalog_dir(catalog, walk->dir);
	TidyFileRecord record = {
		.ino = st->ino,
		.size = st->size,
		.mtime_ns = st->mtime_ns,
		.ctime_ns = st->ctime_ns,
		.blocks = st->blocks,
		.dir = walk->dir,
		.nlink = st->nlink,
		.mode = st->mode,
		.uid = st->uid,
		.gid = st->gid,
		.next_link = TIDY_NO_INDEX,
		.next_twin = TIDY_NO_INDEX,
		.slot = TIDY_NO_SLOT,
	};

	catalog->dupes->stats.files++;
	if (is_other_mount(here, st) || st->dev != here->dev) {
		skip(walk, name, TIDY_DUPES_SKIP_MOUNT, 0);
	} else if (st->size == 0) {
		catalog->dupes->stats.skipped[TIDY_DUPES_SKIP_SMALL]++;
	} else if (st->size < catalog->options->min_size) {
		skip(walk, name, TIDY_DUPES_SKIP_SMALL, 0);
	} else {
		record.name = tidy_catalog_add_name(catalog, name);
		g_array_append_val(catalog->files, record);
		tidy_catalog_dir(catalog, walk->dir)->n_files++;
	}
}

static void
take_entry(Walk *walk, const Entry *entry)
{
	TidyFs *fs = walk->catalog->fs;
	const char *name = walk->names->str + entry->name;
	TidyType type = entry->type;
	TidyStat st = { 0 };

	if (is_ignored(walk, name)) {
		skip(walk, name, TIDY_DUPES_SKIP_IGNORED, 0);
		return;
	}
	if (type == TIDY_TYPE_UNKNOWN || type == TIDY_TYPE_DIR || type == TIDY_TYPE_FILE) {
		int r = fs->stat(fs, walk->fd, name, &st);

		if (r < 0) {
			skip(walk, name,
			     r == -ENOENT ? TIDY_DUPES_SKIP_CHANGED : TIDY_DUPES_SKIP_UNREADABLE,
			     -r);
			return;
		}
		type = tidy_stat_type(&st);
	}
	if (type == TIDY_TYPE_FILE)
		take_file(walk, name, &st);
	else if (type == TIDY_TYPE_DIR)
		take_dir(walk, name, &st);
	else
		skip(walk, name,
		     type == TIDY_TYPE_LINK ? TIDY_DUPES_SKIP_LINK : TIDY_DUPES_SKIP_SPECIAL, 0);
}

/* ---- one directory ---- */

static gboolean
note_entry(const TidyDirent *dirent, gpointer data)
{
	Walk *walk = data;
	Entry entry = { dirent->ino, dirent->type, walk->names->len };

	g_string_append_len(walk->names, dirent->name, (gssize)strlen(dirent->name) + 1);
	g_array_append_val(walk->entries, entry);
	return TRUE;
}

static gint
by_ino(gconstpointer a, gconstpointer b)
{
	const Entry *x = a, *y = b;

	return x->ino < y->ino ? -1 : x->ino > y->ino;
}

/* The tops of bundles: this directory, by what is in it, or by its own name. */
static void
mark_bundle(Walk *walk)
{
	TidyDirRecord *here = tidy_catalog_dir(walk->catalog, walk->dir);
	gboolean is_bundle = here->parent != TIDY_NO_INDEX &&
			     tidy_bundle_is_name(tidy_catalog_name(walk->catalog, here->name));

	for (guint i = 0; i < walk->entries->len && !is_bundle; i++) {
		const Entry *entry = &g_array_index(walk->entries, Entry, i);

		is_bundle = tidy_bundle_is_marker(walk->names->str + entry->name);
	}
	if (is_bundle)
		here->flags |= TIDY_DIR_BUNDLE;
}

static void
list_dir(Walk *walk, guint dir)
{
	TidyCatalog *catalog = walk->catalog;
	int r;

	walk->dir = dir;
	walk->fd = tidy_catalog_open_dir(catalog, dir);
	catalog->dupes->stats.dirs++;
	tidy_catalog_dir(catalog, dir)->first_file = catalog->files->len;
	if (walk->fd < 0) {
		skip(walk, NULL, TIDY_DUPES_SKIP_UNREADABLE, -walk->fd);
		return;
	}
	g_array_set_size(walk->entries, 0);
	g_string_truncate(walk->names, 0);
	r = tidy_fs_list(catalog->fs, walk->fd, note_entry, walk);
	if (r < 0)
		skip(walk, NULL, TIDY_DUPES_SKIP_UNREADABLE, -r);
	mark_bundle(walk);
	g_array_sort(walk->entries, by_ino);
	for (guint i = 0; i < walk->entries->len; i++) {
		take_entry(walk, &g_array_index(walk->entries, Entry, i));
		if (i % 1024 == 1023 && tidy_catalog_tick(catalog))
			break; /* the caller asks again, and is told the same */
	}
}

/* ---- roots ---- */

/* The file systems that the kernel makes up: sizes and contents there mean nothing. */
static gboolean
is_virtual(TidyFs *fs, int fd)
{
	static const guint64 types[] = { PROC_SUPER_MAGIC, SYSFS_MAGIC,	       CGROUP2_SUPER_MAGIC,
					 DEBUGFS_MAGIC,	   TRACEFS_MAGIC,      DEVPTS_SUPER_MAGIC,
					 SECURITYFS_MAGIC, CGROUP_SUPER_MAGIC, EFIVARFS_MAGIC };
	TidyFsInfo info;

	if (fs->fsinfo(fs, fd, &info) < 0)
		return FALSE;
	for (guint i = 0; i < G_N_ELEMENTS(types); i++) {
		if (info.type == types[i])
			return TRUE;
	}
	return FALSE;
}

/* The directory of an @inner path lies in that of an @outer one, or is it; by text. */
static gboolean
is_at_or_below(const char *inner, const char *outer)
{
	gsize length = strlen(outer);

	while (length > 1 && outer[length - 1] == '/')
		length--;
	return strncmp(inner, outer, length) == 0 &&
	       (inner[length] == '\0' || inner[length] == '/' || outer[length - 1] == '/');
}

static gboolean
is_in_protected(const TidyDupesOptions *options, const char *path)
{
	const char *const *protect = options->protect;

	for (; protect != NULL && *protect != NULL; protect++) {
		if (is_at_or_below(path, *protect))
			return TRUE;
	}
	return FALSE;
}

/* 0, or positive errno. */
static int
add_root(Walk *walk, const char *path)
{
	TidyCatalog *catalog = walk->catalog;
	TidyStat st = { 0 };
	guint root = add_dir(walk, path, &st, TIDY_NO_INDEX);
	TidyDirRecord *record = tidy_catalog_dir(catalog, root);
	int fd = tidy_catalog_open_dir(catalog, root);
	int r = fd < 0 ? fd : catalog->fs->stat(catalog->fs, fd, "", &st);

	if (r >= 0 && is_virtual(catalog->fs, fd))
		r = -EOPNOTSUPP;
	if (r < 0) {
		g_array_set_size(walk->pending, 0);
		tidy_catalog_skip(catalog, root, NULL, TIDY_DUPES_SKIP_UNREADABLE, -r);
		return -r;
	}
	record->dev = st.dev;
	record->ino = st.ino;
	record->mnt_id = st.mnt_id;
	record->mtime_ns = st.mtime_ns;
	record->ctime_ns = st.ctime_ns;
	if (is_protected(walk, &st) || is_in_protected(catalog->options, path))
		record->flags |= TIDY_DIR_PROTECTED;
	if (!visit(walk, &st)) {
		g_array_set_size(walk->pending, 0);
		tidy_catalog_skip(catalog, root, NULL, TIDY_DUPES_SKIP_VISITED, 0);
	}
	return 0;
}

static gboolean
walk_root(Walk *walk, const char *path, int *errno_code)
{
	TidyCatalog *catalog = walk->catalog;
	int code = add_root(walk, path);

	if (code != 0)
		*errno_code = code;
	while (walk->pending->len > 0) {
		guint dir = g_array_index(walk->pending, guint, walk->pending->len - 1);

		g_array_set_size(walk->pending, walk->pending->len - 1);
		list_dir(walk, dir);
		if (tidy_catalog_tick(catalog)) {
			catalog->dupes->is_partial = TRUE;
			g_array_set_size(walk->pending, 0);
		}
	}
	return code == 0;
}

/* What @protect names, to be recognised in the walk. A protected directory that is not there protects nothing. */
static void
find_protected(Walk *walk)
{
	TidyCatalog *catalog = walk->catalog;
	const char *const *path = catalog->options->protect;

	for (; path != NULL && *path != NULL; path++) {
		TidyStat st;
		int fd = catalog->fs->openat(catalog->fs, AT_FDCWD, *path, O_RDONLY | O_DIRECTORY,
					     0);

		if (fd < 0)
			continue;
		if (catalog->fs->stat(catalog->fs, fd, "", &st) >= 0)
			g_array_append_val(walk->protect, st);
		catalog->fs->close(catalog->fs, fd);
	}
}

static gboolean
is_above_a_root(const TidyDupesOptions *options, const char *path)
{
	for (const char *const *root = options->roots; *root != NULL; root++) {
		if (is_at_or_below(*root, path))
			return TRUE;
	}
	return FALSE;
}

static guint
walk_roots(Walk *walk, int *errno_code)
{
	const TidyDupesOptions *options = walk->catalog->options;
	const char *const *path;
	guint n_walked = 0;

	for (path = options->roots; *path != NULL; path++)
		n_walked += walk_root(walk, *path, errno_code) ? 1 : 0;
	/* A protected directory around a root protects it, but is not searched for that. */
	for (path = options->protect; path != NULL && *path != NULL; path++) {
		if (!is_above_a_root(options, *path))
			walk_root(walk, *path, errno_code);
	}
	return n_walked;
}

gboolean
tidy_catalog_scan(TidyCatalog *catalog, GError **error)
{
	Walk walk = {
		.catalog = catalog,
		.visited = g_hash_table_new_full(id_hash, id_equal, g_free, NULL),
		.pending = g_array_new(FALSE, FALSE, sizeof(guint)),
		.entries = g_array_new(FALSE, FALSE, sizeof(Entry)),
		.names = g_string_new(NULL),
		.protect = g_array_new(FALSE, FALSE, sizeof(TidyStat)),
	};
	int errno_code = ENOENT;
	guint n_walked;

	find_protected(&walk);
	n_walked = walk_roots(&walk, &errno_code);
	g_hash_table_unref(walk.visited);
	g_array_unref(walk.pending);
	g_array_unref(walk.entries);
	g_string_free(walk.names, TRUE);
	g_array_unref(walk.protect);
	if (n_walked == 0)
		tidy_error_set_errno(error, errno_code, "open %s", catalog->options->roots[0]);
	return n_walked > 0;
}
