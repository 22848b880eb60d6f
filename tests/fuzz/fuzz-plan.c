/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The planner over two listings made from bytes, then the plan applied to a model: every entry is decided, no name is given
 * twice or is one that the target has, nothing is lost. Pure.
 *
 * The first byte is the policy. Then entries: one byte of side, kind and relation, one of flags, a name up to the next
 * zero byte.
 */
#include <stdint.h>
#include <string.h>

#include "home/merge/plan.h"

static const TidyType types[] = { TIDY_TYPE_FILE, TIDY_TYPE_DIR, TIDY_TYPE_LINK, TIDY_TYPE_FIFO };

typedef struct {
	TidyListing *source;
	TidyListing *target;
	GHashTable *relations; /* name -> relation, of the source's entries */
} Input;

static void
add_entry(Input *input, guint8 what, guint8 flags, const char *name)
{
	gboolean is_target = (what & 1) != 0;
	TidyListing *listing = is_target ? input->target : input->source;
	TidyEntry *entry;

	for (guint i = 0; i < listing->entries->len; i++) {
		if (strcmp(g_array_index(listing->entries, TidyEntry, i).name, name) == 0)
			return;
	}
	entry = tidy_listing_add(listing, name, listing->entries->len + 1, types[what >> 1 & 3]);
	if (is_target)
		return;
	entry->flags = flags & 0x7f;
	if (entry->type == TIDY_TYPE_LINK && (flags & 0x80) != 0)
		tidy_listing_set_link(listing, entry, g_strdup("../x"), g_strdup("../../x"));
	g_hash_table_insert(input->relations, g_strdup(name), GUINT_TO_POINTER(what >> 3));
}

static void
read_entries(Input *input, const guint8 *data, gsize size)
{
	while (size > 3) {
		gsize length = strnlen((const char *)data + 2, MIN(size - 2, 255));
		g_autofree char *name = g_strndup((const char *)data + 2, length);
		gsize used = MIN(length + 3, size);

		if (length > 0 && strchr(name, '/') == NULL && strcmp(name, ".") != 0 &&
		    strcmp(name, "..") != 0)
			add_entry(input, data[0], data[1], name);
		data += used;
		size -= used;
	}
}

/* What the engine would find out, as far as it can be. */
static TidyRelation
relation_of(const TidyEntry *a, const TidyEntry *b, guint wish)
{
	if (a->type != b->type || a->type == TIDY_TYPE_FIFO)
		return TIDY_RELATION_DIFFERENT;
	if (a->type == TIDY_TYPE_DIR)
		return TIDY_RELATION_BOTH_DIRS;
	if (a->type == TIDY_TYPE_FILE && wish % 4 == 3)
		return TIDY_RELATION_SAME_FILE;
	return wish % 4 % 3;
}

static GArray *
relate(const Input *input)
{
	GArray *twins = tidy_plan_twins(input->source, input->target);

	for (guint i = 0; i < twins->len; i++) {
		TidyTwin *twin = &g_array_index(twins, TidyTwin, i);
		const TidyEntry *a =
			&g_array_index(input->source->entries, TidyEntry, twin->source_index);
		const TidyEntry *b =
			&g_array_index(input->target->entries, TidyEntry, twin->target_index);
		guint wish = GPOINTER_TO_UINT(g_hash_table_lookup(input->relations, a->name));

		g_assert_cmpstr(a->name, ==, b->name);
		twin->relation = relation_of(a, b, wish);
		twin->source_mtime_ns = wish;
		twin->target_mtime_ns = 8;
	}
	return twins;
}

/* name -> inode; the source's are even, the target's odd. */
static GHashTable *
model_of(const TidyListing *listing, guint side)
{
	GHashTable *model = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

	for (guint i = 0; i < listing->entries->len; i++) {
		const TidyEntry *entry = &g_array_index(listing->entries, TidyEntry, i);

		g_hash_table_insert(model, g_strdup(entry->name),
				    GUINT_TO_POINTER((guint)entry->ino * 2 + side));
	}
	return model;
}

typedef struct {
	GHashTable *source;
	GHashTable *target;
	GPtrArray *trash; /* of inodes */
} Model;

static gpointer
take(GHashTable *dir, const char *name)
{
	gpointer ino = g_hash_table_lookup(dir, name);

	g_assert_nonnull(ino);
	g_hash_table_remove(dir, name);
	return ino;
}

