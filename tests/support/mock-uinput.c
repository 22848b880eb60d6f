// SPDX-License-Identifier: GPL-3.0-or-later
/* The mocked /dev/uinput: each descriptor makes one virtual device, which lives as long as it.
 * I/O: files of the test bed. */
#include "tests/support/mock-input.h"

#include "keys/helper/device-info.h"

#include <errno.h>
#include <linux/uinput.h>
#include <string.h>

/* Of one descriptor. */
typedef struct {
	MockInput *input;
	MockDevice made;   /* what it is to be */
	MockDevice *clone; /* once it is */
	bool is_frame_open;
} Maker;

static int
bitmap_of(unsigned long request)
{
	switch (request) {
	case UI_SET_EVBIT:
		return 0;
	case UI_SET_KEYBIT:
		return EV_KEY;
	case UI_SET_RELBIT:
		return EV_REL;
	case UI_SET_ABSBIT:
		return EV_ABS;
	case UI_SET_MSCBIT:
		return EV_MSC;
	case UI_SET_LEDBIT:
		return EV_LED;
	case UI_SET_SNDBIT:
		return EV_SND;
	case UI_SET_SWBIT:
		return EV_SW;
	default:
		return -1;
	}
}

static long
set_bit(uint8_t *bits, unsigned long code, unsigned long count)
{
	if (code >= count)
		return -EINVAL;
	remap_bit_set(bits, (unsigned)code, true);
	return 0;
}

static unsigned long
count_of(int bitmap)
{
	static const unsigned long counts[EV_CNT] = {
		[0] = EV_CNT,	    [EV_KEY] = KEY_CNT, [EV_REL] = REL_CNT, [EV_ABS] = ABS_CNT,
		[EV_MSC] = MSC_CNT, [EV_LED] = LED_CNT, [EV_SND] = SND_CNT, [EV_SW] = SW_CNT,
	};

	return counts[bitmap];
}

static long
set_up(MockDevice *made, UMockdevIoctlClient *client)
{
	g_autoptr(GObject) owner = G_OBJECT(mock_argument(client, sizeof(struct uinput_setup)));
	struct uinput_setup setup;

	memcpy(&setup, ((UMockdevIoctlData *)owner)->data, sizeof(setup));
	if (!setup.name[0])
		return -EINVAL;
	made->id = setup.id;
	g_strlcpy(made->name, setup.name, sizeof(made->name));
	return 0;
}

static long
answer(Maker *maker, UMockdevIoctlClient *client)
{
	unsigned long request = umockdev_ioctl_client_get_request(client);
	int bitmap = bitmap_of(request);

	if (request == UI_DEV_CREATE && !maker->made.name[0])
		return -EINVAL;
	if (maker->clone)
		return -EINVAL;
	if (bitmap >= 0)
		return set_bit(maker->made.bits[bitmap], mock_value(client), count_of(bitmap));
	switch (request) {
	case UI_SET_PROPBIT:
		return set_bit(maker->made.props, mock_value(client), INPUT_PROP_CNT);
	case UI_SET_PHYS: {
		/* As much as the helper's own array has; the kernel would read up to the zero. */
		g_autoptr(GObject) owner =
			G_OBJECT(mock_argument(client, sizeof(maker->made.phys)));

		g_strlcpy(maker->made.phys, (char *)((UMockdevIoctlData *)owner)->data,
			  sizeof(maker->made.phys));
		return 0;
	}
	case UI_DEV_SETUP:
		return set_up(&maker->made, client);
	case UI_ABS_SETUP:
		return 0;
	case UI_DEV_CREATE:
		maker->clone = mock_input_add_clone(maker->input, &maker->made);
		return 0;
	default:
		return -EINVAL;
	}
}

static Maker *
maker_of(UMockdevIoctlClient *client)
{
	return g_object_get_data(G_OBJECT(client), "maker");
}

static gboolean
on_ioctl(UMockdevIoctlBase *handler, UMockdevIoctlClient *client, gpointer data)
{
	Maker *maker = maker_of(client);
	long result;

	mock_input_lock(maker->input);
	result = answer(maker, client);
	mock_input_unlock(maker->input);
	umockdev_ioctl_client_complete(client, result < 0 ? -1 : result,
				       result < 0 ? (int)-result : 0);
	return TRUE;
}

