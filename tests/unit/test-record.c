/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The journal's records: there and back, torn anywhere, any byte flipped, newer, hostile. Pure. */
#include "home/merge/record.h"

#include <string.h>

#include "home/base/crc32c.h"
#include "home/base/error.h"

#define RUN G_GUINT64_CONSTANT(0x1122334455667788)

static const TidyJournalHeader header = {
	.id = 7,
	.run = RUN,
	.kind = TIDY_JOURNAL_UNDO,
	.undoes = 6,
	.begin_ns = -5,
	.home_dev = 8,
	.home_ino = 9,
	.home = (char *)"/home/\377",
	.stray = (char *)"/home/\377/Download",
	.target = (char *)"/home/\377/Downloads",
	.key = (char *)"DOWNLOAD",
	.policy = { TIDY_COLLISIONS_ASK, TIDY_IDENTICAL_KEEP },
	.flags = TIDY_JOURNAL_LIVE,
};

static const TidyJournalCommit commit = {
	.end_ns = 99,
	.outcome = TIDY_OUTCOME_PARTIAL,
	.counts = { 1, 2, 3, 4, 5, 6, 7 },
};

static TidyStep
move_step(void)
{
	return (TidyStep){
		.op = TIDY_OP_MOVE,
		.why = TIDY_WHY_NAME_TAKEN,
		.type = TIDY_TYPE_FILE,
		.dir = 2,
		.to_dir = 1,
		.name = (char *)"a\nb\377",
		.to_name = (char *)"a (2)",
		.ino = 11,
		.size = 12,
		.mtime_ns = TIDY_TIME_OMIT,
		.origin = 13,
		.needs_previous = TRUE,
	};
}

/* A header, two directories, three steps, a skip, a commit. */
static GByteArray *
whole_journal(void)
{
	GByteArray *out = g_byte_array_new();
	TidyDirInfo root = { .id = 1, .name = (char *)"/home", .mtime_ns = 3, .mode = 040755 };
	TidyDirInfo child = { .id = 2, .parent = 1, .name = (char *)"Download", .ino = 4 };
	TidyStep move = move_step();
	TidyStep link = { .op = TIDY_OP_LINK,
			  .type = TIDY_TYPE_LINK,
			  .dir = 1,
			  .name = (char *)"l",
			  .text = (char *)"../x" };
	TidyStep rmdir = { .op = TIDY_OP_RMDIR,
			   .type = TIDY_TYPE_DIR,
			   .dir = 1,
			   .name = (char *)"Download",
			   .mode = 040700,
			   .uid = 1,
			   .gid = 2 };

	rmdir.xattrs = g_bytes_new_static("user.a\0\1\0\0\0z", 12);
	tidy_record_put_header(out, &header);
	tidy_record_put_dir(out, RUN, 1, &root);
	tidy_record_put_dir(out, RUN, 2, &child);
	tidy_record_put_step(out, RUN, 3, &move);
	tidy_record_put_step(out, RUN, 4, &link);
	tidy_record_put_step(out, RUN, 5, &rmdir);
	tidy_record_put_skip(out, RUN, 6, 3, TIDY_WHY_LOST_RACE);
	tidy_record_put_commit(out, RUN, 7, &commit);
	g_bytes_unref(rmdir.xattrs);
	return out;
}

static void
assert_header(const TidyJournalHeader *read)
{
	g_assert_cmpuint(read->id, ==, header.id);
	g_assert_cmpuint(read->run, ==, header.run);
	g_assert_cmpint(read->kind, ==, header.kind);
	g_assert_cmpuint(read->undoes, ==, header.undoes);
	g_assert_cmpint(read->begin_ns, ==, header.begin_ns);
	g_assert_cmpuint(read->home_dev, ==, header.home_dev);
	g_assert_cmpuint(read->home_ino, ==, header.home_ino);
	g_assert_cmpstr(read->home, ==, header.home);
	g_assert_cmpstr(read->stray, ==, header.stray);
	g_assert_cmpstr(read->target, ==, header.target);
	g_assert_cmpstr(read->key, ==, header.key);
	g_assert_cmpint(read->policy.collisions, ==, header.policy.collisions);
	g_assert_cmpint(read->policy.identical, ==, header.policy.identical);
	g_assert_cmpuint(read->flags, ==, header.flags);
}

