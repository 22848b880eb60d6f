/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The state directory: lock, journals, torn tails, damage, small files. On the file system in memory. */
#include "home/engine/store.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "home/base/error.h"
#include "tests/support/fake-fs.h"

#define STATE "/home/user/.local/state/xdgtidy"

static FakeFs *
new_home(void)
{
	FakeFs *fake = fake_fs_new();

	fake_fs_mkdirs(fake, "/home/user", 0755);
	return fake;
}

static TidyStore *
open_store(FakeFs *fake)
{
	g_autoptr(GError) error = NULL;
	TidyStore *store = tidy_store_open(fake_fs_table(fake), STATE, TRUE, &error);

	g_assert_no_error(error);
	return store;
}

static TidyJournalHeader
new_header(void)
{
	return (TidyJournalHeader){
		.kind = TIDY_JOURNAL_MERGE,
		.home = (char *)"/home/user",
		.stray = (char *)"/home/user/Download",
		.target = (char *)"/home/user/Downloads",
		.key = (char *)"DOWNLOAD",
	};
}

/* A journal with one directory and one step; committed or not. */
static guint64
write_journal(TidyStore *store, gboolean is_committed)
{
	TidyJournalHeader header = new_header();
	g_autoptr(GError) error = NULL;
	g_autoptr(TidyJournalFile) file = tidy_store_create(store, &header, &error);
	TidyDirInfo root = { .name = (char *)"/home/user" };
	TidyStep step = { .op = TIDY_OP_MKDIR, .name = (char *)"a" };
	TidyJournalCommit commit = { .outcome = TIDY_OUTCOME_DONE };

	g_assert_no_error(error);
	tidy_journal_file_put_dir(file, &root);
	step.dir = root.id;
	tidy_journal_file_put_step(file, &step);
	tidy_journal_file_put_skip(file, step.seq, TIDY_WHY_LOST_RACE);
	g_assert_true(tidy_journal_file_sync(file, &error));
	g_assert_true(tidy_journal_file_sync(file, &error)); /* nothing more: no write */
	if (is_committed)
		g_assert_true(tidy_journal_file_commit(file, &commit, &error));
	return header.id;
}

static void
test_there_and_back(void)
{
	g_autoptr(FakeFs) fake = new_home();
	g_autoptr(TidyStore) store = open_store(fake);
	g_autoptr(TidyJournal) journal = NULL;
	g_autoptr(GArray) ids = NULL;
	g_autoptr(GError) error = NULL;
	TidyStat st;

	g_assert_cmpstr(tidy_store_path(store), ==, STATE);
	g_assert_true(fake_fs_stat(fake, STATE, &st));
	g_assert_cmpuint(st.mode & 07777, ==, 0700);
	g_assert_cmpuint(write_journal(store, TRUE), ==, 1);
	g_assert_cmpuint(write_journal(store, FALSE), ==, 2);
	fake_fs_write(fake, STATE "/notes.txt", "x", -1);
	fake_fs_write(fake, STATE "/7x.journal", "x", -1);
	fake_fs_write(fake, STATE "/-3.journal", "x", -1);
	ids = tidy_store_list(store, &error);
	g_assert_cmpuint(ids->len, ==, 2);
	journal = tidy_store_read(store, 1, &error);
	g_assert_no_error(error);
	g_assert_true(journal->is_committed);
	g_assert_cmpuint(journal->steps->len, ==, 1);
	g_assert_cmpint(tidy_store_touched_at(store, 1), >, 0);
	g_assert_cmpint(tidy_store_touched_at(store, 9), ==, 0);
	g_assert_true(tidy_store_forget(store, 1, &error));
	g_assert_false(tidy_store_forget(store, 1, &error));
	g_assert_nonnull(strstr(error->message, "00000001.journal"));
}

