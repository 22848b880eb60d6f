/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What programs do to a directory while they download, replayed from tests/scenario/downloads: real files, real leases
 * and /proc, real settle and guards; only the time is the test's. I/O.
 *
 *	create NAME       made, and held open for writing
 *	make NAME         made, and closed
 *	write NAME N      N more bytes through what holds it open
 *	close NAME
 *	rename A B        as rename(2): B is replaced
 *	delete NAME
 *	mkdir NAME
 *	age NAME DAYS     its stamps are so old
 *	wait SECONDS      time passes; what the daemon would do by then is done
 *	stray NAME...     these and no others are in the stray now
 *	target NAME...    these and no others are in the target now
 *	all               the daemon merges all of the stray, as it does when it starts
 *	restart           the daemon starts anew: it lists the stray, no event is known
 */
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "home/dirs/partial.h"
#include "home/engine/engine.h"
#include "home/engine/facts.h"
#include "home/merge/settle.h"
#include "home/service/service.h"
#include "tests/support/scratch.h"

#define QUIET_USEC (30 * G_USEC_PER_SEC)

typedef struct {
	TidyFs table; /* first */
	gint64 elapsed_ns;
} Clock;

typedef struct {
	const char *file;
	guint line;
	char *home;
	char *stray;
	char *target;
	GHashTable *open; /* name -> fd + 1 */
	Clock clock;
	TidySettle *settle;
	TidyService *service;
} Player;

static gint64
clock_now(TidyFs *fs)
{
	TidyFs *real = tidy_fs_linux();

	return real->now(real) + ((const Clock *)fs)->elapsed_ns;
}

static gint64
now_usec(const Player *player)
{
	return player->clock.elapsed_ns / 1000;
}

static gboolean
is_partial(const char *name, gpointer data)
{
	return tidy_partial_rule(name) != NULL;
}

static int
compare_text(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorted; an empty one when there is no such directory. */
static GPtrArray *
list(const char *path)
{
	GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	const char *name;

	while (dir != NULL && (name = g_dir_read_name(dir)) != NULL)
		g_ptr_array_add(names, g_strdup(name));
	g_ptr_array_sort(names, compare_text);
	return names;
}

/* --- the daemon's part --- */

static void
merge_names(Player *player, char *const *names)
{
	const TidyMergeOptions options = { .is_automatic = TRUE,
					   .only_names = (const char *const *)names };
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) report =
		tidy_service_merge(player->service, player->stray, NULL, &options, NULL, &error);

	g_assert_no_error(error);
	for (guint i = 0; names[i] != NULL; i++) {
		g_autofree char *path = g_build_filename(player->stray, names[i], NULL);
		struct stat st;

		if (lstat(path, &st) == 0)
			tidy_settle_back(player->settle, names[i], now_usec(player));
	}
}

/* Time passes, from deadline to deadline. */
static void
wait_seconds(Player *player, gint64 seconds)
{
	gint64 end = now_usec(player) + seconds * G_USEC_PER_SEC;
	gint64 deadline;

	while ((deadline = tidy_settle_deadline(player->settle)) <= end) {
		g_auto(GStrv) names = NULL;

		player->clock.elapsed_ns = MAX(deadline, now_usec(player)) * 1000;
		names = tidy_settle_take(player->settle, now_usec(player));
		if (names == NULL)
			break;
		merge_names(player, names);
	}
	player->clock.elapsed_ns = end * 1000;
}

static void
start_settle(Player *player)
{
	g_autoptr(GPtrArray) names = list(player->stray);

	g_clear_pointer(&player->settle, tidy_settle_free);
	player->settle = tidy_settle_new(
		&(TidySettleOptions){ .quiet_usec = QUIET_USEC, .is_partial = is_partial });
	for (guint i = 0; i < names->len; i++)
		tidy_settle_event(player->settle, TIDY_SETTLE_ARRIVED, names->pdata[i],
				  now_usec(player));
}

/* --- the downloading program's part --- */

static void
happened(Player *player, TidySettleEvent event, const char *name)
{
	tidy_settle_event(player->settle, event, name, now_usec(player));
}

