/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Attributes that a copy has to have too. I/O, reads only. */
#include "home/engine/keep.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define ACL_NAME	"system.posix_acl_access"
#define CAPABILITY_NAME "security.capability"
#define USER_PREFIX	"user."
/* The kernel's own limit: xattr(7). */
#define LIST_BYTES (64 * 1024)

guint
tidy_keep_kind(const char *name)
{
	if (strncmp(name, USER_PREFIX, strlen(USER_PREFIX)) == 0)
		return TIDY_KEEP_USER;
	if (strcmp(name, ACL_NAME) == 0)
		return TIDY_KEEP_ACL;
	return strcmp(name, CAPABILITY_NAME) == 0 ? TIDY_KEEP_CAPABILITIES : 0;
}

guint
tidy_keep_of(TidyFs *fs, int fd)
{
	ssize_t size = fs->listxattr(fs, fd, NULL, 0);
	g_autofree char *names = NULL;
	guint kinds = 0;

	/* Most files have none. */
	if (size <= 0)
		return 0;
	names = g_malloc(LIST_BYTES);
	size = fs->listxattr(fs, fd, names, LIST_BYTES);
	for (const char *name = names; name < names + size; name += strlen(name) + 1)
		kinds |= tidy_keep_kind(name);
	return kinds;
}

/* Where attributes of a kind can be, one that is not there is "no data"; elsewhere the question itself is refused. So
 * nothing has to be written to find out. */
static gboolean
is_unknown(TidyFs *fs, int dir, const char *name)
{
	return fs->getxattr(fs, dir, name, NULL, 0) == -EOPNOTSUPP;
}

guint
tidy_keep_lacking(TidyFs *fs, int dir)
{
	guint kinds = 0;

	if (is_unknown(fs, dir, USER_PREFIX "xdgtidy.probe"))
		kinds |= TIDY_KEEP_USER;
	if (is_unknown(fs, dir, ACL_NAME))
		kinds |= TIDY_KEEP_ACL;
	/* To give them away is root's (CAP_SETFCAP). */
	if (geteuid() != 0 || is_unknown(fs, dir, CAPABILITY_NAME))
		kinds |= TIDY_KEEP_CAPABILITIES;
	return kinds;
}
