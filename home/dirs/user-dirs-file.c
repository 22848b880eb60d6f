/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * user-dirs.dirs and its companions on disk. I/O.
 *
 * Paths are resolved here, one component at a time, because the table follows no links and a
 * dotfile manager's link must stay: the file behind it is replaced, in its own directory. A write
 * is: read, edit, write a temporary beside it, sync it, read again; if that is still the same file
 * with the same bytes, rename over it, sync the directory. What another program writes between the
 * second reading and the rename is lost; nobody who edits this file takes a lock, so this window of
 * microseconds is as small as it gets.
 */
#include "home/dirs/user-dirs-file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "home/base/error.h"
#include "home/base/text.h"

#define MAX_FILE_BYTES (4 << 20)
#define MAX_LINKS      40 /* as the kernel: path_resolution(7) */
#define MAX_TRIES      5
#define MAX_TEMPS      16
#define TEMP_AGE_NS    (G_GINT64_CONSTANT(3600) * 1000000000)
#define TEMP_FORMAT    ".user-dirs.dirs.xdgtidy-%u"

/* A file with its links resolved. */
typedef struct {
	char *dir;     /* path of its directory, without links */
	char *name;    /* in it */
	GBytes *bytes; /* NULL: there is no such file */
	TidyStat st;
} RealFile;

static void
real_file_clear(RealFile *file)
{
	g_clear_pointer(&file->dir, g_free);
	g_clear_pointer(&file->name, g_free);
	g_clear_pointer(&file->bytes, g_bytes_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RealFile, real_file_clear)

static int
open_dir(TidyFs *fs, const char *path, int flags)
{
	return fs->openat(fs, AT_FDCWD, path, flags | O_DIRECTORY, 0);
}

/* What the link @name in directory @dir says; NULL when it is no link, with @status 0 or -errno. */
static char *
read_link(TidyFs *fs, const char *dir, const char *name, int *status)
{
	char target[PATH_MAX];
	ssize_t len;
	int fd = open_dir(fs, dir, O_PATH);

	*status = fd;
	if (fd < 0)
		return NULL;
	len = fs->readlink(fs, fd, name, target, sizeof target);
	fs->close(fs, fd);
	*status = len == -EINVAL ? 0 : (int)len;
	return len > 0 ? g_strndup(target, (gsize)len) : NULL;
}

/* Puts the components of @path before those of @rest; the last one of @path comes first off the
 * end. */
static void
push_components(GPtrArray *rest, const char *path)
{
	g_auto(GStrv) parts = g_strsplit(path, "/", -1);

	for (guint i = g_strv_length(parts); i > 0; i--)
		if (*parts[i - 1] && strcmp(parts[i - 1], ".") != 0)
			g_ptr_array_add(rest, g_strdup(parts[i - 1]));
}

/* Removes the last component of the directory @dir. */
static void
go_up(GString *dir)
{
	const char *slash = strrchr(dir->str, '/');

	g_string_truncate(dir, slash == dir->str ? 1 : (gsize)(slash - dir->str));
}

/* Finds the directory without links and the name that @path leads to; 0 or -errno. The name need
 * not exist when @path itself is no link; a link to nothing is -ENOENT with *@is_link set. */
static int
resolve(TidyFs *fs, const char *path, RealFile *file, gboolean *is_link)
{
	g_autoptr(GPtrArray) rest = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GString) dir = g_string_new("/");
	guint n_links = 0;

	push_components(rest, path);
	*is_link = FALSE;
	while (rest->len > 0) {
		g_autofree char *name = g_ptr_array_steal_index(rest, rest->len - 1);
		g_autofree char *target = NULL;
		int status;

		if (strcmp(name, "..") == 0) {
			go_up(dir);
			continue;
		}
		target = read_link(fs, dir->str, name, &status);
		if (target) {
			if (++n_links > MAX_LINKS)
				return -ELOOP;
			*is_link = *is_link || rest->len == 0;
			if (*target == '/')
				g_string_assign(dir, "/");
			push_components(rest, target);
			continue;
		}
		if (rest->len == 0) {
			file->dir = g_strdup(dir->str);
			file->name = g_steal_pointer(&name);
			return status == -ENOENT && !*is_link ? 0 : status;
		}
		if (status < 0)
			return status;
		g_string_append_printf(dir, "%s%s", dir->len > 1 ? "/" : "", name);
	}
	return -EISDIR;
}

