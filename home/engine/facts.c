/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Gathers what the guards ask about a stray and its target. I/O, reads only. */
#include "home/engine/facts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <linux/fscrypt.h>
#include <linux/magic.h>
#include <linux/stat.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "home/base/error.h"
#include "home/dirs/partial.h"
#include "home/engine/keep.h"

/* A walk for the size must not take longer than a person waits. */
#define SIZE_ENTRIES_MAX 200000
/* Each of these has to be opened. */
#define KEEP_ENTRIES_MAX 10000
#define UID_FIRST_USER	 1000
/* So much that a person should hear of it before the first yes. */
#define MANY_ENTRIES 10000
#define MANY_BYTES   (G_GUINT64_CONSTANT(100) << 30)

static const char *
own(TidyFacts *facts, char *text)
{
	g_ptr_array_add(facts->owned, text);
	return text;
}

/* --- open files: /proc/PID/fd of every process that lets us look --- */

static gboolean
is_number(const char *name)
{
	return *name != '\0' && name[strspn(name, "0123456789")] == '\0';
}

/* The link's own mode says how the file was opened: proc(5), "the owner write bit". */
static gboolean
is_open_for_writing(const char *link)
{
	struct stat st;

	return lstat(link, &st) == 0 && (st.st_mode & S_IWUSR) != 0;
}

static void
collect_of_process(const char *pid, const char *below, GPtrArray *paths)
{
	g_autofree char *fds = g_build_filename("/proc", pid, "fd", NULL);
	g_autoptr(GDir) dir = g_dir_open(fds, 0, NULL);
	const char *name;

	while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
		g_autofree char *link = g_build_filename(fds, name, NULL);
		char path[PATH_MAX];
		ssize_t length = readlink(link, path, sizeof path - 1);

		if (length <= 0)
			continue;
		path[length] = '\0';
		if (g_str_has_prefix(path, below) && is_open_for_writing(link))
			g_ptr_array_add(paths, g_strdup(path));
	}
}

char **
tidy_facts_open_paths(const char *dir)
{
	g_autofree char *below = g_strconcat(dir, "/", NULL);
	GPtrArray *paths = g_ptr_array_new();
	g_autoptr(GDir) proc = g_dir_open("/proc", 0, NULL);
	const char *name;

	while (proc != NULL && (name = g_dir_read_name(proc)) != NULL) {
		if (is_number(name))
			collect_of_process(name, below, paths);
	}
	g_ptr_array_add(paths, NULL);
	return (char **)g_ptr_array_free(paths, FALSE);
}

/* --- one root --- */

static gboolean
is_casefold(int fd)
{
	int flags = 0;

	return ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0 && (flags & FS_CASEFOLD_FL) != 0;
}

static guint32
project_id(int fd)
{
	struct fsxattr attributes = { 0 };

	return ioctl(fd, FS_IOC_FSGETXATTR, &attributes) == 0 ? attributes.fsx_projid : 0;
}

/* The encryption policy in hex, or NULL for none. (transfer full) */
static char *
fscrypt_policy(int fd)
{
	struct fscrypt_get_policy_ex_arg arg = { .policy_size = sizeof arg.policy };
	GString *hex;

	if (ioctl(fd, FS_IOC_GET_ENCRYPTION_POLICY_EX, &arg) != 0)
		return NULL;
	hex = g_string_new(NULL);
	for (gsize i = 0; i < arg.policy_size && i < sizeof arg.policy; i++)
		g_string_append_printf(hex, "%02x", ((const guint8 *)&arg.policy)[i]);
	return g_string_free(hex, FALSE);
}

