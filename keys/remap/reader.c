// SPDX-License-Identifier: GPL-3.0-or-later
/* Splits the text into items, follows includes, and drives inih over the items.
 * Pure (files are read by the caller's hook). */
#include "keys/remap/reader.h"

#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct File {
	const char *name;
	const struct File *parent;
	unsigned depth;
} File;

typedef struct Reading {
	RemapBuild *build;
	RemapReader reader;
	size_t total_bytes;
	unsigned includes;
	/* The bridge: which item, and which of its lines, comes next. */
	size_t next;
	bool announced;
	void (*handler)(RemapBuild *, const RemapItem *, void *);
	void *data;
} Reading;

static void read_text(Reading *reading, const char *text, size_t length, const File *file);

static bool
is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

RemapPlace
remap_slice_place(RemapSlice slice, size_t offset)
{
	RemapPlace place = slice.place;

	place.column += (unsigned)offset;
	return place;
}

bool
remap_slice_is(RemapSlice slice, const char *word)
{
	return slice.length == strlen(word) && memcmp(slice.text, word, slice.length) == 0;
}

RemapSlice
remap_slice_cut(RemapSlice slice, size_t from, size_t to)
{
	return (RemapSlice){ slice.text + from, to - from, remap_slice_place(slice, from) };
}

RemapSlice
remap_slice_trim(RemapSlice slice)
{
	size_t from = 0, to = slice.length;

	while (from < to && is_blank(slice.text[from]))
		from++;
	while (to > from && is_blank(slice.text[to - 1]))
		to--;
	return remap_slice_cut(slice, from, to);
}

static RemapItem *
add_item(Reading *reading)
{
	RemapReader *reader = &reading->reader;

	if (!remap_grow((void **)&reader->items, sizeof(*reader->items), reader->count,
			&reader->capacity)) {
		reading->build->out_of_memory = true;
		return NULL;
	}
	return &reader->items[reader->count++];
}

static bool
is_in_progress(const File *file, const char *name)
{
	for (; file; file = file->parent)
		if (strcmp(file->name, name) == 0)
			return true;
	return false;
}

static void
read_included(Reading *reading, const File *file, RemapSlice path, const char *text, size_t length,
	      const char *name)
{
	RemapBuild *build = reading->build;
	File inner = { .name = name, .parent = file, .depth = file->depth + 1 };
	char *copy;

	if (is_in_progress(file, name)) {
		remap_diag_add(build->diags, REMAP_ERROR, &path.place,
			       "include: %s includes itself", name);
		return;
	}
	inner.name = remap_arena_text(build->keymap, name, strlen(name));
	copy = remap_arena_text(build->keymap, text, length);
	if (!inner.name || !copy)
		build->out_of_memory = true;
	else
		read_text(reading, copy, length, &inner);
}

static void
read_include(Reading *reading, const File *file, RemapSlice path)
{
	const RemapSource *source = reading->build->source;
	RemapDiags *diags = reading->build->diags;
	char *wanted, *text = NULL, *name = NULL;
	size_t length = 0;
	int result;

	if (!source->include) {
		remap_diag_add(diags, REMAP_ERROR, &path.place,
			       "include: no other file can be read here");
		return;
	}
	if (file->depth + 1 > REMAP_INCLUDE_DEPTH_MAX ||
	    reading->includes++ >= REMAP_INCLUDES_MAX) {
		remap_diag_add(diags, REMAP_ERROR, &path.place,
			       "include: at most %d files deep and %d files in all",
			       REMAP_INCLUDE_DEPTH_MAX, REMAP_INCLUDES_MAX);
		return;
	}
	wanted = remap_arena_text(reading->build->keymap, path.text, path.length);
	if (!wanted)
		return;
	result = source->include(source->data, file->name, wanted, &text, &length, &name);
	if (result < 0)
		remap_diag_add(diags, REMAP_ERROR, &path.place, "include: %s: %s", wanted,
			       strerror(-result));
	else
		read_included(reading, file, path, text, length, name);
	free(text);
	free(name);
}

static void
read_section(Reading *reading, RemapSlice line)
{
	RemapItem *item;

	line = remap_slice_cut(line, 1, line.length - 1);
	if (line.length && memchr(line.text, '=', line.length)) {
		remap_diag_add(reading->build->diags, REMAP_ERROR, &line.place,
			       "this line is both a section and a binding of \"[\"; write "
			       "leftbrace or rightbrace for the key");
		return;
	}
	item = add_item(reading);
	if (!item)
		return;
	*item = (RemapItem){ .is_section = true,
			     .key = line,
			     .section = ++reading->reader.sections };
}

