/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The entries of one watched stray. I/O: listings. */
#include "daemon/stray-content.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "home/merge/settle.h"

#define GONE (IN_DELETE | IN_MOVED_FROM)

struct TidyStrayContent {
	char *path;
	TidyStrayOptions options;
	TidySettle *settle;	/* NULL: not active */
	gint64 empty_usec;	/* active, without entries: when to say so, 0: said or not empty */
	gboolean is_empty_said; /* and the work taken on; until there is an entry again */
	gboolean is_busy;    /* active: what was ready is being worked on; nothing else is ready */
	gboolean is_refused; /* and it was not taken on */
	gint64 look_usec;    /* not active: when to look, 0: no need */
};

/* ---- listing ---- */

/* When an entry last changed, on the monotonic clock; the future (a wrong clock) counts as now. */
static gint64
changed_at(int dir, const char *name)
{
	gint64 age_usec = 0;
	struct timespec now;
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		gboolean is_mtime = st.st_mtim.tv_sec > st.st_ctim.tv_sec;
		struct timespec changed = is_mtime ? st.st_mtim : st.st_ctim;

		clock_gettime(CLOCK_REALTIME, &now);
		age_usec = (gint64)(now.tv_sec - changed.tv_sec) * G_USEC_PER_SEC +
			   (now.tv_nsec - changed.tv_nsec) / 1000;
	}
	return g_get_monotonic_time() - MAX(age_usec, 0);
}

typedef void (*EntryFunc)(TidyStrayContent *content, int dir, const char *name);

/* Calls @func for each entry; answers their number, -1 if the stray is gone, a link or not to be read. */
static int
for_each_entry(TidyStrayContent *content, EntryFunc func)
{
	int fd = open(content->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;
	int count = 0;

	if (dir == NULL) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	while ((entry = readdir(dir)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		func(content, dirfd(dir), entry->d_name);
		count++;
	}
	closedir(dir);
	return count;
}

static void
entry_arrived(TidyStrayContent *content, int dir, const char *name)
{
	tidy_settle_event(content->settle, TIDY_SETTLE_ARRIVED, name, changed_at(dir, name));
}

static void
entry_back(TidyStrayContent *content, int dir, const char *name)
{
	tidy_settle_back(content->settle, name, g_get_monotonic_time());
}

/* An empty directory is merged too (so it goes away), but only once: one that cannot go would be tried for ever. */
static void
list_into_settle(TidyStrayContent *content)
{
	int count;

	tidy_settle_rescan_begin(content->settle);
	count = for_each_entry(content, entry_arrived);
	tidy_settle_rescan_end(content->settle);
	if (count > 0)
		content->is_empty_said = FALSE;
	if (count != 0 || content->is_empty_said)
		content->empty_usec = 0;
	else if (content->empty_usec == 0)
		content->empty_usec =
			changed_at(AT_FDCWD, content->path) + content->options.quiet_usec;
}

/* ---- life ---- */

TidyStrayContent *
tidy_stray_content_new(const char *path, const TidyStrayOptions *options)
{
	TidyStrayContent *content = g_new0(TidyStrayContent, 1);

	content->path = g_strdup(path);
	content->options = *options;
	return content;
}

void
tidy_stray_content_free(TidyStrayContent *content)
{
	g_clear_pointer(&content->settle, tidy_settle_free);
	g_free(content->path);
	g_free(content);
}

static void
activate(TidyStrayContent *content)
{
	content->look_usec = 0;
	content->settle = tidy_settle_new(&(TidySettleOptions){
		.quiet_usec = content->options.quiet_usec,
		.is_partial = content->options.is_partial,
		.is_partial_data = content->options.data,
	});
	list_into_settle(content);
}

static void
deactivate(TidyStrayContent *content)
{
	content->empty_usec = 0;
	content->is_empty_said = FALSE;
	content->is_busy = FALSE;
	content->is_refused = FALSE;
	g_clear_pointer(&content->settle, tidy_settle_free);
}

void
tidy_stray_content_set_active(TidyStrayContent *content, gboolean is_active)
{
	if (is_active && content->settle == NULL)
		activate(content);
	else if (!is_active && content->settle != NULL)
		deactivate(content);
}

void
tidy_stray_content_set_quiet(TidyStrayContent *content, gint64 quiet_usec)
{
	content->options.quiet_usec = quiet_usec;
	if (content->settle == NULL)
		return;
	deactivate(content);
	activate(content);
}

/* ---- what happens to it ---- */

void
tidy_stray_content_event(TidyStrayContent *content, guint32 mask, const char *name, gint64 now)
{
	TidySettleEvent event = mask & GONE			   ? TIDY_SETTLE_GONE
				: mask & (IN_CREATE | IN_MOVED_TO) ? TIDY_SETTLE_ARRIVED
								   : TIDY_SETTLE_CHANGED;

	if (content->settle == NULL) {
		content->look_usec = now + content->options.quiet_usec;
		return;
	}
	content->is_empty_said = FALSE;
	/* Confirmed by a listing when the time has come. */
	content->empty_usec =
		event == TIDY_SETTLE_GONE && tidy_settle_n_waiting(content->settle) <= 1
			? now + content->options.quiet_usec
			: 0;
	tidy_settle_event(content->settle, event, name, now);
}

void
tidy_stray_content_missed(TidyStrayContent *content)
{
	if (content->settle != NULL)
		list_into_settle(content);
	else
		content->look_usec = g_get_monotonic_time() + content->options.quiet_usec;
}

void
tidy_stray_content_done(TidyStrayContent *content)
{
	if (content->settle == NULL)
		return;
	if (content->is_refused) {
		deactivate(content);
		activate(content);
		return;
	}
	content->is_busy = FALSE;
	list_into_settle(content);
	for_each_entry(content, entry_back);
}

/* ---- time ---- */

gint64
tidy_stray_content_deadline(const TidyStrayContent *content)
{
	gint64 deadline;

	if (content->settle == NULL)
		return content->look_usec != 0 ? content->look_usec : G_MAXINT64;
	if (content->is_busy)
		return G_MAXINT64;
	deadline = tidy_settle_deadline(content->settle);
	return content->empty_usec != 0 ? MIN(deadline, content->empty_usec) : deadline;
}

/* TRUE when it is empty still. */
static gboolean
take_empty(TidyStrayContent *content)
{
	gboolean is_empty;

	content->empty_usec = 0;
	list_into_settle(content);
	is_empty = content->empty_usec != 0;
	content->empty_usec = 0;
	content->is_empty_said |= is_empty;
	return is_empty;
}

TidyStrayDue
tidy_stray_content_take(TidyStrayContent *content, gint64 now, char ***names, gboolean *is_all)
{
	*names = NULL;
	*is_all = FALSE;
	if (tidy_stray_content_deadline(content) > now)
		return TIDY_STRAY_NOTHING;
	if (content->settle == NULL) {
		content->look_usec = 0;
		return TIDY_STRAY_LOOK;
	}
	if (content->empty_usec != 0 && content->empty_usec <= now) {
		*is_all = take_empty(content);
		if (*is_all)
			*names = g_new0(char *, 1);
	} else {
		*names = tidy_settle_take(content->settle, now);
		*is_all = tidy_settle_n_waiting(content->settle) == 0;
	}
	content->is_busy = *names != NULL;
	return content->is_busy ? TIDY_STRAY_READY : TIDY_STRAY_NOTHING;
}

void
tidy_stray_content_refused(TidyStrayContent *content)
{
	content->is_refused = content->is_busy;
}