static void
assert_move(const TidyStep *read)
{
	TidyStep step = move_step();

	g_assert_cmpint(read->op, ==, step.op);
	g_assert_cmpint(read->why, ==, step.why);
	g_assert_cmpint(read->type, ==, step.type);
	g_assert_cmpuint(read->dir, ==, step.dir);
	g_assert_cmpuint(read->to_dir, ==, step.to_dir);
	g_assert_cmpstr(read->name, ==, step.name);
	g_assert_cmpstr(read->to_name, ==, step.to_name);
	g_assert_cmpuint(read->ino, ==, step.ino);
	g_assert_cmpint(read->size, ==, step.size);
	g_assert_cmpint(read->mtime_ns, ==, step.mtime_ns);
	g_assert_cmpuint(read->origin, ==, step.origin);
	g_assert_true(read->needs_previous);
	g_assert_cmpuint(read->seq, ==, 3);
}

static void
test_round_trip(void)
{
	g_autoptr(GByteArray) bytes = whole_journal();
	g_autoptr(GError) error = NULL;
	g_autoptr(TidyJournal) journal = tidy_journal_parse(bytes->data, bytes->len, &error);
	const TidyStep *rmdir;
	guint64 skipped = 3;
	g_autofree char *path = NULL;

	g_assert_no_error(error);
	assert_header(&journal->header);
	g_assert_cmpuint(journal->dirs->len, ==, 2);
	g_assert_cmpuint(journal->steps->len, ==, 3);
	assert_move(journal->steps->pdata[0]);
	g_assert_cmpstr(((TidyStep *)journal->steps->pdata[1])->text, ==, "../x");
	rmdir = journal->steps->pdata[2];
	g_assert_cmpuint(g_bytes_get_size(rmdir->xattrs), ==, 12);
	g_assert_cmpuint(rmdir->mode, ==, 040700);
	g_assert_cmpuint(rmdir->uid, ==, 1);
	g_assert_cmpuint(rmdir->gid, ==, 2);
	g_assert_cmpuint(GPOINTER_TO_UINT(g_hash_table_lookup(journal->skips, &skipped)), ==,
			 TIDY_WHY_LOST_RACE);
	g_assert_true(journal->is_committed);
	g_assert_cmpmem(&journal->commit, sizeof commit, &commit, sizeof commit);
	g_assert_cmpuint(journal->valid_bytes, ==, bytes->len);
	g_assert_cmpuint(journal->next_seq, ==, 8);
	path = tidy_journal_dir_path(journal, 2);
	g_assert_cmpstr(path, ==, "/home/Download");
	g_assert_null(tidy_journal_dir_path(journal, 0));
	g_assert_null(tidy_journal_dir_path(journal, 3));
}

/* Whatever is cut off, what is left is a prefix of the records, or there is no journal at all. */
static void
test_every_truncation(void)
{
	g_autoptr(GByteArray) bytes = whole_journal();
	guint64 last_seq = 0;

	for (gsize size = 0; size <= bytes->len; size++) {
		g_autofree guint8 *copy = g_memdup2(bytes->data, MAX(size, 1));
		g_autoptr(GError) error = NULL;
		g_autoptr(TidyJournal) journal = tidy_journal_parse(copy, size, &error);

		if (journal == NULL) {
			g_assert_true(g_error_matches(error, TIDY_ERROR, TIDY_ERROR_JOURNAL));
			g_assert_cmpuint(last_seq, ==, 0);
			continue;
		}
		g_assert_cmpuint(journal->next_seq, >=, last_seq);
		g_assert_cmpuint(journal->valid_bytes, <=, size);
		g_assert_true(!journal->is_committed || size == bytes->len);
		last_seq = journal->next_seq;
	}
	g_assert_cmpuint(last_seq, ==, 8);
}

/* A byte that is wrong ends the journal before its record: nothing after it counts, nothing is misread. */
static void
test_every_flipped_byte(void)
{
	g_autoptr(GByteArray) bytes = whole_journal();

	for (gsize at = 0; at < bytes->len; at++) {
		for (guint bit = 0; bit < 8; bit++) {
			g_autoptr(GError) error = NULL;
			g_autoptr(TidyJournal) journal = NULL;

			bytes->data[at] ^= (guint8)(1u << bit);
			journal = tidy_journal_parse(bytes->data, bytes->len, &error);
			bytes->data[at] ^= (guint8)(1u << bit);
			if (journal == NULL) {
				g_assert_nonnull(error);
				continue;
			}
			assert_header(&journal->header);
			if (journal->steps->len > 0)
				assert_move(journal->steps->pdata[0]);
			/* Only zeros between records are not covered. */
			if (journal->valid_bytes == bytes->len)
				g_assert_cmpuint(bytes->data[at], ==, 0);
			else
				g_assert_cmpuint(journal->valid_bytes, <=, at);
		}
	}
}