static int
open_file(Player *player, const char *name, int flags)
{
	g_autofree char *path = g_build_filename(player->stray, name, NULL);
	int fd = open(path, flags | O_CLOEXEC, 0644);

	if (fd < 0)
		g_error("%s:%u: %s: %s", player->file, player->line, name, g_strerror(errno));
	return fd;
}

static void
do_create(Player *player, char *const *words)
{
	int fd = open_file(player, words[1], O_WRONLY | O_CREAT | O_APPEND);

	g_hash_table_insert(player->open, g_strdup(words[1]), GINT_TO_POINTER(fd + 1));
	happened(player, TIDY_SETTLE_ARRIVED, words[1]);
}

static void
do_close(Player *player, char *const *words)
{
	int fd = GPOINTER_TO_INT(g_hash_table_lookup(player->open, words[1])) - 1;

	g_assert_cmpint(fd, >=, 0);
	close(fd);
	g_hash_table_remove(player->open, words[1]);
	happened(player, TIDY_SETTLE_CHANGED, words[1]);
}

static void
do_make(Player *player, char *const *words)
{
	do_create(player, words);
	do_close(player, words);
}

static void
do_write(Player *player, char *const *words)
{
	int fd = GPOINTER_TO_INT(g_hash_table_lookup(player->open, words[1])) - 1;
	gsize size = (gsize)g_ascii_strtoull(words[2], NULL, 10);
	g_autofree char *bytes = g_malloc(size);

	memset(bytes, 'x', size);
	g_assert_cmpint(fd, >=, 0);
	g_assert_cmpint(write(fd, bytes, size), ==, (gssize)size);
	happened(player, TIDY_SETTLE_CHANGED, words[1]);
}

static void
do_rename(Player *player, char *const *words)
{
	g_autofree char *from = g_build_filename(player->stray, words[1], NULL);
	g_autofree char *to = g_build_filename(player->stray, words[2], NULL);
	gpointer fd = g_hash_table_lookup(player->open, words[1]);

	g_assert_cmpint(g_rename(from, to), ==, 0);
	if (fd != NULL) {
		g_hash_table_remove(player->open, words[1]);
		g_hash_table_insert(player->open, g_strdup(words[2]), fd);
	}
	happened(player, TIDY_SETTLE_GONE, words[1]);
	happened(player, TIDY_SETTLE_ARRIVED, words[2]);
}

static void
do_delete(Player *player, char *const *words)
{
	g_autofree char *path = g_build_filename(player->stray, words[1], NULL);

	g_assert_cmpint(g_remove(path), ==, 0);
	happened(player, TIDY_SETTLE_GONE, words[1]);
}

static void
do_mkdir(Player *player, char *const *words)
{
	g_autofree char *path = g_build_filename(player->stray, words[1], NULL);

	g_assert_cmpint(g_mkdir(path, 0755), ==, 0);
	happened(player, TIDY_SETTLE_ARRIVED, words[1]);
}

static void
do_age(Player *player, char *const *words)
{
	g_autofree char *path = g_build_filename(player->stray, words[1], NULL);
	time_t then = (time_t)(clock_now(&player->clock.table) / 1000000000) -
		      (time_t)g_ascii_strtoll(words[2], NULL, 10) * 86400;
	struct timespec times[2] = { { .tv_sec = then }, { .tv_sec = then } };

	g_assert_cmpint(utimensat(AT_FDCWD, path, times, 0), ==, 0);
	happened(player, TIDY_SETTLE_CHANGED, words[1]);
}

static void
do_wait(Player *player, char *const *words)
{
	wait_seconds(player, g_ascii_strtoll(words[1], NULL, 10));
}

