/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Trees from and to a disk. I/O through a TidyFs; FIFOs and sockets of the real disk by mknod(2). */
#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <linux/stat.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/tree-internal.h"

/* Contents up to this many bytes are kept and shown, longer ones as a digest. */
#define SHOWN_BYTES 256
#define CHUNK	    (256 * 1024)

static gboolean
fail(GError **error, int answer, const char *what, const char *path)
{
	int code = answer == -EOPNOTSUPP || answer == -EPERM ? G_IO_ERROR_NOT_SUPPORTED
							     : G_IO_ERROR_FAILED;

	g_set_error(error, G_IO_ERROR, code, "%s \"%s\": %s", what, path, g_strerror(-answer));
	return FALSE;
}

/* ---- build ---- */

typedef struct {
	const TreeHost *host;
	const Tree *tree;
	GError **error;
} Builder;

/* Opens the directory that @path is in, name by name; @name is the last one. A descriptor or -errno. */
static int
open_parent(const TreeHost *host, const char *path, const char **name)
{
	TidyFs *fs = host->fs;
	int dir = fs->openat(fs, host->dir, ".", O_RDONLY | O_DIRECTORY, 0);
	const char *slash;

	for (; dir >= 0 && (slash = strchr(path, '/')); path = slash + 1) {
		g_autofree char *part = g_strndup(path, (gsize)(slash - path));
		int next = fs->openat(fs, dir, part, O_RDONLY | O_DIRECTORY, 0);

		fs->close(fs, dir);
		dir = next;
	}
	*name = path;
	return dir;
}

static int
write_content(TidyFs *fs, int fd, const TreeNode *node)
{
	g_autofree char *chunk = g_malloc(CHUNK);
	gsize n;
	int answer = 0;

	for (gint64 at = 0; answer == 0 && (n = tree_content(node, at, chunk, CHUNK)) > 0;
	     at += (gint64)n)
		answer = tidy_fs_write_all(fs, fd, chunk, n, at);
	return answer < 0 ? answer : fs->truncate(fs, fd, node->size);
}

static int
make_file(Builder *builder, int dir, const char *name, const TreeNode *node)
{
	TidyFs *fs = builder->host->fs;
	const char *first_name;
	int fd, answer;

	if (node->link_to) {
		fd = open_parent(builder->host, node->link_to, &first_name);
		answer = fd < 0 ? fd : fs->link(fs, fd, first_name, dir, name);
		if (fd >= 0)
			fs->close(fs, fd);
		return answer;
	}
	fd = fs->openat(fs, dir, name, O_RDWR | O_CREAT | O_EXCL, 0600);
	if (fd < 0)
		return fd;
	answer = write_content(fs, fd, node);
	fs->close(fs, fd);
	return answer;
}

static int
make_special(Builder *builder, const TreeNode *node)
{
	g_autofree char *path = g_build_filename(builder->host->path, node->path, NULL);
	mode_t type = node->type == TIDY_TYPE_FIFO ? S_IFIFO : S_IFSOCK;

	if (builder->host->fake)
		fake_fs_mknod(builder->host->fake, path, type | node->mode);
	else if (mknod(path, type | node->mode, 0) < 0)
		return -errno;
	return 0;
}

static int
make_mount(Builder *builder, const TreeNode *node)
{
	FakeFs *fake = builder->host->fake;
	g_autofree char *path = g_build_filename(builder->host->path, node->path, NULL);
	g_autofree char *source = NULL;

	if (!fake)
		return -EOPNOTSUPP;
	if (node->bind) {
		source = g_build_filename(builder->host->path, node->bind, NULL);
		fake_fs_bind(fake, source, path);
	} else {
		fake_fs_mount(fake, path, node->path);
	}
	return 0;
}

