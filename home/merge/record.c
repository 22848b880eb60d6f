/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The journal's records as bytes and back. Pure. */
#include "home/merge/record.h"

#include <limits.h>
#include <string.h>

#include "home/base/crc32c.h"
#include "home/base/error.h"

static const char magic[8] = { 'X', 'D', 'G', 'T', 'I', 'D', 'Y', 'J' };

#define FRAME_BYTES 8
/* Names, paths and a 64 KiB set of extended attributes fit many times. */
#define PAYLOAD_MAX_BYTES (1u << 20)

enum { KIND_HEADER = 1, KIND_DIR = 2, KIND_STEP = 3, KIND_SKIP = 4, KIND_COMMIT = 5 };

static guint32
checksum(guint64 run, guint64 seq, const guint8 *payload, gsize size)
{
	guint64 seed[2] = { GUINT64_TO_LE(run), GUINT64_TO_LE(seq) };

	return tidy_crc32c(tidy_crc32c(0, (const guint8 *)seed, sizeof seed), payload, size);
}

/* --- writing --- */

static guint8 *
write_u32(guint8 *at, guint32 value)
{
	value = GUINT32_TO_LE(value);
	memcpy(at, &value, sizeof value);
	return at + sizeof value;
}

static guint8 *
write_u64(guint8 *at, guint64 value)
{
	value = GUINT64_TO_LE(value);
	memcpy(at, &value, sizeof value);
	return at + sizeof value;
}

/* NULL and "" are told apart: a length of all ones is NULL. */
static guint8 *
write_bytes(guint8 *at, const void *data, gsize size)
{
	at = write_u32(at, data != NULL ? (guint32)size : G_MAXUINT32);
	if (size > 0)
		memcpy(at, data, size);
	return at + size;
}

/* Room for @size bytes more. */
static guint8 *
grow(GByteArray *out, gsize size)
{
	guint start = out->len;

	g_byte_array_set_size(out, start + (guint)size);
	return out->data + start;
}

static void
put_u32(GByteArray *out, guint32 value)
{
	write_u32(grow(out, sizeof value), value);
}

static void
put_u64(GByteArray *out, guint64 value)
{
	write_u64(grow(out, sizeof value), value);
}

static void
put_i64(GByteArray *out, gint64 value)
{
	put_u64(out, (guint64)value);
}

static void
put_text(GByteArray *out, const char *text)
{
	gsize size = text != NULL ? strlen(text) : 0;

	write_bytes(grow(out, sizeof(guint32) + size), text, size);
}

/* Opens a record; close_record() fills in what is known only at its end. */
static guint
open_record(GByteArray *out, guint64 seq, guint32 kind)
{
	guint start = out->len;

	put_u64(out, 0);
	put_u64(out, seq);
	put_u32(out, kind);
	return start;
}

static void
close_record(GByteArray *out, guint start, guint64 run, guint64 seq)
{
	static const guint8 zeros[8];
	guint32 length = out->len - start - FRAME_BYTES;
	guint32 frame[2];

	frame[0] = GUINT32_TO_LE(length);
	frame[1] = GUINT32_TO_LE(checksum(run, seq, out->data + start + FRAME_BYTES, length));
	memcpy(out->data + start, frame, sizeof frame);
	g_byte_array_append(out, zeros, -out->len & 7);
}

void
tidy_record_put_header(GByteArray *out, const TidyJournalHeader *header)
{
	guint start = open_record(out, 0, KIND_HEADER);

	g_byte_array_append(out, (const guint8 *)magic, sizeof magic);
	put_u32(out, TIDY_JOURNAL_VERSION);
	put_u64(out, header->run);
	put_u64(out, header->id);
	put_u32(out, header->kind);
	put_u64(out, header->undoes);
	put_i64(out, header->begin_ns);
	put_u64(out, header->home_dev);
	put_u64(out, header->home_ino);
	put_text(out, header->home);
	put_text(out, header->stray);
	put_text(out, header->target);
	put_text(out, header->key);
	put_u32(out, header->policy.collisions);
	put_u32(out, header->policy.identical);
	put_u32(out, header->flags);
	/* The header names the run, so its own checksum cannot be seeded with it. */
	close_record(out, start, 0, 0);
}

