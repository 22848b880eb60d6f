// SPDX-License-Identifier: GPL-3.0-or-later
/* The helper as a process in its sandbox, with FIFOs for devices: it works there, ends as it should, wakes only when it
 * must, and costs what it may. PIPE_KEYS names the program. I/O. */
#include "keys/link/link.h"
#include "keys/remap/keynames.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <linux/input.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_MS = 20000 };

typedef struct Process {
	char *folder;
	int daemon, clone, keyboard;
	GPid pid;
} Process;

static char *
path_of(const Process *p, const char *name)
{
	return g_build_filename(p->folder, name, NULL);
}

static int
make_fifo(const Process *p, const char *name)
{
	g_autofree char *path = path_of(p, name);
	int fd;

	g_assert_cmpint(mkfifo(path, 0600), ==, 0);
	fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	g_assert_cmpint(fd, >=, 0);
	return fd;
}

static void
wait_readable(int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	g_assert_cmpint(poll(&poll_fd, 1, PATIENCE_MS), ==, 1);
}

/* Reads messages until one of that kind. */
static void
wait_for(const Process *p, RemapLinkKind kind, uint32_t event)
{
	uint8_t buffer[REMAP_LINK_DATAGRAM_MAX];
	RemapLinkMessage message = { 0 };

	while (message.kind != kind || message.event != event) {
		wait_readable(p->daemon);
		g_assert_cmpint(remap_link_receive(p->daemon, REMAP_LINK_HELPER, buffer, &message),
				==, 1);
		if (message.kind != kind)
			message.event = 0;
	}
}

static void
send_message(const Process *p, const RemapLinkMessage *message)
{
	g_assert_cmpint(remap_link_send(p->daemon, message), ==, 0);
}

/* @strace: a file for its log, or NULL */
static Process
start(const char *keymap, const char *strace)
{
	const char *program = g_getenv("PIPE_KEYS");
	Process p = { .folder = g_dir_make_tmp("xdgtidy-keys-XXXXXX", NULL) };
	const char *plain[] = { program, p.folder, NULL };
	const char *traced[] = { "strace", "-o", strace, program, p.folder, NULL };
	g_autoptr(GError) error = NULL;
	int pair[2];

	g_assert_nonnull(p.folder);
	p.keyboard = make_fifo(&p, "event0");
	p.clone = make_fifo(&p, "clone");
	g_assert_cmpint(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), ==, 0);
	p.daemon = pair[0];
	g_spawn_async_with_fds(NULL, (char **)(strace ? traced : plain), NULL,
			       G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_SEARCH_PATH, NULL, NULL, &p.pid,
			       pair[1], -1, -1, &error);
	g_assert_no_error(error);
	close(pair[1]);
	send_message(&p, &(RemapLinkMessage){ .kind = REMAP_LINK_HELLO,
					      .version = REMAP_LINK_VERSION });
	send_message(&p, &(RemapLinkMessage){ .kind = REMAP_LINK_KEYMAP,
					      .id = 1,
					      .data = (const uint8_t *)keymap,
					      .data_length = strlen(keymap) });
	send_message(&p, &(RemapLinkMessage){ .kind = REMAP_LINK_COMMIT,
					      .id = 1,
					      .length = (uint32_t)strlen(keymap) });
	wait_for(&p, REMAP_LINK_DEVICE, REMAP_LINK_DEVICE_GRABBED);
	return p;
}

/* Waits for the end and returns the wait status. */
static int
end(Process *p)
{
	int status;

	if (p->daemon >= 0)
		close(p->daemon);
	g_assert_cmpint(waitpid(p->pid, &status, 0), ==, p->pid);
	close(p->keyboard);
	close(p->clone);
	for (const char *const *name = (const char *const[]){ "event0", "event1", "clone", NULL };
	     *name; name++) {
		g_autofree char *path = path_of(p, *name);

		g_unlink(path);
	}
	g_rmdir(p->folder);
	g_free(p->folder);
	return status;
}

