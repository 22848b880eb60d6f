/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The bytes of one fake file: pages and holes, shared until written. Pure. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/fake-disk.h"

FakeData *
fake_data_new(void)
{
	FakeData *data = g_new0(FakeData, 1);

	data->ref = 1;
	data->pages = g_array_new(FALSE, FALSE, sizeof(FakePage));
	return data;
}

FakeData *
fake_data_ref(FakeData *data)
{
	if (data)
		data->ref++;
	return data;
}

static void
drop_pages(FakeData *data, guint from)
{
	for (guint i = from; i < data->pages->len; i++)
		g_bytes_unref(g_array_index(data->pages, FakePage, i).bytes);
	g_array_set_size(data->pages, from);
}

void
fake_data_unref(FakeData *data)
{
	if (!data || --data->ref > 0)
		return;
	drop_pages(data, 0);
	g_array_unref(data->pages);
	g_free(data);
}

FakeData *
fake_data_edit(FakeData **data)
{
	FakeData *copy;

	if ((*data)->ref == 1)
		return *data;
	copy = fake_data_new();
	copy->size = (*data)->size;
	g_array_append_vals(copy->pages, (*data)->pages->data, (*data)->pages->len);
	for (guint i = 0; i < copy->pages->len; i++)
		g_bytes_ref(g_array_index(copy->pages, FakePage, i).bytes);
	fake_data_unref(*data);
	*data = copy;
	return copy;
}

/* The first page with an index >= @index. */
static guint
find_page(const FakeData *data, guint64 index)
{
	guint low = 0, high = data->pages->len;

	while (low < high) {
		guint middle = (low + high) / 2;

		if (g_array_index(data->pages, FakePage, middle).index < index)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static const FakePage *
page_at(const FakeData *data, guint64 index)
{
	guint i = find_page(data, index);
	const FakePage *page;

	if (i == data->pages->len)
		return NULL;
	page = &g_array_index(data->pages, FakePage, i);
	return page->index == index ? page : NULL;
}

gsize
fake_data_read(const FakeData *data, void *buffer, gsize size, gint64 offset)
{
	gsize done = 0;

	if (offset >= data->size)
		return 0;
	size = (gsize)MIN((gint64)size, data->size - offset);
	while (done < size) {
		guint64 at = (guint64)offset + done;
		gsize skip = at % FAKE_PAGE;
		gsize part = MIN(size - done, FAKE_PAGE - skip);
		const FakePage *page = page_at(data, at / FAKE_PAGE);

		if (page)
			memcpy((char *)buffer + done,
			       (const char *)g_bytes_get_data(page->bytes, NULL) + skip, part);
		else
			memset((char *)buffer + done, 0, part);
		done += part;
	}
	return size;
}

static void
write_page(FakeData *data, guint64 index, gsize skip, const void *bytes, gsize size)
{
	guint i = find_page(data, index);
	FakePage *page = i < data->pages->len ? &g_array_index(data->pages, FakePage, i) : NULL;
	char *copy = g_malloc0(FAKE_PAGE);

	if (page && page->index == index) {
		memcpy(copy, g_bytes_get_data(page->bytes, NULL), FAKE_PAGE);
		g_bytes_unref(page->bytes);
	} else {
		FakePage fresh = { .index = index };

		g_array_insert_val(data->pages, i, fresh);
	}
	memcpy(copy + skip, bytes, size);
	g_array_index(data->pages, FakePage, i).bytes = g_bytes_new_take(copy, FAKE_PAGE);
}

void
fake_data_write(FakeData *data, const void *buffer, gsize size, gint64 offset)
{
	for (gsize done = 0; done < size;) {
		guint64 at = (guint64)offset + done;
		gsize skip = at % FAKE_PAGE;
		gsize part = MIN(size - done, FAKE_PAGE - skip);

		write_page(data, at / FAKE_PAGE, skip, (const char *)buffer + done, part);
		done += part;
	}
	data->size = MAX(data->size, offset + (gint64)size);
}

void
fake_data_truncate(FakeData *data, gint64 size)
{
	static const char zeros[FAKE_PAGE];

	if (size < data->size) {
		gsize skip = (gsize)(size % FAKE_PAGE);
		guint64 last = (guint64)size / FAKE_PAGE;

		drop_pages(data, find_page(data, last + (skip > 0 ? 1 : 0)));
		if (skip > 0 && page_at(data, last))
			write_page(data, last, skip, zeros, FAKE_PAGE - skip);
	}
	data->size = size;
}

gint64
fake_data_seek(const FakeData *data, gint64 offset, int whence)
{
	guint64 index = (guint64)offset / FAKE_PAGE;
	guint i;

	if (offset < 0 || offset >= data->size)
		return -ENXIO;
	i = find_page(data, index);
	if (whence == SEEK_DATA) {
		gint64 start;

		if (i == data->pages->len)
			return -ENXIO;
		start = (gint64)g_array_index(data->pages, FakePage, i).index * FAKE_PAGE;
		return start >= data->size ? -ENXIO : MAX(offset, start);
	}
	while (i < data->pages->len && g_array_index(data->pages, FakePage, i).index == index) {
		index++;
		i++;
	}
	return MIN(MAX(offset, (gint64)index * FAKE_PAGE), data->size);
}

guint64
fake_data_new_pages(const FakeData *data, gsize size, gint64 offset)
{
	guint64 n = 0;

	if (size == 0)
		return 0;
	for (guint64 i = (guint64)offset / FAKE_PAGE; i <= ((guint64)offset + size - 1) / FAKE_PAGE;
	     i++)
		n += page_at(data, i) ? 0 : 1;
	return n;
}