/* All of the open regular file @fd; 0 or -errno. */
static int
read_all(TidyFs *fs, int fd, GBytes **bytes)
{
	g_autoptr(GByteArray) data = g_byte_array_new();
	guint8 block[16384];
	ssize_t n;

	while ((n = fs->pread(fs, fd, block, sizeof block, data->len)) > 0) {
		g_byte_array_append(data, block, (guint)n);
		if (data->len > MAX_FILE_BYTES)
			return -EFBIG;
	}
	if (n < 0)
		return (int)n;
	*bytes = g_byte_array_free_to_bytes(g_steal_pointer(&data));
	return 0;
}

/* Reads the resolved file; -ENOENT leaves bytes NULL and is no error. */
static int
read_resolved(TidyFs *fs, RealFile *file)
{
	int dir = open_dir(fs, file->dir, O_PATH);
	int fd, status;

	if (dir < 0)
		return dir == -ENOENT ? 0 : dir;
	fd = fs->openat(fs, dir, file->name, O_RDONLY, 0);
	fs->close(fs, dir);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	status = fs->stat(fs, fd, "", &file->st);
	if (status >= 0 && !S_ISREG(file->st.mode))
		status = S_ISDIR(file->st.mode) ? -EISDIR : -EINVAL;
	if (status >= 0)
		status = read_all(fs, fd, &file->bytes);
	fs->close(fs, fd);
	return status;
}

static gboolean
set_error(GError **error, int status, const char *what, const char *path, gboolean is_link)
{
	g_autofree char *shown = tidy_text_display(path);

	if (status == -ENOENT && is_link) {
		g_set_error(
			error, TIDY_ERROR, TIDY_ERROR_IO,
			"cannot %s %s: it is a symbolic link to something that is not there; mount "
			"its disk or remove the link",
			what, shown);
		return FALSE;
	}
	if (status == -EINVAL || status == -EFBIG) {
		g_set_error(error, TIDY_ERROR, TIDY_ERROR_IO, "cannot %s %s: it is %s", what, shown,
			    status == -EFBIG ? "larger than 4 MiB" : "not a regular file");
		return FALSE;
	}
	return tidy_error_set_errno(error, -status, "cannot %s %s", what, shown);
}

/* Reads @path through its links into @file; absence is no error. */
static gboolean
read_path(TidyFs *fs, const char *path, RealFile *file, GError **error)
{
	gboolean is_link = FALSE;
	int status = resolve(fs, path, file, &is_link);

	if (status == -ENOENT && !is_link)
		return TRUE;
	if (status >= 0)
		status = read_resolved(fs, file);
	return status >= 0 || set_error(error, status, "read", path, is_link);
}

/* The bytes of a companion, or NULL when it is absent or cannot be read. */
static GBytes *
read_companion(TidyFs *fs, const char *dir, const char *name)
{
	g_autofree char *path = g_build_filename(dir, name, NULL);
	g_auto(RealFile) file = { 0 };

	return read_path(fs, path, &file, NULL) ? g_steal_pointer(&file.bytes) : NULL;
}

static void
load_locale(TidyUserDirsFiles *files, TidyFs *fs, const char *config_dir)
{
	g_autoptr(GBytes) bytes = read_companion(fs, config_dir, "user-dirs.locale");
	gsize size;

	if (bytes) {
		const char *data = g_bytes_get_data(bytes, &size);

		files->locale = tidy_user_dirs_parse_locale(data, size);
	}
}

/* Every user-dirs.conf counts, the user's last; of user-dirs.defaults only the first found. */
static void
load_layers(TidyUserDirsFiles *files, TidyFs *fs, const char *config_dir,
	    const char *const *config_dirs)
{
	g_auto(TidyUserDirsConf) conf = { -1, NULL };
	guint n = config_dirs ? g_strv_length((char **)config_dirs) : 0;

	for (guint i = n + 1; i > 0; i--) {
		const char *dir = i > 1 ? config_dirs[i - 2] : config_dir;
		g_autoptr(GBytes) conf_bytes = read_companion(fs, dir, "user-dirs.conf");
		g_autoptr(GBytes) bytes = read_companion(fs, dir, "user-dirs.defaults");
		const char *data;
		gsize size;

		if (conf_bytes) {
			data = g_bytes_get_data(conf_bytes, &size);
			tidy_user_dirs_parse_conf(data, size, &conf);
		}
		if (bytes) {
			data = g_bytes_get_data(bytes, &size);
			g_ptr_array_unref(files->defaults);
			files->defaults = tidy_user_dirs_parse_defaults(data, size);
		}
	}
	files->is_enabled = conf.enabled != 0;
}

