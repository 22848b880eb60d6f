// SPDX-License-Identifier: GPL-3.0-or-later
/* Messages to bytes and back: one table says which fields a kind has, one what a field is.
 * Pure. */
#include "keys/link/link.h"

#include <errno.h>
#include <string.h>

enum Type { U32, U64, TEXT, DATA };

enum Field {
	END,
	VERSION,
	HOW,
	ID,
	INDEX,
	OFFSET,
	LENGTH,
	TRIAL_FLAGS,
	STATE_FLAGS,
	TIMEOUT,
	IS_ON,
	POLICY,
	COUNT,
	SEVERITY,
	LINE,
	COLUMN,
	EVENT,
	VENDOR,
	PRODUCT,
	HASH,
	DEVICE_KIND,
	CODE,
	EVENTS,
	FRAMES,
	OVERRUNS,
	LOST,
	DEVICES,
	GRABBED,
	NODE,
	NAME,
	WORDS,
	BYTES,
	FIELDS_MAX = 9, /* of one kind, with END */
};

#define NUMBER(member, max)                                  \
	{                                                    \
		U32, offsetof(RemapLinkMessage, member), max \
	}
#define ANY(member) NUMBER(member, UINT32_MAX)
#define COUNTER(member)                                    \
	{                                                  \
		U64, offsetof(RemapLinkMessage, member), 0 \
	}
#define STRING(member)                                      \
	{                                                   \
		TEXT, offsetof(RemapLinkMessage, member), 0 \
	}

static const struct {
	enum Type type;
	size_t offset;
	uint32_t max;
} fields[] = {
	[VERSION] = ANY(version),
	[HOW] = NUMBER(how, REMAP_LINK_HOWS - 1),
	[ID] = ANY(id),
	[INDEX] = ANY(index),
	[OFFSET] = NUMBER(offset, REMAP_LINK_KEYMAP_MAX),
	[LENGTH] = NUMBER(length, REMAP_LINK_KEYMAP_MAX),
	[TRIAL_FLAGS] = NUMBER(flags, REMAP_LINK_TRIAL),
	[STATE_FLAGS] = NUMBER(flags, REMAP_LINK_STATE_ALL),
	[TIMEOUT] = ANY(timeout_ms),
	[IS_ON] = NUMBER(is_on, 1),
	[POLICY] = NUMBER(policy, REMAP_LINK_POLICIES - 1),
	[COUNT] = ANY(count),
	[SEVERITY] = NUMBER(severity, 2),
	[LINE] = ANY(line),
	[COLUMN] = ANY(column),
	[EVENT] = NUMBER(event, REMAP_LINK_DEVICE_EVENTS - 1),
	[VENDOR] = NUMBER(vendor, 0xffff),
	[PRODUCT] = NUMBER(product, 0xffff),
	[HASH] = ANY(hash),
	[DEVICE_KIND] = NUMBER(device_kind, 7),
	[CODE] = NUMBER(code, REMAP_LINK_FAULTS - 1),
	[EVENTS] = COUNTER(events),
	[FRAMES] = COUNTER(frames),
	[OVERRUNS] = COUNTER(overruns),
	[LOST] = COUNTER(lost),
	[DEVICES] = ANY(devices),
	[GRABBED] = ANY(grabbed),
	[NODE] = STRING(node),
	[NAME] = STRING(name),
	[WORDS] = STRING(text),
	[BYTES] = { DATA, offsetof(RemapLinkMessage, data), 0 },
};

