// SPDX-License-Identifier: GPL-3.0-or-later
/* Reads configurations and what they include, and types text on the user's layout for the loader.
 * I/O: files. */
#include "keys/layout/layout.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* keyd's own directory is there for configurations that come from it. */
static const char *const shared[] = { TIDY_KEYS_DATADIR, "/usr/local/share/keyd",
				      "/usr/share/keyd" };

static int
read_all(int fd, char **text, size_t *length)
{
	size_t room = REMAP_TEXT_MAX + 1, used = 0;
	char *buffer = malloc(room);
	ssize_t got;

	if (!buffer)
		return -ENOMEM;
	while (used < room && (got = read(fd, buffer + used, room - used)) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			int error = -errno;

			free(buffer);
			return error;
		}
		used += (size_t)got;
	}
	*text = buffer;
	*length = used;
	return 0;
}

/* A file that is too big is read one byte beyond the bound: the loader refuses it. */
static int
read_file(const char *path, char **text, size_t *length)
{
	struct stat stat;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int result;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &stat) < 0)
		result = -errno;
	else if (S_ISDIR(stat.st_mode))
		result = -EISDIR;
	else if (!S_ISREG(stat.st_mode))
		result = -EINVAL;
	else
		result = read_all(fd, text, length);
	close(fd);
	return result;
}

/* The real path of @path in @directory when it lies below it, else NULL with errno. */
static char *
find_below(const char *directory, const char *path)
{
	char joined[PATH_MAX], *base, *found;
	size_t length;

	if (snprintf(joined, sizeof(joined), "%s/%s", directory, path) >= (int)sizeof(joined)) {
		errno = ENAMETOOLONG;
		return NULL;
	}
	base = realpath(directory, NULL);
	found = base ? realpath(joined, NULL) : NULL;
	length = base ? strlen(base) : 0;
	if (found && (strncmp(found, base, length) != 0 || found[length] != '/')) {
		free(found);
		found = NULL;
		errno = EACCES;
	}
	free(base);
	return found;
}

/* A path that is not kept is only not watched. */
static void
note_path(RemapFiles *files, const char *path)
{
	char **grown;

	for (size_t i = 0; i < files->path_count; i++)
		if (strcmp(files->paths[i], path) == 0)
			return;
	grown = realloc(files->paths, (files->path_count + 1) * sizeof(*grown));
	if (!grown)
		return;
	files->paths = grown;
	files->paths[files->path_count] = strdup(path);
	if (files->paths[files->path_count])
		files->path_count++;
}

static void
note_expected(RemapFiles *files, const char *directory, const char *path)
{
	char joined[PATH_MAX];

	if (snprintf(joined, sizeof(joined), "%s/%s", directory, path) < (int)sizeof(joined))
		note_path(files, joined);
}

static int
include(void *data, const char *from, const char *path, char **text, size_t *length, char **name)
{
	RemapFiles *files = data;
	const char *slash = strrchr(from, '/');
	char directory[PATH_MAX] = ".", *found;
	int result;

	if (slash)
		snprintf(directory, sizeof(directory), "%.*s",
			 slash == from ? 1 : (int)(slash - from), from);
	note_expected(files, directory, path);
	found = find_below(directory, path);
	for (size_t i = 0; !found && errno == ENOENT && i < sizeof(shared) / sizeof(*shared); i++)
		found = find_below(shared[i], path);
	if (!found)
		return -errno;
	note_path(files, found);
	result = read_file(found, text, length);
	if (result < 0)
		free(found);
	else
		*name = found;
	return result;
}

static bool
has_character(const RemapFiles *files, const char *bytes, size_t size)
{
	for (size_t i = 0; i + size <= files->composed_length; i++)
		if (memcmp(files->composed + i, bytes, size) == 0)
			return true;
	return false;
}

static size_t
to_utf8(uint32_t c, char *out)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

static void
note_unicode(RemapFiles *files, uint32_t character, RemapUnicode unicode)
{
	char bytes[5] = "";
	size_t size = to_utf8(character, bytes);
	char *grown;

	if (has_character(files, bytes, size))
		return;
	grown = realloc(files->composed, files->composed_length + size + 1);
	if (!grown)
		return;
	memcpy(grown + files->composed_length, bytes, size);
	files->composed = grown;
	files->composed_length += size;
	grown[files->composed_length] = '\0';
	remap_diag_add(files->diags, REMAP_NOTE, NULL,
		       "\"%s\" is not on the layout %s: typed with %s", bytes,
		       remap_layout_describe(files->layout),
		       unicode == REMAP_UNICODE_COMPOSE
			       ? "Cancel and a Compose file (xdgtidy keys compile --compose)"
			       : "Ctrl+Shift+U (GTK, IBus)");
}

static int
type(void *data, uint32_t character, RemapUnicode unicode, RemapStroke *strokes)
{
	RemapFiles *files = data;
	int count = 0;

	if (remap_layout_type(files->layout, character, unicode, strokes, &count) ==
	    REMAP_TYPING_UNICODE)
		note_unicode(files, character, unicode);
	return count;
}

void
remap_files_hook(RemapFiles *files, RemapSource *source)
{
	source->include = include;
	source->type = files->layout ? type : NULL;
	source->data = files;
}

int
remap_files_read(RemapFiles *files, const char *path, RemapSource *source)
{
	size_t length;
	int result = read_file(path, &files->text, &length);

	if (result < 0)
		return result;
	*source = (RemapSource){ .name = path, .text = files->text, .length = length };
	remap_files_hook(files, source);
	return 0;
}

void
remap_files_clear(RemapFiles *files)
{
	free(files->text);
	free(files->composed);
	for (size_t i = 0; i < files->path_count; i++)
		free(files->paths[i]);
	free(files->paths);
	files->text = files->composed = NULL;
	files->paths = NULL;
	files->composed_length = files->path_count = 0;
}