static void
test_lock(void)
{
	g_autoptr(FakeFs) fake = new_home();
	g_autoptr(TidyStore) one = open_store(fake);
	g_autoptr(TidyStore) other = open_store(fake);
	g_autoptr(GError) error = NULL;

	g_assert_true(tidy_store_lock(one, &error));
	g_assert_false(tidy_store_lock(other, &error));
	g_assert_true(g_error_matches(error, TIDY_ERROR, TIDY_ERROR_LOCKED));
	tidy_store_unlock(one);
	g_clear_error(&error);
	g_assert_true(tidy_store_lock(other, &error));
}

static void
set_contents(FakeFs *fake, GBytes *bytes, gsize size)
{
	fake_fs_write(fake, STATE "/00000001.journal", g_bytes_get_data(bytes, NULL), (gssize)size);
}

/* Cut anywhere: what is whole is read, and the journal goes on from there. */
static void
test_torn_tail_is_cut(void)
{
	g_autoptr(FakeFs) fake = new_home();
	g_autoptr(TidyStore) store = open_store(fake);
	guint64 id = write_journal(store, FALSE);
	g_autoptr(GBytes) bytes = fake_fs_read(fake, STATE "/00000001.journal");

	for (gsize size = 0; size <= g_bytes_get_size(bytes); size++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(TidyJournal) journal = NULL;
		g_autoptr(TidyJournal) again = NULL;
		g_autoptr(TidyJournalFile) file = NULL;
		TidyJournalCommit commit = { .outcome = TIDY_OUTCOME_PARTIAL };

		set_contents(fake, bytes, size);
		journal = tidy_store_read(store, id, &error);
		if (journal == NULL) {
			g_assert_true(g_error_matches(error, TIDY_ERROR, TIDY_ERROR_JOURNAL));
			continue;
		}
		file = tidy_store_reopen(store, journal, &error);
		g_assert_no_error(error);
		g_assert_true(tidy_journal_file_commit(file, &commit, &error));
		again = tidy_store_read(store, id, &error);
		g_assert_no_error(error);
		g_assert_true(again->is_committed);
		g_assert_cmpuint(again->steps->len, ==, journal->steps->len);
	}
}

static void
assert_unreadable(TidyStore *store, guint64 id, int code, const char *text)
{
	g_autoptr(GError) error = NULL;

	g_assert_null(tidy_store_read(store, id, &error));
	g_assert_true(g_error_matches(error, TIDY_ERROR, code));
	g_assert_nonnull(strstr(error->message, text));
}

static void
test_damage(void)
{
	g_autoptr(FakeFs) fake = new_home();
	g_autoptr(TidyStore) store = open_store(fake);
	g_autoptr(GBytes) bytes = NULL;

	write_journal(store, TRUE);
	bytes = fake_fs_read(fake, STATE "/00000001.journal");
	fake_fs_write(fake, STATE "/00000002.journal", g_bytes_get_data(bytes, NULL),
		      (gssize)g_bytes_get_size(bytes));
	assert_unreadable(store, 2, TIDY_ERROR_JOURNAL, "another operation");
	assert_unreadable(store, 3, TIDY_ERROR_NOT_FOUND, "no operation 3");
	fake_fs_mkdirs(fake, STATE "/00000004.journal", 0700);
	assert_unreadable(store, 4, TIDY_ERROR_IO, "00000004.journal");
	fake_fs_write(fake, STATE "/00000005.journal", "", 0);
	assert_unreadable(store, 5, TIDY_ERROR_JOURNAL, "no whole header");
}

/* No space, no right, a broken disk: nothing is left that looks like an operation. */
static void
test_create_fails_clean(void)
{
	static const struct {
		FsOp op;
		int errno_code;
	} faults[] = {
		{ FS_OP_OPENAT, EROFS },  { FS_OP_OPENAT, EACCES }, { FS_OP_PWRITE, ENOSPC },
		{ FS_OP_FDATASYNC, EIO }, { FS_OP_FSYNC, EIO },	    { FS_OP_GETDENTS, EIO },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(faults); i++) {
		g_autoptr(FakeFs) fake = new_home();
		g_autoptr(TidyStore) store = open_store(fake);
		TidyJournalHeader header = new_header();
		g_autoptr(GError) error = NULL;
		g_autoptr(GArray) ids = NULL;

		fake_fs_fail(fake, faults[i].op, 1, faults[i].errno_code, FS_FAIL_ONCE);
		g_assert_null(tidy_store_create(store, &header, &error));
		g_assert_nonnull(strstr(error->message, STATE));
		g_assert_cmpuint(fake_fs_fired(fake), ==, 1);
		fake_fs_clear_faults(fake);
		ids = tidy_store_list(store, NULL);
		g_assert_cmpuint(ids->len, ==, 0);
	}
}

