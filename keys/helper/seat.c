// SPDX-License-Identifier: GPL-3.0-or-later
/* Sessions and seats: logind's and udev's files, no bus.
 * I/O. */
#include "keys/helper/kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <systemd/sd-login.h>
#include <unistd.h>

enum { SEAT_SIZE = 64 };

int
remap_seat_session(unsigned uid, char *seat)
{
	char **seats = NULL;
	int count = sd_uid_get_seats(uid, 0, &seats);
	bool is_active = false;

	for (int i = 0; i < count; i++) {
		/* The first will do when none is active. */
		if (!is_active && (i == 0 || sd_uid_is_on_seat(uid, 1, seats[i]) > 0)) {
			snprintf(seat, SEAT_SIZE, "%s", seats[i]);
			is_active = sd_uid_is_on_seat(uid, 1, seats[i]) > 0;
		}
		free(seats[i]);
	}
	free(seats);
	return count > 0 ? is_active : -ENOENT;
}

/* udev writes down the seats of devices that are not on seat0: a line E:ID_SEAT=... in /run/udev/data/cMAJOR:MINOR. */
bool
remap_seat_has(const char *udev_data, uint64_t number, const char *seat)
{
	char path[128], line[256], own[SEAT_SIZE] = "seat0";
	FILE *file;

	snprintf(path, sizeof(path), "%s/c%u:%u", udev_data, major(number), minor(number));
	file = fopen(path, "re");
	if (file) {
		while (fgets(line, sizeof(line), file))
			if (sscanf(line, "E:ID_SEAT=%63s", own) == 1)
				break;
		fclose(file);
	}
	return strcmp(own, seat) == 0;
}
