/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The daemon's end of the connection to a key helper: messages of keys/link/link.h on a socket, and what the helper
 * has told so far. I/O: the socket; never waits.
 *
 *	client = tidy_keys_client_new(&fd, patience_usec, &funcs);   HELLO goes out
 *	funcs.ready()                                                WELCOME came
 *	tidy_keys_client_load(client, id, text, length, 0);          -> funcs.accepted() or funcs.rejected()
 *	tidy_keys_client_free(client);                               end of file: the helper lets go of every key
 *
 * The helper has less trust than the daemon: what it sends that makes no sense ends the connection, and tables have
 * bounds. Functions are called from the main loop, one message at a time; each may free the client.
 */
#pragma once

#include <glib.h>

#include "keys/link/link.h"

typedef struct TidyKeysClient TidyKeysClient;

typedef struct {
	char *node; /* "event3" */
	char *name;
	char *text; /* why, or "" */
	guint32 vendor, product, hash;
	guint32 kind; /* REMAP_ID_x */
	RemapLinkDeviceEvent event;
	guint round; /* of the STATUS that saw it last */
} TidyKeysDevice;

/* What the helper said. All owned by the client. */
typedef struct {
	RemapLinkHow how;
	char *seat;
	guint32 flags;	     /* REMAP_LINK_IS_x */
	guint32 keymap;	     /* id of the one that runs; 0: none */
	GHashTable *devices; /* node -> TidyKeysDevice */
	GHashTable *layers;  /* names of those that are on -> round */
	guint64 events;	     /* of COUNTS, as of the latest STATUS */
	guint64 frames;
	guint64 overruns;
	guint64 lost;
	guint32 n_devices, n_grabbed;
} TidyKeysView;

/* Why a connection is over. */
typedef enum {
	TIDY_KEYS_END_CLOSED,	/* end of file: the helper died */
	TIDY_KEYS_END_FAULT,	/* it said why, by a code */
	TIDY_KEYS_END_NONSENSE, /* it said something that it must not */
	TIDY_KEYS_END_SILENT,	/* no answer within the patience, or it does not read */
} TidyKeysEnd;

typedef struct {
	void (*ready)(gpointer data);
	/* State, devices or the running keymap are not what they were. */
	void (*changed)(gpointer data);
	void (*accepted)(guint32 id, gpointer data);
	/* @problem: "3:4: text" of the first diagnostic, or "" */
	void (*rejected)(guint32 id, const char *problem, gpointer data);
	/* The keymap @gone was on trial and went; @now runs, 0: none. */
	void (*reverted)(guint32 now, guint32 gone, gpointer data);
	/* Something happened to a device; not called for what STATUS only repeats. */
	void (*device)(const TidyKeysDevice *device, gpointer data);
	void (*layer)(const char *name, gboolean is_on, gpointer data);
	void (*command)(guint32 id, guint32 index, gpointer data);
	/* The answer to STATUS is complete. */
	void (*told)(gpointer data);
	/* The last call. @code counts for TIDY_KEYS_END_FAULT. */
	void (*ended)(TidyKeysEnd why, RemapLinkFaultCode code, const char *text, gpointer data);
	gpointer data;
} TidyKeysClientFuncs;

/**
 * tidy_keys_client_new - begins a session on a connected SOCK_SEQPACKET socket
 * @fd: taken, becomes -1
 * @patience_usec: how long WELCOME and the answer to a keymap may take
 *
 * All functions of @funcs are needed. Attached to the thread's default main context.
 */
TidyKeysClient *tidy_keys_client_new(int *fd, gint64 patience_usec,
				     const TidyKeysClientFuncs *funcs);
/* Closes the connection without calling ended. */
void tidy_keys_client_free(TidyKeysClient *client);

gboolean tidy_keys_client_is_ready(const TidyKeysClient *client);
const TidyKeysView *tidy_keys_client_view(const TidyKeysClient *client);

/* Sends a message, now or as soon as the helper reads. */
void tidy_keys_client_say(TidyKeysClient *client, const RemapLinkMessage *message);

/**
 * tidy_keys_client_load - sends a keymap
 * @id: not 0, not used before in this session
 * @length: at most REMAP_LINK_KEYMAP_MAX
 * @trial_ms: 0: for good; else it goes after that time unless CONFIRM is said
 */
void tidy_keys_client_load(TidyKeysClient *client, guint32 id, const char *text, gsize length,
			   guint32 trial_ms);
