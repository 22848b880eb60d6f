// SPDX-License-Identifier: GPL-3.0-or-later
/* Input devices of umockdev: what the helper and libevdev ask with ioctl(2) is answered as evdev(4) and uinput would,
 * from descriptions in the format of umockdev-record. A virtual device that is made through the mocked /dev/uinput gets
 * a node beside the others, as from the kernel.
 *
 * The program runs with libumockdev-preload. Two things it does not know are added at link time (mock-calls.c): nodes
 * opened relative to /dev/input, and fstat(2) of a node.
 * I/O: files of the test bed, a thread of umockdev's that answers. */
#ifndef MOCK_INPUT_H
#define MOCK_INPUT_H

#include <glib-object.h>
#include <linux/input.h>
#include <stdbool.h>
#include <stdint.h>
#include <umockdev.h>

enum { MOCK_BYTES = KEY_CNT / 8 };

typedef struct MockInput MockInput;

typedef struct MockDevice {
	MockInput *input;
	char *node;	   /* "event3" */
	char *path;	   /* of its FIFO, where it really is */
	char *syspaths[2]; /* of the node and of its device; NULL for a virtual one */
	UMockdevIoctlBase *handler;
	int fifo; /* what we write is read by who has opened the node */

	/* From here on shared with umockdev's thread: mock_input_lock(). */
	char name[80], phys[80];
	struct input_id id;
	uint8_t bits[EV_CNT][MOCK_BYTES]; /* [0]: types */
	uint8_t props[INPUT_PROP_CNT / 8];
	int repeat[2];
	uint8_t down[MOCK_BYTES];
	gpointer grabber; /* who has it for himself */
	bool is_gone;
	int clock;
	GString *injected; /* what was written to it: "a- |" */
	int led;	   /* of a virtual one: to be set, not yet read by who made it; -1: none */
} MockDevice;

/* Is libumockdev-preload there? Without it the real devices would be taken. */
bool mock_input_works(void);

/* The test bed: an empty /dev/input, and /dev/uinput. */
MockInput *mock_input_new(void);
void mock_input_free(MockInput *input);

/* Where /dev/input of the test bed really is: umockdev cannot open that folder by its name. Caller frees. */
char *mock_input_folder(const MockInput *input);

void mock_input_lock(MockInput *input);
void mock_input_unlock(MockInput *input);

/* Plugs in what a file of tests/integration/input describes. Owned by the test bed. */
MockDevice *mock_input_plug(MockInput *input, const char *name);
/* Its reads fail from now on, its node goes. */
void mock_device_unplug(MockDevice *device);

/* The rights of a node, as udev sets them. @node: "input/event0" or "uinput" */
void mock_input_set_mode(MockInput *input, const char *node, unsigned mode);

/* The virtual device made @n-th of those that are there, from 0; NULL when there are no more. */
MockDevice *mock_input_clone(MockInput *input, unsigned n);

/* MSC_SCAN, the key and SYN_REPORT, as one write; times from the monotonic clock. */
void mock_device_edge(MockDevice *device, unsigned code, bool is_down);
/* Events as they are; the keys that are down stay what they were. */
void mock_device_send(MockDevice *device, const struct input_event *events, size_t count);
void mock_device_set_down(MockDevice *device, unsigned code, bool is_down);

/* What a program reads from the node, without time: "msc58 z+ |". Caller frees. */
char *mock_device_read(MockDevice *device);
/* The same for what was written to it by others. */
char *mock_device_injected(MockDevice *device);
bool mock_device_is_grabbed(MockDevice *device);

/* A program switches an LED of a virtual device on: whoever made it reads that. */
void mock_clone_light(MockDevice *clone, unsigned led);

/* mock-evdev.c, mock-uinput.c: answers for a device, and for /dev/uinput. */
UMockdevIoctlBase *mock_evdev_new(MockDevice *device);
UMockdevIoctlBase *mock_uinput_new(MockInput *input);

/* Descriptors of nodes, which the test bed outlives. */
void mock_input_opened(MockInput *input);
void mock_input_closed(MockInput *input);

/* For mock-uinput.c, locked: a virtual device comes and goes. */
MockDevice *mock_input_add_clone(MockInput *input, const MockDevice *made);
void mock_input_drop_clone(MockInput *input, MockDevice *clone);
/* What makes descriptors of /dev/uinput readable is read. */
void mock_input_drain_uinput(MockInput *input);

/* The memory that an ioctl's argument points to. Unref when done: what was changed is then on its way back. */
UMockdevIoctlData *mock_argument(UMockdevIoctlClient *client, gsize size);
/* The argument itself. */
unsigned long mock_value(UMockdevIoctlClient *client);
void mock_describe_event(GString *out, const struct input_event *event);

#endif