/* The first '=' that is not the first byte splits, so that "= = b" binds the key "=". */
static void
read_entry(Reading *reading, RemapSlice line)
{
	const char *equals = line.length > 1 ? memchr(line.text + 1, '=', line.length - 1) : NULL;
	size_t at = equals ? (size_t)(equals - line.text) : line.length;
	RemapItem *item = add_item(reading);

	if (!item)
		return;
	*item = (RemapItem){
		.key = remap_slice_trim(remap_slice_cut(line, 0, at)),
		.has_value = equals != NULL,
		.section = reading->reader.sections,
	};
	item->value = equals ? remap_slice_trim(remap_slice_cut(line, at + 1, line.length))
			     : remap_slice_cut(line, at, at);
}

static void
read_line(Reading *reading, RemapSlice line, const File *file)
{
	static const char include[] = "include ";
	size_t word = sizeof(include) - 1;

	if (line.length > word && strncmp(line.text, include, word) == 0) {
		RemapSlice path = remap_slice_trim(remap_slice_cut(line, word, line.length));

		if (path.length && path.text[0] != '=') {
			read_include(reading, file, path);
			return;
		}
	}
	line = remap_slice_trim(line);
	if (line.length == 0 || line.text[0] == '#')
		return;
	if (line.length > 1 && line.text[0] == '[' && line.text[line.length - 1] == ']')
		read_section(reading, line);
	else
		read_entry(reading, line);
}

static bool
check_line(Reading *reading, RemapSlice line)
{
	for (size_t at = 0; at < line.length;) {
		uint32_t character;
		size_t length = remap_utf8_next(line.text + at, line.length - at, &character);
		RemapPlace place = remap_slice_place(line, at);

		if (length && character) {
			at += length;
			continue;
		}
		remap_diag_add(reading->build->diags, REMAP_ERROR, &place,
			       length ? "a NUL byte; this is no text file" : "not UTF-8");
		return false;
	}
	return true;
}

static void
read_text(Reading *reading, const char *text, size_t length, const File *file)
{
	RemapSlice line = { .place = { file->name, 1, 1 } };

	reading->total_bytes += length;
	if (reading->total_bytes > REMAP_TEXT_MAX) {
		remap_diag_add(reading->build->diags, REMAP_ERROR, &line.place,
			       "more than %d bytes, includes and all", REMAP_TEXT_MAX);
		return;
	}
	if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		text += 3;
		length -= 3;
	}
	for (const char *end = text + length; text < end; line.place.line++) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));

		line.text = text;
		line.length = (size_t)((stop ? stop : end) - text);
		if (check_line(reading, line))
			read_line(reading, line, file);
		text = stop ? stop + 1 : end;
	}
}

/* inih's reader: the next canonical line, as fgets() would give it. */
static char *
next_line(char *buffer, int size, void *stream)
{
	Reading *reading = stream;
	const RemapItem *item;

	if (reading->next == reading->reader.count)
		return NULL;
	item = &reading->reader.items[reading->next];
	if (!item->is_section) {
		snprintf(buffer, (size_t)size, "L=%zu\n", reading->next++);
	} else if (!reading->announced) {
		snprintf(buffer, (size_t)size, "[s%u]\n", item->section);
		reading->announced = true;
	} else {
		snprintf(buffer, (size_t)size, "@=%zu\n", reading->next++);
		reading->announced = false;
	}
	return buffer;
}

static int
handle(void *user, const char *section, const char *name, const char *value)
{
	Reading *reading = user;
	size_t index = strtoul(value, NULL, 10);

	(void)section;
	(void)name;
	if (index < reading->reader.count)
		reading->handler(reading->build, &reading->reader.items[index], reading->data);
	return 1;
}

int
remap_reader_run(RemapBuild *build, void (*handler)(RemapBuild *, const RemapItem *, void *),
		 void *data)
{
	Reading reading = { .build = build, .handler = handler, .data = data };
	const RemapSource *source = build->source;
	const char *name = source->name ? source->name : "";
	File file = { .name = remap_arena_text(build->keymap, name, strlen(name)) };
	char *copy =
		remap_arena_text(build->keymap, source->text,
				 source->length > REMAP_TEXT_MAX ? REMAP_TEXT_MAX : source->length);

	if (!file.name || !copy)
		return -ENOMEM;
	read_text(&reading, copy, source->length, &file);
	if (ini_parse_stream(next_line, &reading, handle, &reading) != 0)
		build->out_of_memory = true;
	free(reading.reader.items);
	return build->out_of_memory ? -ENOMEM : 0;
}
