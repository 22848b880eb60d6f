// SPDX-License-Identifier: GPL-3.0-or-later
/* What the daemon and the helper say to each other: messages, each one datagram on a SOCK_SEQPACKET socket.
 * I/O: remap_link_send() and remap_link_receive(); the codec between bytes and messages is pure.
 *
 * The daemon speaks first. A session that goes well:
 *	daemon                              helper
 *	HELLO version                       WELCOME version, how it was started, seat
 *	                                    STATE
 *	KEYMAP id 7, offset 0, text
 *	KEYMAP id 7, offset n, text
 *	COMMIT id 7, length, flags          DIAGNOSTIC id 7 ... (warnings), ACCEPTED id 7, or REJECTED id 7
 *	                                    DEVICE added, grabbed, ignored ...
 *	                                    LAYER, COMMAND as they come
 *	LOCK, SLEEP, SUSPEND, RESUME        STATE after each
 *	STATUS                              STATE, DEVICE for each device, LAYER for each that is on, COUNTS
 *	end of file                         releases every key, ungrabs, exits
 *
 * The helper never sends a key. A message that cannot be decoded, is too long, comes from the wrong side or
 * before HELLO ends the session: FAULT, then end of file. So does one that asks for what the sender should
 * have known to be impossible (a part that does not follow the one before). What the user wrote is never a
 * fault: it is REJECTED with diagnostics, and the keymap that runs goes on.
 *
 * A keymap is the flat text that remap_keymap_print() makes. Places in diagnostics are lines and columns of
 * that text.
 *
 * On the wire: the kind, then the fields of remap_link's table in order. A number is 4 or 8 bytes, little
 * end first; a text is 2 bytes of length, its bytes, a zero; data is the rest of the datagram. */
#ifndef REMAP_LINK_H
#define REMAP_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	REMAP_LINK_VERSION = 1,
	REMAP_LINK_DATAGRAM_MAX = 32768, /* bytes; fits the default send buffer six times */
	REMAP_LINK_PART_MAX = 32000,	 /* bytes of keymap text in one message */
	REMAP_LINK_KEYMAP_MAX =
		1048576, /* bytes of a whole one: no more can be parsed (REMAP_TEXT_MAX) */
	REMAP_LINK_TEXT_MAX = 1024, /* bytes of a text; longer ones are cut */
};

typedef enum RemapLinkKind {
	/* daemon to helper */
	REMAP_LINK_HELLO = 1, /* version */
	REMAP_LINK_KEYMAP,    /* id, offset, data: a part; offset 0 begins a new text */
	REMAP_LINK_COMMIT,    /* id, length, flags, timeout_ms: the text is whole, use it */
	REMAP_LINK_CONFIRM,   /* id: a keymap on trial stays */
	REMAP_LINK_REVERT,    /* id: a keymap on trial goes now; nothing when none is on trial */
	REMAP_LINK_SUSPEND,   /* keys as without us, until RESUME */
	REMAP_LINK_RESUME,    /* ends SUSPEND and what the panic chord did */
	REMAP_LINK_LOCK,      /* is_on, policy: the session's screen is locked, or open again */
	REMAP_LINK_SLEEP, /* is_on: the machine is about to sleep, or awake; STATE says when it may */
	REMAP_LINK_STATUS, /* tell everything */
	/* helper to daemon */
	REMAP_LINK_WELCOME,    /* version, how, text: the seat, "" when sessions do not matter */
	REMAP_LINK_ACCEPTED,   /* id, flags, count: commands in it */
	REMAP_LINK_DIAGNOSTIC, /* id, severity, line, column, text; before ACCEPTED or REJECTED */
	REMAP_LINK_REJECTED,   /* id, count: errors; what ran before goes on */
	REMAP_LINK_REVERTED, /* id: of the keymap that runs now, 0 for none; index: the one that went */
	REMAP_LINK_DEVICE,  /* event, vendor, product, device_kind, node, name, text: the reason */
	REMAP_LINK_LAYER,   /* is_on, name */
	REMAP_LINK_COMMAND, /* id: of the keymap, index: which command() of it, as printed, from 0 */
	REMAP_LINK_STATE,   /* flags: REMAP_LINK_IS_x */
	REMAP_LINK_FAULT,   /* code, text: the helper ends */
	REMAP_LINK_COUNTS,  /* id: of the keymap that runs, 0 for none, and the counters */
	REMAP_LINK_KINDS,
} RemapLinkKind;

typedef enum RemapLinkSide { REMAP_LINK_DAEMON, REMAP_LINK_HELPER } RemapLinkSide;

/* flags of COMMIT and ACCEPTED */
enum {
	REMAP_LINK_TRIAL =
		1, /* goes back to the one before after timeout_ms, unless CONFIRM comes */
};

/* flags of STATE. Keyboards are grabbed when HAS_KEYMAP is set and none of those above UNGRABBED is. */
enum {
	REMAP_LINK_HAS_KEYMAP = 1,
	REMAP_LINK_IS_TRIAL = 2,
	REMAP_LINK_IS_LOCKED = 4,     /* policy says what that means */
	REMAP_LINK_UNGRABBED = 8,     /* some reason below holds */
	REMAP_LINK_IS_INACTIVE = 16,  /* the user's session is not the one in front */
	REMAP_LINK_IS_PANIC = 32,     /* the panic chord was pressed; RESUME ends it */
	REMAP_LINK_IS_SUSPENDED = 64, /* SUSPEND */
	REMAP_LINK_IS_ASLEEP = 128,   /* SLEEP */
	REMAP_LINK_LOCK_UNGRABS = 256,
	REMAP_LINK_NO_UINPUT = 512, /* /dev/uinput cannot be opened; RESUME or COMMIT tries again */
	REMAP_LINK_NO_LANDLOCK = 1024, /* the kernel has none; not a reason */
	REMAP_LINK_STATE_ALL = 2047,
};

