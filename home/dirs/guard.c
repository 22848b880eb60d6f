/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The table of guards and the table of markers. Pure.
 *
 * To add a trap: a row in rows[] with a test; often a test is there already and `arg` or a marker
 * will do. A code is never renamed or reused for another reason (scan --json shows it). Several
 * rows may give the same code; it is reported once for each directory.
 *
 * Severity: BLOCK where a merge cannot work or would do harm whatever the user says (a sync client
 * turns emptied roots into deletions elsewhere; a repository split over two directories is broken);
 * ASK where the user knows better than we.
 */
#include "home/dirs/guard.h"

#include <errno.h>
#include <linux/magic.h>
#include <linux/stat.h>
#include <string.h>

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

static const TidyGuardMarker markers[] = {
	{ ".git", "repository", "Git" },
	{ ".hg", "repository", "Mercurial" },
	{ ".svn", "repository", "Subversion" },
	{ ".jj", "repository", "Jujutsu" },
	{ "CVS", "repository", "CVS" },
	{ ".bzr", "repository", "Bazaar" },
	{ "_darcs", "repository", "Darcs" },
	{ ".pijul", "repository", "Pijul" },
	{ ".fslckout", "repository", "Fossil" },
	{ "_FOSSIL_", "repository", "Fossil" },
	{ ".venv", "project", "Python" },
	{ "pyvenv.cfg", "project", "Python" },
	{ "pyproject.toml", "project", "Python" },
	{ "package.json", "project", "Node.js" },
	{ "Makefile", "project", "make" },
	{ "CMakeLists.txt", "project", "CMake" },
	{ "meson.build", "project", "Meson" },
	{ "Cargo.toml", "project", "Rust" },
	{ "go.mod", "project", "Go" },
	{ "*.sln", "project", "Visual Studio" },
	{ ".stfolder", "sync-root", "Syncthing" },
	{ ".stignore", "sync-root", "Syncthing" },
	{ ".stversions", "sync-root", "Syncthing" },
	{ "._sync_*.db", "sync-root", "Nextcloud" },
	{ ".sync_*.db", "sync-root", "Nextcloud" },
	{ ".owncloudsync.log", "sync-root", "ownCloud" },
	{ ".nextcloudsync.log", "sync-root", "Nextcloud" },
	{ ".csync*", "sync-root", "ownCloud" },
	{ ".dropbox", "sync-root", "Dropbox" },
	{ ".dropbox.cache", "sync-root", "Dropbox" },
	{ ".seafile-data", "sync-root", "Seafile" },
	{ ".sync", "sync-root", "Resilio Sync" },
	{ ".megaignore", "sync-root", "MEGA" },
	{ ".debris", "sync-root", "MEGA" },
	{ ".unison", "sync-root", "Unison" },
	{ "items.sqlite3", "sync-root", "OneDrive" },
	{ ".insync*", "sync-root", "Insync" },
	{ "gocryptfs.conf", "encrypted-store", "gocryptfs" },
	{ "gocryptfs.diriv", "encrypted-store", "gocryptfs" },
	{ ".encfs6.xml", "encrypted-store", "EncFS" },
	{ "cryfs.config", "encrypted-store", "CryFS" },
	{ ".ecryptfs", "encrypted-store", "eCryptfs" },
	{ ".Private", "encrypted-store", "eCryptfs" },
	{ "lost+found", "file-system", "root of a file system" },
};

const TidyGuardMarker *
tidy_guard_markers(gsize *n)
{
	*n = G_N_ELEMENTS(markers);
	return markers;
}

/* By bytes; "*" is any run of them. */
static gboolean
pattern_matches(const char *pattern, const char *name)
{
	const char *star = strchr(pattern, '*');
	gsize head, tail, len = strlen(name);

	if (!star)
		return strcmp(pattern, name) == 0;
	head = (gsize)(star - pattern);
	tail = strlen(star + 1);
	return len >= head + tail && memcmp(name, pattern, head) == 0 &&
	       memcmp(name + len - tail, star + 1, tail) == 0;
}