static const struct {
	const char *name;
	RemapLinkSide side;
	uint8_t fields[FIELDS_MAX];
} kinds[REMAP_LINK_KINDS] = {
	[REMAP_LINK_HELLO] = { "hello", REMAP_LINK_DAEMON, { VERSION } },
	[REMAP_LINK_KEYMAP] = { "keymap", REMAP_LINK_DAEMON, { ID, OFFSET, BYTES } },
	[REMAP_LINK_COMMIT] = { "commit", REMAP_LINK_DAEMON, { ID, LENGTH, TRIAL_FLAGS, TIMEOUT } },
	[REMAP_LINK_CONFIRM] = { "confirm", REMAP_LINK_DAEMON, { ID } },
	[REMAP_LINK_REVERT] = { "revert", REMAP_LINK_DAEMON, { ID } },
	[REMAP_LINK_SUSPEND] = { "suspend", REMAP_LINK_DAEMON, { END } },
	[REMAP_LINK_RESUME] = { "resume", REMAP_LINK_DAEMON, { END } },
	[REMAP_LINK_LOCK] = { "lock", REMAP_LINK_DAEMON, { IS_ON, POLICY } },
	[REMAP_LINK_SLEEP] = { "sleep", REMAP_LINK_DAEMON, { IS_ON } },
	[REMAP_LINK_STATUS] = { "status", REMAP_LINK_DAEMON, { END } },
	[REMAP_LINK_WELCOME] = { "welcome", REMAP_LINK_HELPER, { VERSION, HOW, WORDS } },
	[REMAP_LINK_ACCEPTED] = { "accepted", REMAP_LINK_HELPER, { ID, TRIAL_FLAGS, COUNT } },
	[REMAP_LINK_DIAGNOSTIC] = { "diagnostic",
				    REMAP_LINK_HELPER,
				    { ID, SEVERITY, LINE, COLUMN, WORDS } },
	[REMAP_LINK_REJECTED] = { "rejected", REMAP_LINK_HELPER, { ID, COUNT } },
	[REMAP_LINK_REVERTED] = { "reverted", REMAP_LINK_HELPER, { ID, INDEX } },
	[REMAP_LINK_DEVICE] = { "device",
				REMAP_LINK_HELPER,
				{ EVENT, VENDOR, PRODUCT, HASH, DEVICE_KIND, NODE, NAME, WORDS } },
	[REMAP_LINK_LAYER] = { "layer", REMAP_LINK_HELPER, { IS_ON, NAME } },
	[REMAP_LINK_COMMAND] = { "command", REMAP_LINK_HELPER, { ID, INDEX } },
	[REMAP_LINK_STATE] = { "state", REMAP_LINK_HELPER, { STATE_FLAGS } },
	[REMAP_LINK_FAULT] = { "fault", REMAP_LINK_HELPER, { CODE, WORDS } },
	[REMAP_LINK_COUNTS] = { "counts",
				REMAP_LINK_HELPER,
				{ ID, EVENTS, FRAMES, OVERRUNS, LOST, DEVICES, GRABBED } },
};

const char *
remap_link_name(RemapLinkKind kind)
{
	return kind > 0 && kind < REMAP_LINK_KINDS ? kinds[kind].name : "unknown";
}

/* Texts. */

/* The length of the character at @bytes, or 0 when none starts there that a text may have: UTF-8 in its
 * shortest form, no surrogate, no control character (Unicode 15, table 3-7). */
static size_t
character_length(const uint8_t *bytes, size_t length)
{
	uint8_t first = bytes[0], low = 0x80, high = 0xbf;
	size_t want;

	if (first < 0x80)
		return first >= 0x20 && first != 0x7f;
	if (first < 0xc2 || first > 0xf4)
		return 0;
	want = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
	if (first == 0xc2 || first == 0xe0)
		low = 0xa0; /* behind the C1 controls; not a longer form */
	else if (first == 0xf0)
		low = 0x90;
	else if (first == 0xed)
		high = 0x9f;
	else if (first == 0xf4)
		high = 0x8f;
	if (length < want || bytes[1] < low || bytes[1] > high)
		return 0;
	for (size_t i = 2; i < want; i++)
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
	return want;
}

static bool
is_text(const uint8_t *bytes, size_t length)
{
	for (size_t i = 0, step; i < length; i += step) {
		step = character_length(bytes + i, length - i);
		if (step == 0)
			return false;
	}
	return true;
}

static size_t
clean_text(const char *text, uint8_t *out)
{
	size_t length = text ? strnlen(text, REMAP_LINK_TEXT_MAX + 4) : 0;
	size_t written = 0;

	for (size_t i = 0, step; i < length; i += step) {
		const uint8_t *at = (const uint8_t *)text + i;
		size_t size = character_length(at, length - i);

		step = size ? size : 1;
		if (written + step > REMAP_LINK_TEXT_MAX)
			break;
		if (size)
			memcpy(out + written, at, size);
		else
			out[written] = '?';
		written += step;
	}
	return written;
}

