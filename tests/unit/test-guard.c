/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every guard: the fact that trips it, and that an ordinary home trips none. */
#include <errno.h>
#include <linux/stat.h>
#include <string.h>

#include "home/dirs/guard.h"

#define HOME "/home/ann"

static const char *const no_names[] = { "a.txt", "b", NULL };

static TidyStat
directory(guint64 ino)
{
	return (TidyStat){ .dev = 1, .ino = ino, .mnt_id = 7, .mode = S_IFDIR | 0755, .uid = 1000 };
}

static TidyGuardRoot
root(const char *path, guint64 ino)
{
	return (TidyGuardRoot){
		.path = path,
		.real_path = path,
		.st = directory(ino),
		.real = directory(ino),
		.has_real = TRUE,
		.info = { .type = 0xef53, .free_bytes = 1 << 30 },
		.names = no_names,
	};
}

/* ~/Download beside ~/Downloads on ext4, consent given. */
static TidyGuardFacts
ordinary(void)
{
	return (TidyGuardFacts){
		.source = root(HOME "/Download", 10),
		.target = root(HOME "/Downloads", 11),
		.home = HOME,
		.real_home = HOME,
		.home_stat = directory(2),
		.home_info = { .type = 0xef53 },
		.uid = 1000,
		.key = "DOWNLOAD",
		.key_state = TIDY_DIR_SET,
		.n_entries = 3,
		.n_bytes = 1000,
		.now_ns = 1000,
		.has_consent = TRUE,
	};
}

typedef struct {
	TidyGuardFacts facts;
	TidyStray stray;
	TidyUserDirs *dirs;
	const char *list[2]; /* a list of one, to be pointed at */
} Trap;

typedef struct {
	const char *title;
	const char *code;
	TidyGuardSide side;
	TidyGuardVerdict verdict;
	const char *detail; /* or NULL: not looked at */
	void (*set)(Trap *t);
} Case;

#define SET(name, ...)                         \
	static void set_##name(Trap *t)        \
	{                                      \
		TidyGuardFacts *f = &t->facts; \
                                               \
		(void)f;                       \
		__VA_ARGS__;                   \
	}
#define LIST(field, item) t->list[0] = (item), f->field = t->list
#define DIRS(text)	  f->dirs = t->dirs = tidy_user_dirs_parse(text, strlen(text), HOME)
#define STRAY(...) \
	t->stray = (TidyStray){ .is_user_locale = TRUE, __VA_ARGS__ }, f->stray = &t->stray

static void
make_link(TidyGuardRoot *r, const char *to)
{
	r->st.mode = S_IFLNK | 0777;
	r->st.ino += 100;
	r->real_path = to;
}

SET(missing, f->target.stat_error = ENOENT; f->target.has_real = FALSE)
SET(unreadable, f->source.stat_error = EACCES; f->source.has_real = FALSE)
SET(dangling, make_link(&f->target, NULL); f->target.has_real = FALSE)
SET(file, f->target.st.mode = f->target.real.mode = S_IFREG | 0644)
SET(link_to_target, make_link(&f->source, HOME "/Downloads"); f->source.real.ino = 11)
SET(link_away, make_link(&f->source, "/mnt/x"))
SET(target_link, make_link(&f->target, "/mnt/x"))
SET(same_inode, f->source.st.ino = f->source.real.ino = 11)
SET(nested_target, f->target.path = f->target.real_path = HOME "/Download/x")
SET(nested_source, f->target.path = f->target.real_path = "/home";
    f->source.path = HOME "/Download")