/* As renameat2(RENAME_NOREPLACE): the name must be free. */
static void
put(GHashTable *dir, const char *name, gpointer ino)
{
	g_assert_cmpuint(strlen(name), <=, 255);
	g_assert_null(strchr(name, '/'));
	g_assert_true(g_hash_table_insert(dir, g_strdup(name), ino));
}

static void
apply(Model *model, const TidyDecision *decision, const TidyEntry *entry)
{
	const char *name = decision->new_name != NULL ? decision->new_name : entry->name;

	switch (decision->kind) {
	case TIDY_DECISION_MOVE:
	case TIDY_DECISION_RELINK:
		put(model->target, name, take(model->source, entry->name));
		break;
	case TIDY_DECISION_REPLACE:
		g_ptr_array_add(model->trash, take(model->target, entry->name));
		put(model->target, entry->name, take(model->source, entry->name));
		break;
	case TIDY_DECISION_FOLD:
	case TIDY_DECISION_DISCARD:
	case TIDY_DECISION_UNION:
		g_ptr_array_add(model->trash, take(model->source, entry->name));
		break;
	case TIDY_DECISION_DELETE:
	case TIDY_DECISION_UNLINK:
		/* Only with an equal one at the target. */
		g_assert_nonnull(g_hash_table_lookup(model->target, entry->name));
		take(model->source, entry->name);
		break;
	case TIDY_DECISION_DESCEND:
		g_assert_nonnull(g_hash_table_lookup(model->target, entry->name));
		break;
	case TIDY_DECISION_MAKE_DIR:
		g_assert_null(g_hash_table_lookup(model->target, entry->name));
		break;
	case TIDY_DECISION_LEAVE:
		g_assert_cmpint(decision->why, >=, TIDY_WHY_UNFINISHED);
		break;
	}
}

/* Every inode is in exactly one place; those that a twin at the target stands for may be gone. */
static void
check_nothing_lost(const Model *model, const Input *input, guint n_deleted)
{
	guint before = input->source->entries->len + input->target->entries->len;

	g_assert_cmpuint(g_hash_table_size(model->source) + g_hash_table_size(model->target) +
				 model->trash->len + n_deleted,
			 ==, before);
}

static void
check_plan(const Input *input, const GArray *twins, const TidyPolicy *policy)
{
	g_autoptr(TidyPlanner) planner =
		tidy_planner_new(input->source, input->target, twins, policy);
	g_autoptr(GPtrArray) trash = g_ptr_array_new();
	g_autoptr(GHashTable) source = model_of(input->source, 0);
	g_autoptr(GHashTable) target = model_of(input->target, 1);
	Model model = { source, target, trash };
	TidyDecision decision;
	guint next = 0;
	guint n_deleted = 0;

	while (tidy_planner_next(planner, &decision)) {
		const TidyEntry *entry =
			&g_array_index(input->source->entries, TidyEntry, decision.index);

		for (; next < decision.index; next++)
			g_assert_true(
				(g_array_index(input->source->entries, TidyEntry, next).flags &
				 TIDY_ENTRY_EXCLUDED) != 0);
		next++;
		n_deleted += decision.kind == TIDY_DECISION_DELETE ||
			     decision.kind == TIDY_DECISION_UNLINK;
		apply(&model, &decision, entry);
	}
	for (; next < input->source->entries->len; next++)
		g_assert_true((g_array_index(input->source->entries, TidyEntry, next).flags &
			       TIDY_ENTRY_EXCLUDED) != 0);
	check_nothing_lost(&model, input, n_deleted);
}

static void
check_sorted(const TidyListing *listing)
{
	for (guint i = 1; i < listing->entries->len; i++)
		g_assert_cmpint(strcmp(g_array_index(listing->entries, TidyEntry, i - 1).name,
				       g_array_index(listing->entries, TidyEntry, i).name),
				<, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(GHashTable) relations =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autoptr(TidyListing) source = tidy_listing_new();
	g_autoptr(TidyListing) target = tidy_listing_new();
	g_autoptr(GArray) twins = NULL;
	Input input = { source, target, relations };
	TidyPolicy policy;

	if (size == 0 || size > 4096)
		return 0;
	policy = (TidyPolicy){ data[0] % 4, data[0] / 4 % 3 };
	read_entries(&input, data + 1, size - 1);
	tidy_listing_sort(source);
	tidy_listing_sort(target);
	check_sorted(source);
	check_sorted(target);
	twins = relate(&input);
	check_plan(&input, twins, &policy);
	return 0;
}