/* Numbers. */

static uint8_t *
put(uint8_t *at, uint64_t value, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		at[i] = (uint8_t)(value >> 8 * i);
	return at + bytes;
}

static uint64_t
get(const uint8_t *at, size_t bytes)
{
	uint64_t value = 0;

	for (size_t i = 0; i < bytes; i++)
		value |= (uint64_t)at[i] << 8 * i;
	return value;
}

static uint8_t *
put_text(uint8_t *at, const char *text)
{
	size_t length = clean_text(text, at + 2);

	put(at, length, 2);
	at[2 + length] = 0;
	return at + 2 + length + 1;
}

int
remap_link_encode(const RemapLinkMessage *message, uint8_t *buffer)
{
	uint8_t *at = buffer;

	if (message->kind <= 0 || message->kind >= REMAP_LINK_KINDS)
		return -EINVAL;
	at = put(at, message->kind, 4);
	for (const uint8_t *field = kinds[message->kind].fields; *field != END; field++) {
		const void *member = (const char *)message + fields[*field].offset;

		switch (fields[*field].type) {
		case U32:
			if (*(const uint32_t *)member > fields[*field].max)
				return -EINVAL;
			at = put(at, *(const uint32_t *)member, 4);
			break;
		case U64:
			at = put(at, *(const uint64_t *)member, 8);
			break;
		case TEXT:
			at = put_text(at, *(const char *const *)member);
			break;
		case DATA:
			if (message->data_length > REMAP_LINK_PART_MAX)
				return -EINVAL;
			if (message->data_length)
				memcpy(at, message->data, message->data_length);
			at += message->data_length;
			break;
		}
	}
	return (int)(at - buffer);
}

/* What is left of a datagram. */
typedef struct Rest {
	const uint8_t *at;
	size_t left;
} Rest;

static bool
take(Rest *rest, size_t bytes, const uint8_t **taken)
{
	if (rest->left < bytes)
		return false;
	*taken = rest->at;
	rest->at += bytes;
	rest->left -= bytes;
	return true;
}

static bool
take_text(Rest *rest, const char **text)
{
	const uint8_t *bytes;
	size_t length;

	if (!take(rest, 2, &bytes))
		return false;
	length = get(bytes, 2);
	if (length > REMAP_LINK_TEXT_MAX || !take(rest, length + 1, &bytes))
		return false;
	if (bytes[length] != 0 || !is_text(bytes, length))
		return false;
	*text = (const char *)bytes;
	return true;
}

static bool
take_field(Rest *rest, unsigned field, RemapLinkMessage *message)
{
	void *member = (char *)message + fields[field].offset;
	const uint8_t *bytes;

	switch (fields[field].type) {
	case U32:
		if (!take(rest, 4, &bytes))
			return false;
		*(uint32_t *)member = (uint32_t)get(bytes, 4);
		return *(uint32_t *)member <= fields[field].max;
	case U64:
		if (!take(rest, 8, &bytes))
			return false;
		*(uint64_t *)member = get(bytes, 8);
		return true;
	case TEXT:
		return take_text(rest, member);
	case DATA:
		message->data_length = rest->left;
		return rest->left <= REMAP_LINK_PART_MAX && take(rest, rest->left, &message->data);
	}
	return false;
}

int
remap_link_decode(const uint8_t *buffer, size_t length, RemapLinkSide from,
		  RemapLinkMessage *message)
{
	RemapLinkMessage read = { 0 };
	Rest rest = { buffer, length };
	const uint8_t *bytes;
	uint64_t kind;

	if (!take(&rest, 4, &bytes))
		return -EBADMSG;
	kind = get(bytes, 4);
	if (kind == 0 || kind >= REMAP_LINK_KINDS || kinds[kind].side != from)
		return -EBADMSG;
	read.kind = (RemapLinkKind)kind;
	for (const uint8_t *field = kinds[kind].fields; *field != END; field++)
		if (!take_field(&rest, *field, &read))
			return -EBADMSG;
	if (rest.left)
		return -EBADMSG;
	*message = read;
	return 0;
}