void
tidy_record_put_dir(GByteArray *out, guint64 run, guint64 seq, const TidyDirInfo *info)
{
	guint start = open_record(out, seq, KIND_DIR);

	put_u32(out, info->id);
	put_u32(out, info->parent);
	put_u64(out, info->dev);
	put_u64(out, info->ino);
	put_i64(out, info->mtime_ns);
	put_u32(out, info->mode);
	put_text(out, info->name);
	close_record(out, start, run, seq);
}

/* Of a step's numbers with the record's head, and of the lengths of its texts. There is a step for each rename, and making
 * room for each number would cost more than all the rest of it. */
#define STEP_BYTES (20 + 12 + 5 * 8 + 3 * 4 + 4 * 4)

void
tidy_record_put_step(GByteArray *out, guint64 run, guint64 seq, const TidyStep *step)
{
	guint start = out->len;
	/* Most moves keep the name: NULL says so in 4 bytes. */
	const char *to_name = g_strcmp0(step->to_name, step->name) == 0 ? NULL : step->to_name;
	gsize name_size = step->name != NULL ? strlen(step->name) : 0;
	gsize to_name_size = to_name != NULL ? strlen(to_name) : 0;
	gsize text_size = step->text != NULL ? strlen(step->text) : 0;
	gsize xattrs_size = 0;
	const void *xattrs =
		step->xattrs != NULL ? g_bytes_get_data(step->xattrs, &xattrs_size) : NULL;
	/* An empty set is told from none. */
	const void *set = step->xattrs != NULL && xattrs == NULL ? "" : xattrs;
	gsize size = STEP_BYTES + name_size + to_name_size + text_size + xattrs_size;
	guint8 *at = write_u64(grow(out, size), 0); /* the frame, as in open_record() */
	at = write_u64(at, seq);
	at = write_u32(at, KIND_STEP);
	at = write_u32(at, step->op | (guint32)step->why << 8 | (guint32)step->type << 16 |
				   (guint32)step->needs_previous << 24 |
				   (guint32)step->is_shared << 25);
	at = write_u32(at, step->dir);
	at = write_u32(at, step->to_dir);
	at = write_u64(at, step->ino);
	at = write_u64(at, step->to_ino);
	at = write_u64(at, (guint64)step->size);
	at = write_u64(at, (guint64)step->mtime_ns);
	at = write_u64(at, step->origin);
	at = write_u32(at, step->mode);
	at = write_u32(at, step->uid);
	at = write_u32(at, step->gid);
	at = write_bytes(at, step->name, name_size);
	at = write_bytes(at, to_name, to_name_size);
	at = write_bytes(at, step->text, text_size);
	at = write_bytes(at, set, xattrs_size);
	g_assert(at == out->data + out->len);
	close_record(out, start, run, seq);
}

void
tidy_record_put_skip(GByteArray *out, guint64 run, guint64 seq, guint64 step_seq, TidyWhy why)
{
	guint start = open_record(out, seq, KIND_SKIP);

	put_u64(out, step_seq);
	put_u32(out, why);
	close_record(out, start, run, seq);
}

void
tidy_record_put_commit(GByteArray *out, guint64 run, guint64 seq, const TidyJournalCommit *commit)
{
	guint start = open_record(out, seq, KIND_COMMIT);

	put_i64(out, commit->end_ns);
	put_u32(out, commit->outcome);
	put_u64(out, commit->counts.moved);
	put_u64(out, commit->counts.folded);
	put_u64(out, commit->counts.kept_both);
	put_u64(out, commit->counts.removed);
	put_u64(out, commit->counts.left);
	put_u64(out, commit->counts.failed);
	put_u64(out, commit->counts.bytes);
	close_record(out, start, run, seq);
}

/* --- reading --- */

/* A cursor over one payload. The first wrong length makes it bad for good, and all answers 0 or NULL. */
typedef struct {
	const guint8 *at;
	gsize left;
	gboolean is_bad;
} Reader;

static const guint8 *
take(Reader *reader, gsize size)
{
	const guint8 *at = reader->at;

	if (reader->is_bad || reader->left < size) {
		reader->is_bad = TRUE;
		return NULL;
	}
	reader->at += size;
	reader->left -= size;
	return at;
}

