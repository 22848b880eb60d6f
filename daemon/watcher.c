/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Watches the directories that matter. I/O. */
#include "daemon/watcher.h"

#include <errno.h>
#include <string.h>

#include "daemon/inotify-source.h"
#include "daemon/stray-content.h"
#include "home/base/error.h"

#define POLL_USEC  (15 * G_TIME_SPAN_MINUTE)
#define QUIET_USEC (30 * G_TIME_SPAN_SECOND)

#define MASK_SELF  (IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)
#define MASK_NAMES (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO)

typedef enum { ROLE_HOME, ROLE_USER_DIR, ROLE_STRAY, ROLE_CONFIG, N_ROLES } Role;

static const struct {
	const char *name;
	guint32 mask;
} roles[N_ROLES] = {
	[ROLE_HOME] = { "home", MASK_SELF | MASK_NAMES },
	[ROLE_USER_DIR] = { "user-dir", MASK_SELF },
	/* No IN_MODIFY: a download would wake us at every write, and IN_CLOSE_WRITE tells its end. */
	[ROLE_STRAY] = { "stray", MASK_SELF | MASK_NAMES | IN_CLOSE_WRITE | IN_DONT_FOLLOW },
	[ROLE_CONFIG] = { "config", MASK_SELF | MASK_NAMES | IN_CLOSE_WRITE },
};

/*
 * One path that is watched for one role. Several may share one kernel watch (a user directory that is the home), so
 * events are looked up by watch number over all of them; there are about fifteen.
 */
typedef struct {
	char *path;
	Role role;
	int watch;	  /* -1: not watched now */
	char *only_name;  /* a configuration file whose directory is watched instead, or NULL */
	gboolean is_kept; /* by the tidy_watcher_set() under way */
	TidyStrayContent *content; /* strays */
} Watch;

struct TidyWatcher {
	TidyWatcherFuncs funcs;
	GSource *inotify;
	GSource *timer;
	GMainContext *context;
	GPtrArray *watches;
	gint64 quiet_usec;
	gint64 poll_usec;
	gint64 poll_due_usec; /* 0: every directory is watched */
	char *degraded;
	guint looks; /* TidyLook bits gathered during one read of events */
};

static void arm(TidyWatcher *watcher);

static void
watch_free(Watch *watch)
{
	g_clear_pointer(&watch->content, tidy_stray_content_free);
	g_free(watch->only_name);
	g_free(watch->path);
	g_free(watch);
}

static void
want_look(TidyWatcher *watcher, TidyLook look)
{
	watcher->looks |= 1u << look;
}

static void
give_looks(TidyWatcher *watcher)
{
	guint looks = watcher->looks;

	watcher->looks = 0;
	for (guint look = 0; look <= TIDY_LOOK_ALL; look++) {
		if (looks & 1u << look)
			watcher->funcs.look((TidyLook)look, watcher->funcs.data);
	}
}

static void
set_degraded(TidyWatcher *watcher, const char *path, int result)
{
	if (watcher->degraded != NULL)
		return;
	watcher->degraded =
		g_strdup_printf("cannot watch %s: %s; looking every %d minutes instead", path,
				result == -ENOSPC
					? "the limit fs.inotify.max_user_watches is reached"
					: g_strerror(-result),
				(int)(watcher->poll_usec / G_TIME_SPAN_MINUTE));
	watcher->poll_due_usec = g_get_monotonic_time() + watcher->poll_usec;
}

/* ---- adding and removing ---- */

static gboolean
is_shared(TidyWatcher *watcher, const Watch *self)
{
	for (guint i = 0; i < watcher->watches->len; i++) {
		const Watch *other = g_ptr_array_index(watcher->watches, i);

		if (other != self && other->watch == self->watch)
			return TRUE;
	}
	return FALSE;
}

static void
unhook(TidyWatcher *watcher, Watch *watch)
{
	if (watch->watch >= 0 && !is_shared(watcher, watch))
		tidy_inotify_source_remove(watcher->inotify, watch->watch);
	watch->watch = -1;
}

