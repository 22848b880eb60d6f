/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who does the work: the daemon over D-Bus when it runs, else the same engine in this process under the same lock.
 * Either way the answer is one report (home/service/report.h). I/O.
 *
 *	backend = tidy_backend_open(TIDY_BACKEND_ANY);
 *	report = tidy_backend_call(backend, &(TidyRequest){ .kind = TIDY_REQUEST_SCAN }, &error);
 *
 * The daemon is never started from here: a command that only looks must not change what runs in the session, and a
 * command that works does the same work without it. A job can take long: the main context of the thread runs
 * meanwhile, SIGINT and SIGTERM stop the job after the step it is at (a second one ends the process at once, which
 * the journal survives).
 */
#pragma once

#include <gio/gio.h>

typedef enum {
	TIDY_BACKEND_ANY,
	TIDY_BACKEND_DIRECT, /* --direct: never asks the daemon */
} TidyBackendKind;

typedef enum {
	TIDY_REQUEST_SCAN,
	TIDY_REQUEST_PLAN,
	TIDY_REQUEST_MERGE,
	TIDY_REQUEST_UNDO_PLAN, /* always in this process: it only reads */
	TIDY_REQUEST_UNDO,
	TIDY_REQUEST_HISTORY,
	TIDY_REQUEST_STATUS, /* without a daemon: what can be known, "running" FALSE */
	TIDY_REQUEST_PAUSE,
	TIDY_REQUEST_RESUME,
	TIDY_REQUEST_DEDUPE,
} TidyRequestKind;

typedef struct {
	TidyRequestKind kind;
	const char *stray;     /* PLAN, MERGE: absolute path, or NULL for every stray */
	const char *target;    /* PLAN, MERGE: absolute path, or NULL for the configured one */
	guint64 id;	       /* UNDO, HISTORY: 0 is the latest, or all */
	const char *action;    /* DEDUPE: "trash", "hardlink" or "reflink" */
	GVariant *pairs;       /* DEDUPE: a(ayay), what is kept and what is folded onto it */
	gboolean has_progress; /* a progress line may be drawn */
	guint64 expected_entries; /* from a plan; 0: not known. Used while the job itself knows no total */
	guint64 expected_bytes; /* likewise: of what is copied to another file system */
} TidyRequest;

typedef struct TidyBackend TidyBackend;

/* Looks for the daemon. Never fails: without one the engine in this process answers. */
TidyBackend *tidy_backend_open(TidyBackendKind kind);
void tidy_backend_free(TidyBackend *backend);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TidyBackend, tidy_backend_free)

gboolean tidy_backend_is_daemon(const TidyBackend *backend);

/**
 * tidy_backend_call - does what @request says and waits for the answer
 *
 * Returns: (transfer full): the report, an empty a{sv} for PAUSE and RESUME; NULL with an error of the domain
 * TIDY_ERROR, also when the daemon answered it, or of G_DBUS_ERROR or G_IO_ERROR when the bus failed.
 */
GVariant *tidy_backend_call(TidyBackend *backend, const TidyRequest *request, GError **error);
