/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Finds and reads the files of the configuration. I/O. */
#include "home/base/error.h"
#include "home/config/config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

/* A configuration has a few kilobytes; what is larger is something else. */
#define MAX_SIZE_BYTES (1024 * 1024)

char **
tidy_config_paths(const char *config_dir, const char *sysconf_dir)
{
	const char *below = "xdgtidy/xdgtidy.conf";
	char **paths = g_new0(char *, 3);

	if (sysconf_dir == NULL)
		sysconf_dir = TIDY_SYSCONFDIR "/xdg";
	if (config_dir == NULL)
		config_dir = g_get_user_config_dir();
	paths[0] = g_build_filename(sysconf_dir, below, NULL);
	paths[1] = g_build_filename(config_dir, below, NULL);
	return paths;
}

static void
add_file_problem(GPtrArray *problems, const char *path, const char *message)
{
	TidyConfigProblem *problem = g_new0(TidyConfigProblem, 1);

	problem->file = g_strdup(path);
	problem->message = g_strdup(message);
	g_ptr_array_add(problems, problem);
}

/* All bytes of the open file @fd, at most MAX_SIZE_BYTES and one more. Negative: -errno. */
static int
read_bytes(int fd, GByteArray *bytes)
{
	guint8 buffer[16 * 1024];

	while (bytes->len <= MAX_SIZE_BYTES) {
		ssize_t n = read(fd, buffer, sizeof(buffer));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		g_byte_array_append(bytes, buffer, (guint)n);
	}
	return 0;
}

/* Reads @path if it is there. FALSE: a problem was added. */
static gboolean
load_file(TidyConfig *config, const char *path, GPtrArray *problems)
{
	g_autoptr(GByteArray) bytes = g_byte_array_new();
	/* O_NONBLOCK: a FIFO in this place must not hang us. A link is followed: dotfiles are often links. */
	tidy_autofd fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	int result = 0;

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return TRUE;
	if (fd < 0 || fstat(fd, &st) < 0)
		result = -errno;
	else if (!S_ISREG(st.st_mode))
		result = S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
	else
		result = read_bytes(fd, bytes);
	if (result < 0) {
		g_autofree char *message =
			g_strdup_printf("cannot be read: %s", g_strerror(-result));

		add_file_problem(problems, path, message);
		return FALSE;
	}
	if (bytes->len > MAX_SIZE_BYTES) {
		add_file_problem(problems, path, "larger than 1 MiB: not a configuration");
		return FALSE;
	}
	return tidy_config_parse(config, path, (const char *)bytes->data, bytes->len, problems);
}

/* The first error of @problems as @error. */
static void
set_error(GError **error, GPtrArray *problems, guint first)
{
	const TidyConfigProblem *shown = NULL;
	guint n_errors = 0;
	g_autofree char *text = NULL;

	for (guint i = first; i < problems->len; i++) {
		const TidyConfigProblem *problem = g_ptr_array_index(problems, i);

		if (problem->is_warning)
			continue;
		if (n_errors++ == 0)
			shown = problem;
	}
	g_assert(shown != NULL);
	text = tidy_config_problem_text(shown);
	if (n_errors == 1)
		g_set_error_literal(error, TIDY_ERROR, TIDY_ERROR_CONFIG, text);
	else
		g_set_error(error, TIDY_ERROR, TIDY_ERROR_CONFIG, "%s (and %u more)", text,
			    n_errors - 1);
}

TidyConfig *
tidy_config_load(const char *const *paths, GPtrArray *problems, GError **error)
{
	g_autoptr(TidyConfig) config = tidy_config_new_defaults();
	g_autoptr(GPtrArray) found =
		problems == NULL ? tidy_config_problems_new() : g_ptr_array_ref(problems);
	guint first = found->len;
	gboolean is_good = TRUE;

	for (gsize i = 0; paths[i] != NULL; i++) {
		if (!load_file(config, paths[i], found))
			is_good = FALSE;
	}
	if (is_good)
		return g_steal_pointer(&config);
	set_error(error, found, first);
	return NULL;
}
