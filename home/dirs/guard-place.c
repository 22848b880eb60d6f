/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Guards: what and where the two directories are. Pure. */
#include <errno.h>
#include <linux/magic.h>
#include <linux/stat.h>
#include <string.h>

#include "home/dirs/guard-tests.h"

/* Not in linux/magic.h of Linux 6.1 or under other names there; statfs(2). */
#define MAGIC_FUSE 0x65735546U
#define MAGIC_CIFS 0xff534d42U
#define MAGIC_SMB2 0xfe534d42U
#define MAGIC_9P   0x01021997U
#define MAGIC_AFS  0x5346414fU
#define MAGIC_CEPH 0x00c36400U
#define MAGIC_AUTO 0x00000187U

/* The root of every btrfs subvolume has this inode number. */
#define BTRFS_ROOT_INO 256

const char *
tidy_guard_real_path(const TidyGuardRoot *root)
{
	return root->real_path ? root->real_path : root->path;
}

static gboolean
is_same_inode(const TidyStat *a, const TidyStat *b)
{
	return a->ino != 0 && a->ino == b->ino && a->dev == b->dev;
}

gboolean
tidy_guard_needs_copy(const TidyGuardFacts *facts)
{
	const TidyStat *a = &facts->source.real, *b = &facts->target.real;

	if (!facts->source.has_real || !facts->target.has_real)
		return FALSE;
	return a->dev != b->dev || (a->mnt_id && b->mnt_id && a->mnt_id != b->mnt_id);
}

TIDY_GUARD_TEST(tidy_guard_is_missing)
{
	return root->stat_error == ENOENT || root->stat_error == ENOTDIR;
}

TIDY_GUARD_TEST(tidy_guard_is_unreadable)
{
	if (root->stat_error)
		*detail = g_strerror(root->stat_error);
	return root->stat_error && root->stat_error != ENOENT && root->stat_error != ENOTDIR;
}

TIDY_GUARD_TEST(tidy_guard_is_dangling)
{
	return !root->stat_error && S_ISLNK(root->st.mode) && !root->has_real;
}

TIDY_GUARD_TEST(tidy_guard_is_no_directory)
{
	return root->has_real && !S_ISDIR(root->real.mode);
}

TIDY_GUARD_TEST(tidy_guard_is_symlink)
{
	*detail = root->real_path;
	return S_ISLNK(root->st.mode);
}

TIDY_GUARD_TEST(tidy_guard_is_same_directory)
{
	return (facts->source.has_real && facts->target.has_real &&
		is_same_inode(&facts->source.real, &facts->target.real)) ||
	       (facts->source.path && facts->target.path &&
		strcmp(tidy_guard_real_path(&facts->source),
		       tidy_guard_real_path(&facts->target)) == 0);
}

/* Not also for the same directory, which has its own row. */
static gboolean
is_below(const TidyGuardRoot *inner, const TidyGuardRoot *outer)
{
	return inner->path && outer->path &&
	       strcmp(tidy_guard_real_path(inner), tidy_guard_real_path(outer)) != 0 &&
	       (tidy_dirs_is_within(tidy_guard_real_path(inner), tidy_guard_real_path(outer)) ||
		tidy_dirs_is_within(inner->path, outer->path));
}

TIDY_GUARD_TEST(tidy_guard_is_target_inside)
{
	return is_below(&facts->target, &facts->source);
}

TIDY_GUARD_TEST(tidy_guard_is_source_inside)
{
	return is_below(&facts->source, &facts->target);
}

TIDY_GUARD_TEST(tidy_guard_is_home)
{
	return (root->has_real && is_same_inode(&root->real, &facts->home_stat)) ||
	       (root->path && facts->home && strcmp(tidy_guard_real_path(root), facts->home) == 0);
}

TIDY_GUARD_TEST(tidy_guard_is_above_home)
{
	const char *home = facts->real_home ? facts->real_home : facts->home;

	return home && root->path && strcmp(tidy_guard_real_path(root), home) != 0 &&
	       tidy_dirs_is_within(home, tidy_guard_real_path(root));
}

TIDY_GUARD_TEST(tidy_guard_is_key_in_state)
{
	return facts->key && facts->key_state == (TidyDirState)row->arg;
}

/* The key, other than that of the merge, whose directory is @root (or with @want_below below
 * it). */
static gboolean
find_other_key(const TidyGuardFacts *facts, const TidyGuardRoot *root, gboolean want_below,
	       const char **detail)
{
	for (guint i = 0; facts->dirs && root->path && i < facts->dirs->entries->len; i++) {
		const TidyUserDir *dir = g_ptr_array_index(facts->dirs->entries, i);
		gboolean is_same;

		if (dir->state != TIDY_DIR_SET || g_strcmp0(dir->key, facts->key) == 0)
			continue;
		is_same = strcmp(dir->path, root->path) == 0 ||
			  strcmp(dir->path, tidy_guard_real_path(root)) == 0;
		if (want_below ? is_same || !(tidy_dirs_is_within(dir->path, root->path) ||
					      tidy_dirs_is_within(dir->path,
								  tidy_guard_real_path(root)))
			       : !is_same)
			continue;
		*detail = dir->key;
		return TRUE;
	}
	return FALSE;
}

