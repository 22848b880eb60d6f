// SPDX-License-Identifier: GPL-3.0-or-later
/* Decisions about devices from their capabilities.
 * Pure. */
#include "keys/helper/device-info.h"

#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static bool
has_all(const uint8_t *bits, unsigned first, unsigned last)
{
	for (unsigned n = first; n <= last; n++)
		if (!remap_bit(bits, n))
			return false;
	return true;
}

static bool
has_any(const uint8_t *bits, unsigned first, unsigned last)
{
	for (unsigned n = first; n <= last; n++)
		if (remap_bit(bits, n))
			return true;
	return false;
}

static bool
is_button(unsigned code)
{
	return (code >= BTN_MISC && code < KEY_OK) || code >= BTN_TRIGGER_HAPPY;
}

/* As the language has it: digits and the upper left letters, or a media key. */
unsigned
remap_device_kind(const RemapDeviceInfo *info)
{
	static const uint16_t media[] = { KEY_MUTE,	    KEY_VOLUMEDOWN, KEY_VOLUMEUP,
					  KEY_PLAYPAUSE,    KEY_NEXTSONG,   KEY_PREVIOUSSONG,
					  KEY_BRIGHTNESSUP, KEY_MICMUTE };
	const uint8_t *keys = info->keys;
	unsigned kind = 0;

	if (!remap_bit(info->types, EV_KEY))
		return 0;
	if (has_all(keys, KEY_1, KEY_0) && has_all(keys, KEY_Q, KEY_Y))
		kind |= REMAP_ID_KEYBOARD;
	for (size_t i = 0; i < COUNT(media); i++)
		if (remap_bit(keys, media[i]))
			kind |= REMAP_ID_KEYBOARD;
	if (remap_bit(keys, BTN_LEFT) && remap_bit(info->types, EV_REL) &&
	    has_all(info->rels, REL_X, REL_Y))
		kind |= REMAP_ID_MOUSE;
	if (!kind && has_any(keys, 1, KEY_MAX))
		kind = REMAP_ID_OTHER;
	return kind;
}

static uint32_t
hash_byte(uint32_t hash, unsigned byte)
{
	return hash * 33 + byte;
}

/* djb2 (D. J. Bernstein); the language does not say more than what goes in. */
uint32_t
remap_device_hash(const RemapDeviceInfo *info)
{
	uint32_t hash = 5381, keys = 0;

	for (unsigned n = 0; n < KEY_CNT; n++)
		keys += remap_bit(info->keys, n);
	for (unsigned shift = 0; shift < 32; shift += 8)
		hash = hash_byte(hash, keys >> shift & 0xff);
	hash = hash_byte(hash, info->abses[0]);
	hash = hash_byte(hash, info->rels[0]);
	for (const char *at = info->name; *at; at++)
		hash = hash_byte(hash, (unsigned char)*at);
	return hash;
}

static bool
has_only_plain_axes(const RemapDeviceInfo *info)
{
	for (unsigned n = 0; n < ABS_CNT; n++)
		if (remap_bit(info->abses, n) && n != ABS_VOLUME && n != ABS_MISC)
			return false;
	return true;
}

const char *
remap_device_refuse(const RemapDeviceInfo *info)
{
	static const uint8_t cloned[] = { EV_SYN, EV_KEY, EV_REL, EV_ABS,
					  EV_MSC, EV_LED, EV_SND, EV_REP };
	uint8_t types[REMAP_TYPE_BYTES];

	memcpy(types, info->types, sizeof(types));
	for (size_t i = 0; i < COUNT(cloned); i++)
		remap_bit_set(types, cloned[i], false);
	if (strncmp(info->phys, REMAP_CLONE_PHYS, strlen(REMAP_CLONE_PHYS)) == 0)
		return "a keyboard of xdgtidy-keys itself";
	if (!remap_device_kind(info))
		return "it has no keys";
	if (remap_bit(info->types, EV_ABS) && !has_only_plain_axes(info))
		return "it has axes (touchpad, tablet, joystick)";
	if (has_any(types, 0, EV_MAX))
		return "it has switches or force feedback";
	return NULL;
}

