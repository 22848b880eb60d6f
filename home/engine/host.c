/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which computer this is. I/O. */
#include "home/engine/host.h"

#include <string.h>

#define BOOT_ID "/proc/sys/kernel/random/boot_id"
/* Before the machine's hash; a further form of the line gets another number. */
#define MAGIC	    "xdgtidy-host-1"
#define ID_DIGITS   32 /* of a machine id, and of the hash that is kept of it */
#define BOOT_LENGTH 36 /* a UUID with its hyphens */
#define NAME_BYTES  255
#define HEX_DIGITS  "0123456789abcdef"
#define NOT_KNOWN   "-"
#define APPLICATION "io.github.xdgtidy.host"

static gboolean
is_made_of(const char *text, const char *characters, gsize length)
{
	return strlen(text) == length && strspn(text, characters) == length;
}

static char *
read_line(const char *path)
{
	char *text = NULL;

	if (g_file_get_contents(path, &text, NULL, NULL))
		g_strstrip(text);
	return text;
}

/* machine-id(5): the id itself is confidential; what is written down is made of it with a key. */
static char *
machine_hash(const char *system_root)
{
	static const char *const files[] = { "etc/machine-id", "var/lib/dbus/machine-id" };

	for (gsize i = 0; i < G_N_ELEMENTS(files); i++) {
		g_autofree char *path = g_build_filename(system_root, files[i], NULL);
		g_autofree char *id = read_line(path);
		g_autofree char *hash = NULL;

		/* "uninitialized", or empty, in images that have not been started. */
		if (id == NULL || !is_made_of(id, HEX_DIGITS, ID_DIGITS))
			continue;
		hash = g_compute_hmac_for_string(G_CHECKSUM_SHA256, (const guchar *)id, ID_DIGITS,
						 APPLICATION, -1);
		return g_strndup(hash, ID_DIGITS);
	}
	return g_strdup("");
}

TidyHost *
tidy_host_here(const char *system_root)
{
	TidyHost *host = g_new0(TidyHost, 1);

	host->machine = machine_hash(system_root);
	host->boot = read_line(BOOT_ID);
	if (host->boot == NULL || !is_made_of(host->boot, HEX_DIGITS "-", BOOT_LENGTH)) {
		g_free(host->boot);
		host->boot = g_strdup("");
	}
	/* The line has no other newline; gethostname(2) gives what was set, whatever that is. */
	host->name = g_strndup(g_get_host_name(), NAME_BYTES);
	g_strdelimit(host->name, "\r\n", '?');
	return host;
}

void
tidy_host_free(TidyHost *host)
{
	g_free(host->machine);
	g_free(host->boot);
	g_free(host->name);
	g_free(host);
}

static const char *
or_dash(const char *id)
{
	return *id != '\0' ? id : NOT_KNOWN;
}

char *
tidy_host_format(const TidyHost *host)
{
	return g_strdup_printf(MAGIC " %s %s %s\n", or_dash(host->machine), or_dash(host->boot),
			       host->name);
}

/* FALSE: neither an id nor the mark that there is none. */
static gboolean
take_id(const char *text, const char *characters, gsize length, char **id)
{
	gboolean is_none = strcmp(text, NOT_KNOWN) == 0;

	if (!is_none && !is_made_of(text, characters, length))
		return FALSE;
	*id = g_strdup(is_none ? "" : text);
	return TRUE;
}

TidyHost *
tidy_host_parse(const char *text)
{
	g_autoptr(TidyHost) host = g_new0(TidyHost, 1);
	const char *end = strchr(text, '\n');
	g_autofree char *line = end != NULL ? g_strndup(text, (gsize)(end - text)) : NULL;
	g_auto(GStrv) parts = line != NULL ? g_strsplit(line, " ", 4) : NULL;

	if (parts == NULL || end[1] != '\0' || g_strv_length(parts) != 4 ||
	    strcmp(parts[0], MAGIC) != 0 || strlen(parts[3]) > NAME_BYTES ||
	    !take_id(parts[1], HEX_DIGITS, ID_DIGITS, &host->machine) ||
	    !take_id(parts[2], HEX_DIGITS "-", BOOT_LENGTH, &host->boot))
		return NULL;
	host->name = g_strdup(parts[3]);
	return g_steal_pointer(&host);
}

gboolean
tidy_host_is_same(const TidyHost *a, const TidyHost *b)
{
	/* A container beside its host has another machine's id, but one kernel keeps their locks. */
	if (*a->boot != '\0' && strcmp(a->boot, b->boot) == 0)
		return TRUE;
	if (*a->machine != '\0' || *b->machine != '\0')
		return strcmp(a->machine, b->machine) == 0;
	return strcmp(a->name, b->name) == 0;
}