/* An old tail of another run, or a record in another's place, does not pass. */
static void
test_foreign_tail(void)
{
	g_autoptr(GByteArray) bytes = g_byte_array_new();
	g_autoptr(TidyJournal) journal = NULL;
	TidyDirInfo root = { .id = 1, .name = (char *)"/home" };
	gsize whole;

	tidy_record_put_header(bytes, &header);
	whole = bytes->len;
	tidy_record_put_dir(bytes, RUN + 1, 1, &root);
	journal = tidy_journal_parse(bytes->data, bytes->len, NULL);
	g_assert_cmpuint(journal->valid_bytes, ==, whole);
	g_assert_cmpuint(journal->dirs->len, ==, 0);
	g_byte_array_set_size(bytes, (guint)whole);
	tidy_record_put_dir(bytes, RUN, 2, &root);
	g_clear_pointer(&journal, tidy_journal_free);
	journal = tidy_journal_parse(bytes->data, bytes->len, NULL);
	g_assert_cmpuint(journal->valid_bytes, ==, whole);
}

/* --- records with a right checksum that make no sense --- */

static void
assert_refused(GByteArray *bytes, const char *message)
{
	g_autoptr(GError) error = NULL;
	TidyJournal *journal = tidy_journal_parse(bytes->data, bytes->len, &error);

	g_assert_null(journal);
	g_assert_true(g_error_matches(error, TIDY_ERROR, TIDY_ERROR_JOURNAL));
	g_assert_nonnull(strstr(error->message, message));
}

static GByteArray *
journal_with_dirs(void)
{
	GByteArray *out = g_byte_array_new();
	TidyDirInfo root = { .id = 1, .name = (char *)"/home" };

	tidy_record_put_header(out, &header);
	tidy_record_put_dir(out, RUN, 1, &root);
	return out;
}

static void
test_hostile_steps(void)
{
	static const TidyStep steps[] = {
		{ .op = 0, .dir = 1, .name = (char *)"a" },
		{ .op = TIDY_OP_LAST + 1, .dir = 1, .name = (char *)"a" },
		{ .op = TIDY_OP_MKDIR, .why = TIDY_WHY_LAST + 1, .dir = 1, .name = (char *)"a" },
		{ .op = TIDY_OP_MKDIR, .dir = 0, .name = (char *)"a" },
		{ .op = TIDY_OP_MKDIR, .dir = 2, .name = (char *)"a" },
		{ .op = TIDY_OP_MKDIR, .dir = 1, .to_dir = 1, .name = (char *)"a" },
		{ .op = TIDY_OP_MKDIR, .dir = 1, .name = NULL },
		{ .op = TIDY_OP_MKDIR, .dir = 1, .name = (char *)"" },
		{ .op = TIDY_OP_MKDIR, .dir = 1, .name = (char *)"." },
		{ .op = TIDY_OP_MKDIR, .dir = 1, .name = (char *)".." },
		{ .op = TIDY_OP_MKDIR, .dir = 1, .name = (char *)"a/b" },
		{ .op = TIDY_OP_MOVE, .dir = 1, .to_dir = 0, .name = (char *)"a" },
		{ .op = TIDY_OP_MOVE, .dir = 1, .to_dir = 2, .name = (char *)"a" },
		{ .op = TIDY_OP_MOVE,
		  .dir = 1,
		  .to_dir = 1,
		  .name = (char *)"a",
		  .to_name = (char *)"../b" },
		{ .op = TIDY_OP_LINK, .dir = 1, .name = (char *)"a" },
		{ .op = TIDY_OP_LINK, .dir = 1, .name = (char *)"a", .text = (char *)"" },
		{ .op = TIDY_OP_UNLINK,
		  .dir = 1,
		  .to_dir = 1,
		  .name = (char *)"a",
		  .text = (char *)"x" },
		{ .op = TIDY_OP_TIMES, .dir = 1, .name = (char *)"a" },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(steps); i++) {
		g_autoptr(GByteArray) bytes = journal_with_dirs();

		tidy_record_put_step(bytes, RUN, 2, &steps[i]);
		assert_refused(bytes, "record 2 makes no sense");
	}
}

static void
test_name_of_256_bytes(void)
{
	g_autofree char *name = g_strnfill(256, 'a');
	TidyStep step = { .op = TIDY_OP_MKDIR, .dir = 1, .name = name };
	g_autoptr(GByteArray) bytes = journal_with_dirs();

	tidy_record_put_step(bytes, RUN, 2, &step);
	assert_refused(bytes, "record 2 makes no sense");
}