static guint32
get_u32(Reader *reader)
{
	const guint8 *at = take(reader, 4);
	guint32 value = 0;

	if (at != NULL)
		memcpy(&value, at, sizeof value);
	return GUINT32_FROM_LE(value);
}

static guint64
get_u64(Reader *reader)
{
	const guint8 *at = take(reader, 8);
	guint64 value = 0;

	if (at != NULL)
		memcpy(&value, at, sizeof value);
	return GUINT64_FROM_LE(value);
}

static gint64
get_i64(Reader *reader)
{
	return (gint64)get_u64(reader);
}

static char *
get_text(Reader *reader)
{
	guint32 size = get_u32(reader);
	const guint8 *at;

	if (size == G_MAXUINT32)
		return NULL;
	at = take(reader, size);
	if (at == NULL || memchr(at, '\0', size) != NULL) {
		reader->is_bad = TRUE;
		return NULL;
	}
	return g_strndup((const char *)at, size);
}

static GBytes *
get_bytes(Reader *reader)
{
	guint32 size = get_u32(reader);
	const guint8 *at;

	if (size == G_MAXUINT32)
		return NULL;
	at = take(reader, size);
	return at != NULL ? g_bytes_new(at, size) : NULL;
}

static gboolean
is_component(const char *name)
{
	return name != NULL && *name != '\0' && strlen(name) <= NAME_MAX &&
	       strchr(name, '/') == NULL && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static gboolean
is_absolute(const char *path)
{
	return path != NULL && *path == '/';
}

void
tidy_journal_header_clear(TidyJournalHeader *header)
{
	g_clear_pointer(&header->home, g_free);
	g_clear_pointer(&header->stray, g_free);
	g_clear_pointer(&header->target, g_free);
	g_clear_pointer(&header->key, g_free);
}

static void
make_lists(TidyJournal *journal)
{
	journal->dirs = g_ptr_array_new_with_free_func((GDestroyNotify)tidy_dir_info_free);
	journal->steps = g_ptr_array_new_with_free_func((GDestroyNotify)tidy_step_free);
	journal->skips = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
}

static void
free_lists(TidyJournal *journal)
{
	g_ptr_array_unref(journal->dirs);
	g_ptr_array_unref(journal->steps);
	g_hash_table_unref(journal->skips);
}

void
tidy_journal_free(TidyJournal *journal)
{
	tidy_journal_header_clear(&journal->header);
	free_lists(journal);
	g_free(journal);
}

void
tidy_journal_drop_steps(TidyJournal *journal)
{
	free_lists(journal);
	make_lists(journal);
}

static gboolean
read_header(Reader *reader, TidyJournalHeader *header, GError **error)
{
	const guint8 *mark = take(reader, sizeof magic);
	guint32 version = get_u32(reader);

	if (mark == NULL || memcmp(mark, magic, sizeof magic) != 0) {
		g_set_error(error, TIDY_ERROR, TIDY_ERROR_JOURNAL, "not a journal of xdgtidy");
		return FALSE;
	}
	if (version != TIDY_JOURNAL_VERSION) {
		g_set_error(error, TIDY_ERROR, TIDY_ERROR_JOURNAL,
			    "written in format %u by another version of xdgtidy; this one reads %u",
			    version, TIDY_JOURNAL_VERSION);
		return FALSE;
	}
	header->run = get_u64(reader);
	header->id = get_u64(reader);
	header->kind = get_u32(reader);
	header->undoes = get_u64(reader);
	header->begin_ns = get_i64(reader);
	header->home_dev = get_u64(reader);
	header->home_ino = get_u64(reader);
	header->home = get_text(reader);
	header->stray = get_text(reader);
	header->target = get_text(reader);
	header->key = get_text(reader);
	header->policy.collisions = get_u32(reader);
	header->policy.identical = get_u32(reader);
	header->flags = get_u32(reader);
	if (reader->is_bad || !is_absolute(header->home) || !is_absolute(header->stray) ||
	    !is_absolute(header->target) || header->key == NULL ||
	    header->kind < TIDY_JOURNAL_MERGE || header->kind > TIDY_JOURNAL_DUPES ||
	    header->policy.collisions > TIDY_COLLISIONS_ASK ||
	    header->policy.identical > TIDY_IDENTICAL_KEEP) {
		g_set_error(error, TIDY_ERROR, TIDY_ERROR_JOURNAL, "the header makes no sense");
		return FALSE;
	}
	return TRUE;
}

static gboolean
read_dir(Reader *reader, TidyJournal *journal)
{
	TidyDirInfo *info = g_new0(TidyDirInfo, 1);

	info->id = get_u32(reader);
	info->parent = get_u32(reader);
	info->dev = get_u64(reader);
	info->ino = get_u64(reader);
	info->mtime_ns = get_i64(reader);
	info->mode = get_u32(reader);
	info->name = get_text(reader);
	if (reader->is_bad || info->id != journal->dirs->len + 1 || info->parent >= info->id ||
	    !(info->parent == 0 ? is_absolute(info->name) : is_component(info->name))) {
		tidy_dir_info_free(info);
		return FALSE;
	}
	g_ptr_array_add(journal->dirs, info);
	return TRUE;
}

static gboolean
has_two_sides(TidyOp op)
{
	return op == TIDY_OP_MOVE || op == TIDY_OP_TRASH || op == TIDY_OP_RESTORE ||
	       op == TIDY_OP_DELETE || op == TIDY_OP_COPY || op == TIDY_OP_CARRY ||
	       op == TIDY_OP_SAME || op == TIDY_OP_HARDLINK || op == TIDY_OP_SEPARATE ||
	       op == TIDY_OP_REFLINK;
}

static gboolean
step_makes_sense(const TidyStep *step, const TidyJournal *journal)
{
	if (step->op < TIDY_OP_MOVE || step->op > TIDY_OP_LAST || step->why > TIDY_WHY_LAST)
		return FALSE;
	if (step->dir == 0 || step->dir > journal->dirs->len || !is_component(step->name))
		return FALSE;
	if (has_two_sides(step->op))
		return step->to_dir != 0 && step->to_dir <= journal->dirs->len &&
		       is_component(step->to_name);
	if (step->op == TIDY_OP_LINK || step->op == TIDY_OP_UNLINK)
		return step->to_dir == 0 && step->text != NULL && *step->text != '\0';
	if (step->op == TIDY_OP_TIMES)
		return step->to_dir != 0 && step->to_dir <= journal->dirs->len;
	return step->to_dir == 0;
}

static gboolean
read_step(Reader *reader, TidyJournal *journal, guint64 seq)
{
	g_autoptr(TidyStep) step = g_new0(TidyStep, 1);
	guint32 word = get_u32(reader);

	step->op = word & 0xff;
	step->why = word >> 8 & 0xff;
	step->type = word >> 16 & 0xff;
	step->needs_previous = (word >> 24 & 1) != 0;
	step->is_shared = (word >> 25 & 1) != 0;
	step->dir = get_u32(reader);
	step->to_dir = get_u32(reader);
	step->ino = get_u64(reader);
	step->to_ino = get_u64(reader);
	step->size = get_i64(reader);
	step->mtime_ns = get_i64(reader);
	step->origin = get_u64(reader);
	step->mode = get_u32(reader);
	step->uid = get_u32(reader);
	step->gid = get_u32(reader);
	step->name = get_text(reader);
	step->to_name = get_text(reader);
	step->text = get_text(reader);
	step->xattrs = get_bytes(reader);
	step->seq = seq;
	if (step->to_name == NULL && has_two_sides(step->op))
		step->to_name = g_strdup(step->name);
	if (reader->is_bad || !step_makes_sense(step, journal))
		return FALSE;
	g_ptr_array_add(journal->steps, g_steal_pointer(&step));
	return TRUE;
}

static gboolean
read_skip(Reader *reader, TidyJournal *journal)
{
	guint64 step_seq = get_u64(reader);
	guint32 why = get_u32(reader);

	if (reader->is_bad || why > TIDY_WHY_LAST)
		return FALSE;
	g_hash_table_insert(journal->skips, g_memdup2(&step_seq, sizeof step_seq),
			    GUINT_TO_POINTER(why));
	return TRUE;
}

static gboolean
read_commit(Reader *reader, TidyJournal *journal)
{
	TidyJournalCommit *commit = &journal->commit;

	commit->end_ns = get_i64(reader);
	commit->outcome = get_u32(reader);
	commit->counts.moved = get_u64(reader);
	commit->counts.folded = get_u64(reader);
	commit->counts.kept_both = get_u64(reader);
	commit->counts.removed = get_u64(reader);
	commit->counts.left = get_u64(reader);
	commit->counts.failed = get_u64(reader);
	commit->counts.bytes = get_u64(reader);
	journal->is_committed = TRUE;
	return !reader->is_bad && commit->outcome >= TIDY_OUTCOME_DONE &&
	       commit->outcome <= TIDY_OUTCOME_PARTIAL;
}

static gsize
padded_bytes(guint32 length)
{
	return ((gsize)length + 7) & ~(gsize)7;
}

/* The payload of the next record, or NULL at a torn tail. The first record is checked without a seed. */
static const guint8 *
next_payload(const TidyJournal *journal, const guint8 *data, gsize size, guint32 *length)
{
	gsize offset = journal->valid_bytes;
	guint64 run = journal->next_seq == 0 ? 0 : journal->header.run;
	guint32 frame[2];

	if (size - offset < FRAME_BYTES)
		return NULL;
	memcpy(frame, data + offset, sizeof frame);
	*length = GUINT32_FROM_LE(frame[0]);
	if (*length < 12 || *length > PAYLOAD_MAX_BYTES ||
	    padded_bytes(*length) > size - offset - FRAME_BYTES)
		return NULL;
	data += offset + FRAME_BYTES;
	if (checksum(run, journal->next_seq, data, *length) != GUINT32_FROM_LE(frame[1]))
		return NULL;
	return data;
}

static gboolean
read_record(TidyJournal *journal, const guint8 *payload, guint32 length, GError **error)
{
	Reader reader = { payload, length, FALSE };
	guint64 seq = get_u64(&reader);
	guint32 kind = get_u32(&reader);
	gboolean is_good = FALSE;

	if (seq == 0 && kind == KIND_HEADER)
		return read_header(&reader, &journal->header, error);
	if (seq == journal->next_seq && seq > 0 && !journal->is_committed) {
		if (kind == KIND_DIR)
			is_good = read_dir(&reader, journal);
		else if (kind == KIND_STEP)
			is_good = read_step(&reader, journal, seq);
		else if (kind == KIND_SKIP)
			is_good = read_skip(&reader, journal);
		else if (kind == KIND_COMMIT)
			is_good = read_commit(&reader, journal);
	}
	if (!is_good)
		g_set_error(error, TIDY_ERROR, TIDY_ERROR_JOURNAL,
			    "record %" G_GUINT64_FORMAT " makes no sense", journal->next_seq);
	return is_good;
}

TidyJournal *
tidy_journal_parse(const guint8 *data, gsize size, GError **error)
{
	g_autoptr(TidyJournal) journal = g_new0(TidyJournal, 1);
	const guint8 *payload;
	guint32 length;

	make_lists(journal);
	while ((payload = next_payload(journal, data, size, &length)) != NULL) {
		if (!read_record(journal, payload, length, error))
			return NULL;
		journal->next_seq++;
		journal->valid_bytes += FRAME_BYTES + padded_bytes(length);
	}
	if (journal->next_seq == 0) {
		g_set_error(error, TIDY_ERROR, TIDY_ERROR_JOURNAL,
			    "the journal has no whole header");
		return NULL;
	}
	return g_steal_pointer(&journal);
}

char *
tidy_journal_dir_path(const TidyJournal *journal, guint32 id)
{
	g_autofree char *path = NULL;

	if (id == 0 || id > journal->dirs->len)
		return NULL;
	for (;;) { /* ends: a parent's id is lower */
		const TidyDirInfo *info = g_ptr_array_index(journal->dirs, id - 1);
		char *longer = path != NULL ? g_build_filename(info->name, path, NULL)
					    : g_strdup(info->name);

		g_free(path);
		path = longer;
		if (info->parent == 0)
			return g_steal_pointer(&path);
		id = info->parent;
	}
}