/* A directory may be watched for two roles; IN_MASK_ADD keeps the first one's events. IN_ONLYDIR is per call. */
static int
add_kernel_watch(TidyWatcher *watcher, const char *path, guint32 mask)
{
	return tidy_inotify_source_add(watcher->inotify, path, mask | IN_MASK_ADD);
}

/* What is not there (yet) is watched through its parent's names; only configuration needs that, the rest is in the
 * home. */
static int
hook_parent(TidyWatcher *watcher, Watch *watch)
{
	g_autofree char *parent = g_path_get_dirname(watch->path);

	g_free(watch->only_name);
	watch->only_name = g_path_get_basename(watch->path);
	return add_kernel_watch(watcher, parent, roles[ROLE_CONFIG].mask);
}

/* What happened before it was watched was seen by nobody, and what there was to see may have been looked at earlier. */
static void
hooked(TidyWatcher *watcher, Watch *watch, int number)
{
	watch->watch = number;
	if (watch->content != NULL)
		tidy_stray_content_missed(watch->content);
	else
		want_look(watcher, watch->role == ROLE_CONFIG ? TIDY_LOOK_CONFIG : TIDY_LOOK_HOME);
}

static void
hook(TidyWatcher *watcher, Watch *watch)
{
	int result;

	if (watch->watch >= 0)
		return;
	g_clear_pointer(&watch->only_name, g_free);
	result = add_kernel_watch(watcher, watch->path, roles[watch->role].mask);
	if ((result == -ENOENT || result == -ENOTDIR) && watch->role == ROLE_CONFIG)
		result = hook_parent(watcher, watch);
	if (result >= 0)
		hooked(watcher, watch, result);
	else if (result != -ENOENT && result != -ENOTDIR && result != -ELOOP)
		set_degraded(watcher, watch->path, result);
}

static Watch *
find_watch(TidyWatcher *watcher, const char *path, Role role)
{
	for (guint i = 0; i < watcher->watches->len; i++) {
		Watch *watch = g_ptr_array_index(watcher->watches, i);

		if (watch->role == role && strcmp(watch->path, path) == 0)
			return watch;
	}
	return NULL;
}

static TidyStrayContent *
new_content(TidyWatcher *watcher, const char *path)
{
	return tidy_stray_content_new(path,
				      &(TidyStrayOptions){ .quiet_usec = watcher->quiet_usec,
							   .is_partial = watcher->funcs.is_partial,
							   .data = watcher->funcs.data });
}

static void
keep_or_add(TidyWatcher *watcher, const char *path, Role role)
{
	Watch *watch = find_watch(watcher, path, role);

	if (watch == NULL) {
		watch = g_new0(Watch, 1);
		watch->path = g_strdup(path);
		watch->role = role;
		watch->watch = -1;
		if (role == ROLE_STRAY)
			watch->content = new_content(watcher, path);
		g_ptr_array_add(watcher->watches, watch);
	}
	watch->is_kept = TRUE;
	/* A configuration directory that exists by now replaces the watch on its parent. */
	if (watch->only_name != NULL && g_file_test(path, G_FILE_TEST_IS_DIR))
		unhook(watcher, watch);
	hook(watcher, watch);
}

/* A user-dirs.dirs that is a link (stow, chezmoi, home-manager) is edited elsewhere. */
static void
add_linked_files(TidyWatcher *watcher, const char *dir)
{
	static const char *const files[] = { "user-dirs.dirs", "xdgtidy.conf" };

	for (guint i = 0; i < G_N_ELEMENTS(files); i++) {
		g_autofree char *path = g_build_filename(dir, files[i], NULL);
		g_autofree char *real = NULL;
		char *resolved;

		if (!g_file_test(path, G_FILE_TEST_IS_SYMLINK))
			continue;
		resolved = realpath(path, NULL);
		real = g_strdup(resolved);
		free(resolved);
		if (real != NULL)
			keep_or_add(watcher, real, ROLE_CONFIG);
	}
}