#define TEST(name)                                                      \
	static gboolean name(G_GNUC_UNUSED const TidyGuardRow *row,     \
			     G_GNUC_UNUSED const TidyGuardFacts *facts, \
			     G_GNUC_UNUSED const TidyGuardRoot *root,   \
			     G_GNUC_UNUSED const char **detail)

static const char *
real_path(const TidyGuardRoot *root)
{
	return root->real_path ? root->real_path : root->path;
}

static gboolean
is_same_inode(const TidyStat *a, const TidyStat *b)
{
	return a->ino != 0 && a->ino == b->ino && a->dev == b->dev;
}

/* Whether the two roots are on different file systems or mounts, so that rename(2) would say
 * EXDEV. */
static gboolean
needs_copy(const TidyGuardFacts *facts)
{
	const TidyStat *a = &facts->source.real, *b = &facts->target.real;

	if (!facts->source.has_real || !facts->target.has_real)
		return FALSE;
	return a->dev != b->dev || (a->mnt_id && b->mnt_id && a->mnt_id != b->mnt_id);
}

static gboolean
take_first(const char *const *list, const char **detail)
{
	if (!list || !list[0])
		return FALSE;
	*detail = list[0];
	return TRUE;
}

/* A path of @list that equals @root, or lies on the wanted side of it. */
static gboolean
find_path(const char *const *list, const TidyGuardRoot *root, gboolean want_below,
	  const char **detail)
{
	for (gsize i = 0; list && list[i]; i++) {
		const char *candidates[] = { root->path, root->real_path };

		for (gsize j = 0; j < G_N_ELEMENTS(candidates); j++) {
			const char *path = candidates[j];

			if (!path || !(want_below ? tidy_dirs_is_within(list[i], path)
						  : tidy_dirs_is_within(path, list[i])))
				continue;
			*detail = list[i];
			return TRUE;
		}
	}
	return FALSE;
}

TEST(is_missing)
{
	return root->stat_error == ENOENT || root->stat_error == ENOTDIR;
}

TEST(is_unreadable)
{
	if (root->stat_error)
		*detail = g_strerror(root->stat_error);
	return root->stat_error && root->stat_error != ENOENT && root->stat_error != ENOTDIR;
}

TEST(is_dangling)
{
	return !root->stat_error && S_ISLNK(root->st.mode) && !root->has_real;
}

TEST(is_no_directory)
{
	return root->has_real && !S_ISDIR(root->real.mode);
}

TEST(is_symlink)
{
	*detail = root->real_path;
	return S_ISLNK(root->st.mode);
}

TEST(is_same_directory)
{
	return (facts->source.has_real && facts->target.has_real &&
		is_same_inode(&facts->source.real, &facts->target.real)) ||
	       (facts->source.path && facts->target.path &&
		strcmp(real_path(&facts->source), real_path(&facts->target)) == 0);
}

/* Not also for the same directory, which has its own row. */
static gboolean
is_below(const TidyGuardRoot *inner, const TidyGuardRoot *outer)
{
	return inner->path && outer->path && strcmp(real_path(inner), real_path(outer)) != 0 &&
	       (tidy_dirs_is_within(real_path(inner), real_path(outer)) ||
		tidy_dirs_is_within(inner->path, outer->path));
}

TEST(is_target_inside)
{
	return is_below(&facts->target, &facts->source);
}

TEST(is_source_inside)
{
	return is_below(&facts->source, &facts->target);
}

TEST(is_home)
{
	return (root->has_real && is_same_inode(&root->real, &facts->home_stat)) ||
	       (root->path && facts->home && strcmp(real_path(root), facts->home) == 0);
}

TEST(is_above_home)
{
	const char *home = facts->real_home ? facts->real_home : facts->home;

	return home && root->path && strcmp(real_path(root), home) != 0 &&
	       tidy_dirs_is_within(home, real_path(root));
}

TEST(is_key_in_state)
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
			  strcmp(dir->path, real_path(root)) == 0;
		if (want_below ? is_same || !(tidy_dirs_is_within(dir->path, root->path) ||
					      tidy_dirs_is_within(dir->path, real_path(root)))
			       : !is_same)
			continue;
		*detail = dir->key;
		return TRUE;
	}
	return FALSE;
}

