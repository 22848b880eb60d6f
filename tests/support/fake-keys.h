// SPDX-License-Identifier: GPL-3.0-or-later
/* Keyboards, virtual devices, a clock and a session for the helper, without a kernel device: each device is a socket
 * pair. It behaves as evdev(4) does where it matters: a grab hides events from the others, an injected release is
 * seen by them only without a grab, a key that is down stays down until it is released.
 * I/O: sockets. */
#ifndef FAKE_KEYS_H
#define FAKE_KEYS_H

#include "keys/helper/helper.h"

#include <glib.h>

enum { FAKE_KEYBOARDS_MAX = 80, FAKE_CLONES_MAX = 400 };

typedef struct FakeKeyboard {
	struct FakeKeys *keys;
	char node[16];
	RemapDeviceInfo info;
	bool is_present, is_open, is_grabbed, is_busy;
	int open_error;
	int device, helper;		 /* the two ends while open */
	uint8_t down[REMAP_KEY_BYTES];	 /* as the kernel has it */
	uint8_t others[REMAP_KEY_BYTES]; /* as another program sees it */
	uint16_t press_before_grab;	 /* a key that goes down just when the helper grabs */
	unsigned grabs;
	char seat[16];
} FakeKeyboard;

typedef struct FakeClone {
	bool is_alive;
	RemapDeviceInfo info;
	int user; /* our end: what a program reads, and where it sets LEDs */
	int sink; /* the helper's end, for is_alive */
	uint8_t down[REMAP_KEY_BYTES];
	GString *log; /* what was written, see fake_clone_take() */
} FakeClone;

typedef struct FakeKeys {
	RemapKernel kernel;
	FakeKeyboard keyboards[FAKE_KEYBOARDS_MAX];
	FakeClone clones[FAKE_CLONES_MAX];
	unsigned clone_count; /* ever made */
	int create_error;
	RemapUsec now, due;
	GQueue *changes; /* nodes: "+event0", "-event0" */
	int session;
	const char *seat;
	bool has_no_landlock;

	RemapHelper *helper;
	int daemon, socket; /* the daemon's end, the helper's end */
	int result;	    /* of the last step */
	uint32_t next_id;
	GString *heard; /* what the helper said, see fake_keys_heard() */
} FakeKeys;

FakeKeys *fake_keys_new(void);

/* Ends the helper, then checks: no clone is left, nothing is grabbed, nobody sees a key down that is not. */
void fake_keys_free(FakeKeys *keys);

/* A keyboard of 104 keys and three LEDs as "eventN". */
FakeKeyboard *fake_keyboard_add(FakeKeys *keys);
/* Unplugged: reads fail, the node goes. */
void fake_keyboard_unplug(FakeKeyboard *keyboard);
/* The helper hears of the node again, as when udev changes its rights. */
void fake_keyboard_touch(FakeKeyboard *keyboard);

/* Starts a helper; greets; sends the keymap; lets the keyboards be grabbed. Each may be done alone. */
void fake_keys_start(FakeKeys *keys, bool is_session_needed);
void fake_keys_send(FakeKeys *keys, const RemapLinkMessage *message);
uint32_t fake_keys_load(FakeKeys *keys, const char *text, uint32_t flags, uint32_t timeout_ms);
/* One keyboard, a helper that was greeted, no keymap. */
FakeKeys *fake_keys_greeted(void);
FakeKeys *fake_keys_running(const char *text, unsigned keyboards);

/* Lets the helper work until nothing is left to do, without time passing; or with it. */
void fake_keys_run(FakeKeys *keys);
void fake_keys_pass(FakeKeys *keys, unsigned ms);

/* Events. MSC_SCAN with the code, the key, SYN_REPORT, in one read. */
void fake_press(FakeKeyboard *keyboard, unsigned code);
void fake_release(FakeKeyboard *keyboard, unsigned code);
void fake_tap(FakeKeyboard *keyboard, unsigned code);
/* Any events, as they are; the state is not touched. */
void fake_events(FakeKeyboard *keyboard, const struct input_event *events, size_t count);

/* The live clone made last, or the nth live one from 0. */
FakeClone *fake_clone(FakeKeys *keys, unsigned n);
/* What was written since the last time: "msc58 z+ |" is one write of a scan code, a press and SYN_REPORT; writes are
 * parted by "; ". Caller frees. */
char *fake_clone_take(FakeClone *clone);
/* Reads what was written; at end of file no key may be down. The others call it. */
void fake_clone_drain(FakeClone *clone);
void fake_clone_set_led(FakeClone *clone, unsigned led, bool is_on);

/* Everything the helper said since the last time, a line each. */
char *fake_keys_heard(FakeKeys *keys);

#define fake_assert_written(keys, n, expected)                                    \
	G_STMT_START                                                              \
	{                                                                         \
		g_autofree char *written_ = fake_clone_take(fake_clone(keys, n)); \
		g_assert_cmpstr(written_, ==, expected);                          \
	}                                                                         \
	G_STMT_END

#define fake_assert_heard(keys, expected)                        \
	G_STMT_START                                             \
	{                                                        \
		g_autofree char *heard_ = fake_keys_heard(keys); \
		g_assert_cmpstr(heard_, ==, expected);           \
	}                                                        \
	G_STMT_END

#endif