/* xdgtidy.conf lies one level deeper than user-dirs.dirs. */
static void
add_config(TidyWatcher *watcher, const char *dir)
{
	g_autofree char *deeper = g_build_filename(dir, "xdgtidy", NULL);

	add_linked_files(watcher, dir);
	keep_or_add(watcher, deeper, ROLE_CONFIG);
	add_linked_files(watcher, deeper);
}

static int
role_from_name(const char *name)
{
	for (int role = 0; role < N_ROLES; role++) {
		if (strcmp(roles[role].name, name) == 0)
			return role;
	}
	return -1;
}

static void
drop_others(TidyWatcher *watcher)
{
	for (guint i = watcher->watches->len; i-- > 0;) {
		Watch *watch = g_ptr_array_index(watcher->watches, i);

		if (watch->is_kept)
			continue;
		unhook(watcher, watch);
		g_ptr_array_remove_index(watcher->watches, i);
	}
}

void
tidy_watcher_set(TidyWatcher *watcher, GVariant *watches)
{
	const char *path, *role_name;
	GVariantIter iter;

	g_clear_pointer(&watcher->degraded, g_free);
	watcher->poll_due_usec = 0;
	for (guint i = 0; i < watcher->watches->len; i++)
		((Watch *)g_ptr_array_index(watcher->watches, i))->is_kept = FALSE;
	g_variant_iter_init(&iter, watches);
	while (g_variant_iter_next(&iter, "(&s&s)", &path, &role_name)) {
		int role = role_from_name(role_name);

		if (role < 0)
			continue;
		keep_or_add(watcher, path, (Role)role);
		if (role == ROLE_CONFIG)
			add_config(watcher, path);
	}
	drop_others(watcher);
	arm(watcher);
	give_looks(watcher);
}

void
tidy_watcher_set_active(TidyWatcher *watcher, const char *const *paths)
{
	for (guint i = 0; i < watcher->watches->len; i++) {
		Watch *watch = g_ptr_array_index(watcher->watches, i);

		if (watch->content != NULL)
			tidy_stray_content_set_active(watch->content,
						      g_strv_contains(paths, watch->path));
	}
	arm(watcher);
}

void
tidy_watcher_done(TidyWatcher *watcher, const char *path)
{
	Watch *watch = find_watch(watcher, path, ROLE_STRAY);

	if (watch == NULL)
		return;
	tidy_stray_content_done(watch->content);
	arm(watcher);
}

/* ---- time ---- */

static gint64
deadline_of(const Watch *watch)
{
	return watch->content != NULL ? tidy_stray_content_deadline(watch->content) : G_MAXINT64;
}

static Watch *
find_due(TidyWatcher *watcher, gint64 now)
{
	for (guint i = 0; i < watcher->watches->len; i++) {
		Watch *watch = g_ptr_array_index(watcher->watches, i);

		if (deadline_of(watch) <= now)
			return watch;
	}
	return NULL;
}

/* ready() may call back into tidy_watcher_set(); so the watch is found anew after it. */
static void
give_due(TidyWatcher *watcher, Watch *watch, gint64 now)
{
	g_autofree char *path = g_strdup(watch->path);
	g_auto(GStrv) names = NULL;
	gboolean is_all;
	TidyStrayDue due = tidy_stray_content_take(watch->content, now, &names, &is_all);

	if (due == TIDY_STRAY_LOOK)
		want_look(watcher, TIDY_LOOK_STRAY);
	if (due != TIDY_STRAY_READY ||
	    watcher->funcs.ready(path, (const char *const *)names, is_all, watcher->funcs.data))
		return;
	watch = find_watch(watcher, path, ROLE_STRAY);
	if (watch != NULL)
		tidy_stray_content_refused(watch->content);
}

/* Where the kernel refused a watch. */
static void
poll_unwatched(TidyWatcher *watcher, gint64 now)
{
	watcher->poll_due_usec = now + watcher->poll_usec;
	for (guint i = 0; i < watcher->watches->len; i++) {
		Watch *watch = g_ptr_array_index(watcher->watches, i);

		if (watch->content != NULL && watch->watch < 0)
			tidy_stray_content_missed(watch->content);
	}
	want_look(watcher, TIDY_LOOK_ALL);
}

