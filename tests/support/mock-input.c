// SPDX-License-Identifier: GPL-3.0-or-later
/* Mocked input devices.
 * I/O: files of the test bed.
 *
 * umockdev would make a pseudo-terminal for a node, and a link to it. The helper follows no link, a terminal has no
 * borders between writes, and nobody hears when its rights change: a FIFO has none of that. */
#include "tests/support/mock-input.h"

#include "keys/helper/device-info.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* input_enable_softrepeat() of the kernel */
enum { DEFAULT_DELAY_MS = 250, DEFAULT_PERIOD_MS = 33 };

struct MockInput {
	UMockdevTestbed *bed;
	char *root; /* where /dev and /sys of the test bed are */
	UMockdevIoctlBase *uinput;
	int uinput_fifo;
	pthread_mutex_t mutex; /* POSIX: GLib's is not seen by the thread checker */
	pthread_cond_t closed;
	unsigned open;	    /* descriptors of nodes */
	GPtrArray *devices; /* all, plugged in or not */
	GPtrArray *clones;  /* those of them that are virtual and there */
	unsigned next_clone;
};

void
mock_input_lock(MockInput *input)
{
	pthread_mutex_lock(&input->mutex);
}

void
mock_input_unlock(MockInput *input)
{
	pthread_mutex_unlock(&input->mutex);
}

void
mock_input_opened(MockInput *input)
{
	mock_input_lock(input);
	input->open++;
	mock_input_unlock(input);
}

void
mock_input_closed(MockInput *input)
{
	mock_input_lock(input);
	input->open--;
	pthread_cond_signal(&input->closed);
	mock_input_unlock(input);
}

/* Nodes. */

static char *
device_name(const MockDevice *d)
{
	return g_build_filename("/dev/input", d->node, NULL);
}