TidyUserDirsFiles *
tidy_user_dirs_load(TidyFs *fs, const char *config_dir, const char *const *config_dirs,
		    const char *home, GError **error)
{
	g_autofree char *path = g_build_filename(config_dir, "user-dirs.dirs", NULL);
	g_auto(RealFile) file = { 0 };
	TidyUserDirsFiles *files;
	const char *data = NULL;
	gsize size = 0;

	if (!read_path(fs, path, &file, error))
		return NULL;
	files = g_new0(TidyUserDirsFiles, 1);
	files->is_present = file.bytes != NULL;
	if (file.bytes)
		data = g_bytes_get_data(file.bytes, &size);
	files->dirs = tidy_user_dirs_parse(data, size, home);
	files->path = g_steal_pointer(&path);
	files->defaults = tidy_user_dirs_parse_defaults(NULL, 0);
	load_locale(files, fs, config_dir);
	load_layers(files, fs, config_dir, config_dirs);
	return files;
}

void
tidy_user_dirs_files_free(TidyUserDirsFiles *files)
{
	if (!files)
		return;
	tidy_user_dirs_free(files->dirs);
	g_ptr_array_unref(files->defaults);
	g_free(files->path);
	g_free(files->locale);
	g_free(files);
}

/* Removes a temporary that a crash left behind, but not one that another process may be writing. */
static void
remove_if_stale(TidyFs *fs, int dir, const char *name)
{
	TidyStat st;

	if (fs->stat(fs, dir, name, &st) >= 0 && S_ISREG(st.mode) &&
	    fs->now(fs) - st.mtime_ns > TEMP_AGE_NS)
		fs->unlink(fs, dir, name, 0);
}

/* A new file in @dir, and its name; a descriptor or -errno. */
static int
make_temp(TidyFs *fs, int dir, char **name)
{
	int fd = -EEXIST;

	for (guint i = 0; i < MAX_TEMPS && fd == -EEXIST; i++) {
		g_free(*name);
		*name = g_strdup_printf(TEMP_FORMAT, i);
		fd = fs->openat(fs, dir, *name, O_WRONLY | O_CREAT | O_EXCL, 0600);
		if (fd == -EEXIST)
			remove_if_stale(fs, dir, *name);
	}
	return fd;
}

/* Copies one extended attribute. What only root may set (security.*, trusted.*) is the system's to
 * give. */
static int
copy_xattr(TidyFs *fs, int from, int to, const char *name)
{
	g_autofree char *value = NULL;
	ssize_t size = fs->getxattr(fs, from, name, NULL, 0);
	int status;

	if (size < 0)
		return size == -ENODATA ? 0 : (int)size;
	value = g_malloc((gsize)size + 1);
	size = fs->getxattr(fs, from, name, value, (gsize)size);
	if (size < 0)
		return (int)size;
	status = fs->setxattr(fs, to, name, value, (gsize)size);
	if ((status == -EPERM || status == -EOPNOTSUPP) && !g_str_has_prefix(name, "user."))
		return 0;
	return status;
}

static int
copy_xattrs(TidyFs *fs, int from, int to)
{
	g_autofree char *names = NULL;
	ssize_t size = fs->listxattr(fs, from, NULL, 0);
	int status = 0;

	if (size <= 0)
		return size == -EOPNOTSUPP ? 0 : (int)size;
	names = g_malloc((gsize)size + 1);
	size = fs->listxattr(fs, from, names, (gsize)size);
	if (size < 0)
		return (int)size;
	names[size] = '\0';
	for (const char *p = names; p < names + size && status >= 0; p += strlen(p) + 1)
		status = copy_xattr(fs, from, to, p);
	return status;
}

/* Gives the temporary what the old file has: attributes, owner, mode. In that order: an owner
 * clears set-id bits, an access list changes the mode. */
static int
copy_metadata(TidyFs *fs, int dir, const RealFile *old, int to)
{
	int from, status;
	TidyStat st;

	if (!old->bytes)
		return 0;
	from = fs->openat(fs, dir, old->name, O_RDONLY, 0);
	if (from < 0)
		return from;
	status = copy_xattrs(fs, from, to);
	fs->close(fs, from);
	if (status >= 0)
		status = fs->stat(fs, to, "", &st);
	if (status >= 0 && (st.uid != old->st.uid || st.gid != old->st.gid))
		status = fs->chown(fs, to, "", old->st.uid, old->st.gid);
	return status >= 0 ? fs->chmod(fs, to, "", old->st.mode & 07777) : status;
}

