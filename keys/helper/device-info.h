// SPDX-License-Identifier: GPL-3.0-or-later
/* What an input device is: its names, ids and capabilities; whether a keymap wants it, whether it can be cloned
 * exactly, and what its clone can do.
 * Pure. */
#ifndef REMAP_DEVICE_INFO_H
#define REMAP_DEVICE_INFO_H

#include "keys/remap/keymap.h"

#include <linux/input.h>

/* Bitmaps as the kernel has them: bit n is byte n / 8, bit n % 8. */
enum {
	REMAP_TYPE_BYTES = EV_CNT / 8,
	REMAP_KEY_BYTES = KEY_CNT / 8,
	REMAP_REL_BYTES = REL_CNT / 8,
	REMAP_ABS_BYTES = ABS_CNT / 8,
	REMAP_MSC_BYTES = MSC_CNT / 8,
	REMAP_LED_BYTES = LED_CNT / 8,
	REMAP_SND_BYTES = SND_CNT / 8,
	REMAP_PROP_BYTES = INPUT_PROP_CNT / 8,
};

/* Our clones say this at the start of their physical path, so that no helper takes another's clone. */
#define REMAP_CLONE_PHYS "xdgtidy-keys/"

typedef struct RemapDeviceInfo {
	char name[80]; /* UINPUT_MAX_NAME_SIZE */
	char phys[80];
	uint16_t bus, vendor, product, version;
	uint8_t types[REMAP_TYPE_BYTES];
	uint8_t keys[REMAP_KEY_BYTES];
	uint8_t rels[REMAP_REL_BYTES];
	uint8_t abses[REMAP_ABS_BYTES];
	uint8_t mscs[REMAP_MSC_BYTES];
	uint8_t leds[REMAP_LED_BYTES];
	uint8_t snds[REMAP_SND_BYTES];
	uint8_t props[REMAP_PROP_BYTES];
	struct input_absinfo volume,
		misc;	 /* of ABS_VOLUME and ABS_MISC, the only axes that are cloned */
	int repeat[2];	 /* delay and period, ms; 0 when the device has no autorepeat */
	uint64_t number; /* dev_t, for the seat; 0 when unknown */
} RemapDeviceInfo;

static inline bool
remap_bit(const uint8_t *bits, unsigned n)
{
	return bits[n / 8] >> n % 8 & 1;
}

static inline void
remap_bit_set(uint8_t *bits, unsigned n, bool is_on)
{
	if (is_on)
		bits[n / 8] |= (uint8_t)(1U << n % 8);
	else
		bits[n / 8] &= (uint8_t) ~(1U << n % 8);
}

/** remap_device_kind - REMAP_ID_KEYBOARD, _MOUSE or _OTHER flags, 0 for a device without keys. */
unsigned remap_device_kind(const RemapDeviceInfo *info);

/** remap_device_hash - the third part of an id: from the number of keys, the axes and the name. */
uint32_t remap_device_hash(const RemapDeviceInfo *info);

/**
 * remap_device_refuse - why a device is left alone, or NULL
 *
 * It is one of our clones, it has no keys, or a clone of it would not be the same: a touchpad, tablet, joystick,
 * something with switches or force feedback.
 */
const char *remap_device_refuse(const RemapDeviceInfo *info);

/** remap_device_wanted - remap_keymap_match() for a device. */
int remap_device_wanted(const RemapKeymap *keymap, const RemapDeviceInfo *info);

/* What a keymap can emit that was not pressed. */
typedef struct RemapOutputs {
	uint8_t keys[REMAP_KEY_BYTES];
	bool has_wheel;
} RemapOutputs;

void remap_outputs_of(const RemapKeymap *keymap, RemapOutputs *outputs);

/**
 * remap_device_clone - the capabilities of a device's clone
 *
 * Those of the device. A keyboard's clone also has the keys that the keymap can emit, but no buttons: udev would
 * take it for a mouse.
 */
void remap_device_clone(const RemapDeviceInfo *info, const RemapOutputs *outputs,
			RemapDeviceInfo *clone);

/**
 * remap_device_extra - a device for what no clone can emit
 * @covered: keys that some clone has; @has_wheel: one has a wheel
 *
 * Returns: false when nothing is left over.
 */
bool remap_device_extra(const RemapOutputs *outputs, const uint8_t *covered, bool has_wheel,
			RemapDeviceInfo *extra);

#endif