TIDY_GUARD_TEST(tidy_guard_is_other_key)
{
	return find_other_key(facts, root, FALSE, detail);
}

TIDY_GUARD_TEST(tidy_guard_holds_other_key)
{
	return find_other_key(facts, root, TRUE, detail);
}

TIDY_GUARD_TEST(tidy_guard_is_on_ignore)
{
	return facts->stray && facts->stray->is_ignored;
}

TIDY_GUARD_TEST(tidy_guard_is_ambiguous)
{
	return facts->stray && facts->stray->is_ambiguous;
}

TIDY_GUARD_TEST(tidy_guard_is_foreign_locale)
{
	if (!facts->stray || facts->stray->is_user_locale)
		return FALSE;
	*detail = facts->stray->locale;
	return TRUE;
}

TIDY_GUARD_TEST(tidy_guard_is_of_class)
{
	return facts->stray && facts->stray->klass == (TidyStrayClass)row->arg;
}

TIDY_GUARD_TEST(tidy_guard_is_mount)
{
	return root->is_mount || (root->st.attributes & STATX_ATTR_MOUNT_ROOT);
}

TIDY_GUARD_TEST(tidy_guard_is_other_file_system)
{
	return facts->source.has_real && facts->target.has_real &&
	       facts->source.real.dev != facts->target.real.dev;
}

TIDY_GUARD_TEST(tidy_guard_is_other_mount)
{
	return tidy_guard_needs_copy(facts) && facts->source.real.dev == facts->target.real.dev;
}

TIDY_GUARD_TEST(tidy_guard_is_subvolume)
{
	return root->has_real && root->real.ino == BTRFS_ROOT_INO &&
	       root->info.type == BTRFS_SUPER_MAGIC;
}

TIDY_GUARD_TEST(tidy_guard_is_autofs)
{
	return root->info.type == MAGIC_AUTO || g_strcmp0(root->fs_name, "autofs") == 0;
}

TIDY_GUARD_TEST(tidy_guard_is_fuse)
{
	*detail = root->fs_name;
	return root->info.type == MAGIC_FUSE ||
	       (root->fs_name && g_str_has_prefix(root->fs_name, "fuse"));
}

static gboolean
is_network_magic(guint64 type)
{
	static const guint64 types[] = { NFS_SUPER_MAGIC, MAGIC_CIFS,	    MAGIC_SMB2,
					 SMB_SUPER_MAGIC, MAGIC_9P,	    MAGIC_AFS,
					 MAGIC_CEPH,	  CODA_SUPER_MAGIC, AFS_SUPER_MAGIC };

	for (gsize i = 0; i < G_N_ELEMENTS(types); i++)
		if (type == types[i])
			return TRUE;
	return FALSE;
}

TIDY_GUARD_TEST(tidy_guard_is_network)
{
	*detail = root->fs_name;
	return is_network_magic(root->info.type);
}

TIDY_GUARD_TEST(tidy_guard_is_remote_home)
{
	return is_network_magic(facts->home_info.type) || facts->home_info.type == MAGIC_FUSE;
}

TIDY_GUARD_TEST(tidy_guard_is_read_only)
{
	return root->info.is_read_only || root->access_error == EROFS;
}

TIDY_GUARD_TEST(tidy_guard_is_not_writable)
{
	return root->access_error != 0 && root->access_error != EROFS;
}

TIDY_GUARD_TEST(tidy_guard_has_attribute)
{
	return (root->st.attributes | root->real.attributes) & row->arg;
}

TIDY_GUARD_TEST(tidy_guard_is_not_owned)
{
	return root->has_real && root->real.uid != facts->uid;
}

TIDY_GUARD_TEST(tidy_guard_is_casefold)
{
	return root->is_casefold;
}

TIDY_GUARD_TEST(tidy_guard_has_other_project)
{
	return facts->source.project_id != facts->target.project_id &&
	       !tidy_guard_needs_copy(facts);
}

TIDY_GUARD_TEST(tidy_guard_has_other_encryption)
{
	guint32 both = facts->source.real.attributes ^ facts->target.real.attributes;

	return facts->source.has_real && facts->target.has_real &&
	       ((both & STATX_ATTR_ENCRYPTED) ||
		g_strcmp0(facts->source.fscrypt, facts->target.fscrypt) != 0);
}

/* A twentieth stays free: other programs write there too. */
TIDY_GUARD_TEST(tidy_guard_lacks_space)
{
	return tidy_guard_needs_copy(facts) && facts->target.info.type != 0 &&
	       facts->target.info.free_bytes / 21 < facts->n_disk_bytes / 20;
}
