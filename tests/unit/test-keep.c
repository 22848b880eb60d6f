/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which attributes a file has that its copy has to have, and which a file system cannot hold. On the one in memory. */
#include <fcntl.h>
#include <unistd.h>

#include "home/engine/keep.h"
#include "tests/support/home-run.h"

#define HOME SCENARIO_HOME

static void
test_kinds(void)
{
	static const struct {
		const char *name;
		guint kind;
	} rows[] = {
		{ "user.tag", TIDY_KEEP_USER },
		{ "user.", TIDY_KEEP_USER },
		{ "system.posix_acl_access", TIDY_KEEP_ACL },
		{ "security.capability", TIDY_KEEP_CAPABILITIES },
		/* What the other disk makes itself, or root alone sees. */
		{ "security.selinux", 0 },
		{ "trusted.overlay.opaque", 0 },
		{ "system.nfs4_acl", 0 },
		{ "username", 0 },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
		g_assert_cmpuint(tidy_keep_kind(rows[i].name), ==, rows[i].kind);
}

typedef struct {
	Scenario *scenario;
	FakeFs *fake;
	TidyFs *fs;
} Fixture;

static void
set_up(Fixture *f)
{
	g_autoptr(GError) error = NULL;

	f->scenario = scenario_parse("keep",
				     "# keep\nbefore:\n"
				     "  Download/plain = \"p\"\n"
				     "  Download/tagged = \"t\" xattr:user.tag=\"x\"\n"
				     "  Downloads : mount\n"
				     "after:\n  x = \"\"\n",
				     &error);
	g_assert_no_error(error);
	f->fake = scenario_new_fake(f->scenario, &error);
	g_assert_no_error(error);
	f->fs = fake_fs_table(f->fake);
}

static void
tear_down(Fixture *f)
{
	g_assert_cmpuint(fake_fs_open_count(f->fake), ==, 0);
	scenario_free(f->scenario);
	fake_fs_free(f->fake);
}

static guint
kinds_of(Fixture *f, const char *dir, const char *name)
{
	int parent = f->fs->openat(f->fs, AT_FDCWD, dir, O_RDONLY | O_DIRECTORY, 0);
	int fd = f->fs->openat(f->fs, parent, name, O_RDONLY, 0);
	guint kinds;

	g_assert_cmpint(fd, >=, 0);
	kinds = tidy_keep_of(f->fs, fd);
	f->fs->close(f->fs, fd);
	f->fs->close(f->fs, parent);
	return kinds;
}

static guint
lacking(Fixture *f)
{
	int dir = f->fs->openat(f->fs, AT_FDCWD, HOME "/Downloads", O_RDONLY | O_DIRECTORY, 0);
	guint kinds;

	g_assert_cmpint(dir, >=, 0);
	kinds = tidy_keep_lacking(f->fs, dir);
	f->fs->close(f->fs, dir);
	return kinds;
}

static void
test_of_files(void)
{
	Fixture f;

	set_up(&f);
	g_assert_cmpuint(kinds_of(&f, HOME "/Download", "plain"), ==, 0);
	g_assert_cmpuint(kinds_of(&f, HOME "/Download", "tagged"), ==, TIDY_KEEP_USER);
	tear_down(&f);
}

static void
test_lacking(void)
{
	Fixture f;
	guint all = TIDY_KEEP_USER | TIDY_KEEP_ACL | TIDY_KEEP_CAPABILITIES;

	set_up(&f);
	/* What only root can give, nobody else can, whatever the file system is. */
	g_assert_cmpuint(lacking(&f), ==, geteuid() == 0 ? 0 : TIDY_KEEP_CAPABILITIES);
	fake_disk_set_lacks(fake_fs_disk(f.fake, HOME "/Downloads"), FAKE_NO_XATTR);
	g_assert_cmpuint(lacking(&f), ==, all);
	tear_down(&f);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/keep/kinds", test_kinds);
	g_test_add_func("/keep/of-files", test_of_files);
	g_test_add_func("/keep/lacking", test_lacking);
	return g_test_run();
}
