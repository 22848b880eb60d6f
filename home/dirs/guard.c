/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The table of guards. Pure.
 *
 * To add a trap: a row in rows[] with a test; often a test is there already and `arg`, a marker
 * (guard-use.c) or a file that names directories (claims.c) will do. A code is never renamed or
 * reused for another reason (scan --json shows it). Several rows may give the same code; it is
 * reported once for each directory.
 *
 * Severity: BLOCK where a merge cannot work or would do harm whatever the user says (a sync client
 * turns emptied roots into deletions elsewhere; a repository split over two directories is broken);
 * ASK where the user knows better than we.
 */
#include "home/dirs/guard.h"

#include <linux/stat.h>

#include "home/dirs/guard-tests.h"

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
	{ "missing", BLOCK, BOTH, FALSE, tidy_guard_is_missing, 0,
	  "does not exist", "Make the directory, or correct user-dirs.dirs." },
	{ "unreadable", BLOCK, BOTH, FALSE, tidy_guard_is_unreadable, 0,
	  "cannot be examined", "Check its permissions and its disk." },
	{ "dangling-link", BLOCK, BOTH, FALSE, tidy_guard_is_dangling, 0,
	  "is a symbolic link to something that is not there", "Mount the disk, or remove the link." },
	{ "not-a-directory", BLOCK, BOTH, FALSE, tidy_guard_is_no_directory, 0,
	  "is not a directory", "Move the file away, or correct user-dirs.dirs." },
	{ "symlink", BLOCK, SOURCE, FALSE, tidy_guard_is_symlink, 0,
	  "is a symbolic link", "Nothing is in the wrong place; remove the link if it is not needed." },
	{ "target-symlink", ASK, TARGET, FALSE, tidy_guard_is_symlink, 0,
	  "is a symbolic link", "Merge by hand if the files belong where it leads." },
	{ "same-directory", BLOCK, PAIR, FALSE, tidy_guard_is_same_directory, 0,
	  "is the same directory as the target", NULL },
	{ "target-inside-source", BLOCK, PAIR, FALSE, tidy_guard_is_target_inside, 0,
	  "holds the target", "Set the key to a directory outside of it first." },
	{ "source-inside-target", BLOCK, PAIR, FALSE, tidy_guard_is_source_inside, 0,
	  "lies in the target", NULL },
	{ "home", BLOCK, BOTH, FALSE, tidy_guard_is_home, 0,
	  "is the home directory", NULL },
	{ "above-home", BLOCK, BOTH, FALSE, tidy_guard_is_above_home, 0,
	  "holds the home directory", NULL },

	/* What user-dirs.dirs and xdgtidy.conf say. */
	{ "key-disabled", BLOCK, PAIR, FALSE, tidy_guard_is_key_in_state, TIDY_DIR_DISABLED,
	  "has no target: the key is set to the home directory itself",
	  "Set the key to a directory if you want one." },
	{ "key-unset", BLOCK, PAIR, FALSE, tidy_guard_is_key_in_state, TIDY_DIR_UNSET,
	  "has no target: user-dirs.dirs does not set the key", "Set the key, or run xdg-user-dirs-update." },
	{ "other-key", BLOCK, SOURCE, FALSE, tidy_guard_is_other_key, 0,
	  "is the directory of another key", NULL },
	{ "holds-other-key", BLOCK, SOURCE, FALSE, tidy_guard_holds_other_key, 0,
	  "holds the directory of another key", "Set that key to a directory outside of it first." },
	{ "shared-target", ASK, TARGET, FALSE, tidy_guard_is_other_key, 0,
	  "is the directory of another key too", NULL },
	{ "ignored", ASK, SOURCE, FALSE, tidy_guard_is_on_ignore, 0,
	  "is on the list of ignored names", NULL },
	{ "ambiguous-name", ASK, SOURCE, FALSE, tidy_guard_is_ambiguous, 0,
	  "has a name that is the default of several keys", "Name the target yourself." },
	{ "foreign-locale", ASK, SOURCE, FALSE, tidy_guard_is_foreign_locale, 0,
	  "has a default name of a language that this user never had",
	  "If it is such a directory, merge it by hand or make it an alias." },
	{ "spelling", ASK, SOURCE, FALSE, tidy_guard_is_of_class, TIDY_STRAY_SPELLING,
	  "has the same name in other bytes", NULL },
	{ "case", ASK, SOURCE, FALSE, tidy_guard_is_of_class, TIDY_STRAY_CASE,
	  "differs from a default name in case only, which may be meant", NULL },
	{ "foreign-name", ASK, SOURCE, FALSE, tidy_guard_is_of_class, TIDY_STRAY_FOREIGN,
	  "has a name of another system", NULL },
	{ "numbered-copy", ASK, SOURCE, FALSE, tidy_guard_is_of_class, TIDY_STRAY_NUMBERED,
	  "looks like a copy that was made on purpose", NULL },

	/* Where they are. */
	{ "mount-point", BLOCK, SOURCE, FALSE, tidy_guard_is_mount, 0,
	  "is a mount point", "Unmount it first." },
	{ "target-mount-point", ASK, TARGET, FALSE, tidy_guard_is_mount, 0,
	  "is a mount point", "Merge by hand if the files belong on that disk." },
	{ "different-filesystem", ASK, PAIR, FALSE, tidy_guard_is_other_file_system, 0,
	  "is on another file system than the target", "Merging copies every file, compares it, and then removes it here." },
	{ "different-mount", ASK, PAIR, FALSE, tidy_guard_is_other_mount, 0,
	  "is in another mount than the target", "Merging copies every file, compares it, and then removes it here." },
	{ "subvolume", ASK, BOTH, FALSE, tidy_guard_is_subvolume, 0,
	  "is the root of a btrfs subvolume", NULL },
	{ "autofs", ASK, BOTH, FALSE, tidy_guard_is_autofs, 0,
	  "is mounted on demand", NULL },
	{ "network-filesystem", ASK, BOTH, FALSE, tidy_guard_is_network, 0,
	  "is on a network file system", NULL },
	{ "fuse-filesystem", ASK, BOTH, FALSE, tidy_guard_is_fuse, 0,
	  "is on a FUSE file system", NULL },
	{ "remote-home", ASK, PAIR, FALSE, tidy_guard_is_remote_home, 0,
	  "is in a home that is on a network or FUSE file system", NULL },
	{ "read-only", BLOCK, BOTH, FALSE, tidy_guard_is_read_only, 0,
	  "is on a read-only file system", NULL },
	{ "not-writable", BLOCK, BOTH, FALSE, tidy_guard_is_not_writable, 0,
	  "cannot be changed by this user", "Check its permissions." },
	{ "immutable", BLOCK, BOTH, FALSE, tidy_guard_has_attribute, STATX_ATTR_IMMUTABLE,
	  "is immutable", "Remove the flag with chattr -i." },
	{ "append-only", BLOCK, BOTH, FALSE, tidy_guard_has_attribute, STATX_ATTR_APPEND,
	  "is append-only", "Remove the flag with chattr -a." },
	{ "not-owned", BLOCK, SOURCE, FALSE, tidy_guard_is_not_owned, 0,
	  "belongs to another user", NULL },
	{ "target-not-owned", ASK, TARGET, FALSE, tidy_guard_is_not_owned, 0,
	  "belongs to another user", NULL },
	{ "project-quota", ASK, PAIR, FALSE, tidy_guard_has_other_project, 0,
	  "is under another project quota than the target", NULL },
	{ "encryption-policy", ASK, PAIR, FALSE, tidy_guard_has_other_encryption, 0,
	  "is encrypted in another way than the target", NULL },
	{ "casefold", INFO, TARGET, FALSE, tidy_guard_is_casefold, 0,
	  "does not tell upper from lower case", NULL },
	{ "no-space", BLOCK, PAIR, FALSE, tidy_guard_lacks_space, 0,
	  "does not fit on the target's file system", "Free some space there." },

	/* What they are used for. */
	{ "repository", BLOCK, SOURCE, FALSE, tidy_guard_has_marker, TIDY_MARKER_REPOSITORY,
	  "is a version control work tree", "Move the work tree elsewhere as a whole." },
	{ "target-repository", ASK, TARGET, FALSE, tidy_guard_has_marker, TIDY_MARKER_REPOSITORY,
	  "is a version control work tree", NULL },
	{ "project", ASK, SOURCE, FALSE, tidy_guard_has_marker, TIDY_MARKER_PROJECT,
	  "looks like a software project", NULL },
	{ "sync-root", BLOCK, SOURCE, FALSE, tidy_guard_has_marker, TIDY_MARKER_SYNC_ROOT,
	  "is synchronised with other computers, which would take a move for deletions",
	  "Change the folder in the synchronisation program." },
	{ "sync-root", BLOCK, SOURCE, FALSE, tidy_guard_holds_sync_root, 0,
	  "is synchronised with other computers, which would take a move for deletions",
	  "Change the folder in the synchronisation program." },
	{ "inside-sync-root", ASK, SOURCE, FALSE, tidy_guard_is_in_sync_root, 0,
	  "lies in a folder that is synchronised with other computers", NULL },
	{ "target-sync-root", ASK, TARGET, FALSE, tidy_guard_has_marker, TIDY_MARKER_SYNC_ROOT,
	  "is synchronised with other computers", NULL },
	{ "target-sync-root", ASK, TARGET, FALSE, tidy_guard_is_in_sync_root, 0,
	  "is synchronised with other computers", NULL },
	{ "encrypted-store", BLOCK, BOTH, FALSE, tidy_guard_has_marker, TIDY_MARKER_ENCRYPTED_STORE,
	  "holds the encrypted files of a mounted store", NULL },
	{ "file-system-root", ASK, BOTH, FALSE, tidy_guard_has_marker, TIDY_MARKER_FILE_SYSTEM,
	  "looks like the root of a file system", NULL },
	{ "exported", ASK, SOURCE, FALSE, tidy_guard_is_exported, 0,
	  "is served to other computers", "Stop sharing it, or share the target." },
	{ "torrent", ASK, SOURCE, FALSE, tidy_guard_has_torrent, 0,
	  "holds files of a torrent client", "Move them in the client." },
	{ "unit-reference", ASK, SOURCE, FALSE, tidy_guard_has_unit, 0,
	  "is used by a systemd unit or a scheduled job", "Change the path there first." },
	{ "unfixable-reference", ASK, SOURCE, FALSE, tidy_guard_has_reference, 0,
	  "is named in the settings of a program", "Change the path there." },
	{ "links-into", INFO, SOURCE, FALSE, tidy_guard_has_links, 0,
	  "is where symbolic links lead, which would lead nowhere",
	  "Set leave = symlink for its key in xdgtidy.conf, or change the links." },

	/* What is in the stray, and when. */
	{ "open-for-write", ASK, SOURCE, TRUE, tidy_guard_has_writer, 0,
	  "has a file that is being written", "It is moved when the program closes it." },
	{ "partial-download", ASK, SOURCE, TRUE, tidy_guard_has_partial, 0,
	  "has an unfinished download", "It is moved when it is finished." },
	{ "not-settled", ASK, SOURCE, TRUE, tidy_guard_is_not_settled, 0,
	  "was changed a moment ago", NULL },
	{ "foreign-owned", ASK, SOURCE, FALSE, tidy_guard_has_foreign_owned, 0,
	  "holds files of another user", NULL },
	{ "unkeepable-attributes", ASK, SOURCE, FALSE, tidy_guard_has_unkeepable, 0,
	  "holds files with attributes that the target's file system cannot keep", "Those files stay when it is merged." },
	{ "many-entries", ASK, SOURCE, FALSE, tidy_guard_has_many_entries, 0,
	  "holds very many files", NULL },
	{ "many-bytes", ASK, SOURCE, FALSE, tidy_guard_has_many_bytes, 0,
	  "holds very much data", NULL },

	/* Whose home it is. */
	{ "first-contact", ASK, PAIR, FALSE, tidy_guard_is_first_contact, 0,
	  "would be the first of its kind to be merged", NULL },
	{ "other-host", ASK, PAIR, FALSE, tidy_guard_is_other_host, 0,
	  "is in a home where another computer wrote last",
	  "Merge by hand while no other computer is at work there; from then on this one goes on by itself." },
	{ "system-user", ASK, PAIR, FALSE, tidy_guard_is_system_user, 0,
	  "is in the home of a system user or a guest", NULL },
	{ "incomplete-facts", ASK, PAIR, FALSE, tidy_guard_is_incomplete, 0,
	  "could not be examined in full", NULL },
};
/* clang-format on */

const TidyGuardRow *
tidy_guard_rows(gsize *n)
{
	*n = G_N_ELEMENTS(rows);
	return rows;
}
