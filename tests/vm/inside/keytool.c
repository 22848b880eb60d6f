/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs in the guest, as root: keyboards made with uinput, and how long a key is on its way. I/O. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <libevdev/libevdev-uinput.h>
#include <libevdev/libevdev.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char usage[] =
	"usage: keytool keyboard NAME     a keyboard; lines on standard input: KEY_A 1, KEY_A 0, "
	"wait MS;\n"
	"                                 tells what its LEDs are told; unplugged at the end of "
	"the input\n"
	"       keytool press NAME DEVICE KEY[=AS[,AS]] COUNT [MS]\n"
	"                                 presses KEY of a new keyboard NAME and waits for DEVICE "
	"to tell, as KEY or\n"
	"                                 as others, COUNT times, MS apart: ready; then how many "
	"edges "
	"arrived, the p50, p99 and\n"
	"                                 max of their ways in ns, and how often it was each AS\n"
	"DEVICE is a name, or clone:NAME for what xdgtidy-keys made of it.\n";

#define CLONE	   "clone:"
#define CLONE_PHYS "xdgtidy-keys/"

/* For what must come; a host that is busy with other things is slow. */
enum { PATIENCE_MS = 120000, LOOK_MS = 20, ANSWER_MS = 1000, BECOMES_MAX = 4 };

static int
fail(const char *what)
{
	fprintf(stderr, "keytool: %s: %s\n", what, strerror(errno));
	return 1;
}

static void
pause_ms(int ms)
{
	poll(NULL, 0, ms);
}