static void
check_names(Player *player, const char *path, char *const *words)
{
	g_autoptr(GPtrArray) names = list(path);
	g_autoptr(GPtrArray) expected = g_ptr_array_new();
	g_autofree char *found = NULL;
	g_autofree char *wanted = NULL;

	for (guint i = 1; words[i] != NULL; i++)
		g_ptr_array_add(expected, words[i]);
	g_ptr_array_sort(expected, compare_text);
	g_ptr_array_add(names, NULL);
	g_ptr_array_add(expected, NULL);
	found = g_strjoinv(" ", (char **)names->pdata);
	wanted = g_strjoinv(" ", (char **)expected->pdata);
	if (strcmp(found, wanted) != 0)
		g_test_message("%s:%u", player->file, player->line);
	g_assert_cmpstr(found, ==, wanted);
}

static void
do_stray(Player *player, char *const *words)
{
	check_names(player, player->stray, words);
}

static void
do_target(Player *player, char *const *words)
{
	check_names(player, player->target, words);
}

static void
do_all(Player *player, char *const *words)
{
	const TidyMergeOptions options = { .is_automatic = TRUE };
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) report =
		tidy_service_merge(player->service, player->stray, NULL, &options, NULL, &error);

	g_assert_no_error(error);
	g_assert_nonnull(report);
}

static void
do_restart(Player *player, char *const *words)
{
	start_settle(player);
}

static const struct {
	const char *name;
	void (*run)(Player *player, char *const *words);
	guint n_words; /* at least, its own included */
} commands[] = {
	{ "create", do_create, 2 },   { "make", do_make, 2 },	  { "write", do_write, 3 },
	{ "close", do_close, 2 },     { "rename", do_rename, 3 }, { "delete", do_delete, 2 },
	{ "all", do_all, 1 },	      { "mkdir", do_mkdir, 2 },	  { "age", do_age, 3 },
	{ "wait", do_wait, 2 },	      { "stray", do_stray, 1 },	  { "target", do_target, 1 },
	{ "restart", do_restart, 1 },
};

static void
play_line(Player *player, const char *text)
{
	g_auto(GStrv) words = g_strsplit(text, " ", -1);

	for (guint i = 0; words[i] != NULL; i++) {
		g_autofree char *plain = g_strcompress(words[i]);

		g_free(words[i]);
		words[i] = g_steal_pointer(&plain);
	}
	for (gsize i = 0; i < G_N_ELEMENTS(commands); i++) {
		if (strcmp(commands[i].name, words[0]) != 0 ||
		    g_strv_length(words) < commands[i].n_words)
			continue;
		commands[i].run(player, words);
		return;
	}
	g_error("%s:%u: %s", player->file, player->line, text);
}

/* --- a home for each --- */