TEST(is_other_key)
{
	return find_other_key(facts, root, FALSE, detail);
}

TEST(holds_other_key)
{
	return find_other_key(facts, root, TRUE, detail);
}

TEST(is_on_ignore)
{
	return facts->stray && facts->stray->is_ignored;
}

TEST(is_ambiguous)
{
	return facts->stray && facts->stray->is_ambiguous;
}

TEST(is_foreign_locale)
{
	if (!facts->stray || facts->stray->is_user_locale)
		return FALSE;
	*detail = facts->stray->locale;
	return TRUE;
}

TEST(is_of_class)
{
	return facts->stray && facts->stray->klass == (TidyStrayClass)row->arg;
}

TEST(is_mount)
{
	return root->is_mount || (root->st.attributes & STATX_ATTR_MOUNT_ROOT);
}

TEST(is_other_file_system)
{
	return facts->source.has_real && facts->target.has_real &&
	       facts->source.real.dev != facts->target.real.dev;
}

TEST(is_other_mount)
{
	return needs_copy(facts) && facts->source.real.dev == facts->target.real.dev;
}

TEST(is_subvolume)
{
	return root->has_real && root->real.ino == BTRFS_ROOT_INO &&
	       root->info.type == BTRFS_SUPER_MAGIC;
}

TEST(is_autofs)
{
	return root->info.type == MAGIC_AUTO || g_strcmp0(root->fs_name, "autofs") == 0;
}

TEST(is_fuse)
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

TEST(is_network)
{
	*detail = root->fs_name;
	return is_network_magic(root->info.type);
}

TEST(is_remote_home)
{
	return is_network_magic(facts->home_info.type) || facts->home_info.type == MAGIC_FUSE;
}

TEST(is_read_only)
{
	return root->info.is_read_only || root->access_error == EROFS;
}

TEST(is_not_writable)
{
	return root->access_error != 0 && root->access_error != EROFS;
}

TEST(has_attribute)
{
	return (root->st.attributes | root->real.attributes) & row->arg;
}

TEST(is_not_owned)
{
	return root->has_real && root->real.uid != facts->uid;
}

TEST(is_casefold)
{
	return root->is_casefold;
}

TEST(has_other_project)
{
	return facts->source.project_id != facts->target.project_id && !needs_copy(facts);
}

TEST(has_other_encryption)
{
	guint32 both = facts->source.real.attributes ^ facts->target.real.attributes;

	return facts->source.has_real && facts->target.has_real &&
	       ((both & STATX_ATTR_ENCRYPTED) ||
		g_strcmp0(facts->source.fscrypt, facts->target.fscrypt) != 0);
}

/* A twentieth stays free: other programs write there too. */
TEST(lacks_space)
{
	return needs_copy(facts) && facts->target.info.type != 0 &&
	       facts->target.info.free_bytes / 21 < facts->n_bytes / 20;
}

/* @row->arg is one of these: rows and markers meet in the code of the marker. */
enum { REPOSITORY, PROJECT, SYNC_ROOT, ENCRYPTED_STORE, FILE_SYSTEM };
static const char *const marker_codes[] = { "repository", "project", "sync-root", "encrypted-store",
					    "file-system" };

TEST(has_marker)
{
	const char *code = marker_codes[row->arg];

	for (gsize i = 0; root->names && root->names[i]; i++) {
		for (gsize j = 0; j < G_N_ELEMENTS(markers); j++) {
			if (strcmp(markers[j].code, code) != 0 ||
			    !pattern_matches(markers[j].pattern, root->names[i]))
				continue;
			*detail = root->names[i];
			return TRUE;
		}
	}
	return FALSE;
}

TEST(holds_sync_root)
{
	return find_path(facts->sync_roots, root, TRUE, detail);
}

TEST(is_in_sync_root)
{
	return find_path(facts->sync_roots, root, FALSE, detail);
}

TEST(is_exported)
{
	return find_path(facts->exports, root, TRUE, detail) ||
	       find_path(facts->exports, root, FALSE, detail);
}

