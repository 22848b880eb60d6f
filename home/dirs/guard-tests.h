/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tests that rows of the guard table (guard.c) name. Private to the guards. Pure. */
#pragma once

#include "home/dirs/guard.h"

#define TIDY_GUARD_TEST(name)                                    \
	gboolean name(G_GNUC_UNUSED const TidyGuardRow *row,     \
		      G_GNUC_UNUSED const TidyGuardFacts *facts, \
		      G_GNUC_UNUSED const TidyGuardRoot *root, G_GNUC_UNUSED const char **detail)

/* The two roots are on different file systems or mounts, so that rename(2) would say EXDEV. */
gboolean tidy_guard_needs_copy(const TidyGuardFacts *facts);
/* A symbolic link's path, or what it leads to when that is known. Borrowed. */
const char *tidy_guard_real_path(const TidyGuardRoot *root);

/* row->arg of tidy_guard_has_marker: rows and markers meet in the code of the marker. */
typedef enum {
	TIDY_MARKER_REPOSITORY,
	TIDY_MARKER_PROJECT,
	TIDY_MARKER_SYNC_ROOT,
	TIDY_MARKER_ENCRYPTED_STORE,
	TIDY_MARKER_FILE_SYSTEM,
} TidyMarkerClass;

/* --- guard-place.c: what and where the two directories are --- */
TIDY_GUARD_TEST(tidy_guard_is_missing);
TIDY_GUARD_TEST(tidy_guard_is_unreadable);
TIDY_GUARD_TEST(tidy_guard_is_dangling);
TIDY_GUARD_TEST(tidy_guard_is_no_directory);
TIDY_GUARD_TEST(tidy_guard_is_symlink);
TIDY_GUARD_TEST(tidy_guard_is_same_directory);
TIDY_GUARD_TEST(tidy_guard_is_target_inside);
TIDY_GUARD_TEST(tidy_guard_is_source_inside);
TIDY_GUARD_TEST(tidy_guard_is_home);
TIDY_GUARD_TEST(tidy_guard_is_above_home);
TIDY_GUARD_TEST(tidy_guard_is_key_in_state);
TIDY_GUARD_TEST(tidy_guard_is_other_key);
TIDY_GUARD_TEST(tidy_guard_holds_other_key);
TIDY_GUARD_TEST(tidy_guard_is_on_ignore);
TIDY_GUARD_TEST(tidy_guard_is_ambiguous);
TIDY_GUARD_TEST(tidy_guard_is_foreign_locale);
TIDY_GUARD_TEST(tidy_guard_is_of_class);
TIDY_GUARD_TEST(tidy_guard_is_mount);
TIDY_GUARD_TEST(tidy_guard_is_other_file_system);
TIDY_GUARD_TEST(tidy_guard_is_other_mount);
TIDY_GUARD_TEST(tidy_guard_is_subvolume);
TIDY_GUARD_TEST(tidy_guard_is_autofs);
TIDY_GUARD_TEST(tidy_guard_is_fuse);
TIDY_GUARD_TEST(tidy_guard_is_network);
TIDY_GUARD_TEST(tidy_guard_is_remote_home);
TIDY_GUARD_TEST(tidy_guard_is_read_only);
TIDY_GUARD_TEST(tidy_guard_is_not_writable);
TIDY_GUARD_TEST(tidy_guard_has_attribute);
TIDY_GUARD_TEST(tidy_guard_is_not_owned);
TIDY_GUARD_TEST(tidy_guard_is_casefold);
TIDY_GUARD_TEST(tidy_guard_has_other_project);
TIDY_GUARD_TEST(tidy_guard_has_other_encryption);
TIDY_GUARD_TEST(tidy_guard_lacks_space);

/* --- guard-use.c: what they are used for, and what is in them --- */
TIDY_GUARD_TEST(tidy_guard_has_marker);
TIDY_GUARD_TEST(tidy_guard_holds_sync_root);
TIDY_GUARD_TEST(tidy_guard_is_in_sync_root);
TIDY_GUARD_TEST(tidy_guard_is_exported);
TIDY_GUARD_TEST(tidy_guard_has_torrent);
TIDY_GUARD_TEST(tidy_guard_has_unit);
TIDY_GUARD_TEST(tidy_guard_has_reference);
TIDY_GUARD_TEST(tidy_guard_has_links);
TIDY_GUARD_TEST(tidy_guard_has_writer);
TIDY_GUARD_TEST(tidy_guard_has_partial);
TIDY_GUARD_TEST(tidy_guard_is_not_settled);
TIDY_GUARD_TEST(tidy_guard_has_foreign_owned);
TIDY_GUARD_TEST(tidy_guard_has_unkeepable);
TIDY_GUARD_TEST(tidy_guard_has_many_entries);
TIDY_GUARD_TEST(tidy_guard_has_many_bytes);
TIDY_GUARD_TEST(tidy_guard_is_first_contact);
TIDY_GUARD_TEST(tidy_guard_is_other_host);
TIDY_GUARD_TEST(tidy_guard_is_system_user);
TIDY_GUARD_TEST(tidy_guard_is_incomplete);
