/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The daemon's end of the connection to a key helper. I/O: the socket. */
#include "daemon/keys-client.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Messages read before the main loop gets its turn again. */
#define READ_MAX 32
/* A helper that leaves this many messages unread hangs; a keymap of the largest size has 34. */
#define UNREAD_MAX 256
/* Bounds for what a helper may make us remember; more is forgotten. */
#define DEVICES_MAX 256
#define LAYERS_MAX  4096 /* REMAP_LAYERS_MAX */

/* A GSource: the loop holds a reference while a function of funcs runs, so that it may free the client. */
struct TidyKeysClient {
	GSource parent;
	TidyKeysClientFuncs funcs;
	int fd;
	gpointer tag;
	gint64 patience_usec;
	gboolean is_ready;
	GQueue unsent;	   /* GBytes, datagrams */
	guint32 committed; /* the keymap whose answer is due; 0: none */
	char *problem;	   /* first diagnostic of it */
	guint n_asked;	   /* STATUS without COUNTS */
	guint round;
	TidyKeysView view;
	uint8_t buffer[REMAP_LINK_DATAGRAM_MAX];
};

static void
device_free(gpointer data)
{
	TidyKeysDevice *device = data;

	g_free(device->node);
	g_free(device->name);
	g_free(device->text);
	g_free(device);
}

static gboolean
is_over(TidyKeysClient *client)
{
	return g_source_is_destroyed(&client->parent);
}

static void
end(TidyKeysClient *client, TidyKeysEnd why, RemapLinkFaultCode code, const char *text)
{
	if (is_over(client))
		return;
	g_source_destroy(&client->parent);
	client->funcs.ended(why, code, text, client->funcs.data);
}

/* Only while something is due; nothing wakes an idle daemon. */
static void
expect_answer(TidyKeysClient *client)
{
	gboolean is_due = !client->is_ready || client->committed != 0;

	g_source_set_ready_time(&client->parent,
				is_due ? g_get_monotonic_time() + client->patience_usec : -1);
}

/* ---- sending ---- */

static void
flush(TidyKeysClient *client)
{
	GBytes *datagram;

	while ((datagram = g_queue_peek_head(&client->unsent)) != NULL) {
		gsize length;
		const void *bytes = g_bytes_get_data(datagram, &length);
		ssize_t sent = send(client->fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0 && errno == EAGAIN)
			break;
		/* After any other error the end of file follows, and before it perhaps a FAULT to be read. */
		g_bytes_unref(g_queue_pop_head(&client->unsent));
	}
	g_source_modify_unix_fd(&client->parent, client->tag,
				G_IO_IN | (datagram != NULL ? G_IO_OUT : 0));
}

void
tidy_keys_client_say(TidyKeysClient *client, const RemapLinkMessage *message)
{
	uint8_t buffer[REMAP_LINK_DATAGRAM_MAX];
	int length = remap_link_encode(message, buffer);

	g_assert(length > 0);
	if (is_over(client))
		return;
	if (message->kind == REMAP_LINK_STATUS && client->n_asked++ == 0)
		client->round++;
	g_queue_push_tail(&client->unsent, g_bytes_new(buffer, (gsize)length));
	flush(client);
	/* The connection ends from the main loop, not under the caller's feet. */
	if (client->unsent.length > UNREAD_MAX)
		g_source_set_ready_time(&client->parent, 0);
}

void
tidy_keys_client_load(TidyKeysClient *client, guint32 id, const char *text, gsize length,
		      guint32 trial_ms)
{
	g_assert(id != 0 && length <= REMAP_LINK_KEYMAP_MAX);
	for (gsize offset = 0; offset < length; offset += REMAP_LINK_PART_MAX)
		tidy_keys_client_say(client, &(RemapLinkMessage){
						     .kind = REMAP_LINK_KEYMAP,
						     .id = id,
						     .offset = (guint32)offset,
						     .data = (const uint8_t *)text + offset,
						     .data_length = MIN(length - offset,
									REMAP_LINK_PART_MAX) });
	tidy_keys_client_say(client,
			     &(RemapLinkMessage){ .kind = REMAP_LINK_COMMIT,
						  .id = id,
						  .length = (guint32)length,
						  .flags = trial_ms != 0 ? REMAP_LINK_TRIAL : 0,
						  .timeout_ms = trial_ms });
	client->committed = id;
	g_clear_pointer(&client->problem, g_free);
	if (!is_over(client))
		expect_answer(client);
}

/* ---- what the helper says ---- */

static void
on_welcome(TidyKeysClient *client, const RemapLinkMessage *message)
{
	client->is_ready = TRUE;
	client->view.how = (RemapLinkHow)message->how;
	client->view.seat = g_strdup(message->text);
	expect_answer(client);
	client->funcs.ready(client->funcs.data);
}

static void
on_diagnostic(TidyKeysClient *client, const RemapLinkMessage *message)
{
	if (message->id == client->committed && message->severity == 0 && client->problem == NULL)
		client->problem =
			g_strdup_printf("%u:%u: %s", message->line, message->column, message->text);
}