/* As the kernel does: what the device does not have, or is an empty frame, is dropped, and the repeat rate set. */
static void
pass(Maker *maker, const struct input_event *event)
{
	bool is_end = event->type == EV_SYN && event->code == SYN_REPORT;

	if (event->type == EV_REP) {
		maker->clone->repeat[event->code == REP_PERIOD] = event->value;
		return;
	}
	if (is_end && !maker->is_frame_open)
		return;
	/* The helper sends no such thing. */
	g_assert_true(is_end || remap_bit(maker->clone->bits[event->type], event->code));
	maker->is_frame_open = !is_end;
	if (event->type == EV_KEY)
		remap_bit_set(maker->clone->down, event->code, event->value);
	mock_device_send(maker->clone, event, 1);
}

/* What is written to it is read from its node. */
static gboolean
on_write(UMockdevIoctlBase *handler, UMockdevIoctlClient *client, gpointer data)
{
	UMockdevIoctlData *written = umockdev_ioctl_client_get_arg(client);
	Maker *maker = maker_of(client);
	int size = written->data_len;

	mock_input_lock(maker->input);
	g_assert_nonnull(maker->clone);
	for (int at = 0; at < size; at += (int)sizeof(struct input_event)) {
		struct input_event event;

		g_assert_cmpint(at + (int)sizeof(event), <=, size);
		memcpy(&event, written->data + at, sizeof(event));
		pass(maker, &event);
	}
	mock_input_unlock(maker->input);
	umockdev_ioctl_client_complete(client, size, 0);
	return TRUE;
}

/* All descriptors share one FIFO, so each of them is looked at when there is something for one. */
static gboolean
on_read(UMockdevIoctlBase *handler, UMockdevIoctlClient *client, gpointer data)
{
	UMockdevIoctlData *buffer = umockdev_ioctl_client_get_arg(client);
	struct input_event events[] = { { .type = EV_LED, .value = 1 },
					{ .type = EV_SYN, .code = SYN_REPORT } };
	Maker *maker = maker_of(client);
	bool has_led;

	mock_input_lock(maker->input);
	has_led = maker->clone && maker->clone->led >= 0;
	if (has_led) {
		events[0].code = (uint16_t)maker->clone->led;
		maker->clone->led = -1;
		mock_input_drain_uinput(maker->input);
		g_assert_cmpint(buffer->data_len, >=, sizeof(events));
		memcpy(buffer->data, events, sizeof(events));
	}
	mock_input_unlock(maker->input);
	umockdev_ioctl_client_complete(client, has_led ? (long)sizeof(events) : -1,
				       has_led ? 0 : EAGAIN);
	return TRUE;
}

/* Its descriptor is closed: the device goes. */
static void
maker_free(gpointer data)
{
	Maker *maker = data;

	mock_input_lock(maker->input);
	if (maker->clone)
		mock_input_drop_clone(maker->input, maker->clone);
	mock_input_unlock(maker->input);
	mock_input_closed(maker->input);
	g_free(maker);
}

static void
on_opened(UMockdevIoctlBase *handler, UMockdevIoctlClient *client, gpointer data)
{
	Maker *maker = g_new0(Maker, 1);

	maker->input = data;
	mock_input_opened(maker->input);
	g_object_set_data_full(G_OBJECT(client), "maker", maker, maker_free);
}

UMockdevIoctlBase *
mock_uinput_new(MockInput *input)
{
	UMockdevIoctlBase *handler = umockdev_ioctl_base_new();

	g_signal_connect(handler, "handle-ioctl", G_CALLBACK(on_ioctl), NULL);
	g_signal_connect(handler, "handle-read", G_CALLBACK(on_read), NULL);
	g_signal_connect(handler, "handle-write", G_CALLBACK(on_write), NULL);
	g_signal_connect(handler, "client-connected", G_CALLBACK(on_opened), input);
	return handler;
}
