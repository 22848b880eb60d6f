// SPDX-License-Identifier: GPL-3.0-or-later
/* Messages over a SOCK_SEQPACKET socket, without waiting.
 * I/O. */
#include "keys/link/link.h"

#include <errno.h>
#include <sys/socket.h>

int
remap_link_send(int fd, const RemapLinkMessage *message)
{
	uint8_t buffer[REMAP_LINK_DATAGRAM_MAX];
	int length = remap_link_encode(message, buffer);
	ssize_t sent;

	if (length < 0)
		return length;
	do
		sent = send(fd, buffer, (size_t)length, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : 0;
}

int
remap_link_receive(int fd, RemapLinkSide from, uint8_t *buffer, RemapLinkMessage *message)
{
	ssize_t length;

	/* recv() and not recvmsg(): the kernel closes descriptors that come along. MSG_TRUNC gives the
	 * datagram's true length. */
	do
		length = recv(fd, buffer, REMAP_LINK_DATAGRAM_MAX, MSG_DONTWAIT | MSG_TRUNC);
	while (length < 0 && errno == EINTR);
	if (length <= 0)
		return length < 0 ? -errno : 0;
	if (length > REMAP_LINK_DATAGRAM_MAX)
		return -EBADMSG;
	length = remap_link_decode(buffer, (size_t)length, from, message);
	return length < 0 ? (int)length : 1;
}