/* A sync that failed leaves the journal as it was, and says that nothing more was changed. */
static void
test_sync_fails(void)
{
	g_autoptr(FakeFs) fake = new_home();
	g_autoptr(TidyStore) store = open_store(fake);
	TidyJournalHeader header = new_header();
	g_autoptr(GError) error = NULL;
	g_autoptr(TidyJournalFile) file = tidy_store_create(store, &header, &error);
	g_autoptr(TidyJournal) journal = NULL;
	TidyDirInfo root = { .name = (char *)"/home/user" };

	tidy_journal_file_put_dir(file, &root);
	fake_fs_fail(fake, FS_OP_FDATASYNC, 1, ENOSPC, FS_FAIL_ONCE);
	g_assert_false(tidy_journal_file_sync(file, &error));
	g_assert_true(g_error_matches(error, TIDY_ERROR, TIDY_ERROR_NO_SPACE));
	g_assert_nonnull(strstr(error->message, "nothing more was changed"));
	journal = tidy_store_read(store, header.id, NULL);
	g_assert_cmpuint(journal->dirs->len, ==, 0);
}

static void
test_reopen_fails(void)
{
	g_autoptr(FakeFs) fake = new_home();
	g_autoptr(TidyStore) store = open_store(fake);
	guint64 id = write_journal(store, FALSE);
	g_autoptr(TidyJournal) journal = tidy_store_read(store, id, NULL);
	g_autoptr(GError) error = NULL;
	g_autoptr(GError) other = NULL;

	fake_fs_fail(fake, FS_OP_TRUNCATE, 1, EIO, FS_FAIL_ONCE);
	g_assert_null(tidy_store_reopen(store, journal, &error));
	g_assert_nonnull(strstr(error->message, "cannot go on with the journal"));
	tidy_store_forget(store, id, NULL);
	g_assert_null(tidy_store_reopen(store, journal, &other));
	g_assert_nonnull(strstr(other->message, "cannot go on with the journal"));
}

static void
test_open_fails(void)
{
	g_autoptr(FakeFs) fake = fake_fs_new();
	g_autoptr(GError) error = NULL;
	g_autoptr(GError) other = NULL;

	fake_fs_write(fake, "/file", "x", -1);
	g_assert_null(tidy_store_open(fake_fs_table(fake), "/file/state", TRUE, &error));
	g_assert_nonnull(strstr(error->message, "/file/state"));
	fake_disk_set_read_only(fake_fs_disk(fake, "/"), TRUE);
	g_assert_null(tidy_store_open(fake_fs_table(fake), "/new/state", TRUE, &other));
	g_assert_nonnull(strstr(other->message, "/new/state"));
	fake_disk_set_read_only(fake_fs_disk(fake, "/"), FALSE);
}

static void
test_lock_fails(void)
{
	g_autoptr(FakeFs) fake = new_home();
	g_autoptr(TidyStore) store = open_store(fake);
	g_autoptr(GError) error = NULL;
	g_autoptr(GError) other = NULL;

	fake_fs_fail(fake, FS_OP_FLOCK, 1, EIO, FS_FAIL_ONCE);
	g_assert_false(tidy_store_lock(store, &error));
	g_assert_false(g_error_matches(error, TIDY_ERROR, TIDY_ERROR_LOCKED));
	fake_disk_set_read_only(fake_fs_disk(fake, "/"), TRUE);
	g_assert_false(tidy_store_lock(store, &other));
	g_assert_nonnull(strstr(other->message, "/lock"));
}