static void
make_edge(struct input_event *events, unsigned code, bool is_down)
{
	gint64 now = g_get_monotonic_time();

	events[0] = (struct input_event){ .type = EV_MSC, .code = MSC_SCAN, .value = (int)code };
	events[1] =
		(struct input_event){ .type = EV_KEY, .code = (uint16_t)code, .value = is_down };
	events[2] = (struct input_event){ .type = EV_SYN, .code = SYN_REPORT };
	for (size_t i = 0; i < 3; i++) {
		events[i].input_event_sec = (__kernel_ulong_t)(now / G_USEC_PER_SEC);
		events[i].input_event_usec = (__kernel_ulong_t)(now % G_USEC_PER_SEC);
	}
}

static void
edge(const Process *p, unsigned code, bool is_down)
{
	struct input_event events[3];

	make_edge(events, code, is_down);
	g_assert_cmpint(write(p->keyboard, events, sizeof(events)), ==, sizeof(events));
}

/* In one read, so that no time passes between. */
static void
tap(const Process *p, unsigned code)
{
	struct input_event events[6];

	make_edge(events, code, true);
	make_edge(events + 3, code, false);
	g_assert_cmpint(write(p->keyboard, events, sizeof(events)), ==, sizeof(events));
}

/* Reads until this key's edge came out. */
static void
wait_key(const Process *p, unsigned code, bool is_down)
{
	struct input_event event = { 0 };

	while (event.type != EV_KEY || event.code != code || event.value != is_down) {
		wait_readable(p->clone);
		g_assert_cmpint(read(p->clone, &event, sizeof(event)), ==, sizeof(event));
	}
}

static void
test_works(void)
{
	Process p = start("[ids]\n*\n[main]\ncapslock = z\n"
			  "space = overloadt(nav, space, 100)\n[nav]\nh = left\n",
			  NULL);

	edge(&p, KEY_CAPSLOCK, true);
	wait_key(&p, KEY_Z, true);
	edge(&p, KEY_CAPSLOCK, false);
	wait_key(&p, KEY_Z, false);
	/* the real timer */
	edge(&p, KEY_SPACE, true);
	wait_for(&p, REMAP_LINK_LAYER, 0);
	edge(&p, KEY_H, true);
	wait_key(&p, KEY_LEFT, true);
	g_assert_cmpint(end(&p), ==, 0);
}

static void
test_hotplug(void)
{
	Process p = start("[ids]\n*\n[main]\ncapslock = z\n", NULL);
	g_autofree char *first = path_of(&p, "event0");

	edge(&p, KEY_CAPSLOCK, true);
	wait_key(&p, KEY_Z, true);
	g_assert_cmpint(g_unlink(first), ==, 0);
	wait_key(&p, KEY_Z, false);
	wait_for(&p, REMAP_LINK_DEVICE, REMAP_LINK_DEVICE_REMOVED);
	close(p.keyboard);
	p.keyboard = make_fifo(&p, "event1");
	wait_for(&p, REMAP_LINK_DEVICE, REMAP_LINK_DEVICE_GRABBED);
	edge(&p, KEY_CAPSLOCK, true);
	wait_key(&p, KEY_Z, true);
	g_assert_cmpint(end(&p), ==, 0);
}

/* Told to end while a key is down. */
static void
test_sigterm(void)
{
	Process p = start("[ids]\n*\n[main]\ncapslock = z\n", NULL);

	edge(&p, KEY_CAPSLOCK, true);
	wait_key(&p, KEY_Z, true);
	g_assert_cmpint(kill(p.pid, SIGTERM), ==, 0);
	wait_key(&p, KEY_Z, false);
	g_assert_cmpint(end(&p), ==, 0);
}

/* Asks and waits for the answer, so that all before it is done. */
static void
settle(const Process *p)
{
	send_message(p, &(RemapLinkMessage){ .kind = REMAP_LINK_STATUS });
	wait_for(p, REMAP_LINK_COUNTS, 0);
}