static gboolean
on_timer(gpointer data)
{
	TidyWatcher *watcher = data;
	gint64 now = g_get_monotonic_time();
	Watch *watch;

	while ((watch = find_due(watcher, now)) != NULL)
		give_due(watcher, watch, now);
	if (watcher->poll_due_usec != 0 && watcher->poll_due_usec <= now)
		poll_unwatched(watcher, now);
	arm(watcher);
	give_looks(watcher);
	return G_SOURCE_CONTINUE;
}

static gint64
next_deadline(TidyWatcher *watcher)
{
	gint64 deadline = watcher->poll_due_usec != 0 ? watcher->poll_due_usec : G_MAXINT64;

	for (guint i = 0; i < watcher->watches->len; i++)
		deadline = MIN(deadline, deadline_of(g_ptr_array_index(watcher->watches, i)));
	return deadline;
}

/* One timer for everything; without a deadline it does not exist for poll(2). */
static void
arm(TidyWatcher *watcher)
{
	gint64 deadline = next_deadline(watcher);

	g_source_set_ready_time(watcher->timer, deadline == G_MAXINT64 ? -1 : MAX(deadline, 0));
}

/* ---- events ---- */

static void
on_config_name(TidyWatcher *watcher, const Watch *watch, const char *name)
{
	const char *wanted = watch->only_name;

	if (wanted != NULL && strcmp(name, wanted) != 0)
		return;
	if (g_str_has_prefix(name, "user-dirs."))
		want_look(watcher, TIDY_LOOK_USER_DIRS);
	else if (wanted != NULL || strcmp(name, "xdgtidy") == 0 || g_str_has_suffix(name, ".conf"))
		want_look(watcher, TIDY_LOOK_CONFIG);
}

static gboolean
is_watched_path(TidyWatcher *watcher, const char *dir, const char *name)
{
	g_autofree char *path = g_build_filename(dir, name, NULL);

	return find_watch(watcher, path, ROLE_USER_DIR) != NULL ||
	       find_watch(watcher, path, ROLE_STRAY) != NULL;
}

/* A link counts too: it may be what makes a configured directory appear. */
static void
on_home_name(TidyWatcher *watcher, const Watch *watch, const char *name)
{
	gboolean matters = name[0] != '.' && (watcher->funcs.matters == NULL ||
					      watcher->funcs.matters(name, watcher->funcs.data));

	if (matters || is_watched_path(watcher, watch->path, name))
		want_look(watcher, TIDY_LOOK_HOME);
}

/* The watch follows the inode: after a rename it would tell about a directory that is no longer the one meant.
 * So it ends, and the path is resolved again. */
static void
on_self_event(TidyWatcher *watcher, Watch *watch, guint32 mask)
{
	if (mask & IN_IGNORED)
		watch->watch = -1;
	else
		unhook(watcher, watch);
	if (mask & IN_UNMOUNT)
		want_look(watcher, TIDY_LOOK_ALL);
	else if (watch->role == ROLE_CONFIG)
		want_look(watcher, TIDY_LOOK_USER_DIRS);
	else
		want_look(watcher, TIDY_LOOK_HOME);
}

static void
on_watch_event(TidyWatcher *watcher, Watch *watch, const TidyInotifyEvent *event)
{
	if (event->mask & (IN_IGNORED | IN_UNMOUNT | IN_DELETE_SELF | IN_MOVE_SELF)) {
		on_self_event(watcher, watch, event->mask);
		return;
	}
	if (event->name == NULL)
		return;
	switch (watch->role) {
	case ROLE_HOME:
		if (event->mask & (roles[ROLE_HOME].mask))
			on_home_name(watcher, watch, event->name);
		break;
	case ROLE_STRAY:
		tidy_stray_content_event(watch->content, event->mask, event->name,
					 g_get_monotonic_time());
		break;
	case ROLE_CONFIG:
		on_config_name(watcher, watch, event->name);
		break;
	case ROLE_USER_DIR:
	case N_ROLES:
		break;
	}
}