static void
make_node(MockDevice *d)
{
	g_autofree char *name = device_name(d);
	g_autoptr(GError) error = NULL;

	d->path = g_build_filename(d->input->root, name, NULL);
	d->injected = g_string_new(NULL);
	d->handler = mock_evdev_new(d);
	umockdev_testbed_attach_ioctl(d->input->bed, name, d->handler, &error);
	g_assert_no_error(error);
	g_assert_cmpint(mkfifo(d->path, 0600), ==, 0);
	d->fifo = open(d->path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	g_assert_cmpint(d->fifo, >=, 0);
}

/* No longer there, for whoever has it open too. */
static void
take_node_away(MockDevice *d)
{
	g_autofree char *name = device_name(d);
	g_autoptr(GError) error = NULL;

	d->is_gone = true;
	g_assert_cmpint(g_unlink(d->path), ==, 0);
	umockdev_testbed_detach_ioctl(d->input->bed, name, &error);
	g_assert_no_error(error);
}

static void
device_free(gpointer data)
{
	MockDevice *d = data;

	g_signal_handlers_disconnect_by_data(d->handler, d);
	g_object_unref(d->handler);
	close(d->fifo);
	g_string_free(d->injected, TRUE);
	g_free(d->syspaths[0]);
	g_free(d->syspaths[1]);
	g_free(d->path);
	g_free(d->node);
	g_free(d);
}

/* Descriptions. */

static char *
attribute(const MockDevice *d, const char *name)
{
	g_autofree char *path = g_build_filename(d->input->root, d->syspaths[1], name, NULL);
	char *text = NULL;

	g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
	return g_strchomp(text);
}

static uint16_t
number(const MockDevice *d, const char *name)
{
	g_autofree char *text = attribute(d, name);

	return (uint16_t)g_ascii_strtoull(text, NULL, 16);
}

/* Words of 64 bits, the last is the lowest. */
static void
read_bits(const MockDevice *d, const char *name, uint8_t *bits, gsize size)
{
	g_autofree char *text = attribute(d, name);
	g_auto(GStrv) words = g_strsplit(text, " ", -1);
	guint count = g_strv_length(words);

	for (guint i = 0; i < count; i++) {
		guint64 word = g_ascii_strtoull(words[count - 1 - i], NULL, 16);

		for (unsigned bit = 0; bit < 64; bit++) {
			if (!(word >> bit & 1))
				continue;
			g_assert_cmpuint((i * 64 + bit) / 8, <, size);
			remap_bit_set(bits, i * 64 + bit, true);
		}
	}
}

static void
read_description(MockDevice *d)
{
	static const struct {
		const char *name;
		unsigned type;
	} all[] = {
		{ "capabilities/ev", 0 },	{ "capabilities/key", EV_KEY },
		{ "capabilities/rel", EV_REL }, { "capabilities/abs", EV_ABS },
		{ "capabilities/msc", EV_MSC }, { "capabilities/led", EV_LED },
		{ "capabilities/snd", EV_SND }, { "capabilities/ff", EV_FF },
		{ "capabilities/sw", EV_SW },
	};
	g_autofree char *name = attribute(d, "name");
	g_autofree char *phys = attribute(d, "phys");

	g_strlcpy(d->name, name, sizeof(d->name));
	g_strlcpy(d->phys, phys, sizeof(d->phys));
	d->id.bustype = number(d, "id/bustype");
	d->id.vendor = number(d, "id/vendor");
	d->id.product = number(d, "id/product");
	d->id.version = number(d, "id/version");
	for (gsize i = 0; i < G_N_ELEMENTS(all); i++)
		read_bits(d, all[i].name, d->bits[all[i].type], MOCK_BYTES);
	read_bits(d, "properties", d->props, sizeof(d->props));
	/* as kbdrate(8) has set it */
	d->repeat[0] = 400;
	d->repeat[1] = 50;
}

/* umockdev makes all but the node, which becomes a FIFO: its line is taken out. */
static char *
read_file(const char *name, MockDevice *d)
{
	g_autofree char *file = g_strconcat(name, ".umockdev", NULL);
	g_autofree char *path = g_test_build_filename(G_TEST_DIST, "input", file, NULL);
	g_autofree char *text = NULL;
	g_autoptr(GError) error = NULL;
	g_auto(GStrv) lines = NULL;
	GString *rest = g_string_new(NULL);
	unsigned paths = 0;

	g_file_get_contents(path, &text, NULL, &error);
	g_assert_no_error(error);
	lines = g_strsplit(text, "\n", -1);
	for (char **line = lines; *line; line++) {
		if (g_str_has_prefix(*line, "P: ") && paths < G_N_ELEMENTS(d->syspaths))
			d->syspaths[paths++] = g_strconcat("/sys", *line + strlen("P: "), NULL);
		if (g_str_has_prefix(*line, "N: input/"))
			d->node = g_strdup(*line + strlen("N: input/"));
		else
			g_string_append_printf(rest, "%s\n", *line);
	}
	g_assert_nonnull(d->node);
	g_assert_cmpuint(paths, ==, 2);
	return g_string_free(rest, FALSE);
}

MockDevice *
mock_input_plug(MockInput *input, const char *name)
{
	MockDevice *d = g_new0(MockDevice, 1);
	g_autofree char *text = read_file(name, d);
	g_autoptr(GError) error = NULL;

	d->input = input;
	umockdev_testbed_add_from_string(input->bed, text, &error);
	g_assert_no_error(error);
	read_description(d);
	mock_input_lock(input);
	g_ptr_array_add(input->devices, d);
	make_node(d);
	mock_input_unlock(input);
	return d;
}

void
mock_device_unplug(MockDevice *d)
{
	static const char byte;

	mock_input_lock(d->input);
	take_node_away(d);
	memset(d->down, 0, sizeof(d->down));
	mock_input_unlock(d->input);
	/* Whoever waits for it wakes, and hears that it is gone. */
	g_assert_cmpint(write(d->fifo, &byte, 1), ==, 1);
	for (gsize i = 0; i < G_N_ELEMENTS(d->syspaths); i++)
		umockdev_testbed_remove_device(d->input->bed, d->syspaths[i]);
}

void
mock_input_set_mode(MockInput *input, const char *node, unsigned mode)
{
	g_autofree char *path = g_build_filename(input->root, "dev", node, NULL);

	g_assert_cmpint(g_chmod(path, (int)mode), ==, 0);
}

/* Virtual devices. */

MockDevice *
mock_input_add_clone(MockInput *input, const MockDevice *made)
{
	MockDevice *d = g_new0(MockDevice, 1);

	*d = *made;
	d->input = input;
	d->led = -1;
	remap_bit_set(d->bits[0], EV_SYN, true);
	d->repeat[0] = DEFAULT_DELAY_MS;
	d->repeat[1] = DEFAULT_PERIOD_MS;
	d->node = g_strdup_printf("event%u", input->next_clone++);
	make_node(d);
	g_ptr_array_add(input->devices, d);
	g_ptr_array_add(input->clones, d);
	return d;
}

void
mock_input_drop_clone(MockInput *input, MockDevice *clone)
{
	take_node_away(clone);
	g_ptr_array_remove(input->clones, clone);
}

void
mock_clone_light(MockDevice *clone, unsigned led)
{
	static const char byte;

	mock_input_lock(clone->input);
	clone->led = (int)led;
	mock_input_unlock(clone->input);
	g_assert_cmpint(write(clone->input->uinput_fifo, &byte, 1), ==, 1);
}

void
mock_input_drain_uinput(MockInput *input)
{
	char byte;

	g_assert_cmpint(read(input->uinput_fifo, &byte, 1), ==, 1);
}

MockDevice *
mock_input_clone(MockInput *input, unsigned n)
{
	MockDevice *d;

	mock_input_lock(input);
	d = n < input->clones->len ? g_ptr_array_index(input->clones, n) : NULL;
	mock_input_unlock(input);
	return d;
}

/* Events. */

void
mock_device_set_down(MockDevice *d, unsigned code, bool is_down)
{
	mock_input_lock(d->input);
	remap_bit_set(d->down, code, is_down);
	mock_input_unlock(d->input);
}

void
mock_device_send(MockDevice *d, const struct input_event *events, size_t count)
{
	ssize_t size = (ssize_t)(count * sizeof(*events));

	g_assert_cmpint(write(d->fifo, events, (size_t)size), ==, size);
}

void
mock_device_edge(MockDevice *d, unsigned code, bool is_down)
{
	gint64 now = g_get_monotonic_time();
	struct input_event events[] = {
		{ .type = EV_MSC, .code = MSC_SCAN, .value = (int)code },
		{ .type = EV_KEY, .code = (uint16_t)code, .value = is_down },
		{ .type = EV_SYN, .code = SYN_REPORT },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(events); i++) {
		events[i].input_event_sec = (__kernel_ulong_t)(now / G_USEC_PER_SEC);
		events[i].input_event_usec = (__kernel_ulong_t)(now % G_USEC_PER_SEC);
	}
	mock_device_set_down(d, code, is_down);
	mock_device_send(d, events, G_N_ELEMENTS(events));
}

char *
mock_device_read(MockDevice *d)
{
	GString *out = g_string_new(NULL);
	struct input_event event;

	while (read(d->fifo, &event, sizeof(event)) == sizeof(event))
		mock_describe_event(out, &event);
	return g_string_free(out, FALSE);
}

char *
mock_device_injected(MockDevice *d)
{
	char *text;

	mock_input_lock(d->input);
	text = g_string_free(d->injected, FALSE);
	d->injected = g_string_new(NULL);
	mock_input_unlock(d->input);
	return text;
}

bool
mock_device_is_grabbed(MockDevice *d)
{
	bool is_grabbed;

	mock_input_lock(d->input);
	is_grabbed = d->grabber != NULL;
	mock_input_unlock(d->input);
	return is_grabbed;
}

/* The whole. */

bool
mock_input_works(void)
{
	/* It looks whether /sys is that of a test bed, once for all. */
	g_autoptr(UMockdevTestbed) bed = umockdev_testbed_new();

	return bed && umockdev_in_mock_environment();
}

char *
mock_input_folder(const MockInput *input)
{
	return g_build_filename(input->root, "dev", "input", NULL);
}

MockInput *
mock_input_new(void)
{
	MockInput *input = g_new0(MockInput, 1);
	g_autoptr(GError) error = NULL;
	g_autofree char *folder = NULL, *uinput = NULL;

	input->bed = umockdev_testbed_new();
	g_assert_true(umockdev_in_mock_environment());
	input->root = umockdev_testbed_get_root_dir(input->bed);
	pthread_mutex_init(&input->mutex, NULL);
	pthread_cond_init(&input->closed, NULL);
	input->devices = g_ptr_array_new_with_free_func(device_free);
	input->clones = g_ptr_array_new();
	input->next_clone = 100;
	folder = mock_input_folder(input);
	g_assert_cmpint(g_mkdir_with_parents(folder, 0755), ==, 0);
	uinput = g_build_filename(input->root, "dev", "uinput", NULL);
	g_assert_cmpint(mkfifo(uinput, 0600), ==, 0);
	input->uinput_fifo = open(uinput, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	g_assert_cmpint(input->uinput_fifo, >=, 0);
	input->uinput = mock_uinput_new(input);
	umockdev_testbed_attach_ioctl(input->bed, "/dev/uinput", input->uinput, &error);
	g_assert_no_error(error);
	return input;
}

void
mock_input_free(MockInput *input)
{
	mock_input_lock(input);
	/* umockdev thinks that a node that could not be opened is open as -1. */
	for (unsigned i = input->open; i; i--)
		close(-1);
	/* The rest is closed, but its thread may not know yet. */
	while (input->open)
		pthread_cond_wait(&input->closed, &input->mutex);
	mock_input_unlock(input);
	g_object_unref(input->bed);
	g_object_unref(input->uinput);
	close(input->uinput_fifo);
	g_ptr_array_unref(input->clones);
	g_ptr_array_unref(input->devices);
	pthread_cond_destroy(&input->closed);
	pthread_mutex_destroy(&input->mutex);
	g_free(input->root);
	g_free(input);
}
