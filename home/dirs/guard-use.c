/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Guards: what the two directories are used for, and what is in them. Pure. */
#include <string.h>

#include "home/dirs/guard-tests.h"

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

static const char *const marker_codes[] = { "repository", "project", "sync-root", "encrypted-store",
					    "file-system" };

TIDY_GUARD_TEST(tidy_guard_has_marker)
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

TIDY_GUARD_TEST(tidy_guard_holds_sync_root)
{
	return find_path(facts->sync_roots, root, TRUE, detail);
}

TIDY_GUARD_TEST(tidy_guard_is_in_sync_root)
{
	return find_path(facts->sync_roots, root, FALSE, detail);
}

TIDY_GUARD_TEST(tidy_guard_is_exported)
{
	return find_path(facts->exports, root, TRUE, detail) ||
	       find_path(facts->exports, root, FALSE, detail);
}

TIDY_GUARD_TEST(tidy_guard_has_torrent)
{
	return find_path(facts->torrents, root, TRUE, detail);
}

TIDY_GUARD_TEST(tidy_guard_has_unit)
{
	return find_path(facts->units, root, TRUE, detail);
}

TIDY_GUARD_TEST(tidy_guard_has_reference)
{
	return take_first(facts->references, detail);
}

TIDY_GUARD_TEST(tidy_guard_has_links)
{
	return take_first(facts->links, detail);
}

TIDY_GUARD_TEST(tidy_guard_has_writer)
{
	return take_first(facts->open_writers, detail);
}

TIDY_GUARD_TEST(tidy_guard_has_partial)
{
	return take_first(facts->partials, detail);
}

TIDY_GUARD_TEST(tidy_guard_is_not_settled)
{
	return facts->settle_ns > 0 && facts->newest_ns > 0 &&
	       facts->now_ns - facts->newest_ns < facts->settle_ns;
}

TIDY_GUARD_TEST(tidy_guard_has_foreign_owned)
{
	return facts->n_foreign_owned > 0;
}

TIDY_GUARD_TEST(tidy_guard_has_unkeepable)
{
	return facts->n_unkeepable > 0;
}

TIDY_GUARD_TEST(tidy_guard_has_many_entries)
{
	return facts->max_entries && facts->n_entries > facts->max_entries;
}

TIDY_GUARD_TEST(tidy_guard_has_many_bytes)
{
	return facts->max_bytes && facts->n_bytes > facts->max_bytes;
}

TIDY_GUARD_TEST(tidy_guard_is_first_contact)
{
	return !facts->has_consent;
}

TIDY_GUARD_TEST(tidy_guard_is_other_host)
{
	*detail = facts->other_host;
	return facts->other_host != NULL;
}

TIDY_GUARD_TEST(tidy_guard_is_system_user)
{
	return facts->is_system_user;
}

TIDY_GUARD_TEST(tidy_guard_is_incomplete)
{
	return facts->is_incomplete;
}
