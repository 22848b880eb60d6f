/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Links that lead into a stray. I/O, reads only.
 *
 * The places that people link from come first: the walk goes level by level, and leaves out caches and trash.
 */
#include "home/engine/links.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "home/dirs/user-dirs.h"
#include "home/merge/plan.h"

#define ENTRIES_MAX 50000
#define LEVELS_MAX  8
#define LINKS_MAX   100

typedef struct {
	TidyFs *fs;
	const char *stray;
	const char *target; /* or NULL */
	guint64 dev;
	GPtrArray *links;
	GPtrArray *below; /* paths of the next level */
	guint n_entries;
	const char *dir_path;
	int dir;
} Search;

void
tidy_link_into_free(TidyLinkInto *link)
{
	g_free(link->path);
	g_free(link->text);
	g_free(link->new_text);
	g_free(link);
}

/* The path that the link in @dir means; text only. */
static char *
destination(const char *dir, const char *text)
{
	return g_canonicalize_filename(text, dir);
}

/* A relative link that goes along with what it leads to. */
static gboolean
holds_inside(const Search *search, const char *text)
{
	g_autofree char *here = NULL;
	g_autofree char *there = NULL;

	if (*text == '/' || !tidy_dirs_is_within(search->dir_path, search->stray))
		return FALSE;
	/* Were the stray called otherwise, it would still lead to the same place in it. */
	here = g_strconcat("/other", search->dir_path + strlen(search->stray), NULL);
	there = destination(here, text);
	return tidy_dirs_is_within(there, "/other");
}

/* From where the link will lie then. */
static char *
relative_text(const Search *search, const char *to)
{
	g_autofree char *from =
		tidy_dirs_is_within(search->dir_path, search->stray)
			? g_strconcat(search->target, search->dir_path + strlen(search->stray),
				      NULL)
			: g_strdup(search->dir_path);

	return tidy_plan_relative_path(from, to);
}

static void
take_link(Search *search, const char *name)
{
	char buffer[PATH_MAX];
	ssize_t length =
		search->fs->readlink(search->fs, search->dir, name, buffer, sizeof buffer - 1);
	g_autofree char *path = NULL;
	TidyLinkInto *link;

	if (length <= 0 || search->links->len >= LINKS_MAX)
		return;
	buffer[length] = '\0';
	path = destination(search->dir_path, buffer);
	if (!tidy_dirs_is_within(path, search->stray) || holds_inside(search, buffer))
		return;
	link = g_new0(TidyLinkInto, 1);
	link->path = g_build_filename(search->dir_path, name, NULL);
	link->text = g_strdup(buffer);
	if (search->target != NULL) {
		g_autofree char *moved =
			g_strconcat(search->target, path + strlen(search->stray), NULL);

		link->new_text =
			*buffer == '/' ? g_steal_pointer(&moved) : relative_text(search, moved);
	}
	g_ptr_array_add(search->links, link);
}

static gboolean
take_entry(const TidyDirent *entry, gpointer data)
{
	Search *search = data;

	if (++search->n_entries > ENTRIES_MAX)
		return FALSE;
	if (entry->type == TIDY_TYPE_LINK)
		take_link(search, entry->name);
	else if (entry->type == TIDY_TYPE_DIR && strcmp(entry->name, ".cache") != 0 &&
		 strcmp(entry->name, "Trash") != 0 && strcmp(entry->name, ".git") != 0)
		g_ptr_array_add(search->below,
				g_build_filename(search->dir_path, entry->name, NULL));
	return TRUE;
}

static void
search_directory(Search *search, const char *path)
{
	TidyStat st;

	search->dir = search->fs->openat(search->fs, AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0);
	if (search->dir < 0)
		return;
	search->dir_path = path;
	if (search->fs->stat(search->fs, search->dir, "", &st) == 0 &&
	    (search->dev == 0 || st.dev == search->dev)) {
		search->dev = st.dev;
		tidy_fs_list(search->fs, search->dir, take_entry, search);
	}
	search->fs->close(search->fs, search->dir);
}

static int
compare_links(gconstpointer a, gconstpointer b)
{
	return strcmp((*(const TidyLinkInto *const *)a)->path,
		      (*(const TidyLinkInto *const *)b)->path);
}

GPtrArray *
tidy_links_into(TidyFs *fs, const char *home, const char *stray, const char *target,
		gboolean *is_cut)
{
	g_autoptr(GPtrArray) level = g_ptr_array_new_with_free_func(g_free);
	Search search = {
		.fs = fs,
		.stray = stray,
		.target = target,
		.links = g_ptr_array_new_with_free_func((GDestroyNotify)tidy_link_into_free),
	};

	g_ptr_array_add(level, g_strdup(home));
	for (guint depth = 0; depth < LEVELS_MAX && level->len > 0; depth++) {
		search.below = g_ptr_array_new_with_free_func(g_free);
		for (guint i = 0; i < level->len && search.n_entries <= ENTRIES_MAX; i++)
			search_directory(&search, g_ptr_array_index(level, i));
		g_ptr_array_unref(level);
		level = g_steal_pointer(&search.below);
	}
	*is_cut = level->len > 0 || search.n_entries > ENTRIES_MAX;
	g_ptr_array_sort(search.links, compare_links);
	return search.links;
}