/* Whether the kernel gives real-time priority to us, and so to our children. For the calling thread. */
static gboolean
raise_priority(int priority)
{
	struct sched_param param = { .sched_priority = priority };

	return sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &param) == 0;
}

static gpointer
try_priority(gpointer unused)
{
	return GINT_TO_POINTER(raise_priority(2));
}

static gboolean
has_right_to_priority(void)
{
	return GPOINTER_TO_INT(g_thread_join(g_thread_new("try", try_priority, NULL)));
}

/* It goes before other programs where it may, and works where it may not. */
static void
test_priority(void)
{
	Process p = start("[ids]\n*\n[main]\ncapslock = z\n", NULL);
	int policy = has_right_to_priority() ? SCHED_FIFO | SCHED_RESET_ON_FORK : SCHED_OTHER;

	g_assert_cmpint(sched_getscheduler(p.pid), ==, policy);
	g_assert_cmpint(end(&p), ==, 0);
}

typedef struct Flood {
	int fd;
	gint is_over;
} Flood;

/* Writes as soon as there is room, and before the helper runs again: so that always finds something to read. */
static gpointer
flood(gpointer data)
{
	/* as many as are written whole: PIPE_BUF is 4096 */
	struct input_event events[168];
	Flood *flood = data;

	g_assert_true(raise_priority(2));
	for (size_t i = 0; i < G_N_ELEMENTS(events); i += 6) {
		make_edge(events + i, KEY_A, true);
		make_edge(events + i + 3, KEY_A, false);
	}
	while (!g_atomic_int_get(&flood->is_over))
		g_assert_cmpint(write(flood->fd, events, sizeof(events)), ==, sizeof(events));
	return NULL;
}

/* A keyboard that never pauses gets no processor for itself: the helper steps down, and goes on. */
static void
test_flood(void)
{
	g_autofree char *path = NULL;
	Flood data = { 0 };
	GThread *thread;
	Process p;

	if (!has_right_to_priority()) {
		g_test_skip("no right to real-time priority");
		return;
	}
	p = start("[ids]\n*\n[main]\na = noop\ncapslock = z\n", NULL);
	path = path_of(&p, "event0");
	data.fd = open(path, O_WRONLY | O_CLOEXEC);
	g_assert_cmpint(data.fd, >=, 0);
	thread = g_thread_new("flood", flood, &data);
	while (sched_getscheduler(p.pid) == (SCHED_FIFO | SCHED_RESET_ON_FORK))
		sched_yield();
	g_assert_cmpint(sched_getscheduler(p.pid), ==, SCHED_OTHER | SCHED_RESET_ON_FORK);
	g_atomic_int_set(&data.is_over, TRUE);
	g_thread_join(thread);
	close(data.fd);
	edge(&p, KEY_CAPSLOCK, true);
	wait_key(&p, KEY_Z, true);
	g_assert_cmpint(end(&p), ==, 0);
}

static long
status_value(const Process *p, const char *name)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/status", p->pid);
	g_autofree char *text = NULL;
	const char *line;

	g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
	line = strstr(text, name);
	g_assert_nonnull(line);
	return strtol(line + strlen(name), NULL, 10);
}

static void
wait_asleep(const Process *p)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/status", p->pid);

	for (bool is_asleep = false; !is_asleep;) {
		g_autofree char *text = NULL;

		g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
		is_asleep = strstr(text, "\nState:\tS") != NULL;
	}
}