SET(target_is_home, f->target = root(HOME, 2))
SET(target_above_home, f->target = root("/home", 3))
SET(disabled, f->key_state = TIDY_DIR_DISABLED)
SET(unset, f->key_state = TIDY_DIR_UNSET)
SET(other_key, DIRS("XDG_PUBLICSHARE_DIR=\"$HOME/Download\"\n"))
SET(holds_other_key, DIRS("XDG_MUSIC_DIR=\"$HOME/Download/Music\"\n"))
SET(shared_target, DIRS("XDG_MUSIC_DIR=\"$HOME/Downloads\"\n"))
SET(ignored, STRAY(.is_ignored = TRUE))
SET(ambiguous, STRAY(.is_ambiguous = TRUE))
SET(locale, t->stray.locale = (char *)"de"; f->stray = &t->stray)
SET(spelling, STRAY(.klass = TIDY_STRAY_SPELLING))
SET(case_only, STRAY(.klass = TIDY_STRAY_CASE))
SET(foreign, STRAY(.klass = TIDY_STRAY_FOREIGN))
SET(numbered, STRAY(.klass = TIDY_STRAY_NUMBERED))
SET(mount, f->source.is_mount = TRUE)
SET(mount_attribute, f->source.st.attributes = STATX_ATTR_MOUNT_ROOT)
SET(target_mount, f->target.is_mount = TRUE)
SET(other_disk, f->target.real.dev = 2)
SET(other_mount, f->target.real.mnt_id = 8)
SET(subvolume, f->source.real.ino = 256; f->source.info.type = 0x9123683e)
SET(autofs, f->target.info.type = 0x187)
SET(autofs_name, f->target.fs_name = "autofs")
SET(nfs, f->target.info.type = 0x6969)
SET(cifs, f->target.info.type = 0xff534d42)
SET(smb2, f->target.info.type = 0xfe534d42)
SET(p9, f->target.info.type = 0x01021997)
SET(fuse, f->target.info.type = 0x65735546)
SET(fuse_name, f->source.fs_name = "fuse.sshfs")
SET(nfs_home, f->home_info.type = 0x6969)
SET(read_only, f->source.info.is_read_only = TRUE)
SET(not_writable, f->source.access_error = EACCES)
SET(immutable, f->source.st.attributes = STATX_ATTR_IMMUTABLE)
SET(append, f->target.real.attributes = STATX_ATTR_APPEND)
SET(not_owned, f->source.real.uid = 0)
SET(target_not_owned, f->target.real.uid = 0)
SET(project_quota, f->target.project_id = 5)
SET(encrypted, f->target.real.attributes = STATX_ATTR_ENCRYPTED)
SET(encrypted_other, f->source.fscrypt = "aa"; f->target.fscrypt = "bb")
SET(casefold, f->target.is_casefold = TRUE)
SET(no_space, f->target.real.dev = 2; f->n_disk_bytes = 1 << 30)
SET(repository, LIST(source.names, ".git"))
SET(target_repository, LIST(target.names, ".git"))
SET(project, LIST(source.names, "Makefile"))
SET(project_glob, LIST(source.names, "x.sln"))
SET(sync, LIST(source.names, ".stfolder"))
SET(sync_glob, LIST(source.names, "._sync_0123.db"))
SET(sync_config, LIST(sync_roots, HOME "/Download"))
SET(sync_config_below, LIST(sync_roots, HOME "/Download/share"))
SET(sync_around, LIST(sync_roots, HOME))
SET(sync_target, LIST(target.names, ".dropbox.cache"))
SET(store, LIST(source.names, "gocryptfs.conf"))
SET(store_target, LIST(target.names, ".encfs6.xml"))
SET(lost_found, LIST(source.names, "lost+found"))
SET(exported, LIST(exports, HOME "/Download"))
SET(torrent, LIST(torrents, HOME "/Download/big.iso"))
SET(unit, LIST(units, HOME "/Download"))
SET(reference, LIST(references, "editor: " HOME "/Download"))
SET(links, LIST(links, HOME "/bin/x"))
SET(writer, LIST(open_writers, "log"))
SET(partial, LIST(partials, "x.iso.part"))
SET(unsettled, f->settle_ns = 100; f->newest_ns = 950)
SET(foreign_owned, f->n_foreign_owned = 1)
SET(unkeepable, f->n_unkeepable = 1)
SET(entries, f->max_entries = 2)
SET(bytes, f->max_bytes = 999)
SET(first, f->has_consent = FALSE)
SET(host, f->other_host = "desk")
SET(system_user, f->is_system_user = TRUE)
SET(incomplete, f->is_incomplete = TRUE)

#define SOURCE	TIDY_GUARD_SOURCE
#define TARGET	TIDY_GUARD_TARGET
#define PAIR	TIDY_GUARD_PAIR
#define REFUSED TIDY_VERDICT_REFUSED
#define ASK	TIDY_VERDICT_ASK
#define PARTLY	TIDY_VERDICT_PARTLY
#define AUTO	TIDY_VERDICT_AUTO

