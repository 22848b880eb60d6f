/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The journal's reader over anything. Checksums would keep a fuzzer out, so the bytes are taken twice: as they are, and as
 * a list of payloads (one byte of length, then so many bytes) that are framed with right checksums. Pure.
 *
 * Whatever was read makes sense: no directory that is not there, no name that leaves its directory, and what is read
 * again from only the valid bytes is the same.
 */
#include <stdint.h>
#include <string.h>

#include "home/base/crc32c.h"
#include "home/merge/record.h"

#define RUN 7

static void
append_framed(GByteArray *out, guint64 seq, const guint8 *payload, gsize size)
{
	static const guint8 zeros[8];
	guint64 seed[2] = { GUINT64_TO_LE(RUN), GUINT64_TO_LE(seq) };
	guint64 seq_le = GUINT64_TO_LE(seq);
	g_autoptr(GByteArray) whole = g_byte_array_new();
	guint32 frame[2];

	g_byte_array_append(whole, (const guint8 *)&seq_le, sizeof seq_le);
	g_byte_array_append(whole, payload, (guint)size);
	frame[0] = GUINT32_TO_LE(whole->len);
	frame[1] = GUINT32_TO_LE(tidy_crc32c(tidy_crc32c(0, (const guint8 *)seed, sizeof seed),
					     whole->data, whole->len));
	g_byte_array_append(out, (const guint8 *)frame, sizeof frame);
	g_byte_array_append(out, whole->data, whole->len);
	g_byte_array_append(out, zeros, -out->len & 7);
}

static void
check_name(const char *name)
{
	g_assert_nonnull(name);
	g_assert_null(strchr(name, '/'));
	g_assert_cmpstr(name, !=, "");
	g_assert_cmpstr(name, !=, ".");
	g_assert_cmpstr(name, !=, "..");
}

static void
check(const TidyJournal *journal)
{
	for (guint i = 0; i < journal->dirs->len; i++) {
		g_autofree char *path = tidy_journal_dir_path(journal, i + 1);

		g_assert_nonnull(path);
		g_assert_true(*path == '/');
	}
	g_assert_null(tidy_journal_dir_path(journal, journal->dirs->len + 1));
	for (guint i = 0; i < journal->steps->len; i++) {
		const TidyStep *step = journal->steps->pdata[i];
		TidyStep inverse;

		g_assert_cmpuint(step->dir, >, 0);
		g_assert_cmpuint(step->dir, <=, journal->dirs->len);
		g_assert_cmpuint(step->to_dir, <=, journal->dirs->len);
		check_name(step->name);
		g_assert_nonnull(tidy_step_op_name(step->op));
		g_assert_nonnull(tidy_why_code(step->why));
		if (!tidy_step_inverse(step, &inverse))
			continue;
		check_name(inverse.name);
		tidy_step_clear(&inverse);
	}
}

static void
read_journal(const guint8 *data, gsize size)
{
	g_autoptr(TidyJournal) journal = tidy_journal_parse(data, size, NULL);
	g_autoptr(TidyJournal) again = NULL;

	if (journal == NULL)
		return;
	g_assert_cmpuint(journal->valid_bytes, <=, size);
	check(journal);
	again = tidy_journal_parse(data, journal->valid_bytes, NULL);
	g_assert_nonnull(again);
	g_assert_cmpuint(again->steps->len, ==, journal->steps->len);
	g_assert_cmpuint(again->valid_bytes, ==, journal->valid_bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const TidyJournalHeader header = {
		.id = 1,
		.run = RUN,
		.kind = TIDY_JOURNAL_MERGE,
		.home = (char *)"/home",
		.stray = (char *)"/home/Download",
		.target = (char *)"/home/Downloads",
		.key = (char *)"",
	};
	g_autoptr(GByteArray) framed = g_byte_array_new();
	guint64 seq = 1;

	read_journal(data, size);
	tidy_record_put_header(framed, &header);
	while (size > 1) {
		size_t payload = MIN((size_t)data[0], size - 1);

		append_framed(framed, seq++, data + 1, payload);
		data += payload + 1;
		size -= payload + 1;
	}
	read_journal(framed->data, framed->len);
	return 0;
}