static void
gather_root(TidyFs *fs, TidyFacts *facts, TidyGuardRoot *root, const char *path)
{
	char *real;
	int r;

	root->path = path;
	r = fs->stat(fs, AT_FDCWD, path, &root->st);
	root->stat_error = r < 0 ? -r : 0;
	real = realpath(path, NULL);
	if (real == NULL)
		return;
	root->real_path = own(facts, g_strdup(real));
	if (fs->stat(fs, AT_FDCWD, real, &root->real) == 0) {
		tidy_autofd fd = open(real, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

		root->has_real = TRUE;
		root->is_mount = (root->real.attributes & STATX_ATTR_MOUNT_ROOT) != 0;
		if (faccessat(AT_FDCWD, real, W_OK | X_OK, AT_EACCESS) < 0)
			root->access_error = errno;
		if (fd >= 0) {
			fs->fsinfo(fs, fd, &root->info);
			root->is_casefold = is_casefold(fd);
			root->project_id = project_id(fd);
			root->fscrypt = own(facts, fscrypt_policy(fd));
		}
	}
	free(real);
}

/* What mountinfo says: the type of the file system mounted at @path in @type (or NULL), and the mount points below it. */
static char **
read_mounts(const char *path, char **type)
{
	g_autofree char *below = g_strconcat(path, "/", NULL);
	g_autofree char *text = NULL;
	g_auto(GStrv) lines = NULL;
	GPtrArray *points = g_ptr_array_new();

	*type = NULL;
	if (g_file_get_contents("/proc/self/mountinfo", &text, NULL, NULL))
		lines = g_strsplit(text, "\n", -1);
	for (guint i = 0; lines != NULL && lines[i] != NULL; i++) {
		g_auto(GStrv) parts = g_strsplit(lines[i], " ", 6);
		const char *dash = strstr(lines[i], " - ");
		g_autofree char *point = NULL;

		if (g_strv_length(parts) < 5 || dash == NULL)
			continue;
		point = g_strcompress(parts[4]); /* "\040" for a blank */
		if (strcmp(point, path) == 0) {
			g_free(*type);
			*type = g_strndup(dash + 3, strcspn(dash + 3, " "));
		} else if (g_str_has_prefix(point, below)) {
			g_ptr_array_add(points, g_steal_pointer(&point));
		}
	}
	g_ptr_array_add(points, NULL);
	return (char **)g_ptr_array_free(points, FALSE);
}

char **
tidy_facts_mount_points(const char *dir)
{
	g_autofree char *type = NULL;

	return read_mounts(dir, &type);
}

/* --- the stray's listing --- */

typedef struct {
	TidyFs *fs;
	int dir;
	GPtrArray *names;
	GArray *partials; /* of TidyPartialEntry */
	gboolean has_partial;
} Listing;

static gboolean
fits(const char *pattern, const char *name)
{
	const char *star = strchr(pattern, '*');
	gsize head = star != NULL ? (gsize)(star - pattern) : 0;

	if (star == NULL)
		return strcmp(pattern, name) == 0;
	return strncmp(pattern, name, head) == 0 && strlen(name) >= strlen(pattern) - 1 &&
	       g_str_has_suffix(name, star + 1);
}

static gboolean
is_marker(const char *name)
{
	gsize n;
	const TidyGuardMarker *markers = tidy_guard_markers(&n);

	for (gsize i = 0; i < n; i++) {
		if (fits(markers[i].pattern, name))
			return TRUE;
	}
	return FALSE;
}

/* Only what says something is kept: a directory may have a million names. */
static gboolean
list_marker(const TidyDirent *entry, gpointer data)
{
	Listing *listing = data;

	if (is_marker(entry->name))
		g_ptr_array_add(listing->names, g_strdup(entry->name));
	listing->has_partial |= tidy_partial_rule(entry->name) != NULL;
	return TRUE;
}

static gboolean
list_partial(const TidyDirent *entry, gpointer data)
{
	Listing *listing = data;
	TidyPartialEntry partial = { .size = -1, .is_dir = entry->type == TIDY_TYPE_DIR };
	TidyStat st;

	partial.name = g_strdup(entry->name);
	if (tidy_partial_rule(entry->name) != NULL &&
	    listing->fs->stat(listing->fs, listing->dir, entry->name, &st) == 0) {
		partial.size = st.size;
		partial.mtime_ns = st.mtime_ns;
	}
	g_array_append_val(listing->partials, partial);
	return TRUE;
}

static const char *const *
unfinished_names(TidyFs *fs, TidyFacts *facts, const GArray *entries)
{
	g_autoptr(GArray) marks =
		tidy_partial_scan((const TidyPartialEntry *)(const void *)entries->data,
				  entries->len, fs->now(fs), TIDY_PARTIAL_STALE_NS);
	GPtrArray *names = g_ptr_array_new();

	for (guint i = 0; i < marks->len; i++) {
		const TidyPartialMark *mark = &g_array_index(marks, TidyPartialMark, i);
		const char *name = g_array_index(entries, TidyPartialEntry, i).name;

		if (mark->kind != TIDY_PARTIAL_NO && !mark->is_stale)
			g_ptr_array_add(names, (char *)own(facts, g_strdup(name)));
	}
	g_ptr_array_add(names, NULL);
	own(facts, (char *)names->pdata);
	return (const char *const *)g_ptr_array_free(names, FALSE);
}

static void
partial_clear(gpointer data)
{
	g_free((char *)((TidyPartialEntry *)data)->name);
}

static void
gather_partials(TidyFacts *facts, Listing *listing)
{
	listing->partials = g_array_new(FALSE, FALSE, sizeof(TidyPartialEntry));
	g_array_set_clear_func(listing->partials, partial_clear);
	if (listing->has_partial &&
	    tidy_fs_list(listing->fs, listing->dir, list_partial, listing) < 0)
		facts->guard.is_incomplete = TRUE;
	facts->guard.partials = unfinished_names(listing->fs, facts, listing->partials);
	g_array_unref(listing->partials);
}

static void
gather_names(TidyFs *fs, TidyFacts *facts, TidyGuardRoot *root, gboolean wants_partials)
{
	Listing listing = { .fs = fs };
	char **names;

	listing.dir = fs->openat(fs, AT_FDCWD, root->path, O_RDONLY | O_DIRECTORY, 0);
	if (listing.dir < 0)
		return;
	listing.names = g_ptr_array_new();
	if (tidy_fs_list(fs, listing.dir, list_marker, &listing) < 0)
		facts->guard.is_incomplete = TRUE;
	if (wants_partials)
		gather_partials(facts, &listing);
	fs->close(fs, listing.dir);
	g_ptr_array_add(listing.names, NULL);
	names = (char **)g_ptr_array_free(listing.names, FALSE);
	root->names = (const char *const *)names;
	for (char **name = names; *name != NULL; name++)
		own(facts, *name);
	own(facts, (char *)names);
}

/* --- number and size --- */

typedef struct {
	TidyFs *fs;
	int dir;
	TidyGuardFacts *guard;
	guint lacking;	  /* TidyKeep: what the target cannot hold; 0: do not look */
	GPtrArray *below; /* names of directories to enter */
} Sizer;

/* Counts a file with attributes that would keep it from being copied. */
static void
look_at_attributes(Sizer *sizer, const char *name)
{
	TidyFs *fs = sizer->fs;
	int fd = fs->openat(fs, sizer->dir, name, O_RDONLY, 0);

	if (fd < 0)
		return;
	if ((tidy_keep_of(fs, fd) & sizer->lacking) != 0)
		sizer->guard->n_unkeepable++;
	fs->close(fs, fd);
}

static gboolean
size_entry(const TidyDirent *entry, gpointer data)
{
	Sizer *sizer = data;
	TidyStat st;

	sizer->guard->n_entries++;
	if (sizer->fs->stat(sizer->fs, sizer->dir, entry->name, &st) == 0) {
		if (tidy_stat_type(&st) == TIDY_TYPE_FILE) {
			sizer->guard->n_bytes += (guint64)st.size;
			sizer->guard->n_disk_bytes += MIN((guint64)st.size, st.blocks * 512);
			if (sizer->lacking != 0 && sizer->guard->n_entries <= KEEP_ENTRIES_MAX)
				look_at_attributes(sizer, entry->name);
		}
		if (st.uid != sizer->guard->uid)
			sizer->guard->n_foreign_owned++;
		sizer->guard->newest_ns = MAX(sizer->guard->newest_ns, st.mtime_ns);
		if (tidy_stat_type(&st) == TIDY_TYPE_DIR)
			g_ptr_array_add(sizer->below, g_strdup(entry->name));
	}
	return sizer->guard->n_entries < SIZE_ENTRIES_MAX;
}

/* Depth first; as many descriptors as the tree is deep, which the limit of entries bounds only loosely: 64 levels. */
static void
measure(TidyFs *fs, int parent, const char *name, guint depth, guint lacking, TidyGuardFacts *guard)
{
	g_autoptr(GPtrArray) below = g_ptr_array_new_with_free_func(g_free);
	Sizer sizer = { .fs = fs, .guard = guard, .lacking = lacking, .below = below };

	if (depth == 0 || guard->n_entries >= SIZE_ENTRIES_MAX)
		return;
	sizer.dir = fs->openat(fs, parent, name, O_RDONLY | O_DIRECTORY, 0);
	if (sizer.dir < 0)
		return;
	if (lacking != 0 && (tidy_keep_of(fs, sizer.dir) & lacking) != 0)
		guard->n_unkeepable++;
	tidy_fs_list(fs, sizer.dir, size_entry, &sizer);
	for (guint i = 0; i < below->len; i++)
		measure(fs, sizer.dir, g_ptr_array_index(below, i), depth - 1, lacking, guard);
	fs->close(fs, sizer.dir);
}

/* What the target cannot hold of what the stray may have: within one file system a rename keeps all. */
static guint
lacking_there(TidyFs *fs, const TidyGuardFacts *guard)
{
	guint lacking;
	int dir;

	if (!guard->source.has_real || !guard->target.has_real ||
	    guard->source.real.dev == guard->target.real.dev)
		return 0;
	dir = fs->openat(fs, AT_FDCWD, guard->target.real_path, O_RDONLY | O_DIRECTORY, 0);
	if (dir < 0)
		return 0;
	lacking = tidy_keep_lacking(fs, dir);
	fs->close(fs, dir);
	return lacking;
}

/* A plan that nobody measures for still says what would not be kept. */
static void
gather_size(TidyFs *fs, TidyFacts *facts, const TidyFactsRequest *request)
{
	TidyGuardFacts *guard = &facts->guard;
	guint lacking = lacking_there(fs, guard);
	TidyGuardFacts measured = *guard;

	if (!request->wants_size && lacking == 0)
		return;
	measure(fs, AT_FDCWD, request->stray, 64, lacking, &measured);
	if (request->wants_size)
		*guard = measured;
	else
		guard->n_unkeepable = measured.n_unkeepable;
}

/* --- all of it --- */

/* A guest's home is made for the session, in memory, and named so (LightDM, gdm-guest-session). */
static gboolean
is_guest(const TidyGuardFacts *guard)
{
	g_autofree char *name = g_path_get_basename(guard->home);

	return g_str_has_prefix(name, "guest-") && guard->home_info.type == TMPFS_MAGIC;
}

static gboolean
is_system_user(const TidyGuardFacts *guard)
{
	return (guard->uid > 0 && guard->uid < UID_FIRST_USER) ||
	       strcmp(guard->home, "/root") == 0 || is_guest(guard);
}

/* Those that name something in the stray, as "Firefox: /home/ann/Download". */
static const char *const *
references_into(TidyFacts *facts, const TidyClaims *claims)
{
	const TidyGuardRoot *source = &facts->guard.source;
	GPtrArray *found = g_ptr_array_new();

	for (guint i = 0; claims->paths[TIDY_CLAIM_REFERENCE][i] != NULL; i++) {
		const char *path = claims->paths[TIDY_CLAIM_REFERENCE][i];

		if (tidy_dirs_is_within(path, source->path) ||
		    (source->real_path != NULL && tidy_dirs_is_within(path, source->real_path)))
			g_ptr_array_add(
				found,
				(gpointer)own(facts,
					      g_strdup_printf("%s: %s",
							      claims->apps[TIDY_CLAIM_REFERENCE][i],
							      path)));
	}
	g_ptr_array_add(found, NULL);
	own(facts, (char *)found->pdata);
	return (const char *const *)g_ptr_array_free(found, FALSE);
}

static void
gather_claims(TidyFacts *facts, const TidyClaims *claims)
{
	TidyGuardFacts *guard = &facts->guard;
	char *const *const *paths = (char *const *const *)claims->paths;

	guard->sync_roots = (const char *const *)paths[TIDY_CLAIM_SYNC];
	guard->exports = (const char *const *)paths[TIDY_CLAIM_EXPORT];
	guard->torrents = (const char *const *)paths[TIDY_CLAIM_TORRENT];
	guard->units = (const char *const *)paths[TIDY_CLAIM_UNIT];
	guard->references = references_into(facts, claims);
	guard->is_incomplete |= claims->is_incomplete;
}

static void
gather_links(TidyFs *fs, TidyFacts *facts, const TidyFactsRequest *request)
{
	const TidyGuardRoot *target = &facts->guard.target;
	GPtrArray *paths = g_ptr_array_new();

	facts->links = tidy_links_into(
		fs, facts->guard.real_home != NULL ? facts->guard.real_home : request->home,
		request->stray, target->real_path != NULL ? target->real_path : request->target,
		&facts->are_links_cut);
	for (guint i = 0; i < facts->links->len; i++)
		g_ptr_array_add(paths, ((TidyLinkInto *)g_ptr_array_index(facts->links, i))->path);
	g_ptr_array_add(paths, NULL);
	own(facts, (char *)paths->pdata);
	facts->guard.links = (const char *const *)g_ptr_array_free(paths, FALSE);
}

TidyFacts *
tidy_facts_gather(TidyFs *fs, const TidyFactsRequest *request)
{
	TidyFacts *facts = g_new0(TidyFacts, 1);
	TidyGuardFacts *guard = &facts->guard;
	char *real_home = realpath(request->home, NULL);
	char *type;

	facts->owned = g_ptr_array_new_with_free_func(g_free);
	guard->home = request->home;
	guard->real_home = real_home != NULL ? own(facts, g_strdup(real_home)) : NULL;
	free(real_home);
	guard->uid = getuid();
	guard->key = request->key;
	guard->dirs = request->dirs;
	guard->key_state = request->key != NULL ? tidy_user_dirs_state(request->dirs, request->key)
						: TIDY_DIR_SET;
	guard->stray = request->candidate;
	guard->has_consent = request->has_consent;
	guard->other_host = request->other_host;
	guard->now_ns = fs->now(fs);
	guard->max_entries = request->has_consent ? 0 : MANY_ENTRIES;
	guard->max_bytes = request->has_consent ? 0 : MANY_BYTES;
	if (fs->stat(fs, AT_FDCWD, guard->real_home != NULL ? guard->real_home : request->home,
		     &guard->home_stat) == 0) {
		tidy_autofd fd = open(request->home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (fd >= 0)
			fs->fsinfo(fs, fd, &guard->home_info);
	}
	guard->is_system_user = is_system_user(guard);
	gather_root(fs, facts, &guard->source, request->stray);
	facts->mount_points = read_mounts(request->stray, &type);
	guard->source.fs_name = own(facts, type);
	gather_names(fs, facts, &guard->source, TRUE);
	if (request->target != NULL) {
		gather_root(fs, facts, &guard->target, request->target);
		g_strfreev(read_mounts(request->target, &type));
		guard->target.fs_name = own(facts, type);
	}
	if (request->claims != NULL)
		gather_claims(facts, request->claims);
	facts->open_paths = tidy_facts_open_paths(request->stray);
	guard->open_writers = (const char *const *)facts->open_paths;
	if (request->wants_size || request->wants_links)
		gather_size(fs, facts, request);
	if (request->wants_links && tidy_stat_type(&guard->source.st) == TIDY_TYPE_DIR)
		gather_links(fs, facts, request);
	return facts;
}

void
tidy_facts_free(TidyFacts *facts)
{
	g_clear_pointer(&facts->links, g_ptr_array_unref);
	g_ptr_array_unref(facts->owned);
	g_strfreev(facts->open_paths);
	g_strfreev(facts->mount_points);
	g_free(facts);
}