/* An answer to an earlier keymap than the last one sent changes what runs, but ends no waiting. */
static void
on_accepted(TidyKeysClient *client, const RemapLinkMessage *message)
{
	client->view.keymap = message->id;
	if (message->id == client->committed) {
		client->committed = 0;
		expect_answer(client);
	}
	client->funcs.accepted(message->id, client->funcs.data);
}

static void
on_rejected(TidyKeysClient *client, const RemapLinkMessage *message)
{
	g_autofree char *problem = NULL;

	if (message->id == client->committed) {
		problem = g_steal_pointer(&client->problem);
		client->committed = 0;
		expect_answer(client);
	}
	client->funcs.rejected(message->id, problem != NULL ? problem : "", client->funcs.data);
}

static TidyKeysDevice *
keep_device(TidyKeysClient *client, const RemapLinkMessage *message)
{
	GHashTable *devices = client->view.devices;
	TidyKeysDevice *device = g_hash_table_lookup(devices, message->node);

	if (device == NULL) {
		if (g_hash_table_size(devices) == DEVICES_MAX)
			return NULL;
		device = g_new0(TidyKeysDevice, 1);
		device->node = g_strdup(message->node);
		device->event = REMAP_LINK_DEVICE_EVENTS;
		g_hash_table_replace(devices, device->node, device);
	}
	g_free(device->name);
	g_free(device->text);
	device->name = g_strdup(message->name);
	device->text = g_strdup(message->text);
	device->vendor = message->vendor;
	device->product = message->product;
	device->hash = message->hash;
	device->kind = message->device_kind;
	device->round = client->round;
	return device;
}

static void
on_device(TidyKeysClient *client, const RemapLinkMessage *message)
{
	TidyKeysDevice *device = keep_device(client, message);
	gboolean is_new = device != NULL && device->event != (RemapLinkDeviceEvent)message->event;

	if (!is_new)
		return;
	device->event = (RemapLinkDeviceEvent)message->event;
	client->funcs.device(device, client->funcs.data);
	if (is_over(client))
		return;
	if (message->event == REMAP_LINK_DEVICE_REMOVED)
		g_hash_table_remove(client->view.devices, message->node);
	client->funcs.changed(client->funcs.data);
}

static void
on_layer(TidyKeysClient *client, const RemapLinkMessage *message)
{
	GHashTable *layers = client->view.layers;
	gboolean was_on = g_hash_table_contains(layers, message->name);

	if (!message->is_on)
		g_hash_table_remove(layers, message->name);
	else if (was_on || g_hash_table_size(layers) < LAYERS_MAX)
		g_hash_table_replace(layers, g_strdup(message->name),
				     GUINT_TO_POINTER(client->round));
	if (was_on != (message->is_on != 0))
		client->funcs.layer(message->name, message->is_on != 0, client->funcs.data);
}

static gboolean
is_old_device(gpointer node, gpointer device, gpointer client)
{
	return ((TidyKeysDevice *)device)->round != ((TidyKeysClient *)client)->round;
}

static gboolean
is_old_layer(gpointer name, gpointer round, gpointer client)
{
	return GPOINTER_TO_UINT(round) != ((TidyKeysClient *)client)->round;
}

/* What was not named since STATUS is gone: the helper drops messages that we are too slow for. */
static void
on_counts(TidyKeysClient *client, const RemapLinkMessage *message)
{
	TidyKeysView *view = &client->view;

	view->keymap = message->id;
	view->events = message->events;
	view->frames = message->frames;
	view->overruns = message->overruns;
	view->lost = message->lost;
	view->n_devices = message->devices;
	view->n_grabbed = message->grabbed;
	if (client->n_asked == 0)
		return;
	g_hash_table_foreach_remove(view->devices, is_old_device, client);
	g_hash_table_foreach_remove(view->layers, is_old_layer, client);
	if (--client->n_asked == 0)
		client->funcs.told(client->funcs.data);
}

static void
on_reverted(TidyKeysClient *client, const RemapLinkMessage *message)
{
	client->view.keymap = message->id;
	client->funcs.reverted(message->id, message->index, client->funcs.data);
}

static void
on_state(TidyKeysClient *client, const RemapLinkMessage *message)
{
	gboolean is_new = client->view.flags != message->flags;

	client->view.flags = message->flags;
	if (is_new)
		client->funcs.changed(client->funcs.data);
}