static void
test_texts(void)
{
	g_autoptr(FakeFs) fake = new_home();
	g_autoptr(TidyStore) store = open_store(fake);
	g_autoptr(GError) error = NULL;
	g_autofree char *text = NULL;
	g_autofree char *kept = NULL;

	g_assert_null(tidy_store_read_text(store, "answers"));
	g_assert_true(tidy_store_write_text(store, "answers", "one", &error));
	g_assert_true(tidy_store_write_text(store, "answers", "two", &error));
	text = tidy_store_read_text(store, "answers");
	g_assert_cmpstr(text, ==, "two");
	fake_fs_fail(fake, FS_OP_FSYNC, 1, EIO, FS_FAIL_ONCE);
	g_assert_false(tidy_store_write_text(store, "answers", "three", &error));
	g_assert_nonnull(strstr(error->message, "answers"));
	kept = tidy_store_read_text(store, "answers");
	g_assert_cmpstr(kept, ==, "two");
}

static gboolean
is_there(FakeFs *fake, const char *name)
{
	TidyFs *fs = fake_fs_table(fake);
	int dir = fs->openat(fs, AT_FDCWD, STATE, O_RDONLY | O_DIRECTORY, 0);
	TidyStat st;
	int r = fs->stat(fs, dir, name, &st);

	fs->close(fs, dir);
	return r == 0;
}

/* A crash between the writing of a small file and its naming; the lock is the next one's. */
static void
test_leftovers(void)
{
	g_autoptr(FakeFs) fake = new_home();
	g_autoptr(TidyStore) store = open_store(fake);
	TidyFs *fs = fake_fs_table(fake);
	g_autoptr(GError) error = NULL;
	int dir = fs->openat(fs, AT_FDCWD, STATE, O_RDONLY | O_DIRECTORY, 0);
	int fd = fs->openat(fs, dir, "answers-0badcafe.new", O_WRONLY | O_CREAT, 0600);

	g_assert_cmpint(fd, >=, 0);
	fs->close(fs, fd);
	fs->close(fs, dir);
	g_assert_true(tidy_store_write_text(store, "answers", "one", &error));
	g_assert_true(is_there(fake, "answers-0badcafe.new"));
	g_assert_true(tidy_store_lock(store, &error));
	g_assert_false(is_there(fake, "answers-0badcafe.new"));
	g_assert_true(is_there(fake, "answers"));
	tidy_store_unlock(store);
}

/* Another process has the lock meanwhile, and takes the new file for a leftover. */
static void
test_text_is_written_again(void)
{
	g_autoptr(FakeFs) fake = new_home();
	g_autoptr(TidyStore) store = open_store(fake);
	g_autofree char *text = NULL;
	g_autoptr(GError) error = NULL;

	fake_fs_fail(fake, FS_OP_REPLACE, 1, ENOENT, FS_FAIL_ONCE);
	g_assert_true(tidy_store_write_text(store, "answers", "one", &error));
	text = tidy_store_read_text(store, "answers");
	g_assert_cmpstr(text, ==, "one");
	g_assert_true(tidy_store_lock(store, &error));
	tidy_store_unlock(store);
}

int
main(int argc, char *argv[])
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/engine/store/there-and-back", test_there_and_back);
	g_test_add_func("/engine/store/lock", test_lock);
	g_test_add_func("/engine/store/torn-tail-is-cut", test_torn_tail_is_cut);
	g_test_add_func("/engine/store/damage", test_damage);
	g_test_add_func("/engine/store/create-fails-clean", test_create_fails_clean);
	g_test_add_func("/engine/store/sync-fails", test_sync_fails);
	g_test_add_func("/engine/store/reopen-fails", test_reopen_fails);
	g_test_add_func("/engine/store/open-fails", test_open_fails);
	g_test_add_func("/engine/store/lock-fails", test_lock_fails);
	g_test_add_func("/engine/store/texts", test_texts);
	g_test_add_func("/engine/store/leftovers", test_leftovers);
	g_test_add_func("/engine/store/text-is-written-again", test_text_is_written_again);
	return g_test_run();
}
