// SPDX-License-Identifier: GPL-3.0-or-later
/* Events read in batches and written in frames: a frame of the source becomes a frame of its clone.
 * I/O: read(2) and write(2) of events. The rules are those at the head of router.c. */
#include "keys/helper/frames.h"

#include <errno.h>
#include <unistd.h>

int
remap_events_read(int fd, struct input_event *events)
{
	ssize_t size;

	do
		size = read(fd, events, REMAP_READ_EVENTS * sizeof(*events));
	while (size < 0 && errno == EINTR);
	if (size < 0)
		return errno == EAGAIN ? 0 : -errno;
	if (size == 0 || size % (ssize_t)sizeof(*events))
		return -ENODEV;
	return (int)(size / (ssize_t)sizeof(*events));
}

static void
remap_frames_flush(RemapRouter *r, RemapPort *port)
{
	size_t size = port->count * sizeof(port->out[0]);
	ssize_t written;

	if (r->writing == port)
		r->writing = NULL;
	if (!port->count)
		return;
	port->count = 0;
	do
		written = write(port->sink, port->out, size);
	while (written < 0 && errno == EINTR);
	if (written != (ssize_t)size)
		port->error = written < 0 ? -errno : -EIO;
}

void
remap_frames_append(RemapRouter *r, RemapPort *port, const struct input_event *event)
{
	if (r->writing && r->writing != port) {
		/* Rule 4. */
		RemapPort *other = r->writing;

		if (other->is_open) {
			struct input_event end = other->last;

			end.type = EV_SYN;
			end.code = SYN_REPORT;
			end.value = 0;
			other->out[other->count++] = end;
			other->is_open = false;
			r->frames++;
		}
		remap_frames_flush(r, other);
	}
	/* One place is kept for the SYN_REPORT above. */
	if (port->count >= REMAP_PORT_EVENTS - 1)
		remap_frames_flush(r, port);
	r->writing = port;
	port->out[port->count++] = *event;
	port->is_open = event->type != EV_SYN;
	port->last = *event;
	if (!port->is_open)
		r->frames++;
}

void
remap_frames_end(RemapRouter *r, RemapPort *port)
{
	struct input_event end = port->last;

	if (!port->is_open)
		return;
	end.type = EV_SYN;
	end.code = SYN_REPORT;
	end.value = 0;
	remap_frames_append(r, port, &end);
}

/* Rule 1. */
void
remap_frames_append_mscs(RemapRouter *r, RemapPort *port)
{
	for (unsigned i = 0; i < port->msc_count; i++)
		remap_frames_append(r, port, &port->mscs[i]);
	port->msc_count = 0;
}

void
remap_event_set_time(struct input_event *event, RemapUsec time)
{
	event->input_event_sec = (__kernel_ulong_t)(time / 1000000);
	event->input_event_usec = (__kernel_ulong_t)(time % 1000000);
}

RemapUsec
remap_event_time(const struct input_event *event)
{
	return (RemapUsec)event->input_event_sec * 1000000 + (RemapUsec)event->input_event_usec;
}

void
remap_frames_send(RemapRouter *r, RemapPort *port, const struct input_event *event)
{
	remap_frames_append_mscs(r, port);
	remap_frames_append(r, port, event);
}

/* After each batch: nothing may wait for the next. A frame that the source has not ended is written as it is. */
void
remap_frames_finish(RemapRouter *r, RemapPort *source)
{
	if (!r->writing)
		return;
	if (r->writing != source)
		remap_frames_end(r, r->writing);
	if (r->writing)
		remap_frames_flush(r, r->writing);
}