static void
write_text(const char *base, const char *name, const char *text)
{
	g_autofree char *path = g_build_filename(base, name, NULL);
	g_autofree char *dir = g_path_get_dirname(path);

	g_assert_cmpint(g_mkdir_with_parents(dir, 0700), ==, 0);
	g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

static void
player_init(Player *player, const char *file)
{
	g_autofree char *made = g_dir_make_tmp("xdgtidy-download-XXXXXX", NULL);
	g_autofree char *config = NULL;
	g_autoptr(GError) error = NULL;
	char *real = realpath(made, NULL);

	*player = (Player){ .file = file, .home = g_strdup(real) };
	free(real);
	config = g_build_filename(player->home, ".config", NULL);
	player->stray = g_build_filename(player->home, "Download", NULL);
	player->target = g_build_filename(player->home, "Downloads", NULL);
	player->open = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	write_text(config, "user-dirs.dirs", "XDG_DOWNLOAD_DIR=\"$HOME/Downloads\"\n");
	write_text(config, "xdgtidy/xdgtidy.conf", "[merge]\nsettle = 30s\n");
	g_assert_cmpint(g_mkdir(player->stray, 0755), ==, 0);
	g_assert_cmpint(g_mkdir(player->target, 0755), ==, 0);
	player->clock.table = *tidy_fs_linux();
	player->clock.table.now = clock_now;
	player->service = tidy_service_new(&(TidyServiceOptions){ .home = player->home,
								  .config_dir = config,
								  .sysconf_dir = config,
								  .system_root = config,
								  .fs = &player->clock.table },
					   &error);
	g_assert_no_error(error);
	tidy_service_set_answer(player->service, player->stray, "yes", &error);
	g_assert_no_error(error);
	start_settle(player);
}

static void
player_clear(Player *player)
{
	GHashTableIter iter;
	gpointer fd;

	g_hash_table_iter_init(&iter, player->open);
	while (g_hash_table_iter_next(&iter, NULL, &fd))
		close(GPOINTER_TO_INT(fd) - 1);
	g_hash_table_unref(player->open);
	tidy_settle_free(player->settle);
	tidy_service_free(player->service);
	scratch_remove(player->home);
	g_free(player->home);
	g_free(player->stray);
	g_free(player->target);
}

static void
test_download(gconstpointer data)
{
	g_autofree char *text = NULL;
	g_auto(GStrv) lines = NULL;
	Player player;

	g_assert_true(g_file_get_contents(data, &text, NULL, NULL));
	lines = g_strsplit(text, "\n", -1);
	player_init(&player, data);
	for (guint i = 0; lines[i] != NULL; i++) {
		player.line = i + 1;
		if (*lines[i] != '\0' && *lines[i] != '#')
			play_line(&player, lines[i]);
	}
	player_clear(&player);
}

/* --- the two ways to find out that a program writes, each alone --- */

static int
no_leases(TidyFs *fs, int fd)
{
	return -EOPNOTSUPP;
}

static void
keep_left(const char *path, TidyWhy why, gpointer data)
{
	g_string_append_printf(data, "%s %s", strrchr(path, '/') + 1, tidy_why_code(why));
}

/* @data: "lease" or "proc": which of them can see the writer. */
static void
test_writer(gconstpointer data)
{
	gboolean has_proc = strcmp(data, "proc") == 0;
	static const char *const names[] = { "big.iso", NULL };
	Player player;
	g_autofree char *state = NULL;
	g_autofree char *trash = NULL;
	g_autoptr(GString) left = g_string_new(NULL);
	g_auto(GStrv) open_paths = NULL;
	TidySink sink = { .left = keep_left, .data = left };
	TidyResult result;
	g_autoptr(GError) error = NULL;
	g_autoptr(TidyEngine) engine = NULL;

	player_init(&player, "writer");
	state = g_build_filename(player.home, ".local/state/xdgtidy", NULL);
	trash = g_build_filename(player.home, ".local/share/Trash", NULL);
	if (has_proc)
		player.clock.table.no_writer = no_leases;
	engine = tidy_engine_new(&player.clock.table, &(TidyPlaces){ player.home, state, trash },
				 &error);
	g_assert_no_error(error);
	play_line(&player, "create big.iso");
	open_paths = has_proc ? tidy_facts_open_paths(player.stray) : NULL;
	tidy_engine_merge(engine,
			  &(TidyMergeJob){ .stray = player.stray,
					   .target = player.target,
					   .only_names = names,
					   .open_paths = (const char *const *)open_paths },
			  &sink, &result, &error);
	g_assert_no_error(error);
	g_assert_cmpstr(left->str, ==, "big.iso open-for-write");
	play_line(&player, "stray big.iso");
	player_clear(&player);
}

int
main(int argc, char *argv[])
{
	static const char *const cleared[] = { "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME",
					       "XDG_CONFIG_DIRS" };
	g_autoptr(GPtrArray) names = list(SCENARIO_DIR);
	g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);

	for (gsize i = 0; i < G_N_ELEMENTS(cleared); i++)
		g_unsetenv(cleared[i]);
	g_test_init(&argc, &argv, NULL);
	for (guint i = 0; i < names->len; i++) {
		const char *name = names->pdata[i];
		char *path = g_build_filename(SCENARIO_DIR, name, NULL);
		g_autofree char *test = NULL;

		g_ptr_array_add(paths, path);
		if (!g_str_has_suffix(name, ".txt"))
			continue;
		test = g_strdup_printf("/downloads/%.*s", (int)strlen(name) - 4, name);
		g_test_add_data_func(test, path, test_download);
	}
	g_test_add_data_func("/downloads/writer/lease-alone", "lease", test_writer);
	g_test_add_data_func("/downloads/writer/proc-alone", "proc", test_writer);
	return g_test_run();
}
