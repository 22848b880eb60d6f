/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the duplicate finder found, as a report. Pure. */
#include "home/dupes/dupes-report.h"

#include <string.h>

#include "home/base/text.h"

#define LIST G_VARIANT_TYPE("aa{sv}")

static void
add_number(GVariantDict *dict, const char *key, guint64 number)
{
	g_variant_dict_insert(dict, key, "t", number);
}

static void
add_path(GVariantDict *dict, const char *path)
{
	g_autofree char *shown = tidy_text_display(path);

	g_variant_dict_insert(dict, "path", "s", shown);
	if (!g_utf8_validate(path, -1, NULL)) {
		g_autofree char *raw = g_base64_encode((const guint8 *)path, strlen(path));

		g_variant_dict_insert(dict, "path_b64", "s", raw);
	}
}

static GVariant *
why_value(TidyDupesFlags flags)
{
	static const struct {
		TidyDupesFlags flag;
		const char *word;
	} words[] = {
		{ TIDY_DUPES_PROTECTED, "protected" }, { TIDY_DUPES_IN_BUNDLE, "bundle" },
		{ TIDY_DUPES_OF_UNIT, "unit" },	       { TIDY_DUPES_LINKED_OUT, "linked" },
		{ TIDY_DUPES_SHARED, "shared" },
	};
	GVariantBuilder list;

	g_variant_builder_init(&list, G_VARIANT_TYPE_STRING_ARRAY);
	for (guint i = 0; i < G_N_ELEMENTS(words); i++) {
		if (flags & words[i].flag)
			g_variant_builder_add(&list, "s", words[i].word);
	}
	return g_variant_builder_end(&list);
}

static GVariant *
name_value(const TidyDupesName *name)
{
	GVariantDict dict;

	g_variant_dict_init(&dict, NULL);
	add_path(&dict, name->path);
	add_number(&dict, "file", name->content);
	g_variant_dict_insert(&dict, "kept", "b", (name->flags & TIDY_DUPES_KEPT) != 0);
	g_variant_dict_insert_value(&dict, "why", why_value(name->flags));
	return g_variant_dict_end(&dict);
}

static GVariant *
group_value(const TidyDupesGroup *group)
{
	GVariantBuilder names;
	GVariantDict dict;

	g_variant_builder_init(&names, LIST);
	for (guint i = 0; i < group->names->len; i++) {
		const TidyDupesName *name = &g_array_index(group->names, TidyDupesName, i);

		if (!(name->flags & TIDY_DUPES_COVERED))
			g_variant_builder_add_value(&names, name_value(name));
	}
	g_variant_dict_init(&dict, NULL);
	g_variant_dict_insert(&dict, "type", "s",
			      group->type == TIDY_TYPE_DIR ? "directory" : "file");
	add_number(&dict, "size", (guint64)group->size);
	add_number(&dict, "count", group->n_contents);
	add_number(&dict, "reclaimable", group->reclaimable_bytes);
	g_variant_dict_insert_value(&dict, "names", g_variant_builder_end(&names));
	return g_variant_dict_end(&dict);
}

static void
add_groups(GVariantDict *report, const TidyDupes *dupes, guint max_groups)
{
	GVariantBuilder list;
	guint64 shown = 0;
	guint64 cut = 0;

	g_variant_builder_init(&list, LIST);
	for (guint i = 0; i < dupes->groups->len; i++) {
		const TidyDupesGroup *group = dupes->groups->pdata[i];

		if (group->n_contents < 2)
			continue;
		if (max_groups != 0 && shown >= max_groups) {
			cut++;
			continue;
		}
		g_variant_builder_add_value(&list, group_value(group));
		shown++;
	}
	g_variant_dict_insert_value(report, "groups", g_variant_builder_end(&list));
	add_number(report, "groups-cut", cut);
}

static void
add_counts(GVariantDict *report, const TidyDupes *dupes)
{
	const TidyDupesStats *stats = &dupes->stats;
	GVariantDict dict;

	g_variant_dict_init(&dict, NULL);
	add_number(&dict, "files", stats->files);
	add_number(&dict, "directories", stats->dirs);
	add_number(&dict, "candidates", stats->candidates);
	add_number(&dict, "candidate-bytes", stats->candidate_bytes);
	add_number(&dict, "read-bytes", stats->read_bytes);
	add_number(&dict, "reads", stats->read_calls);
	add_number(&dict, "shared", stats->shared_files);
	add_number(&dict, "open-files", dupes->open_files);
	add_number(&dict, "open-bytes", dupes->open_bytes);
	g_variant_dict_insert_value(report, "counts", g_variant_dict_end(&dict));
	g_variant_dict_init(&dict, NULL);
	for (guint i = 0; i < TIDY_DUPES_N_SKIP_REASONS; i++)
		add_number(&dict, tidy_dupes_skip_code((TidyDupesSkipReason)i), stats->skipped[i]);
	g_variant_dict_insert_value(report, "skipped", g_variant_dict_end(&dict));
}

static void
add_skips(GVariantDict *report, const TidyDupes *dupes)
{
	GVariantBuilder list;

	g_variant_builder_init(&list, LIST);
	for (guint i = 0; i < dupes->skips->len; i++) {
		const TidyDupesSkip *skip = &g_array_index(dupes->skips, TidyDupesSkip, i);
		GVariantDict dict;

		g_variant_dict_init(&dict, NULL);
		add_path(&dict, skip->path);
		g_variant_dict_insert(&dict, "code", "s", tidy_dupes_skip_code(skip->reason));
		g_variant_dict_insert(&dict, "text", "s",
				      skip->errno_code != 0 ? g_strerror(skip->errno_code) : "");
		g_variant_builder_add_value(&list, g_variant_dict_end(&dict));
	}
	g_variant_dict_insert_value(report, "skips", g_variant_builder_end(&list));
}

GVariant *
tidy_dupes_report(const TidyDupes *dupes, guint max_groups)
{
	GVariantDict report;

	g_variant_dict_init(&report, NULL);
	g_variant_dict_insert(&report, "version", "u", 1);
	g_variant_dict_insert(&report, "outcome", "s", dupes->is_partial ? "stopped" : "done");
	add_number(&report, "reclaimable", dupes->reclaimable_bytes);
	add_groups(&report, dupes, max_groups);
	add_counts(&report, dupes);
	add_skips(&report, dupes);
	return g_variant_dict_end(&report);
}
