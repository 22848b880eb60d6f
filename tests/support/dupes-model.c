/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files of one size in memory, taken apart by the core of the duplicate finder and checked naively. Pure. */
#include "tests/support/dupes-model.h"

#include <string.h>

/* Small, so that files of a few KiB have many blocks. */
#define MAX_BLOCK 8192

TidyModel *
tidy_model_new(gsize size)
{
	TidyModel *model = g_new0(TidyModel, 1);

	model->size = size;
	model->files = g_ptr_array_new_with_free_func(g_free);
	return model;
}

void
tidy_model_free(TidyModel *model)
{
	g_ptr_array_unref(model->files);
	g_free(model->content);
	g_free(model);
}

guint8 *
tidy_model_add(TidyModel *model)
{
	guint8 *file = g_malloc0(model->size);

	g_ptr_array_add(model->files, file);
	return file;
}

static void
read_class(TidyModel *model, const TidyClass *cls, const TidyRange *range, TidySplitter *splitter,
	   const guint32 *members, guint32 *parts)
{
	gboolean is_kept;

	for (guint i = 0; i < cls->count; i++) {
		const guint8 *file = model->files->pdata[members[cls->start + i]];

		/* A copy of its own, so that reading out of bounds is noticed; blocks that are kept must stay. */
		parts[i] = tidy_splitter_add(splitter, file + range->offset, &is_kept);
		model->reads++;
	}
}

static void
number_class(TidyModel *model, const TidyClass *cls, const guint32 *members)
{
	model->n_contents++;
	for (guint i = 0; i < cls->count; i++)
		model->content[members[cls->start + i]] = model->n_contents;
}

void
tidy_model_solve(TidyModel *model, guint max_kept)
{
	g_autoptr(TidySplitter) splitter = tidy_splitter_new();
	g_autoptr(GArray) stack = g_array_new(FALSE, FALSE, sizeof(TidyClass));
	g_autofree guint32 *members = g_new(guint32, model->files->len);
	g_autofree guint32 *parts = g_new(guint32, model->files->len);
	TidyClass cls = tidy_class_new(0, model->files->len, (gint64)model->size);
	TidyRange range;

	model->content = g_new0(guint32, model->files->len);
	for (guint i = 0; i < model->files->len; i++)
		members[i] = i;
	g_array_append_val(stack, cls);
	while (stack->len > 0) {
		cls = g_array_index(stack, TidyClass, stack->len - 1);
		g_array_set_size(stack, stack->len - 1);
		if (!tidy_class_next(&cls, MAX_BLOCK, &range)) {
			number_class(model, &cls, members);
			continue;
		}
		tidy_splitter_begin(splitter, range.size, max_kept);
		read_class(model, &cls, &range, splitter, members, parts);
		tidy_class_split(&cls, &range, splitter, members, parts, stack);
	}
}

const char *
tidy_model_problem(const TidyModel *model)
{
	for (guint i = 0; i < model->files->len; i++) {
		gboolean has_equal = FALSE;

		for (guint k = 0; k < model->files->len; k++) {
			gboolean is_equal = memcmp(model->files->pdata[i], model->files->pdata[k],
						   model->size) == 0;

			if (k == i)
				continue;
			has_equal = has_equal || is_equal;
			if (is_equal && model->content[i] != model->content[k])
				return "equal files are in different groups";
			if (!is_equal && model->content[i] != 0 &&
			    model->content[i] == model->content[k])
				return "different files are in one group";
		}
		if (has_equal != (model->content[i] != 0))
			return "a file is in a group of its own, or in none though it has an equal";
	}
	return NULL;
}
