/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The inside of a carrier, for carry*.c only. I/O. */
#pragma once

#include "home/engine/carry.h"
#include "home/engine/copy.h"

typedef enum {
	ITEM_TEMP,  /* a copy under its temporary name */
	ITEM_FOUND, /* the target has the name: of a try before this one (case 2) */
	ITEM_LINK,  /* the target has the file, under another name */
} ItemKind;

typedef struct {
	const TidyStep *step;
	TidyDir *dir;
	TidyDir *to_dir;
	ItemKind kind;
	TidyStat source; /* before it was read */
	TidyStat copy;
	int ahead; /* the copy, open, with its first bytes on their way from the disk; -1: not yet */
	int r;	   /* 0: so far all went well */
} Item;

/* A file system that is copied to. */
typedef struct {
	guint64 dev;
	int fd; /* opened before anything was written, so that syncfs(2) tells of all errors since */
	gboolean syncs_each; /* where nobody says that syncfs(2) reaches the disk */
	gint64 room;	     /* bytes that may still be written; -1: nobody knows */
	int r;		     /* of its syncs so far */
} Place;

/* The name of a copy, for the other names of its source. */
typedef struct {
	TidyDir *dir;
	char *name;
	gboolean is_refused; /* this file system has no links, or no more for this file */
	guint64 ino;	     /* of a name that was renamed; 0: it is a copy */
	TidyDir *other_dir;  /* ino != 0: else it is here */
	char *other_name;
} SetMember;

struct TidyCarrier {
	TidyCarrierOptions options;
	GArray *items;	/* of Item */
	GArray *places; /* of Place */
	gint64 bytes;
	gint64 unsynced_bytes; /* written since the disk was last told to begin */
	int written_dir;       /* a directory of the file system that is written to */
	guint8 *buffer;
	TidyCopyWays ways;
	const TidyDir *acl_dir; /* last asked whether it has a default access list */
	gboolean has_default_acl;
};

/* The member of the set that @step belongs to, or NULL. Borrowed. */
SetMember *tidy_carry_find_member(const TidyCarrier *carrier, const TidyStep *step,
				  const TidyDir *dir, const TidyDir *to_dir);
void tidy_carry_remember_member(TidyCarrier *carrier, const TidyStep *step, const TidyDir *dir,
				TidyDir *to_dir);
/* The item came to nothing: who would have been linked to it is copied. */
void tidy_carry_forget_member(TidyCarrier *carrier, const Item *item);

char *tidy_carrier_temp_name(const TidyCarrier *carrier, const TidyStep *step);
void tidy_carrier_drop_temp(const TidyCarrier *carrier, const TidyStep *step, TidyDir *to_dir);
/* The place of the directory @to, which is open as @fd. NULL and -errno in @r. */
Place *tidy_carrier_place_of(TidyCarrier *carrier, const TidyDir *to, int fd, int *r);
/* 0, or -ECANCELED. */
int tidy_carrier_check_cancelled(const TidyCarrier *carrier);
