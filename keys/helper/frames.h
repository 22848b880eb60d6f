// SPDX-License-Identifier: GPL-3.0-or-later
/* The router's parts, for its own files only.
 * I/O: read(2) and write(2) of events. */
#ifndef REMAP_FRAMES_H
#define REMAP_FRAMES_H

#include "keys/helper/router.h"

/* frames.c */

/** remap_events_read - room for REMAP_READ_EVENTS. Returns their number, 0 when there are none, or -errno. */
int remap_events_read(int fd, struct input_event *events);

RemapUsec remap_event_time(const struct input_event *event);
void remap_event_set_time(struct input_event *event, RemapUsec time);

/** remap_frames_append - one event for a clone; what waits for another clone is written first. */
void remap_frames_append(RemapRouter *router, RemapPort *port, const struct input_event *event);

/** remap_frames_send - the same, after the MSC events that belong to it. */
void remap_frames_send(RemapRouter *router, RemapPort *port, const struct input_event *event);

/** remap_frames_append_mscs - the MSC events that wait for another event. */
void remap_frames_append_mscs(RemapRouter *router, RemapPort *port);

/** remap_frames_end - SYN_REPORT, when a frame is open. */
void remap_frames_end(RemapRouter *router, RemapPort *port);

/** remap_frames_finish - nothing waits any more. @source: whose own SYN_REPORT may still come, or NULL. */
void remap_frames_finish(RemapRouter *router, RemapPort *source);

/* leds.c */

/** remap_leds_send - the state of those LEDs to one keyboard. */
void remap_leds_send(const RemapRouter *router, const RemapPort *port, const uint8_t *which);

/** remap_leds_show - the state of one LED to every keyboard. */
void remap_leds_show(RemapRouter *router, unsigned led);

/* safe-action.c */

/** remap_safe_action - the same action without its macro; nothing in the place of macros, commands and repeat(). */
RemapAction remap_safe_action(RemapAction action);

#endif