/* What was dropped may have been that a watched directory was moved or removed: all watches are made anew. */
static void
on_overflow(TidyWatcher *watcher)
{
	for (guint i = 0; i < watcher->watches->len; i++)
		unhook(watcher, g_ptr_array_index(watcher->watches, i));
	for (guint i = 0; i < watcher->watches->len; i++)
		hook(watcher, g_ptr_array_index(watcher->watches, i));
	want_look(watcher, TIDY_LOOK_ALL);
}

static void
on_inotify(const TidyInotifyEvent *event, gpointer data)
{
	TidyWatcher *watcher = data;

	if (event == NULL) {
		arm(watcher);
		give_looks(watcher);
		return;
	}
	if (event->mask & IN_Q_OVERFLOW) {
		on_overflow(watcher);
		return;
	}
	for (guint i = 0; i < watcher->watches->len; i++) {
		Watch *watch = g_ptr_array_index(watcher->watches, i);

		if (watch->watch == event->watch)
			on_watch_event(watcher, watch, event);
	}
}

/* ---- life ---- */

static gboolean
timer_dispatch(GSource *source, GSourceFunc func, gpointer data)
{
	return func(data);
}

static GSourceFuncs timer_funcs = { .dispatch = timer_dispatch };

TidyWatcher *
tidy_watcher_new(const TidyWatcherFuncs *funcs, GError **error)
{
	g_autoptr(TidyWatcher) watcher = g_new0(TidyWatcher, 1);

	watcher->funcs = *funcs;
	watcher->watches = g_ptr_array_new_with_free_func((GDestroyNotify)watch_free);
	watcher->quiet_usec = QUIET_USEC;
	watcher->poll_usec = POLL_USEC;
	watcher->context = g_main_context_ref_thread_default();
	watcher->timer = g_source_new(&timer_funcs, sizeof(GSource));
	g_source_set_callback(watcher->timer, on_timer, watcher, NULL);
	g_source_attach(watcher->timer, watcher->context);
	watcher->inotify = tidy_inotify_source_new(on_inotify, watcher, error);
	if (watcher->inotify == NULL)
		return NULL;
	g_source_attach(watcher->inotify, watcher->context);
	return g_steal_pointer(&watcher);
}

void
tidy_watcher_free(TidyWatcher *watcher)
{
	if (watcher->inotify != NULL) {
		g_source_destroy(watcher->inotify);
		g_source_unref(watcher->inotify);
	}
	g_source_destroy(watcher->timer);
	g_source_unref(watcher->timer);
	g_main_context_unref(watcher->context);
	g_ptr_array_unref(watcher->watches);
	g_free(watcher->degraded);
	g_free(watcher);
}

void
tidy_watcher_set_times(TidyWatcher *watcher, gint64 quiet_usec, gint64 poll_usec)
{
	watcher->poll_usec = poll_usec > 0 ? poll_usec : POLL_USEC;
	if (quiet_usec == watcher->quiet_usec)
		return;
	watcher->quiet_usec = quiet_usec;
	for (guint i = 0; i < watcher->watches->len; i++) {
		Watch *watch = g_ptr_array_index(watcher->watches, i);

		if (watch->content != NULL)
			tidy_stray_content_set_quiet(watch->content, quiet_usec);
	}
	arm(watcher);
}

guint
tidy_watcher_n_watches(TidyWatcher *watcher)
{
	g_autoptr(GHashTable) numbers = g_hash_table_new(NULL, NULL);

	for (guint i = 0; i < watcher->watches->len; i++) {
		const Watch *watch = g_ptr_array_index(watcher->watches, i);

		if (watch->watch >= 0)
			g_hash_table_add(numbers, GINT_TO_POINTER(watch->watch));
	}
	return g_hash_table_size(numbers);
}

const char *
tidy_watcher_degraded(TidyWatcher *watcher)
{
	return watcher->degraded != NULL ? watcher->degraded : "";
}
