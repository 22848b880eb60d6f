/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a carrier remembers by name: the copies of files with several names, and the names of unfinished copies. I/O. */
#include "home/engine/carry-private.h"

#define TEMP_PREFIX ".xdgtidy-"
#define FNV_OFFSET  G_GUINT64_CONSTANT(0xcbf29ce484222325)
#define FNV_PRIME   G_GUINT64_CONSTANT(0x100000001b3)

/* --- sets of hard links --- */

static void
set_member_free(gpointer data)
{
	SetMember *member = data;

	tidy_dir_unref(member->dir);
	g_free(member->name);
	if (member->other_dir != NULL)
		tidy_dir_unref(member->other_dir);
	g_free(member->other_name);
	g_free(member);
}

TidyCarrySets *
tidy_carry_sets_new(void)
{
	return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, set_member_free);
}

static char *
key_of(guint64 dev, guint64 ino)
{
	return g_strdup_printf("%" G_GINT64_MODIFIER "x:%" G_GINT64_MODIFIER "x", dev, ino);
}

/* What is common to all names of one file: its inode, before anything was done to it. An undo knows that by to_ino. */
static char *
set_key(const TidyStep *step, const TidyDir *dir, const TidyDir *to_dir)
{
	return step->origin != 0 ? key_of(to_dir->dev, step->to_ino) : key_of(dir->dev, step->ino);
}

gboolean
tidy_carry_sets_has(TidyCarrySets *sets, guint64 dev, guint64 ino)
{
	g_autofree char *key = g_hash_table_size(sets) > 0 ? key_of(dev, ino) : NULL;

	return key != NULL && g_hash_table_contains(sets, key);
}

/* A file that was renamed is known without its device, whose number may be another after a boot. */
#define NO_DEVICE 0

void
tidy_carry_sets_add(TidyCarrySets *sets, guint64 ino, TidyDir *dir, const char *name,
		    TidyDir *other_dir, const char *other_name)
{
	g_autofree char *key = key_of(NO_DEVICE, ino);
	SetMember *member;

	if (g_hash_table_contains(sets, key))
		return;
	member = g_new0(SetMember, 1);
	member->ino = ino;
	member->dir = tidy_dir_ref(dir);
	member->name = g_strdup(name);
	member->other_dir = tidy_dir_ref(other_dir);
	member->other_name = g_strdup(other_name);
	g_hash_table_insert(sets, g_steal_pointer(&key), member);
}

static void
swap_places(SetMember *member)
{
	TidyDir *dir = member->dir;
	char *name = member->name;

	member->dir = member->other_dir;
	member->name = member->other_name;
	member->other_dir = dir;
	member->other_name = name;
}

/* Whether @member is where it says, on the file system of @to_dir; it may be at its other place by now. */
static gboolean
is_there(const TidyCarrier *carrier, SetMember *member, const TidyDir *to_dir)
{
	TidyFs *fs = carrier->options.fs;

	for (guint i = 0; i < 2; i++) {
		int dir = tidy_dir_fd(member->dir);
		TidyStat st;

		if (dir >= 0 && fs->stat(fs, dir, member->name, &st) == 0 &&
		    st.ino == member->ino && st.dev == to_dir->dev)
			return TRUE;
		swap_places(member);
	}
	return FALSE;
}

/* The file that @step brings back was not only copied: it still has a name of its own. */
static SetMember *
find_original(const TidyCarrier *carrier, const TidyStep *step, const TidyDir *to_dir)
{
	g_autofree char *key = step->origin != 0 ? key_of(NO_DEVICE, step->to_ino) : NULL;
	SetMember *member = key != NULL ? g_hash_table_lookup(carrier->options.sets, key) : NULL;

	return member != NULL && !member->is_refused && is_there(carrier, member, to_dir) ? member
											  : NULL;
}

SetMember *
tidy_carry_find_member(const TidyCarrier *carrier, const TidyStep *step, const TidyDir *dir,
		       const TidyDir *to_dir)
{
	g_autofree char *key = NULL;
	SetMember *original;

	if (!step->is_shared || g_hash_table_size(carrier->options.sets) == 0)
		return NULL;
	original = find_original(carrier, step, to_dir);
	if (original != NULL)
		return original;
	key = set_key(step, dir, to_dir);
	return g_hash_table_lookup(carrier->options.sets, key);
}

void
tidy_carry_remember_member(TidyCarrier *carrier, const TidyStep *step, const TidyDir *dir,
			   TidyDir *to_dir)
{
	SetMember *member;

	if (!step->is_shared || tidy_carry_find_member(carrier, step, dir, to_dir) != NULL)
		return;
	member = g_new0(SetMember, 1);
	member->dir = tidy_dir_ref(to_dir);
	member->name = g_strdup(step->to_name);
	g_hash_table_insert(carrier->options.sets, set_key(step, dir, to_dir), member);
}

/* The item came to nothing: who would have been linked to it is copied. */
void
tidy_carry_forget_member(TidyCarrier *carrier, const Item *item)
{
	const SetMember *member =
		tidy_carry_find_member(carrier, item->step, item->dir, item->to_dir);

	if (member != NULL && !member->is_refused && member->dir == item->to_dir &&
	    g_str_equal(member->name, item->step->to_name)) {
		g_autofree char *key = set_key(item->step, item->dir, item->to_dir);

		g_hash_table_remove(carrier->options.sets, key);
	}
}

/* --- temporary names --- */

char *
tidy_carry_temp_name(guint64 salt, const char *to_name)
{
	guint64 hash = FNV_OFFSET ^ salt; /* FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv/ */

	for (const guchar *at = (const guchar *)to_name; *at != '\0'; at++)
		hash = (hash ^ *at) * FNV_PRIME;
	return g_strdup_printf(TEMP_PREFIX "%016" G_GINT64_MODIFIER "x", hash);
}

void
tidy_carry_drop_temp(TidyFs *fs, guint64 salt, int to_dir, const char *to_name)
{
	g_autofree char *temp = tidy_carry_temp_name(salt, to_name);

	fs->unlink(fs, to_dir, temp, 0);
}

char *
tidy_carrier_temp_name(const TidyCarrier *carrier, const TidyStep *step)
{
	return tidy_carry_temp_name(carrier->options.salt, step->to_name);
}

void
tidy_carrier_drop_temp(const TidyCarrier *carrier, const TidyStep *step, TidyDir *to_dir)
{
	int to = tidy_dir_fd(to_dir);

	if (to >= 0)
		tidy_carry_drop_temp(carrier->options.fs, carrier->options.salt, to, step->to_name);
}