int
remap_device_wanted(const RemapKeymap *keymap, const RemapDeviceInfo *info)
{
	char id[32];

	snprintf(id, sizeof(id), "%04x:%04x:%08x", info->vendor, info->product,
		 remap_device_hash(info));
	return remap_keymap_match(keymap, id, remap_device_kind(info));
}

static void
add_output(RemapOutputs *outputs, unsigned code)
{
	if (code > 0 && code <= KEY_MAX)
		remap_bit_set(outputs->keys, code, true);
	else if (code >= REMAP_KEY_SCROLLUP && code <= REMAP_KEY_SCROLLRIGHT)
		outputs->has_wheel = true;
}

void
remap_outputs_of(const RemapKeymap *keymap, RemapOutputs *outputs)
{
	/* What modifiers and the modifier guard send; a layer may hold any of them. */
	static const uint16_t mods[] = {
		KEY_LEFTALT,  KEY_RIGHTALT,  KEY_LEFTSHIFT, KEY_RIGHTSHIFT,
		KEY_LEFTMETA, KEY_RIGHTMETA, KEY_LEFTCTRL,  KEY_RIGHTCTRL
	};

	memset(outputs, 0, sizeof(*outputs));
	for (size_t i = 0; i < COUNT(mods); i++)
		add_output(outputs, mods[i]);
	for (size_t i = 0; i < keymap->action_count; i++) {
		RemapOp op = (RemapOp)keymap->actions[i].op;

		if (op == REMAP_OP_KEY)
			add_output(outputs, keymap->actions[i].code);
		else if (op == REMAP_OP_SCROLL || op == REMAP_OP_SCROLLT || op == REMAP_OP_SCROLLON)
			outputs->has_wheel = true;
	}
	for (size_t i = 0; i < keymap->entry_count; i++)
		if (keymap->entries[i].type != REMAP_MACRO_DELAY)
			add_output(outputs, keymap->entries[i].code);
}

void
remap_device_clone(const RemapDeviceInfo *info, const RemapOutputs *outputs, RemapDeviceInfo *clone)
{
	*clone = *info;
	snprintf(clone->phys, sizeof(clone->phys), "%s%.60s", REMAP_CLONE_PHYS, info->phys);
	if (!(remap_device_kind(info) & REMAP_ID_KEYBOARD))
		return;
	for (unsigned code = 1; code < KEY_CNT; code++)
		if (remap_bit(outputs->keys, code) && !is_button(code))
			remap_bit_set(clone->keys, code, true);
}

bool
remap_device_extra(const RemapOutputs *outputs, const uint8_t *covered, bool has_wheel,
		   RemapDeviceInfo *extra)
{
	bool is_pointer = outputs->has_wheel && !has_wheel;
	bool is_needed = is_pointer;

	memset(extra, 0, sizeof(*extra));
	snprintf(extra->name, sizeof(extra->name), "xdgtidy keys and buttons");
	snprintf(extra->phys, sizeof(extra->phys), "%sextra", REMAP_CLONE_PHYS);
	extra->bus = BUS_VIRTUAL;
	remap_bit_set(extra->types, EV_KEY, true);
	for (unsigned code = 1; code < KEY_CNT; code++) {
		if (!remap_bit(outputs->keys, code) || remap_bit(covered, code))
			continue;
		remap_bit_set(extra->keys, code, true);
		is_needed = true;
		is_pointer |= is_button(code);
	}
	if (!is_pointer)
		return is_needed;
	/* udev takes a device for a mouse when it has these. */
	remap_bit_set(extra->types, EV_REL, true);
	remap_bit_set(extra->keys, BTN_LEFT, true);
	remap_bit_set(extra->rels, REL_X, true);
	remap_bit_set(extra->rels, REL_Y, true);
	remap_bit_set(extra->rels, REL_WHEEL, true);
	remap_bit_set(extra->rels, REL_HWHEEL, true);
	remap_bit_set(extra->rels, REL_WHEEL_HI_RES, true);
	remap_bit_set(extra->rels, REL_HWHEEL_HI_RES, true);
	return true;
}