/* clang-format off */
static const Case cases[] = {
	{ "missing", "missing", TARGET, REFUSED, NULL, set_missing },
	{ "unreadable", "unreadable", SOURCE, REFUSED, "Permission denied", set_unreadable },
	{ "dangling", "dangling-link", TARGET, REFUSED, NULL, set_dangling },
	{ "file", "not-a-directory", TARGET, REFUSED, NULL, set_file },
	{ "link-to-target", "symlink", SOURCE, REFUSED, HOME "/Downloads", set_link_to_target },
	{ "link-to-target-same", "same-directory", PAIR, REFUSED, NULL, set_link_to_target },
	{ "link-away", "symlink", SOURCE, REFUSED, "/mnt/x", set_link_away },
	{ "target-link", "target-symlink", TARGET, ASK, "/mnt/x", set_target_link },
	{ "same-inode", "same-directory", PAIR, REFUSED, NULL, set_same_inode },
	{ "nested-target", "target-inside-source", PAIR, REFUSED, NULL, set_nested_target },
	{ "nested-source", "source-inside-target", PAIR, REFUSED, NULL, set_nested_source },
	{ "home", "home", TARGET, REFUSED, NULL, set_target_is_home },
	{ "above-home", "above-home", TARGET, REFUSED, NULL, set_target_above_home },
	{ "disabled", "key-disabled", PAIR, REFUSED, NULL, set_disabled },
	{ "unset", "key-unset", PAIR, REFUSED, NULL, set_unset },
	{ "other-key", "other-key", SOURCE, REFUSED, "PUBLICSHARE", set_other_key },
	{ "holds-other-key", "holds-other-key", SOURCE, REFUSED, "MUSIC", set_holds_other_key },
	{ "shared-target", "shared-target", TARGET, ASK, "MUSIC", set_shared_target },
	{ "ignored", "ignored", SOURCE, ASK, NULL, set_ignored },
	{ "ambiguous", "ambiguous-name", SOURCE, ASK, NULL, set_ambiguous },
	{ "locale", "foreign-locale", SOURCE, ASK, "de", set_locale },
	{ "spelling", "spelling", SOURCE, ASK, NULL, set_spelling },
	{ "case", "case", SOURCE, ASK, NULL, set_case_only },
	{ "foreign", "foreign-name", SOURCE, ASK, NULL, set_foreign },
	{ "numbered", "numbered-copy", SOURCE, ASK, NULL, set_numbered },
	{ "mount", "mount-point", SOURCE, REFUSED, NULL, set_mount },
	{ "mount-attribute", "mount-point", SOURCE, REFUSED, NULL, set_mount_attribute },
	{ "target-mount", "target-mount-point", TARGET, ASK, NULL, set_target_mount },
	{ "other-disk", "different-filesystem", PAIR, ASK, NULL, set_other_disk },
	{ "other-mount", "different-mount", PAIR, ASK, NULL, set_other_mount },
	{ "subvolume", "subvolume", SOURCE, ASK, NULL, set_subvolume },
	{ "autofs", "autofs", TARGET, ASK, NULL, set_autofs },
	{ "autofs-name", "autofs", TARGET, ASK, NULL, set_autofs_name },
	{ "nfs", "network-filesystem", TARGET, ASK, NULL, set_nfs },
	{ "cifs", "network-filesystem", TARGET, ASK, NULL, set_cifs },
	{ "smb2", "network-filesystem", TARGET, ASK, NULL, set_smb2 },
	{ "9p", "network-filesystem", TARGET, ASK, NULL, set_p9 },
	{ "fuse", "fuse-filesystem", TARGET, ASK, NULL, set_fuse },
	{ "fuse-name", "fuse-filesystem", SOURCE, ASK, "fuse.sshfs", set_fuse_name },
	{ "nfs-home", "remote-home", PAIR, ASK, NULL, set_nfs_home },
	{ "read-only", "read-only", SOURCE, REFUSED, NULL, set_read_only },
	{ "not-writable", "not-writable", SOURCE, REFUSED, NULL, set_not_writable },
	{ "immutable", "immutable", SOURCE, REFUSED, NULL, set_immutable },
	{ "append", "append-only", TARGET, REFUSED, NULL, set_append },
	{ "not-owned", "not-owned", SOURCE, REFUSED, NULL, set_not_owned },
	{ "target-not-owned", "target-not-owned", TARGET, ASK, NULL, set_target_not_owned },
	{ "project-quota", "project-quota", PAIR, ASK, NULL, set_project_quota },
	{ "encrypted", "encryption-policy", PAIR, ASK, NULL, set_encrypted },
	{ "encrypted-other", "encryption-policy", PAIR, ASK, NULL, set_encrypted_other },
	{ "casefold", "casefold", TARGET, AUTO, NULL, set_casefold },
	{ "no-space", "no-space", PAIR, REFUSED, NULL, set_no_space },
	{ "repository", "repository", SOURCE, REFUSED, ".git", set_repository },
	{ "target-repository", "target-repository", TARGET, ASK, ".git", set_target_repository },
	{ "project", "project", SOURCE, ASK, "Makefile", set_project },
	{ "project-glob", "project", SOURCE, ASK, "x.sln", set_project_glob },
	{ "sync", "sync-root", SOURCE, REFUSED, ".stfolder", set_sync },
	{ "sync-glob", "sync-root", SOURCE, REFUSED, "._sync_0123.db", set_sync_glob },
	{ "sync-config", "sync-root", SOURCE, REFUSED, HOME "/Download", set_sync_config },
	{ "sync-config-below", "sync-root", SOURCE, REFUSED, HOME "/Download/share", set_sync_config_below },
	{ "sync-around", "inside-sync-root", SOURCE, ASK, HOME, set_sync_around },
	{ "sync-target", "target-sync-root", TARGET, ASK, ".dropbox.cache", set_sync_target },
	{ "store", "encrypted-store", SOURCE, REFUSED, NULL, set_store },
	{ "store-target", "encrypted-store", TARGET, REFUSED, NULL, set_store_target },
	{ "lost+found", "file-system-root", SOURCE, ASK, NULL, set_lost_found },
	{ "exported", "exported", SOURCE, ASK, HOME "/Download", set_exported },
	{ "torrent", "torrent", SOURCE, ASK, HOME "/Download/big.iso", set_torrent },
	{ "unit", "unit-reference", SOURCE, ASK, NULL, set_unit },
	{ "reference", "unfixable-reference", SOURCE, ASK, NULL, set_reference },
	{ "links", "links-into", SOURCE, AUTO, HOME "/bin/x", set_links },
	{ "writer", "open-for-write", SOURCE, PARTLY, "log", set_writer },
	{ "partial", "partial-download", SOURCE, PARTLY, "x.iso.part", set_partial },
	{ "unsettled", "not-settled", SOURCE, PARTLY, NULL, set_unsettled },
	{ "foreign-owned", "foreign-owned", SOURCE, ASK, NULL, set_foreign_owned },
	{ "unkeepable", "unkeepable-attributes", SOURCE, ASK, NULL, set_unkeepable },
	{ "entries", "many-entries", SOURCE, ASK, NULL, set_entries },
	{ "bytes", "many-bytes", SOURCE, ASK, NULL, set_bytes },
	{ "first", "first-contact", PAIR, ASK, NULL, set_first },
	{ "host", "other-host", PAIR, ASK, "desk", set_host },
	{ "system-user", "system-user", PAIR, ASK, NULL, set_system_user },
	{ "incomplete", "incomplete-facts", PAIR, ASK, NULL, set_incomplete },
};
/* clang-format on */