/* Nothing to do: it does not run. The kernel counts. */
static void
test_idle(void)
{
	Process p = start("[ids]\n*\n[main]\nspace = overloadt(nav, space, 50)\n[nav]\n", NULL);
	long before;

	for (int i = 0; i < 3; i++) {
		tap(&p, KEY_SPACE);
		wait_key(&p, KEY_SPACE, false);
	}
	/* The last timer may still ring. Then: it sleeps, and half a second later it has not woken once. */
	g_assert_cmpint(poll(NULL, 0, 100), ==, 0);
	settle(&p);
	wait_asleep(&p);
	before = status_value(&p, "\nvoluntary_ctxt_switches:");
	g_assert_cmpint(poll(NULL, 0, 500), ==, 0);
	g_assert_cmpint(status_value(&p, "\nvoluntary_ctxt_switches:"), ==, before);
	g_assert_cmpint(end(&p), ==, 0);
}

static void
test_rights(void)
{
	Process p = start("[ids]\n*\n[main]\ncapslock = z\n", NULL);

	g_assert_cmpint(status_value(&p, "\nNoNewPrivs:"), ==, 1);
#ifndef __SANITIZE_ADDRESS__
	g_assert_cmpint(status_value(&p, "\nSeccomp:"), ==, 2);
#endif
	g_assert_cmpint(status_value(&p, "\nCapEff:"), ==, 0);
	g_assert_cmpint(status_value(&p, "\nCapPrm:"), ==, 0);
	g_assert_cmpint(end(&p), ==, 0);
}

static void
test_memory(void)
{
	Process p = start("[ids]\n*\n[main]\ncapslock = z\n", NULL);
	long rss, peak, own;

	edge(&p, KEY_CAPSLOCK, true);
	wait_key(&p, KEY_Z, true);
	rss = status_value(&p, "\nVmRSS:");
	peak = status_value(&p, "\nVmHWM:");
	own = status_value(&p, "\nRssAnon:");
	g_test_message("RSS %ld KiB, %ld at the start, %ld of its own", rss, peak, own);
#ifndef __SANITIZE_ADDRESS__
	g_assert_cmpint(rss, <, 3 * 1024);
#endif
	g_assert_cmpint(end(&p), ==, 0);
}

static unsigned
count_lines(const char *path, const char *pattern)
{
	g_autofree char *text = NULL;
	unsigned count = 0;

	g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
	for (const char *at = text; (at = strstr(at, pattern)) != NULL; at++)
		count++;
	return count;
}

static unsigned
calls_of(const char *keymap, int edges)
{
	g_autofree char *log = NULL;
	int fd = g_file_open_tmp("xdgtidy-strace-XXXXXX", &log, NULL);
	Process p = start(keymap, log);
	unsigned calls;

	g_assert_cmpint(fd, >=, 0);
	for (int i = 0; i < edges; i++) {
		edge(&p, KEY_CAPSLOCK, i % 2 == 0);
		wait_key(&p, KEY_Z, i % 2 == 0);
	}
	g_assert_cmpint(end(&p), ==, 0);
	calls = count_lines(log, "\n");
	g_unlink(log);
	close(fd);
	return calls;
}

/* An edge is epoll_wait, read, write. What is counted is the difference of two runs. */
static void
test_calls(void)
{
	const char *keymap = "[ids]\n*\n[main]\ncapslock = z\n";
	g_autofree char *strace = g_find_program_in_path("strace");
	unsigned few, many;

	if (!strace) {
		g_test_skip("no strace");
		return;
	}
	few = calls_of(keymap, 100);
	many = calls_of(keymap, 1100);
	g_test_message("%u system calls for 1000 edges", many - few);
	g_assert_cmpuint(many - few, <=, 3000);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/keys/process/works", test_works);
	g_test_add_func("/keys/process/hotplug", test_hotplug);
	g_test_add_func("/keys/process/sigterm", test_sigterm);
	g_test_add_func("/keys/process/idle", test_idle);
	g_test_add_func("/keys/process/priority", test_priority);
	g_test_add_func("/keys/process/flood", test_flood);
	g_test_add_func("/keys/process/rights", test_rights);
	g_test_add_func("/keys/process/memory", test_memory);
	g_test_add_func("/keys/process/calls", test_calls);
	return g_test_run();
}
