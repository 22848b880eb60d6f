// SPDX-License-Identifier: GPL-3.0-or-later
/* What a mocked device answers: evdev(4)'s ioctls, reads and writes.
 * I/O: the memory of who asks. */
#include "tests/support/mock-input.h"

#include "keys/helper/device-info.h"

#include <errno.h>
#include <string.h>

/* Arguments. */

UMockdevIoctlData *
mock_argument(UMockdevIoctlClient *client, gsize size)
{
	g_autoptr(GError) error = NULL;
	UMockdevIoctlData *data =
		umockdev_ioctl_data_resolve(umockdev_ioctl_client_get_arg(client), 0, size, &error);

	g_assert_no_error(error);
	g_assert_nonnull(data);
	return data;
}

unsigned long
mock_value(UMockdevIoctlClient *client)
{
	unsigned long value;

	memcpy(&value, umockdev_ioctl_client_get_arg(client)->data, sizeof(value));
	return value;
}

/* Fills what the argument points to, as much as fits. Returns the size as the kernel does. */
static long
give(UMockdevIoctlClient *client, const void *bytes, gsize size)
{
	gsize room = _IOC_SIZE(umockdev_ioctl_client_get_request(client));
	g_autoptr(GObject) owner = G_OBJECT(mock_argument(client, room));
	UMockdevIoctlData *data = (UMockdevIoctlData *)owner;

	memset(data->data, 0, room);
	memcpy(data->data, bytes, MIN(size, room));
	return (long)MIN(size, room);
}

static long
give_text(UMockdevIoctlClient *client, const char *text)
{
	return *text ? give(client, text, strlen(text) + 1) : -ENOENT;
}

/* evdev. */

static long
grab(MockDevice *d, gpointer client, bool is_on)
{
	if (is_on && d->grabber)
		return -EBUSY;
	if (!is_on && d->grabber != client)
		return -EINVAL;
	d->grabber = is_on ? client : NULL;
	return 0;
}

static long
set_clock(MockDevice *d, UMockdevIoctlClient *client)
{
	g_autoptr(GObject) owner = G_OBJECT(mock_argument(client, sizeof(int)));

	memcpy(&d->clock, ((UMockdevIoctlData *)owner)->data, sizeof(int));
	return 0;
}

static long
answer_numbered(MockDevice *d, UMockdevIoctlClient *client, unsigned long request)
{
	static const struct input_absinfo axis = { .maximum = 1023 };
	unsigned number = _IOC_NR(request);

	if (number >= _IOC_NR(EVIOCGBIT(0, 0)) && number < _IOC_NR(EVIOCGBIT(EV_CNT, 0)))
		return give(client, d->bits[number - _IOC_NR(EVIOCGBIT(0, 0))], MOCK_BYTES);
	if (number >= _IOC_NR(EVIOCGABS(0)) && number < _IOC_NR(EVIOCGABS(0)) + ABS_CNT)
		return give(client, &axis, sizeof(axis));
	if (number == _IOC_NR(EVIOCGNAME(0)))
		return give_text(client, d->name);
	if (number == _IOC_NR(EVIOCGPHYS(0)))
		return give_text(client, d->phys);
	if (number == _IOC_NR(EVIOCGUNIQ(0)))
		return -ENOENT;
	if (number == _IOC_NR(EVIOCGPROP(0)))
		return give(client, d->props, sizeof(d->props));
	if (number == _IOC_NR(EVIOCGKEY(0)))
		return give(client, d->down, sizeof(d->down));
	/* LEDs, sounds, switches are off; no finger is on the touchpad. */
	if (number == _IOC_NR(EVIOCGLED(0)) || number == _IOC_NR(EVIOCGSND(0)) ||
	    number == _IOC_NR(EVIOCGSW(0)) || number == _IOC_NR(EVIOCGMTSLOTS(0)))
		return give(client, "", 1);
	return -EINVAL;
}

