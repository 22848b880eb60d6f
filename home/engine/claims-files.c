/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The files in which other programs name their directories. I/O, reads only.
 *
 * Links are followed (dotfile managers put them there), so what is opened need not be a file: it is opened without
 * waiting and looked at first. Nothing is trusted but the number of bytes that were read.
 */
#include "home/engine/claims-files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "home/base/error.h"
#include "home/dirs/user-dirs.h"

#define FILE_BYTES_MAX (1024 * 1024)
#define MATCHES_MAX    4096

typedef struct {
	const TidyClaimPlaces *places;
	const TidyClaimSource *source;
	TidyClaims *claims;
	GPtrArray *paths[TIDY_CLAIM_N_KINDS];
	GPtrArray *apps[TIDY_CLAIM_N_KINDS];
	guint n_matches; /* of the source */
} Reading;

/* The system's own files may be hidden from a user: then they are not the user's matter. */
static void
note_incomplete(Reading *reading)
{
	if (reading->source->base != TIDY_CLAIM_IN_SYSTEM)
		reading->claims->is_incomplete = TRUE;
}

/* A path in the home by the name that $HOME has for it, by its real one. No disk is asked: the path is anybody's, and
 * to look at it may mount something. */
static void
resolve_home(const TidyClaimPlaces *places, GPtrArray *paths, guint first)
{
	const char *named = places->named_home;

	if (named == NULL || strcmp(named, places->home) == 0)
		return;
	for (guint i = first; i < paths->len; i++) {
		char *path = g_ptr_array_index(paths, i);

		if (!tidy_dirs_is_within(path, named))
			continue;
		g_ptr_array_index(paths, i) = g_strconcat(places->home, path + strlen(named), NULL);
		g_free(path);
	}
}

static void
parse(Reading *reading, const char *bytes, gsize size)
{
	TidyClaimKind kind = reading->source->kind;
	guint first = reading->paths[kind]->len;

	tidy_claims_parse(reading->source, bytes, size, reading->places->home,
			  reading->paths[kind]);
	resolve_home(reading->places, reading->paths[kind], first);
	while (reading->apps[kind]->len < reading->paths[kind]->len)
		g_ptr_array_add(reading->apps[kind], (gpointer)reading->source->app);
}

/* "host:+4711", as Firefox writes it. */
static gboolean
is_running(const char *path, const char *lock)
{
	g_autofree char *dir = g_path_get_dirname(path);
	g_autofree char *link = g_build_filename(dir, lock, NULL);
	g_autofree char *process = NULL;
	char text[256];
	ssize_t length = readlink(link, text, sizeof text - 1);
	const char *plus;

	if (length <= 0)
		return FALSE;
	text[length] = '\0';
	plus = strrchr(text, '+');
	if (plus == NULL || plus[1] == '\0' || strspn(plus + 1, "0123456789") != strlen(plus + 1))
		return FALSE;
	process = g_build_filename("/proc", plus + 1, NULL);
	return access(process, F_OK) == 0;
}

static void
read_link(Reading *reading, const char *path)
{
	char text[PATH_MAX];
	ssize_t length = readlink(path, text, sizeof text);

	if (length > 0 && length < (ssize_t)sizeof text)
		parse(reading, text, (gsize)length);
}

static void
read_file(Reading *reading, const char *path)
{
	tidy_autofd fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	g_autofree char *bytes = NULL;
	struct stat st;
	gsize n = 0;
	ssize_t r = 1;

	if (fd < 0) {
		if (errno != ENOENT && errno != ENOTDIR)
			note_incomplete(reading);
		return;
	}
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return;
	bytes = g_malloc(FILE_BYTES_MAX + 1);
	while (n <= FILE_BYTES_MAX && (r = read(fd, bytes + n, FILE_BYTES_MAX + 1 - n)) > 0)
		n += (gsize)r;
	if (r < 0 || n > FILE_BYTES_MAX)
		note_incomplete(reading);
	else
		parse(reading, bytes, n);
}

static void
take_match(Reading *reading, const char *path)
{
	if (reading->source->lock != NULL && !is_running(path, reading->source->lock))
		return;
	if (reading->source->format == TIDY_CLAIM_LINK)
		read_link(reading, path);
	else
		read_file(reading, path);
}

/* What fits @pattern below @dir, one component after the other. */
static void
match_below(Reading *reading, const char *dir, const char *pattern)
{
	const char *slash = strchr(pattern, '/');
	g_autofree char *component =
		slash != NULL ? g_strndup(pattern, (gsize)(slash - pattern)) : g_strdup(pattern);
	g_autoptr(GDir) listing = NULL;
	const char *name;

	if (strchr(component, '*') == NULL) {
		g_autofree char *path = g_build_filename(dir, component, NULL);

		if (slash != NULL)
			match_below(reading, path, slash + 1);
		else
			take_match(reading, path);
		return;
	}
	listing = g_dir_open(dir, 0, NULL);
	while (listing != NULL && (name = g_dir_read_name(listing)) != NULL) {
		g_autofree char *path = g_build_filename(dir, name, NULL);

		if (!tidy_claim_fits(component, name))
			continue;
		if (reading->n_matches++ >= MATCHES_MAX) {
			note_incomplete(reading);
			return;
		}
		if (slash != NULL)
			match_below(reading, path, slash + 1);
		else
			take_match(reading, path);
	}
}

static const char *
base_of(const TidyClaimPlaces *places, TidyClaimBase base)
{
	switch (base) {
	case TIDY_CLAIM_IN_HOME:
		return places->home;
	case TIDY_CLAIM_IN_CONFIG:
		return places->config;
	case TIDY_CLAIM_IN_DATA:
		return places->data;
	case TIDY_CLAIM_IN_STATE:
		return places->state;
	case TIDY_CLAIM_IN_SYSTEM:
		break;
	}
	return places->system_root;
}

TidyClaims *
tidy_claims_read(const TidyClaimPlaces *places)
{
	gsize n;
	const TidyClaimSource *sources = tidy_claim_sources(&n);
	TidyClaims *claims = g_new0(TidyClaims, 1);
	Reading reading = { .places = places, .claims = claims };

	for (guint kind = 0; kind < TIDY_CLAIM_N_KINDS; kind++) {
		reading.paths[kind] = g_ptr_array_new();
		reading.apps[kind] = g_ptr_array_new();
	}
	for (gsize i = 0; i < n; i++) {
		reading.source = &sources[i];
		reading.n_matches = 0;
		match_below(&reading, base_of(places, sources[i].base), sources[i].pattern);
	}
	for (guint kind = 0; kind < TIDY_CLAIM_N_KINDS; kind++) {
		g_ptr_array_add(reading.paths[kind], NULL);
		g_ptr_array_add(reading.apps[kind], NULL);
		claims->paths[kind] = (char **)g_ptr_array_free(reading.paths[kind], FALSE);
		claims->apps[kind] = (char **)g_ptr_array_free(reading.apps[kind], FALSE);
	}
	return claims;
}

void
tidy_claims_free(TidyClaims *claims)
{
	for (guint kind = 0; kind < TIDY_CLAIM_N_KINDS; kind++) {
		g_strfreev(claims->paths[kind]);
		g_free(claims->apps[kind]);
	}
	g_free(claims);
}
