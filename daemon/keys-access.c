/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Getting a key helper. I/O: sockets, a child process. */
#include "daemon/keys-access.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "home/base/error.h"

const TidyKeysAccess tidy_keys_access_default = {
	.socket = "/run/xdgtidy/keys.sock",
	.helper = TIDY_KEYS_HELPER,
	.input = "/dev/input",
	.uinput = "/dev/uinput",
};

void
tidy_keys_obstacle_clear(TidyKeysObstacle *obstacle)
{
	g_clear_pointer(&obstacle->missing, g_free);
	g_clear_pointer(&obstacle->remedy, g_free);
}

/* ---- the system's service ---- */

/* A descriptor or -errno. Never waits: a listener whose queue is full is EAGAIN. */
static int
connect_socket(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	tidy_autofd fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int connected;

	if (fd < 0)
		return -errno;
	if (g_strlcpy(address.sun_path, path, sizeof address.sun_path) >= sizeof address.sun_path)
		return -ENAMETOOLONG;
	if (connect(fd, (const struct sockaddr *)&address, sizeof address) < 0)
		return -errno;
	connected = fd;
	fd = -1;
	return connected;
}

static void
describe_socket(const TidyKeysAccess *access, int result, GString *missing)
{
	if (result == -ENOENT || result == -ECONNREFUSED)
		g_string_append(missing, "the system service xdgtidy-keys.socket does not run");
	else
		g_string_append_printf(missing, "cannot connect to %s: %s", access->socket,
				       g_strerror(-result));
}

/* ---- the program, as the user ---- */

/* One that can be opened will do: which keyboards there are is the helper's matter. */
static int
check_events(const char *input, char **refused)
{
	DIR *dir = opendir(input);
	const struct dirent *entry;
	int result = -ENOENT;

	*refused = g_strdup(input);
	if (dir == NULL)
		return -errno;
	while (result != 0 && (entry = readdir(dir)) != NULL) {
		if (!g_str_has_prefix(entry->d_name, "event"))
			continue;
		result = faccessat(dirfd(dir), entry->d_name, R_OK | W_OK, AT_EACCESS) < 0 ? -errno
											   : 0;
		g_free(*refused);
		*refused = g_build_filename(input, entry->d_name, NULL);
	}
	closedir(dir);
	return result;
}

static gboolean
may_open_devices(const TidyKeysAccess *access, GString *missing)
{
	g_autofree char *refused = NULL;
	int result = check_events(access->input, &refused);

	if (result == 0 && faccessat(AT_FDCWD, access->uinput, R_OK | W_OK, AT_EACCESS) < 0) {
		result = -errno;
		g_free(refused);
		refused = g_strdup(access->uinput);
	}
	if (result < 0)
		g_string_append_printf(missing, ", and you may not open %s yourself: %s", refused,
				       result == -ENOENT ? "it is not there" : g_strerror(-result));
	return result == 0;
}

/* The helper has the socket as its standard input, as from systemd. */
static int
start_helper(const char *program, GError **error)
{
	g_autoptr(GSubprocessLauncher) launcher =
		g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_STDOUT_SILENCE);
	g_autoptr(GSubprocess) process = NULL;
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0) {
		tidy_error_set_errno(error, errno, "making a socket for the key helper");
		return -1;
	}
	g_subprocess_launcher_take_stdin_fd(launcher, fds[1]);
	process = g_subprocess_launcher_spawn(launcher, error, program, "--direct", NULL);
	if (process == NULL) {
		close(fds[0]);
		return -1;
	}
	return fds[0];
}

TidyKeysAccessResult
tidy_keys_access_get(const TidyKeysAccess *access, int *fd, TidyKeysObstacle *obstacle)
{
	int result = connect_socket(access->socket);
	g_autoptr(GString) missing = g_string_new(NULL);
	g_autoptr(GError) error = NULL;

	tidy_keys_obstacle_clear(obstacle);
	if (result >= 0) {
		*fd = result;
		return TIDY_KEYS_ACCESS_GIVEN;
	}
	describe_socket(access, result, missing);
	if (result == -EAGAIN || result == -EINTR) {
		obstacle->missing = g_strdup(missing->str);
		obstacle->remedy = g_strdup("it is tried again");
		return TIDY_KEYS_ACCESS_LATER;
	}
	if (may_open_devices(access, missing)) {
		*fd = start_helper(access->helper, &error);
		if (*fd >= 0)
			return TIDY_KEYS_ACCESS_GIVEN;
		g_string_append_printf(missing, ", and %s cannot be started: %s", access->helper,
				       error->message);
	}
	obstacle->missing = g_strdup(missing->str);
	obstacle->remedy =
		g_strdup("as administrator, once: systemctl enable --now xdgtidy-keys.socket");
	return TIDY_KEYS_ACCESS_NONE;
}
