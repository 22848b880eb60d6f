/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A home with a trap in it, made on the real disk: files, mounts, owners, programs beside, and the service over it. I/O. */
#pragma once

#include "home/service/service.h"
#include "tests/support/trap-fs.h"
#include "tests/support/trap-home.h"

typedef struct {
	const TrapHome *trap;
	char *root; /* temporary; holds the home and what belongs to the system */
	char *home;
	char *named_home; /* what $HOME says */
	char *stray;	  /* absolute */
	GArray *fds;
	GPid beside;	     /* 0: none */
	gboolean has_become; /* another user */
	GPtrArray *mounts;
	TrapFs fs;
	TidyService *service;
} TrapSite;

/* FALSE: this machine cannot, and the test is skipped with the reason. To be torn down in both cases. */
gboolean trap_site_set_up(TrapSite *site, const TrapHome *trap);
void trap_site_tear_down(TrapSite *site);