TEST(has_torrent)
{
	return find_path(facts->torrents, root, TRUE, detail);
}

TEST(has_unit)
{
	return find_path(facts->units, root, TRUE, detail);
}

TEST(has_reference)
{
	return take_first(facts->references, detail);
}

TEST(has_writer)
{
	return take_first(facts->open_writers, detail);
}

TEST(has_partial)
{
	return take_first(facts->partials, detail);
}

TEST(is_not_settled)
{
	return facts->settle_ns > 0 && facts->newest_ns > 0 &&
	       facts->now_ns - facts->newest_ns < facts->settle_ns;
}

TEST(has_foreign_owned)
{
	return facts->n_foreign_owned > 0;
}

TEST(has_unkeepable)
{
	return facts->n_unkeepable > 0;
}

TEST(has_many_entries)
{
	return facts->max_entries && facts->n_entries > facts->max_entries;
}

TEST(has_many_bytes)
{
	return facts->max_bytes && facts->n_bytes > facts->max_bytes;
}

TEST(is_first_contact)
{
	return !facts->has_consent;
}

TEST(is_other_host)
{
	return facts->is_other_host;
}

TEST(is_system_user)
{
	return facts->is_system_user;
}

TEST(is_incomplete)
{
	return facts->is_incomplete;
}

#define BLOCK  TIDY_GUARD_BLOCK
#define ASK    TIDY_GUARD_ASK
#define INFO   TIDY_GUARD_INFO
#define SOURCE TIDY_GUARD_SOURCE
#define TARGET TIDY_GUARD_TARGET
#define BOTH   TIDY_GUARD_BOTH
#define PAIR   TIDY_GUARD_PAIR