static void
on_message(TidyKeysClient *client, const RemapLinkMessage *message)
{
	gboolean is_greeting = message->kind == REMAP_LINK_WELCOME;

	if (message->kind == REMAP_LINK_FAULT) {
		end(client, TIDY_KEYS_END_FAULT, (RemapLinkFaultCode)message->code, message->text);
		return;
	}
	if (is_greeting == client->is_ready ||
	    (is_greeting && message->version != REMAP_LINK_VERSION)) {
		end(client, TIDY_KEYS_END_NONSENSE, 0, remap_link_name(message->kind));
		return;
	}
	switch (message->kind) {
	case REMAP_LINK_WELCOME:
		on_welcome(client, message);
		break;
	case REMAP_LINK_ACCEPTED:
		on_accepted(client, message);
		break;
	case REMAP_LINK_DIAGNOSTIC:
		on_diagnostic(client, message);
		break;
	case REMAP_LINK_REJECTED:
		on_rejected(client, message);
		break;
	case REMAP_LINK_REVERTED:
		on_reverted(client, message);
		break;
	case REMAP_LINK_DEVICE:
		on_device(client, message);
		break;
	case REMAP_LINK_LAYER:
		on_layer(client, message);
		break;
	case REMAP_LINK_COMMAND:
		client->funcs.command(message->id, message->index, client->funcs.data);
		break;
	case REMAP_LINK_STATE:
		on_state(client, message);
		break;
	case REMAP_LINK_COUNTS:
		on_counts(client, message);
		break;
	case REMAP_LINK_FAULT:
	case REMAP_LINK_HELLO:
	case REMAP_LINK_KEYMAP:
	case REMAP_LINK_COMMIT:
	case REMAP_LINK_CONFIRM:
	case REMAP_LINK_REVERT:
	case REMAP_LINK_SUSPEND:
	case REMAP_LINK_RESUME:
	case REMAP_LINK_LOCK:
	case REMAP_LINK_SLEEP:
	case REMAP_LINK_STATUS:
	case REMAP_LINK_KINDS:
		break; /* not a helper's: remap_link_decode() refuses them */
	}
}

static void
receive(TidyKeysClient *client)
{
	for (int i = 0; i < READ_MAX && !is_over(client); i++) {
		RemapLinkMessage message;
		int result =
			remap_link_receive(client->fd, REMAP_LINK_HELPER, client->buffer, &message);

		if (result == -EAGAIN)
			return;
		if (result == 1)
			on_message(client, &message);
		else if (result == -EBADMSG)
			end(client, TIDY_KEYS_END_NONSENSE, 0, "no message");
		/* The helper closed before it read all that we said; what it said before is still to come. */
		else if (result != -ECONNRESET)
			end(client, TIDY_KEYS_END_CLOSED, 0, "");
	}
}

/* ---- the source ---- */

static gboolean
client_check(GSource *source)
{
	return g_source_query_unix_fd(source, ((TidyKeysClient *)source)->tag) != 0;
}

static gboolean
client_dispatch(GSource *source, GSourceFunc unused, gpointer unused_data)
{
	TidyKeysClient *client = (TidyKeysClient *)source;
	GIOCondition condition = g_source_query_unix_fd(source, client->tag);
	gint64 due = g_source_get_ready_time(source);

	if (condition & ~(GIOCondition)G_IO_OUT)
		receive(client);
	if (is_over(client))
		return G_SOURCE_REMOVE;
	if (condition & G_IO_OUT)
		flush(client);
	if ((due >= 0 && due == g_source_get_ready_time(source) &&
	     due <= g_source_get_time(source)) ||
	    client->unsent.length > UNREAD_MAX)
		end(client, TIDY_KEYS_END_SILENT, 0, "");
	return is_over(client) ? G_SOURCE_REMOVE : G_SOURCE_CONTINUE;
}

static void
client_finalize(GSource *source)
{
	TidyKeysClient *client = (TidyKeysClient *)source;

	g_queue_clear_full(&client->unsent, (GDestroyNotify)g_bytes_unref);
	g_hash_table_unref(client->view.devices);
	g_hash_table_unref(client->view.layers);
	g_free(client->view.seat);
	g_free(client->problem);
	close(client->fd);
}

static GSourceFuncs client_funcs = {
	.check = client_check,
	.dispatch = client_dispatch,
	.finalize = client_finalize,
};

TidyKeysClient *
tidy_keys_client_new(int *fd, gint64 patience_usec, const TidyKeysClientFuncs *funcs)
{
	GSource *source = g_source_new(&client_funcs, sizeof(TidyKeysClient));
	TidyKeysClient *client = (TidyKeysClient *)source;

	g_source_set_static_name(source, "xdgtidy-keys-client");
	client->funcs = *funcs;
	client->patience_usec = patience_usec;
	client->fd = *fd;
	*fd = -1;
	client->tag = g_source_add_unix_fd(source, client->fd, G_IO_IN);
	g_queue_init(&client->unsent);
	client->view.devices = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, device_free);
	client->view.layers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_source_attach(source, g_main_context_get_thread_default());
	tidy_keys_client_say(client, &(RemapLinkMessage){ .kind = REMAP_LINK_HELLO,
							  .version = REMAP_LINK_VERSION });
	expect_answer(client);
	return client;
}

void
tidy_keys_client_free(TidyKeysClient *client)
{
	g_source_destroy(&client->parent);
	/* The end of file must not wait for the last reference, which a dispatch under way may hold. */
	shutdown(client->fd, SHUT_RDWR);
	g_source_unref(&client->parent);
}

gboolean
tidy_keys_client_is_ready(const TidyKeysClient *client)
{
	return client->is_ready;
}

const TidyKeysView *
tidy_keys_client_view(const TidyKeysClient *client)
{
	return &client->view;
}