typedef enum RemapLinkHow {
	REMAP_LINK_SERVICE, /* the system's socket: own user, sandboxed by its unit too */
	REMAP_LINK_DIRECT,  /* started by the daemon, as the user */
	REMAP_LINK_HOWS,
} RemapLinkHow;

typedef enum RemapLinkPolicy {
	REMAP_LINK_SAFE,   /* keys, layers and layouts stay; macros, text and commands do nothing */
	REMAP_LINK_KEEP,   /* all but commands */
	REMAP_LINK_UNGRAB, /* nothing */
	REMAP_LINK_POLICIES,
} RemapLinkPolicy;

typedef enum RemapLinkDeviceEvent {
	REMAP_LINK_DEVICE_IGNORED, /* the text says why: not wanted, cannot be cloned, in use ... */
	REMAP_LINK_DEVICE_WAITING, /* wanted; grabbed as soon as no key is down, after 1 s at the latest */
	REMAP_LINK_DEVICE_GRABBED, /* remapped from now on */
	REMAP_LINK_DEVICE_CLOSED,  /* keys as without us; the text says why */
	REMAP_LINK_DEVICE_REMOVED, /* unplugged */
	REMAP_LINK_DEVICE_EVENTS,
} RemapLinkDeviceEvent;

typedef enum RemapLinkFaultCode {
	REMAP_LINK_FAULT_MESSAGE, /* could not be decoded or made no sense */
	REMAP_LINK_FAULT_VERSION,
	REMAP_LINK_FAULT_REFUSED, /* the user has no active session on a seat */
	REMAP_LINK_FAULT_FLOOD,	  /* too many messages */
	REMAP_LINK_FAULT_SILENCE, /* no HELLO */
	REMAP_LINK_FAULT_SYSTEM,  /* a call failed that must not */
	REMAP_LINK_FAULTS,
} RemapLinkFaultCode;

/* Only the members that the kind names are sent and set; the others are 0 or NULL. A NULL text counts as "". */
typedef struct RemapLinkMessage {
	RemapLinkKind kind;
	uint32_t version;
	uint32_t how; /* RemapLinkHow */
	uint32_t id;
	uint32_t index;
	uint32_t offset, length; /* bytes */
	uint32_t flags;
	uint32_t timeout_ms;
	uint32_t is_on;
	uint32_t policy; /* RemapLinkPolicy */
	uint32_t count;
	uint32_t severity; /* RemapSeverity */
	uint32_t line, column;
	uint32_t event;			/* RemapLinkDeviceEvent */
	uint32_t vendor, product, hash; /* as in [ids]: vvvv:pppp:hhhhhhhh */
	uint32_t device_kind;		/* REMAP_ID_x */
	uint32_t code;			/* RemapLinkFaultCode */
	uint64_t events;		/* key edges read */
	uint64_t frames;		/* frames written */
	uint64_t overruns;		/* SYN_DROPPED: the kernel lost events of ours */
	uint64_t lost;			/* messages that the daemon was too slow for */
	uint32_t devices, grabbed;
	/* UTF-8 without control characters, terminated. Decoded ones point into the datagram. */
	const char *node; /* "event3" */
	const char *name;
	const char *text;
	const uint8_t *data;
	size_t data_length;
} RemapLinkMessage;

/**
 * remap_link_encode - message to datagram
 * @buffer: room for REMAP_LINK_DATAGRAM_MAX bytes
 *
 * Bytes that no text may have become '?'; a text that is too long is cut at a character's border.
 * Returns: the length, or -EINVAL when a number is out of its range or data longer than
 * REMAP_LINK_PART_MAX.
 */
int remap_link_encode(const RemapLinkMessage *message, uint8_t *buffer);

/**
 * remap_link_decode - datagram to message, whatever the bytes are
 * @from: who sent it
 * @message: its texts and data point into @buffer
 *
 * Returns: 0, or -EBADMSG with @message untouched.
 */
int remap_link_decode(const uint8_t *buffer, size_t length, RemapLinkSide from,
		      RemapLinkMessage *message);

/**
 * remap_link_send - encodes and sends, without waiting
 *
 * Returns: 0; -EAGAIN when the other side does not read (nothing was sent); -EPIPE or -ECONNRESET when it is
 * gone; -EINVAL as remap_link_encode(); or another -errno. No SIGPIPE.
 */
int remap_link_send(int fd, const RemapLinkMessage *message);

/**
 * remap_link_receive - receives and decodes, without waiting
 * @buffer: room for REMAP_LINK_DATAGRAM_MAX bytes, which the message borrows
 *
 * Descriptors that come along are not taken.
 * Returns: 1 with a message; 0 at the end of file (an empty datagram is one); -EAGAIN when there is none;
 * -EBADMSG when it is not a message of that side; or another -errno.
 */
int remap_link_receive(int fd, RemapLinkSide from, uint8_t *buffer, RemapLinkMessage *message);

/** remap_link_name - "commit", for logs. "unknown" when there is no such kind. */
const char *remap_link_name(RemapLinkKind kind);

#endif