static long
answer(MockDevice *d, UMockdevIoctlClient *client)
{
	static const int version = EV_VERSION;
	unsigned long request = umockdev_ioctl_client_get_request(client);

	if (d->is_gone)
		return -ENODEV;
	switch (request) {
	case EVIOCGVERSION:
		return give(client, &version, sizeof(version)) < 0 ? -EFAULT : 0;
	case EVIOCGID:
		return give(client, &d->id, sizeof(d->id)) < 0 ? -EFAULT : 0;
	case EVIOCGREP:
		return remap_bit(d->bits[0], EV_REP) ? give(client, d->repeat, sizeof(d->repeat))
						     : -ENOSYS;
	case EVIOCGRAB:
		return grab(d, client, mock_value(client) != 0);
	case EVIOCSCLOCKID:
		return set_clock(d, client);
	default:
		return _IOC_TYPE(request) == 'E' && (_IOC_DIR(request) & _IOC_READ)
			       ? answer_numbered(d, client, request)
			       : -EINVAL;
	}
}

static gboolean
on_ioctl(UMockdevIoctlBase *handler, UMockdevIoctlClient *client, gpointer data)
{
	MockDevice *d = data;
	long result;

	mock_input_lock(d->input);
	result = answer(d, client);
	mock_input_unlock(d->input);
	umockdev_ioctl_client_complete(client, result < 0 ? -1 : result,
				       result < 0 ? (int)-result : 0);
	return TRUE;
}

static gboolean
on_read(UMockdevIoctlBase *handler, UMockdevIoctlClient *client, gpointer data)
{
	MockDevice *d = data;
	bool is_gone;

	mock_input_lock(d->input);
	is_gone = d->is_gone;
	mock_input_unlock(d->input);
	if (is_gone)
		umockdev_ioctl_client_complete(client, -1, ENODEV);
	return is_gone; /* else it reads the FIFO */
}

/* An event that is written to a device is an event of the device (input_inject_event()). */
static gboolean
on_write(UMockdevIoctlBase *handler, UMockdevIoctlClient *client, gpointer data)
{
	UMockdevIoctlData *written = umockdev_ioctl_client_get_arg(client);
	MockDevice *d = data;
	int size = written->data_len;

	mock_input_lock(d->input);
	for (int at = 0; at + (int)sizeof(struct input_event) <= size;
	     at += (int)sizeof(struct input_event)) {
		struct input_event event;

		memcpy(&event, written->data + at, sizeof(event));
		if (event.type == EV_KEY)
			remap_bit_set(d->down, event.code, event.value);
		mock_describe_event(d->injected, &event);
	}
	mock_input_unlock(d->input);
	umockdev_ioctl_client_complete(client, size, 0);
	return TRUE;
}

/* One descriptor of a node. umockdev frees it when that is closed. */
typedef struct {
	MockDevice *device;
	gpointer client;
} Opened;

static void
opened_free(gpointer data)
{
	Opened *opened = data;
	MockDevice *d = opened->device;

	mock_input_lock(d->input);
	/* The kernel ends a grab with its descriptor. */
	if (d->grabber == opened->client)
		d->grabber = NULL;
	mock_input_unlock(d->input);
	mock_input_closed(d->input);
	g_free(opened);
}

static void
on_opened(UMockdevIoctlBase *handler, UMockdevIoctlClient *client, gpointer data)
{
	MockDevice *d = data;
	Opened *opened = g_new(Opened, 1);

	*opened = (Opened){ d, client };
	mock_input_opened(d->input);
	g_object_set_data_full(G_OBJECT(client), "opened", opened, opened_free);
}

void
mock_describe_event(GString *out, const struct input_event *event)
{
	const char *name = event->type == EV_KEY ? remap_key_name(event->code) : NULL;

	if (out->len)
		g_string_append_c(out, ' ');
	if (name)
		g_string_append_printf(out, "%s%c", name, event->value ? '+' : '-');
	else if (event->type == EV_SYN && event->code == SYN_REPORT)
		g_string_append_c(out, '|');
	else if (event->type == EV_MSC)
		g_string_append_printf(out, "msc%d", event->value);
	else
		g_string_append_printf(out, "%u:%u:%d", event->type, event->code, event->value);
}

UMockdevIoctlBase *
mock_evdev_new(MockDevice *d)
{
	UMockdevIoctlBase *handler = umockdev_ioctl_base_new();

	g_signal_connect(handler, "handle-ioctl", G_CALLBACK(on_ioctl), d);
	g_signal_connect(handler, "handle-read", G_CALLBACK(on_read), d);
	g_signal_connect(handler, "handle-write", G_CALLBACK(on_write), d);
	g_signal_connect(handler, "client-connected", G_CALLBACK(on_opened), d);
	return handler;
}