/* clang-format off */
static const TidyGuardRow rows[] = {
	/* What the two directories are. */
	{ "missing", BLOCK, BOTH, FALSE, is_missing, 0,
	  "does not exist", "Make the directory, or correct user-dirs.dirs." },
	{ "unreadable", BLOCK, BOTH, FALSE, is_unreadable, 0,
	  "cannot be examined", "Check its permissions and its disk." },
	{ "dangling-link", BLOCK, BOTH, FALSE, is_dangling, 0,
	  "is a symbolic link to something that is not there", "Mount the disk, or remove the link." },
	{ "not-a-directory", BLOCK, BOTH, FALSE, is_no_directory, 0,
	  "is not a directory", "Move the file away, or correct user-dirs.dirs." },
	{ "symlink", BLOCK, SOURCE, FALSE, is_symlink, 0,
	  "is a symbolic link", "Nothing is in the wrong place; remove the link if it is not needed." },
	{ "target-symlink", ASK, TARGET, FALSE, is_symlink, 0,
	  "is a symbolic link", "Merge by hand if the files belong where it leads." },
	{ "same-directory", BLOCK, PAIR, FALSE, is_same_directory, 0,
	  "is the same directory as the target", NULL },
	{ "target-inside-source", BLOCK, PAIR, FALSE, is_target_inside, 0,
	  "holds the target", "Set the key to a directory outside of it first." },
	{ "source-inside-target", BLOCK, PAIR, FALSE, is_source_inside, 0,
	  "lies in the target", NULL },
	{ "home", BLOCK, BOTH, FALSE, is_home, 0,
	  "is the home directory", NULL },
	{ "above-home", BLOCK, BOTH, FALSE, is_above_home, 0,
	  "holds the home directory", NULL },

	/* What user-dirs.dirs and xdgtidy.conf say. */
	{ "key-disabled", BLOCK, PAIR, FALSE, is_key_in_state, TIDY_DIR_DISABLED,
	  "has no target: the key is set to the home directory itself",
	  "Set the key to a directory if you want one." },
	{ "key-unset", BLOCK, PAIR, FALSE, is_key_in_state, TIDY_DIR_UNSET,
	  "has no target: user-dirs.dirs does not set the key", "Set the key, or run xdg-user-dirs-update." },
	{ "other-key", BLOCK, SOURCE, FALSE, is_other_key, 0,
	  "is the directory of another key", NULL },
	{ "holds-other-key", BLOCK, SOURCE, FALSE, holds_other_key, 0,
	  "holds the directory of another key", "Set that key to a directory outside of it first." },
	{ "shared-target", ASK, TARGET, FALSE, is_other_key, 0,
	  "is the directory of another key too", NULL },
	{ "ignored", ASK, SOURCE, FALSE, is_on_ignore, 0,
	  "is on the list of ignored names", NULL },
	{ "ambiguous-name", ASK, SOURCE, FALSE, is_ambiguous, 0,
	  "has a name that is the default of several keys", "Name the target yourself." },
	{ "foreign-locale", ASK, SOURCE, FALSE, is_foreign_locale, 0,
	  "has a default name of a language that this user never had",
	  "If it is such a directory, merge it by hand or make it an alias." },
	{ "spelling", ASK, SOURCE, FALSE, is_of_class, TIDY_STRAY_SPELLING,
	  "has the same name in other bytes", NULL },
	{ "case", ASK, SOURCE, FALSE, is_of_class, TIDY_STRAY_CASE,
	  "differs from a default name in case only, which may be meant", NULL },
	{ "foreign-name", ASK, SOURCE, FALSE, is_of_class, TIDY_STRAY_FOREIGN,
	  "has a name of another system", NULL },
	{ "numbered-copy", ASK, SOURCE, FALSE, is_of_class, TIDY_STRAY_NUMBERED,
	  "looks like a copy that was made on purpose", NULL },

	/* Where they are. */
	{ "mount-point", BLOCK, SOURCE, FALSE, is_mount, 0,
	  "is a mount point", "Unmount it first." },
	{ "target-mount-point", ASK, TARGET, FALSE, is_mount, 0,
	  "is a mount point", "Merge by hand if the files belong on that disk." },
	{ "different-filesystem", ASK, PAIR, FALSE, is_other_file_system, 0,
	  "is on another file system than the target", "Merging copies every file, compares it, and then removes it here." },
	{ "different-mount", ASK, PAIR, FALSE, is_other_mount, 0,
	  "is in another mount than the target", "Merging copies every file, compares it, and then removes it here." },
	{ "subvolume", ASK, BOTH, FALSE, is_subvolume, 0,
	  "is the root of a btrfs subvolume", NULL },
	{ "autofs", ASK, BOTH, FALSE, is_autofs, 0,
	  "is mounted on demand", NULL },
	{ "network-filesystem", ASK, BOTH, FALSE, is_network, 0,
	  "is on a network file system", NULL },
	{ "fuse-filesystem", ASK, BOTH, FALSE, is_fuse, 0,
	  "is on a FUSE file system", NULL },
	{ "remote-home", ASK, PAIR, FALSE, is_remote_home, 0,
	  "is in a home that is on a network or FUSE file system", NULL },
	{ "read-only", BLOCK, BOTH, FALSE, is_read_only, 0,
	  "is on a read-only file system", NULL },
	{ "not-writable", BLOCK, BOTH, FALSE, is_not_writable, 0,
	  "cannot be changed by this user", "Check its permissions." },
	{ "immutable", BLOCK, BOTH, FALSE, has_attribute, STATX_ATTR_IMMUTABLE,
	  "is immutable", "Remove the flag with chattr -i." },
	{ "append-only", BLOCK, BOTH, FALSE, has_attribute, STATX_ATTR_APPEND,
	  "is append-only", "Remove the flag with chattr -a." },
	{ "not-owned", BLOCK, SOURCE, FALSE, is_not_owned, 0,
	  "belongs to another user", NULL },
	{ "target-not-owned", ASK, TARGET, FALSE, is_not_owned, 0,
	  "belongs to another user", NULL },
	{ "project-quota", ASK, PAIR, FALSE, has_other_project, 0,
	  "is under another project quota than the target", NULL },
	{ "encryption-policy", ASK, PAIR, FALSE, has_other_encryption, 0,
	  "is encrypted in another way than the target", NULL },
	{ "casefold", INFO, TARGET, FALSE, is_casefold, 0,
	  "does not tell upper from lower case", NULL },
	{ "no-space", BLOCK, PAIR, FALSE, lacks_space, 0,
	  "does not fit on the target's file system", "Free some space there." },

	/* What they are used for. */
	{ "repository", BLOCK, SOURCE, FALSE, has_marker, REPOSITORY,
	  "is a version control work tree", "Move the work tree elsewhere as a whole." },
	{ "target-repository", ASK, TARGET, FALSE, has_marker, REPOSITORY,
	  "is a version control work tree", NULL },
	{ "project", ASK, SOURCE, FALSE, has_marker, PROJECT,
	  "looks like a software project", NULL },
	{ "sync-root", BLOCK, SOURCE, FALSE, has_marker, SYNC_ROOT,
	  "is synchronised with other computers, which would take a move for deletions",
	  "Change the folder in the synchronisation program." },
	{ "sync-root", BLOCK, SOURCE, FALSE, holds_sync_root, 0,
	  "is synchronised with other computers, which would take a move for deletions",
	  "Change the folder in the synchronisation program." },
	{ "inside-sync-root", ASK, SOURCE, FALSE, is_in_sync_root, 0,
	  "lies in a folder that is synchronised with other computers", NULL },
	{ "target-sync-root", ASK, TARGET, FALSE, has_marker, SYNC_ROOT,
	  "is synchronised with other computers", NULL },
	{ "target-sync-root", ASK, TARGET, FALSE, is_in_sync_root, 0,
	  "is synchronised with other computers", NULL },
	{ "encrypted-store", BLOCK, BOTH, FALSE, has_marker, ENCRYPTED_STORE,
	  "holds the encrypted files of a mounted store", NULL },
	{ "file-system-root", ASK, BOTH, FALSE, has_marker, FILE_SYSTEM,
	  "looks like the root of a file system", NULL },
	{ "exported", ASK, SOURCE, FALSE, is_exported, 0,
	  "is served to other computers", "Stop sharing it, or share the target." },
	{ "torrent", ASK, SOURCE, FALSE, has_torrent, 0,
	  "holds files of a torrent client", "Move them in the client." },
	{ "unit-reference", ASK, SOURCE, FALSE, has_unit, 0,
	  "is used by a systemd unit or a scheduled job", "Change the path there first." },
	{ "unfixable-reference", ASK, SOURCE, FALSE, has_reference, 0,
	  "is named in the settings of a program", "Change the path there." },

	/* What is in the stray, and when. */
	{ "open-for-write", ASK, SOURCE, TRUE, has_writer, 0,
	  "has a file that is being written", "It is moved when the program closes it." },
	{ "partial-download", ASK, SOURCE, TRUE, has_partial, 0,
	  "has an unfinished download", "It is moved when it is finished." },
	{ "not-settled", ASK, SOURCE, TRUE, is_not_settled, 0,
	  "was changed a moment ago", NULL },
	{ "foreign-owned", ASK, SOURCE, FALSE, has_foreign_owned, 0,
	  "holds files of another user", NULL },
	{ "unkeepable-attributes", ASK, SOURCE, FALSE, has_unkeepable, 0,
	  "holds files with access lists or capabilities that the target cannot keep", NULL },
	{ "many-entries", ASK, SOURCE, FALSE, has_many_entries, 0,
	  "holds very many files", NULL },
	{ "many-bytes", ASK, SOURCE, FALSE, has_many_bytes, 0,
	  "holds very much data", NULL },

	/* Whose home it is. */
	{ "first-contact", ASK, PAIR, FALSE, is_first_contact, 0,
	  "would be the first of its kind to be merged", NULL },
	{ "other-host", ASK, PAIR, FALSE, is_other_host, 0,
	  "is in a home that another computer uses too", NULL },
	{ "system-user", ASK, PAIR, FALSE, is_system_user, 0,
	  "is in the home of a system user or a guest", NULL },
	{ "incomplete-facts", ASK, PAIR, FALSE, is_incomplete, 0,
	  "could not be examined in full", NULL },
};
/* clang-format on */

const TidyGuardRow *
tidy_guard_rows(gsize *n)
{
	*n = G_N_ELEMENTS(rows);
	return rows;
}
