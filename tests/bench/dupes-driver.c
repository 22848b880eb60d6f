/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Runs the duplicate finder alone, for measuring: groups on standard output (one path a line, an empty line after each
 * group), figures as JSON on standard error. Exits without freeing, as the command does. I/O.
 */
#include <glib.h>
#include <stdio.h>
#include <unistd.h>

#include "home/dupes/dupes.h"

static void
print_group(const TidyDupesGroup *group)
{
	for (guint i = 0; i < group->names->len; i++) {
		fputs(g_array_index(group->names, TidyDupesName, i).path, stdout);
		fputc('\n', stdout);
	}
	fputc('\n', stdout);
}

static void
print_stats(const TidyDupes *dupes)
{
	const TidyDupesStats *stats = &dupes->stats;

	g_printerr("{\"files\":%" G_GUINT64_FORMAT ",\"candidates\":%" G_GUINT64_FORMAT
		   ",\"read_bytes\":%" G_GUINT64_FORMAT ",\"read_calls\":%" G_GUINT64_FORMAT
		   ",\"shared\":%" G_GUINT64_FORMAT
		   ",\"max_open\":%u,\"max_block_bytes\":%" G_GSIZE_FORMAT
		   ",\"groups\":%u,\"reclaimable\":%" G_GUINT64_FORMAT "}\n",
		   stats->files, stats->candidates, stats->read_bytes, stats->read_calls,
		   stats->shared_files, stats->max_open, stats->max_block_bytes, dupes->groups->len,
		   dupes->reclaimable_bytes);
}

int
main(int argc, char **argv)
{
	TidyDupesOptions options = { .roots = (const char *const *)argv + 1 };
	g_autoptr(GError) error = NULL;
	TidyDupes *dupes = tidy_dupes_find(tidy_fs_linux(), &options, &error);

	if (dupes == NULL) {
		g_printerr("%s\n", error->message);
		return 1;
	}
	for (guint i = 0; i < dupes->groups->len; i++) {
		const TidyDupesGroup *group = dupes->groups->pdata[i];

		if (group->type == TIDY_TYPE_FILE)
			print_group(group);
	}
	print_stats(dupes);
	fflush(stdout);
	_exit(0);
}
