/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A table around the real one that lies about inodes, types, renames and the time. I/O of the real one. */
#include "tests/support/trap-fs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define HOUR_NS (G_GINT64_CONSTANT(3600) * 1000000000)
#define YEAR_NS (G_GINT64_CONSTANT(365) * 86400 * 1000000000)

typedef enum { FAKE_TYPE, FAKE_INO, FAKE_UID, FAKE_ATTRIBUTES, FAKE_SAME } FakeKind;

/* About one inode. */
typedef struct {
	FakeKind kind;
	guint64 dev;
	guint64 ino;
	guint64 value;
	TidyStat other; /* SAME */
} Fake;

static void
apply(const TrapFs *trap_fs, TidyStat *st)
{
	const guint64 ino = st->ino;
	const guint64 dev = st->dev;

	for (guint i = 0; i < trap_fs->fakes->len; i++) {
		const Fake *fake = &g_array_index(trap_fs->fakes, Fake, i);

		if (fake->ino != ino || fake->dev != dev)
			continue;
		switch (fake->kind) {
		case FAKE_INO:
			st->ino = fake->value;
			break;
		case FAKE_UID:
			st->uid = (guint32)fake->value;
			break;
		case FAKE_ATTRIBUTES:
			st->attributes |= (guint32)fake->value;
			break;
		case FAKE_SAME:
			*st = fake->other;
			break;
		case FAKE_TYPE:
			break;
		}
	}
}

static int
trap_stat(TidyFs *fs, int dir, const char *name, TidyStat *st)
{
	TidyFs *real = tidy_fs_linux();
	int r = real->stat(real, dir, name, st);

	if (r == 0)
		apply((TrapFs *)fs, st);
	return r;
}

static int
trap_fsinfo(TidyFs *fs, int fd, TidyFsInfo *info)
{
	TidyFs *real = tidy_fs_linux();
	const TrapFs *trap_fs = (TrapFs *)fs;
	TidyStat st;
	int r = real->fsinfo(real, fd, info);

	if (r < 0 || real->stat(real, fd, "", &st) < 0)
		return r;
	for (guint i = 0; i < trap_fs->fakes->len; i++) {
		const Fake *fake = &g_array_index(trap_fs->fakes, Fake, i);

		if (fake->kind == FAKE_TYPE && fake->ino == st.ino && fake->dev == st.dev)
			info->type = fake->value;
	}
	return r;
}

static int
trap_rename(TidyFs *fs, int from_dir, const char *from, int to_dir, const char *to)
{
	TidyFs *real = tidy_fs_linux();
	TrapFs *trap_fs = (TrapFs *)fs;

	trap_fs->n_renames++;
	if (trap_fs->fail_errno != 0 &&
	    (trap_fs->fail_name != NULL ? strcmp(trap_fs->fail_name, from) == 0
					: trap_fs->n_renames >= trap_fs->fail_from))
		return -trap_fs->fail_errno;
	return real->rename(real, from_dir, from, to_dir, to);
}

static gint64
trap_now(TidyFs *fs)
{
	TidyFs *real = tidy_fs_linux();
	TrapFs *trap_fs = (TrapFs *)fs;

	if (trap_fs->n_renames > 0)
		trap_fs->clock_ns = trap_fs->clock_step_ns;
	return real->now(real) + trap_fs->clock_ns;
}

static void
stat_of(const char *home, const char *name, TidyStat *st)
{
	TidyFs *real = tidy_fs_linux();
	g_autofree char *path =
		strcmp(name, ".") == 0 ? g_strdup(home) : g_build_filename(home, name, NULL);
	int r = real->stat(real, AT_FDCWD, path, st);

	g_assert_cmpint(r, ==, 0);
}

static void
add_fake(TrapFs *trap_fs, char *const *words, const char *home)
{
	static const char *const kinds[] = { "type", "ino", "uid", "attributes", "same", NULL };
	Fake fake = { 0 };
	TidyStat st;
	guint kind = 0;

	g_assert_cmpuint(g_strv_length((char **)words), ==, 3);
	while (kinds[kind] != NULL && strcmp(kinds[kind], words[0]) != 0)
		kind++;
	g_assert_nonnull(kinds[kind]);
	stat_of(home, words[1], &st);
	fake.kind = (FakeKind)kind;
	fake.dev = st.dev;
	fake.ino = st.ino;
	if (fake.kind == FAKE_SAME)
		stat_of(home, words[2], &fake.other);
	else
		fake.value = g_ascii_strtoull(words[2], NULL, 0);
	g_array_append_val(trap_fs->fakes, fake);
}

static int
errno_of(const char *name)
{
	static const struct {
		const char *name;
		int code;
	} codes[] = {
		{ "ENOSPC", ENOSPC }, { "EDQUOT", EDQUOT }, { "ENAMETOOLONG", ENAMETOOLONG },
		{ "EPERM", EPERM },   { "EXDEV", EXDEV },   { "EIO", EIO },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(codes); i++) {
		if (strcmp(codes[i].name, name) == 0)
			return codes[i].code;
	}
	g_error("unknown error code %s", name);
}

void
trap_fs_init(TrapFs *trap_fs, const TrapHome *trap, const char *home)
{
	char **words;

	/* An hour later, so that what was just made is not young. */
	*trap_fs = (TrapFs){ .table = *tidy_fs_linux(), .clock_ns = HOUR_NS };
	trap_fs->fakes = g_array_new(FALSE, FALSE, sizeof(Fake));
	for (guint i = 0; (words = trap_home_get(trap, "fake", i)) != NULL; i++)
		add_fake(trap_fs, words, home);
	if ((words = trap_home_get(trap, "fail", 0)) != NULL) {
		trap_fs->fail_errno = errno_of(words[0]);
		trap_fs->fail_from = (guint)g_ascii_strtoull(words[1], NULL, 10);
		if (trap_fs->fail_from == 0)
			trap_fs->fail_name = g_strdup(words[1]);
	}
	if (trap_home_get(trap, "clock", 0) != NULL)
		trap_fs->clock_step_ns = -YEAR_NS;
	else
		trap_fs->clock_step_ns = HOUR_NS;
	trap_fs->table.stat = trap_stat;
	trap_fs->table.fsinfo = trap_fsinfo;
	trap_fs->table.rename = trap_rename;
	trap_fs->table.now = trap_now;
}

void
trap_fs_clear(TrapFs *trap_fs)
{
	g_array_unref(trap_fs->fakes);
	g_free(trap_fs->fail_name);
}