static void
test_hostile_dirs(void)
{
	static const TidyDirInfo dirs[] = {
		{ .id = 1, .name = (char *)"/again" },
		{ .id = 3, .name = (char *)"/a-gap" },
		{ .id = 2, .name = (char *)"relative" },
		{ .id = 2, .parent = 1, .name = (char *)"/absolute" },
		{ .id = 2, .parent = 1, .name = (char *)".." },
		{ .id = 2, .parent = 2, .name = (char *)"own-parent" },
		{ .id = 2, .parent = 9, .name = (char *)"x" },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(dirs); i++) {
		g_autoptr(GByteArray) bytes = journal_with_dirs();

		tidy_record_put_dir(bytes, RUN, 2, &dirs[i]);
		assert_refused(bytes, "record 2 makes no sense");
	}
}

static void
test_hostile_ends(void)
{
	TidyJournalCommit bad = commit;
	g_autoptr(GByteArray) outcome = journal_with_dirs();
	g_autoptr(GByteArray) skip = journal_with_dirs();
	g_autoptr(GByteArray) after = journal_with_dirs();

	bad.outcome = TIDY_OUTCOME_PARTIAL + 1;
	tidy_record_put_commit(outcome, RUN, 2, &bad);
	assert_refused(outcome, "record 2 makes no sense");
	tidy_record_put_skip(skip, RUN, 2, 1, TIDY_WHY_LAST + 1);
	assert_refused(skip, "record 2 makes no sense");
	tidy_record_put_commit(after, RUN, 2, &commit);
	tidy_record_put_commit(after, RUN, 3, &commit);
	assert_refused(after, "record 3 makes no sense");
}

static void
assert_header_refused(TidyJournalHeader bad)
{
	g_autoptr(GByteArray) bytes = g_byte_array_new();

	tidy_record_put_header(bytes, &bad);
	assert_refused(bytes, "the header makes no sense");
}

static void
test_hostile_headers(void)
{
	TidyJournalHeader bad = header;

	bad.kind = 4;
	assert_header_refused(bad);
	bad = header;
	bad.home = NULL;
	assert_header_refused(bad);
	bad = header;
	bad.stray = (char *)"relative";
	assert_header_refused(bad);
	bad = header;
	bad.key = NULL;
	assert_header_refused(bad);
	bad = header;
	bad.policy.collisions = TIDY_COLLISIONS_ASK + 1;
	assert_header_refused(bad);
	bad = header;
	bad.policy.identical = TIDY_IDENTICAL_KEEP + 1;
	assert_header_refused(bad);
}

/* The first record's checksum again: seeded with 16 zero bytes. */
static void
seal_header(GByteArray *bytes)
{
	g_autofree guint8 *seeded = NULL;
	guint32 length;
	guint32 crc;

	memcpy(&length, bytes->data, sizeof length);
	length = GUINT32_FROM_LE(length);
	seeded = g_malloc0(16 + length);
	memcpy(seeded + 16, bytes->data + 8, length);
	crc = GUINT32_TO_LE(tidy_crc32c(0, seeded, 16 + length));
	memcpy(bytes->data + 4, &crc, sizeof crc);
}

static void
test_newer_version(void)
{
	g_autoptr(GByteArray) bytes = g_byte_array_new();

	tidy_record_put_header(bytes, &header);
	/* Frame 8, sequence number 8, kind 4, magic 8: then the version. */
	bytes->data[28] = TIDY_JOURNAL_VERSION + 1;
	seal_header(bytes);
	assert_refused(bytes, "written in format 2 by another version");
	bytes->data[20] = 'Y';
	seal_header(bytes);
	assert_refused(bytes, "not a journal of xdgtidy");
}

int
main(int argc, char *argv[])
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/merge/record/round-trip", test_round_trip);
	g_test_add_func("/merge/record/every-truncation", test_every_truncation);
	g_test_add_func("/merge/record/every-flipped-bit", test_every_flipped_byte);
	g_test_add_func("/merge/record/foreign-tail", test_foreign_tail);
	g_test_add_func("/merge/record/hostile-steps", test_hostile_steps);
	g_test_add_func("/merge/record/name-of-256-bytes", test_name_of_256_bytes);
	g_test_add_func("/merge/record/hostile-directories", test_hostile_dirs);
	g_test_add_func("/merge/record/hostile-ends", test_hostile_ends);
	g_test_add_func("/merge/record/hostile-headers", test_hostile_headers);
	g_test_add_func("/merge/record/newer-version", test_newer_version);
	return g_test_run();
}