static void
test_case(gconstpointer data)
{
	const Case *c = data;
	Trap trap = { .facts = ordinary() };
	g_autoptr(GPtrArray) findings = NULL;
	g_autofree char *text = NULL;
	const TidyGuardFinding *finding;

	c->set(&trap);
	findings = tidy_guard_check(&trap.facts);
	finding = tidy_guard_find(findings, c->code);
	g_assert_nonnull(finding);
	g_assert_cmpint(finding->side, ==, c->side);
	g_assert_cmpint(tidy_guard_verdict(findings), ==, c->verdict);
	if (c->detail)
		g_assert_cmpstr(finding->detail, ==, c->detail);
	text = tidy_guard_text(finding);
	g_assert_true(g_str_has_prefix(text, finding->path));
	tidy_user_dirs_free(trap.dirs);
}

static void
test_ordinary(void)
{
	TidyGuardFacts facts = ordinary();
	g_autoptr(GPtrArray) findings = tidy_guard_check(&facts);

	g_assert_cmpuint(findings->len, ==, 0);
	g_assert_cmpint(tidy_guard_verdict(findings), ==, TIDY_VERDICT_AUTO);
}

/* Facts of which nothing is known trip only what asks for consent, and crash nothing. */
static void
test_no_facts(void)
{
	TidyGuardFacts facts = { 0 };
	g_autoptr(GPtrArray) findings = tidy_guard_check(&facts);

	g_assert_cmpuint(findings->len, ==, 1);
	g_assert_nonnull(tidy_guard_find(findings, "first-contact"));
}