static int
fill_temp(TidyFs *fs, int dir, int fd, const RealFile *old, GBytes *bytes)
{
	gsize size;
	const char *data = g_bytes_get_data(bytes, &size);
	int status = tidy_fs_write_all(fs, fd, data, size, 0);

	if (status >= 0)
		status = copy_metadata(fs, dir, old, fd);
	return status >= 0 ? fs->fsync(fs, fd) : status;
}

/* Whether @path leads to the very file that @old was, with the same bytes. */
static gboolean
is_unchanged(TidyFs *fs, const char *path, const RealFile *old)
{
	g_auto(RealFile) now = { 0 };

	if (!read_path(fs, path, &now, NULL) || !now.dir || strcmp(now.dir, old->dir) != 0 ||
	    strcmp(now.name, old->name) != 0 || !now.bytes != !old->bytes)
		return FALSE;
	return !old->bytes ||
	       (now.st.dev == old->st.dev && now.st.ino == old->st.ino &&
		now.st.mtime_ns == old->st.mtime_ns && g_bytes_equal(now.bytes, old->bytes));
}

/* Replaces @old by @bytes in the open directory @dir: 1 when done, 0 when the file changed
 * meanwhile, or -errno. */
static int
swap_in(TidyFs *fs, int dir, const char *path, const RealFile *old, GBytes *bytes)
{
	g_autofree char *temp = NULL;
	int fd = make_temp(fs, dir, &temp);
	int status;

	if (fd < 0)
		return fd;
	status = fill_temp(fs, dir, fd, old, bytes);
	if (status >= 0 && !is_unchanged(fs, path, old))
		status = -ESTALE;
	if (status >= 0)
		status = old->bytes ? fs->replace(fs, dir, temp, dir, old->name)
				    : fs->rename(fs, dir, temp, dir, old->name);
	if (status < 0) {
		fs->unlink(fs, dir, temp, 0);
		fs->close(fs, fd);
		return status == -ESTALE || status == -EEXIST ? 0 : status;
	}
	/* The directory is enough for ext4 and xfs; btrfs logs a new name with the file that has
	 * it. */
	status = fs->fsync(fs, fd);
	if (status >= 0)
		status = fs->fsync(fs, dir);
	fs->close(fs, fd);
	return status < 0 ? status : 1;
}

typedef struct {
	TidyFs *fs;
	const char *path;
	const char *key;
	const char *value;
	const char *home;
} Write;

/* One round: 1 when done, 0 to begin again, -1 with @error set. */
static int
try_write(const Write *write, GError **error)
{
	g_auto(RealFile) old = { 0 };
	g_autoptr(GBytes) empty = g_bytes_new_static("", 0);
	g_autoptr(GBytes) bytes = NULL;
	int dir, status;

	if (!read_path(write->fs, write->path, &old, error))
		return -1;
	bytes = tidy_user_dirs_set(old.bytes ? old.bytes : empty, write->key, write->value,
				   write->home, error);
	if (!bytes)
		return -1;
	if (old.bytes && g_bytes_equal(bytes, old.bytes))
		return 1;
	dir = old.dir ? open_dir(write->fs, old.dir, O_RDONLY) : -ENOENT;
	if (dir >= 0) {
		status = swap_in(write->fs, dir, write->path, &old, bytes);
		write->fs->close(write->fs, dir);
	} else {
		status = dir;
	}
	if (status >= 0)
		return status;
	if (status == -EROFS || status == -EACCES || status == -EPERM) {
		g_autofree char *shown = tidy_text_display(old.dir);

		tidy_error_set_errno(
			error, -status,
			"cannot write user-dirs.dirs in %s (if another program makes that "
			"file, set XDG_%s_DIR there)",
			shown, write->key);
		return -1;
	}
	set_error(error, status, "write", write->path, FALSE);
	return -1;
}

gboolean
tidy_user_dirs_write(TidyFs *fs, const char *config_dir, const char *key, const char *path,
		     const char *home, GError **error)
{
	g_autofree char *file = g_build_filename(config_dir, "user-dirs.dirs", NULL);
	g_autofree char *shown = tidy_text_display(file);
	const Write write = { fs, file, key, path, home };

	for (guint i = 0; i < MAX_TRIES; i++) {
		int status = try_write(&write, error);

		if (status != 0)
			return status > 0;
	}
	g_set_error(error, TIDY_ERROR, TIDY_ERROR_IO,
		    "cannot write %s: another program keeps changing it; try again later", shown);
	return FALSE;
}