static int64_t
now_nsec(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* ---- devices ---- */

static bool
is_clone(const struct libevdev *device)
{
	const char *phys = libevdev_get_phys(device);

	return phys != NULL && strncmp(phys, CLONE_PHYS, strlen(CLONE_PHYS)) == 0;
}

static bool
is_wanted(const struct libevdev *device, const char *wanted)
{
	bool is_clone_wanted = strncmp(wanted, CLONE, strlen(CLONE)) == 0;
	const char *name = is_clone_wanted ? wanted + strlen(CLONE) : wanted;

	return strcmp(libevdev_get_name(device), name) == 0 && is_clone(device) == is_clone_wanted;
}

static struct libevdev *
open_device(const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct libevdev *device;

	if (fd < 0)
		return NULL;
	if (libevdev_new_from_fd(fd, &device) == 0)
		return device;
	close(fd);
	return NULL;
}

static void
close_device(struct libevdev *device)
{
	int fd = libevdev_get_fd(device);

	libevdev_free(device);
	close(fd);
}

static struct libevdev *
find_device(const char *wanted)
{
	struct libevdev *kept = NULL;
	glob_t found;

	if (glob("/dev/input/event*", 0, NULL, &found) != 0)
		return NULL;
	for (size_t i = 0; i < found.gl_pathc && kept == NULL; i++) {
		struct libevdev *device = open_device(found.gl_pathv[i]);

		if (device != NULL && is_wanted(device, wanted))
			kept = device;
		else if (device != NULL)
			close_device(device);
	}
	globfree(&found);
	return kept;
}

static struct libevdev *
wait_for_device(const char *wanted)
{
	for (int waited = 0; waited < PATIENCE_MS; waited += LOOK_MS) {
		struct libevdev *device = find_device(wanted);

		if (device != NULL)
			return device;
		pause_ms(LOOK_MS);
	}
	fprintf(stderr, "keytool: there is no device '%s'\n", wanted);
	return NULL;
}

/* ---- keyboards ---- */

static struct libevdev_uinput *
make_keyboard(const char *name)
{
	static const unsigned leds[] = { LED_NUML, LED_CAPSL, LED_SCROLLL };
	struct libevdev *device = libevdev_new();
	struct libevdev_uinput *keyboard = NULL;

	libevdev_set_name(device, name);
	libevdev_set_id_bustype(device, BUS_USB);
	libevdev_set_id_vendor(device, 0x1209);
	libevdev_set_id_product(device, 1);
	libevdev_enable_event_type(device, EV_REP);
	libevdev_enable_event_code(device, EV_MSC, MSC_SCAN, NULL);
	for (unsigned code = KEY_ESC; code <= KEY_MICMUTE; code++)
		libevdev_enable_event_code(device, EV_KEY, code, NULL);
	for (size_t i = 0; i < sizeof leds / sizeof *leds; i++)
		libevdev_enable_event_code(device, EV_LED, leds[i], NULL);
	errno = -libevdev_uinput_create_from_device(device, LIBEVDEV_UINPUT_OPEN_MANAGED,
						    &keyboard);
	libevdev_free(device);
	return errno == 0 ? keyboard : NULL;
}

static void
move_key(struct libevdev_uinput *keyboard, unsigned code, int value)
{
	libevdev_uinput_write_event(keyboard, EV_KEY, code, value);
	libevdev_uinput_write_event(keyboard, EV_SYN, SYN_REPORT, 0);
}

static void
print_leds(int fd)
{
	struct input_event event;

	while (read(fd, &event, sizeof event) == sizeof event)
		if (event.type == EV_LED)
			printf("%s %d\n", libevdev_event_code_get_name(EV_LED, event.code),
			       event.value);
	fflush(stdout);
}

/* FALSE: not a line of ours. */
static bool
obey(struct libevdev_uinput *keyboard, const char *line)
{
	char name[40];
	int value, code;

	if (sscanf(line, "%39s %d", name, &value) != 2)
		return false;
	if (strcmp(name, "wait") == 0) {
		pause_ms(value);
		return true;
	}
	code = libevdev_event_code_from_name(EV_KEY, name);
	if (code < 0)
		return false;
	move_key(keyboard, (unsigned)code, value);
	return true;
}

static int
be_keyboard(const char *name)
{
	struct libevdev_uinput *keyboard = make_keyboard(name);
	char line[100];
	int fd;

	if (keyboard == NULL)
		return fail("/dev/uinput");
	fd = libevdev_uinput_get_fd(keyboard);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	setvbuf(stdin, NULL, _IONBF, 0); /* else poll() would not see the lines in the buffer */
	puts("ready");
	fflush(stdout);
	for (;;) {
		struct pollfd pollers[] = { { .fd = STDIN_FILENO, .events = POLLIN },
					    { .fd = fd, .events = POLLIN } };

		poll(pollers, 2, -1);
		if (pollers[1].revents != 0)
			print_leds(fd);
		if (pollers[0].revents == 0)
			continue;
		if (fgets(line, sizeof line, stdin) == NULL)
			break;
		if (!obey(keyboard, line)) {
			fprintf(stderr, "keytool: what is this: %s", line);
			return 2;
		}
	}
	libevdev_uinput_destroy(keyboard);
	return 0;
}

/* ---- one key after the other ---- */

/* "KEY_A", or "KEY_A=KEY_B,KEY_C" when A may become B or C. */
typedef struct {
	unsigned pressed;
	unsigned becomes[BECOMES_MAX];
	size_t counts[BECOMES_MAX];
	size_t n_becomes;
} Key;

static Key
parse_key(char *text)
{
	char *becomes = strchr(text, '=');
	char *rest;
	Key key = { 0 };

	if (becomes != NULL)
		*becomes++ = '\0';
	key.pressed = (unsigned)libevdev_event_code_from_name(EV_KEY, text);
	for (char *name = strtok_r(becomes != NULL ? becomes : text, ",", &rest);
	     name != NULL && key.n_becomes < BECOMES_MAX; name = strtok_r(NULL, ",", &rest))
		key.becomes[key.n_becomes++] =
			(unsigned)libevdev_event_code_from_name(EV_KEY, name);
	return key;
}

/* The next edge on the device; FALSE: none within the time. */
static bool
next_edge(struct libevdev *device, int patience_ms, struct input_event *event)
{
	struct pollfd poller = { .fd = libevdev_get_fd(device), .events = POLLIN };

	while (poll(&poller, 1, patience_ms) > 0) {
		while (read(poller.fd, event, sizeof *event) == sizeof *event)
			if (event->type == EV_KEY && event->value != 2)
				return true;
		if (errno != EAGAIN)
			return false;
	}
	return false;
}

/* A clone is there a moment before its keyboard is grabbed: what is pressed until then goes elsewhere. */
static bool
warm_up(struct libevdev_uinput *keyboard, struct libevdev *device, const Key *key)
{
	struct input_event event;

	for (int tried = 0; tried < PATIENCE_MS / ANSWER_MS; tried++) {
		bool has_answer = false;

		move_key(keyboard, key->pressed, 1);
		move_key(keyboard, key->pressed, 0);
		while (next_edge(device, ANSWER_MS, &event))
			has_answer = true;
		if (has_answer)
			return true;
	}
	fputs("keytool: the device tells nothing\n", stderr);
	return false;
}

static int
compare_times(const void *a, const void *b)
{
	const int64_t *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

static void
print_times(int64_t *times, size_t count, const Key *key)
{
	qsort(times, count, sizeof *times, compare_times);
	printf("%zu %lld %lld %lld", count, (long long)times[count / 2],
	       (long long)times[count * 99 / 100], (long long)times[count - 1]);
	for (size_t i = 0; i < key->n_becomes; i++)
		printf(" %zu", key->counts[i]);
	puts("");
}

/* A press, its arrival, the release and its arrival. How long they took, in ns, or FALSE: not as they should be. */
static bool
press_once(struct libevdev_uinput *keyboard, struct libevdev *device, Key *key, int64_t times[2])
{
	struct input_event down, up;
	int64_t start = now_nsec();

	move_key(keyboard, key->pressed, 1);
	if (!next_edge(device, PATIENCE_MS, &down) || down.value != 1)
		return false;
	times[0] = now_nsec() - start;
	start = now_nsec();
	move_key(keyboard, key->pressed, 0);
	if (!next_edge(device, PATIENCE_MS, &up) || up.value != 0 || up.code != down.code)
		return false;
	times[1] = now_nsec() - start;
	for (size_t i = 0; i < key->n_becomes; i++)
		if (key->becomes[i] == down.code) {
			key->counts[i]++;
			return true;
		}
	return false;
}

static volatile sig_atomic_t is_ended;

static void
end(int signal)
{
	(void)signal;
	is_ended = 1;
}

/* Of the device's own clock there is no need: both ends are this process. */
static int
press(const char *name, const char *wanted, char *keys, size_t count, int pause)
{
	struct libevdev_uinput *keyboard = make_keyboard(name);
	int64_t *times = calloc(2 * count, sizeof *times);
	Key key = parse_key(keys);
	struct libevdev *device;
	size_t done = 0;

	if (keyboard == NULL || times == NULL)
		return fail("/dev/uinput");
	device = wait_for_device(wanted);
	if (device == NULL || !warm_up(keyboard, device, &key))
		return 1;
	sigaction(SIGTERM, &(struct sigaction){ .sa_handler = end }, NULL);
	puts("ready");
	fflush(stdout);
	while (done < count && !is_ended && press_once(keyboard, device, &key, times + 2 * done)) {
		done++;
		pause_ms(pause);
	}
	if (done > 0)
		print_times(times, 2 * done, &key);
	free(times);
	close_device(device);
	libevdev_uinput_destroy(keyboard);
	return done == count || is_ended ? 0 : 1;
}

int
main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";

	if (strcmp(verb, "keyboard") == 0 && argc == 3)
		return be_keyboard(argv[2]);
	if (strcmp(verb, "press") == 0 && (argc == 6 || argc == 7))
		return press(argv[2], argv[3], argv[4], strtoul(argv[5], NULL, 10),
			     argc == 7 ? (int)strtol(argv[6], NULL, 10) : 0);
	fputs(usage, stderr);
	return 2;
}