/* A row without a case above fails here. */
static void
test_all_rows_have_cases(void)
{
	gsize n;
	const TidyGuardRow *rows = tidy_guard_rows(&n);

	for (gsize i = 0; i < n; i++) {
		gboolean is_found = FALSE;

		for (gsize j = 0; j < G_N_ELEMENTS(cases); j++)
			is_found = is_found || strcmp(cases[j].code, rows[i].code) == 0;
		g_test_message("%s", rows[i].code);
		g_assert_true(is_found);
		for (const char *p = rows[i].code; *p; p++)
			g_assert_true(g_ascii_islower(*p) || *p == '-');
	}
}

/* Each marker alone in the source is found, and its class has a row. */
static void
test_markers(void)
{
	gsize n;
	const TidyGuardMarker *markers = tidy_guard_markers(&n);

	for (gsize i = 0; i < n; i++) {
		g_auto(GStrv) parts = g_strsplit(markers[i].pattern, "*", 2);
		g_autofree char *name = g_strjoinv("x", parts);
		const char *const names[] = { name, NULL };
		TidyGuardFacts facts = ordinary();
		g_autoptr(GPtrArray) findings = NULL;
		gboolean is_root = strcmp(markers[i].code, "file-system") == 0;

		facts.source.names = names;
		findings = tidy_guard_check(&facts);
		g_assert_cmpuint(findings->len, ==, 1);
		g_assert_nonnull(
			tidy_guard_find(findings, is_root ? "file-system-root" : markers[i].code));
	}
}

static void
test_near_misses(void)
{
	static const char *const names[] = { ".gitignore", "git",      "x.slnx",
					     "._sync_.d",  ".syncx",   "makefile~",
					     "CVS2",	   "Download", NULL };
	static const char *const elsewhere[] = { HOME "/Downloadx", HOME "/Down", NULL };
	TidyGuardFacts facts = ordinary();
	g_autoptr(GPtrArray) findings = NULL;

	facts.source.names = names;
	facts.sync_roots = facts.exports = facts.torrents = facts.units = elsewhere;
	findings = tidy_guard_check(&facts);
	g_assert_cmpuint(findings->len, ==, 0);
}

/* Most severe first, whatever the order of the table. */
static void
test_order(void)
{
	static const char *const names[] = { ".git", NULL };
	TidyGuardFacts facts = ordinary();
	g_autoptr(GPtrArray) findings = NULL;
	const TidyGuardFinding *first;

	facts.target.is_casefold = TRUE;
	facts.target.is_mount = TRUE;
	facts.source.names = names;
	findings = tidy_guard_check(&facts);
	first = g_ptr_array_index(findings, 0);
	g_assert_cmpuint(findings->len, ==, 3);
	g_assert_cmpstr(first->row->code, ==, "repository");
	g_assert_cmpint(tidy_guard_verdict(findings), ==, TIDY_VERDICT_REFUSED);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/guard/ordinary", test_ordinary);
	g_test_add_func("/guard/no-facts", test_no_facts);
	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *name = g_strconcat("/guard/trap/", cases[i].title, NULL);

		g_test_add_data_func(name, &cases[i], test_case);
	}
	g_test_add_func("/guard/all-rows-have-cases", test_all_rows_have_cases);
	g_test_add_func("/guard/markers", test_markers);
	g_test_add_func("/guard/near-misses", test_near_misses);
	g_test_add_func("/guard/order", test_order);
	return g_test_run();
}