static gboolean
is_mount_point(TidyFs *fs, int dir, const char *name)
{
	TidyStat st;

	return fs->stat(fs, dir, name, &st) == 0 && (st.attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

static int
make_entry(Builder *builder, int dir, const char *name, const TreeNode *node)
{
	TidyFs *fs = builder->host->fs;
	int answer;

	switch (node->type) {
	case TIDY_TYPE_DIR:
		answer = fs->mkdir(fs, dir, name, 0700);
		/* The host has another disk mounted there. */
		if (answer == -EEXIST && is_mount_point(fs, dir, name))
			answer = 0;
		return answer == 0 && node->is_mount ? make_mount(builder, node) : answer;
	case TIDY_TYPE_FILE:
		return make_file(builder, dir, name, node);
	case TIDY_TYPE_LINK:
		return fs->symlink(fs, node->target, dir, name);
	case TIDY_TYPE_FIFO:
	case TIDY_TYPE_SOCKET:
		return make_special(builder, node);
	case TIDY_TYPE_CHAR:
	case TIDY_TYPE_BLOCK:
	case TIDY_TYPE_UNKNOWN:
		break;
	}
	return -EINVAL;
}

typedef struct {
	TidyFs *fs;
	int fd;
	int answer;
} XattrSetter;

static gboolean
set_xattr(gpointer key, gpointer value, gpointer data)
{
	XattrSetter *setter = data;
	gsize size;
	const void *bytes = g_bytes_get_data(value, &size);

	setter->answer = setter->fs->setxattr(setter->fs, setter->fd, key, bytes, size);
	return setter->answer < 0;
}

static int
set_xattrs(TidyFs *fs, int dir, const char *name, const TreeNode *node)
{
	XattrSetter setter = { .fs = fs };

	if (g_tree_nnodes(node->xattrs) == 0)
		return 0;
	setter.fd = fs->openat(fs, dir, name, O_RDONLY, 0);
	if (setter.fd < 0)
		return setter.fd;
	g_tree_foreach(node->xattrs, set_xattr, &setter);
	fs->close(fs, setter.fd);
	return setter.answer;
}

static int
set_attributes(Builder *builder, int dir, const char *name, const TreeNode *node)
{
	TidyFs *fs = builder->host->fs;
	int answer = set_xattrs(fs, dir, name, node);

	if (answer == 0 && (node->uid >= 0 || node->gid >= 0))
		answer = fs->chown(fs, dir, name, (uid_t)node->uid, (gid_t)node->gid);
	if (answer == 0 && node->type != TIDY_TYPE_LINK)
		answer = fs->chmod(fs, dir, name, node->mode);
	if (answer == 0)
		answer = fs->utimens(fs, dir, name, node->mtime_ns, node->mtime_ns);
	if (answer == 0 && node->flags) {
		g_autofree char *path = g_build_filename(builder->host->path, node->path, NULL);

		if (!builder->host->fake)
			return -EOPNOTSUPP;
		fake_fs_set_flags(builder->host->fake, path, node->flags);
	}
	return answer;
}

static gboolean
each(Builder *builder, const TreeNode *node, gboolean is_making)
{
	TidyFs *fs = builder->host->fs;
	const char *name;
	int dir = open_parent(builder->host, node->path, &name), answer;
	gboolean casefold = (node->flags & FAKE_CASEFOLD) && builder->host->fake;

	if (dir < 0)
		return fail(builder->error, dir, "cannot open the directory of", node->path);
	answer = is_making ? make_entry(builder, dir, name, node)
			   : set_attributes(builder, dir, name, node);
	if (answer == 0 && is_making && casefold) {
		g_autofree char *path = g_build_filename(builder->host->path, node->path, NULL);

		fake_fs_set_flags(builder->host->fake, path, FAKE_CASEFOLD);
	}
	fs->close(fs, dir);
	return answer < 0 ? fail(builder->error, answer, "cannot make", node->path) : TRUE;
}

/* Nodes whose path is made of others come later: links after their first name, children after parents. */
static gboolean
make_all(Builder *builder, gboolean links)
{
	for (guint i = 0; i < tree_size(builder->tree); i++) {
		const TreeNode *node = tree_node(builder->tree, i);

		if ((node->link_to != NULL) == links && !each(builder, node, TRUE))
			return FALSE;
	}
	return TRUE;
}

gboolean
tree_build(const Tree *tree, const TreeHost *host, GError **error)
{
	Builder builder = { .host = host, .tree = tree, .error = error };

	if (!make_all(&builder, FALSE) || !make_all(&builder, TRUE))
		return FALSE;
	for (guint i = tree_size(tree);
	     i-- > 0;) { /* children before parents: their making touches times */
		const TreeNode *node = tree_node(tree, i);

		if (!node->link_to && !each(&builder, node, FALSE))
			return FALSE;
	}
	return TRUE;
}

/* ---- snapshot ---- */

typedef struct {
	TidyFs *fs;
	Tree *tree;
	const char *const *leave_out;
	GError **error;
} Shot;

static gboolean shoot_dir(Shot *shot, int dir, const char *prefix, const char *below);

/* Digest of the whole file, only what is data is read; the first bytes go to @node. */
static int
read_content(TidyFs *fs, int fd, TreeNode *node)
{
	g_autofree char *chunk = g_malloc(CHUNK);
	TreeDigest *digest = tree_digest_new();
	gint64 at = 0;
	ssize_t n = 0;

	while (at < node->size) {
		gint64 data = fs->seek(fs, fd, at, SEEK_DATA);

		if (data == -ENXIO)
			break;
		if (data > at)
			at = data - data % 4096;
		n = fs->pread(fs, fd, chunk, CHUNK, at);
		if (n <= 0)
			break;
		if (n % 4096 != 0 && at + n < node->size) /* a short read: whole pages only */
			n = MAX(n - n % 4096, 1);
		if (n % 4096 != 0 && at + n < node->size) {
			n = -EIO;
			break;
		}
		tree_digest_add(digest, at, chunk, (gsize)n);
		at += n;
	}
	node->digest = tree_digest_end(digest, node->size);
	if (n >= 0 && node->size <= SHOWN_BYTES) {
		n = fs->pread(fs, fd, chunk, SHOWN_BYTES, 0);
		node->bytes = g_bytes_new(chunk, (gsize)MAX(n, 0));
	} else {
		node->content = TREE_FILE_DIGEST;
	}
	return n < 0 ? (int)n : 0;
}

static int
read_xattrs(TidyFs *fs, int fd, TreeNode *node)
{
	char names[4096];
	ssize_t size = fs->listxattr(fs, fd, names, sizeof names);

	if (size == -EOPNOTSUPP)
		return 0;
	for (const char *name = names; size > 0 && name < names + size; name += strlen(name) + 1) {
		g_autofree char *value = g_malloc(65536);
		ssize_t length = fs->getxattr(fs, fd, name, value, 65536);

		if (length < 0)
			return (int)length;
		if (strcmp(name, "security.selinux") != 0)
			g_tree_insert(node->xattrs, g_strdup(name),
				      g_bytes_new(value, (gsize)length));
	}
	return size < 0 ? (int)size : 0;
}

static int
read_link(TidyFs *fs, int dir, const char *name, TreeNode *node)
{
	char target[PATH_MAX];
	ssize_t n = fs->readlink(fs, dir, name, target, sizeof target);

	if (n >= 0)
		node->target = g_strndup(target, (gsize)n);
	return n < 0 ? (int)n : 0;
}

static int
read_file(TidyFs *fs, int dir, const char *name, TreeNode *node)
{
	int fd = fs->openat(fs, dir, name, O_RDONLY | O_NOATIME, 0), answer;

	if (fd == -EPERM)
		fd = fs->openat(fs, dir, name, O_RDONLY, 0);
	if (fd < 0)
		return fd;
	answer = read_content(fs, fd, node);
	if (answer == 0)
		answer = read_xattrs(fs, fd, node);
	fs->close(fs, fd);
	return answer;
}

/* The earlier node that is the same inode; link groups are few, so a list does. */
static void
note_inode(TreeNode *node, const TidyStat *st)
{
	node->seed = st->ino ^ st->dev << 48; /* until link_groups() */
	node->is_implied = st->nlink > 1;
}

static TreeNode *
shoot_node(const char *path, const TidyStat *st)
{
	TreeNode *node = tree_node_new(path, tidy_stat_type(st));

	node->size = st->size;
	node->mode = st->mode & 07777;
	node->mtime_ns = st->mtime_ns;
	node->has_mtime = TRUE;
	node->uid = st->uid;
	node->gid = st->gid;
	if (node->type == TIDY_TYPE_FILE)
		note_inode(node, st);
	return node;
}

static gboolean
shoot_subdir(Shot *shot, int dir, const char *name, TreeNode *node, const char *below)
{
	TidyFs *fs = shot->fs;
	int fd = fs->openat(fs, dir, name, O_RDONLY | O_DIRECTORY, 0);
	gboolean done;

	if (fd < 0)
		return fail(shot->error, fd, "cannot open", node->path);
	read_xattrs(fs, fd, node);
	done = shoot_dir(shot, fd, node->path, below);
	fs->close(fs, fd);
	return done;
}

static gboolean
shoot_entry(Shot *shot, int dir, const char *name, const char *prefix, const char *above)
{
	g_autofree char *path = *prefix ? g_strconcat(prefix, "/", name, NULL) : g_strdup(name);
	g_autofree char *below = *above ? g_strconcat(above, "/", name, NULL) : g_strdup(name);
	TidyFs *fs = shot->fs;
	TidyStat st;
	TreeNode *node;
	int answer;

	if (shot->leave_out && g_strv_contains(shot->leave_out, below))
		return TRUE;
	answer = fs->stat(fs, dir, name, &st);
	if (answer < 0)
		return fail(shot->error, answer, "cannot stat", path);
	node = shoot_node(path, &st);
	tree_append(shot->tree, node);
	if (node->type == TIDY_TYPE_DIR)
		return shoot_subdir(shot, dir, name, node, below);
	if (node->type == TIDY_TYPE_LINK)
		answer = read_link(fs, dir, name, node);
	else if (node->type == TIDY_TYPE_FILE)
		answer = read_file(fs, dir, name, node);
	return answer < 0 ? fail(shot->error, answer, "cannot read", path) : TRUE;
}

static gboolean
add_name(const TidyDirent *entry, gpointer names)
{
	g_ptr_array_add(names, g_strdup(entry->name));
	return TRUE;
}

static gboolean
shoot_dir(Shot *shot, int dir, const char *prefix, const char *below)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	int answer = tidy_fs_list(shot->fs, dir, add_name, names);

	if (answer < 0)
		return fail(shot->error, answer, "cannot list", prefix);
	for (guint i = 0; i < names->len; i++) {
		if (!shoot_entry(shot, dir, names->pdata[i], prefix, below))
			return FALSE;
	}
	return TRUE;
}

/* Names of one inode: the first by path has the content, the others point to it. */
static void
link_groups(Tree *tree)
{
	g_autoptr(GHashTable) first = g_hash_table_new(g_int64_hash, g_int64_equal);

	for (guint i = 0; i < tree_size(tree); i++) {
		TreeNode *node = tree->nodes->pdata[i];
		const TreeNode *old;

		if (node->type != TIDY_TYPE_FILE || !node->is_implied)
			continue;
		node->is_implied = FALSE;
		old = g_hash_table_lookup(first, &node->seed);
		if (old)
			node->link_to = g_strdup(old->path);
		else
			g_hash_table_insert(first, &node->seed, node);
	}
}

Tree *
tree_snapshot(TidyFs *fs, int dir, const char *prefix, const char *const *leave_out, GError **error)
{
	g_autoptr(Tree) tree = tree_new();
	Shot shot = { .fs = fs, .tree = tree, .leave_out = leave_out, .error = error };

	if (!shoot_dir(&shot, dir, prefix ? prefix : "", ""))
		return NULL;
	tree_sort(tree);
	link_groups(tree);
	return g_steal_pointer(&tree);
}
