/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Trap homes: what may lie in wait in a real home, in text that reads without C. I/O (reads the file).
 *
 *	# B1: ~/Download is a git work tree
 *	home:
 *	  Download/.git/HEAD = "ref: refs/heads/main\n"
 *	expect: refused repository
 *
 * home: is a tree (tests/support/tree.h) on top of an ordinary home: DOWNLOAD is ~/Downloads, which has there.txt,
 * and ~/Download has here.txt; a line of the scenario for the same path counts instead. @HOME@, @LEN@ (of
 * "@HOME@/Download", in bytes), @NOW@ (seconds), @NAMED@ (what $HOME says) and @PID@ (of a process that runs) are put in first. The user said yes to merges of this stray before.
 *
 * expect: VERDICT CODE... is what the scan must say of stray: (default Download): merge, propose, report, refused, or
 * none for a directory that must not be taken for a stray; the codes must be among the reasons. Then the daemon's kind
 * of merge runs, and after it one that the user asked for:
 *
 *	merge             the first must end as after: says
 *	propose           the first must change nothing; the second must end as after:, if there is one, else it is not tried
 *	report, refused   neither may change anything; the second says why
 *
 * after: is the whole tree then; an undo must bring back what was. leave: PATH CODE is an entry that must be reported.
 *
 *	expect-not: CODE            must not be among the reasons
 *	link: PATH TEXT NEW-TEXT    the scan must report this link into the stray (all, when there is one such line)
 *	base: none                  no ordinary home
 *	after-more:                 added to after: of an ordinary home, where here.txt has moved and there.txt stays
 *	stray: NAME                 another stray
 *	consent: no                 the user was never asked
 *	env: LANG=de_DE.UTF-8       (only these are set)
 *	home-name: guest-a1b2       name of the home; "link" makes $HOME a symbolic link to it
 *	open: PATH                  a process has it open for writing
 *	lock: yes                   another session is at work
 *	many: PATH N                N more files in it
 *	beside: COMMAND             runs over and over as long as we work
 *	user: UID                   as that user (needs root)
 *	mount: tmpfs PATH           mounted there (needs root); another type likewise; mount: bind FROM PATH
 *	fake: type PATH NUMBER      the disk says that it is of that type; also: ino, uid, attributes; same PATH OTHER
 *	fail: CODE N                from the Nth rename on each fails so; fail: CODE NAME: that of this name does
 *	clock: back                 the clock goes back by a year when the first entry has moved
 *	undo: none                  do not try
 */
#pragma once

#include "tests/support/tree.h"

typedef struct {
	char *key;
	char **words;
} TrapLine;

typedef struct {
	char *file;  /* basename without ".txt" */
	char *title; /* the first comment */
	char *home_text;
	char *after_text; /* NULL: none */
	gboolean is_after_more;
	GPtrArray *lines; /* of TrapLine: everything else */
} TrapHome;

/* All *.txt below @dir by name; elements TrapHome, freed with it. Aborts on one that does not parse. (transfer full) */
GPtrArray *trap_home_load_all(const char *dir);

/* The words behind @key, the @nth time that it is there, or NULL. */
char **trap_home_get(const TrapHome *trap, const char *key, guint nth);

/* The @index th word behind the first @key, or @fallback. */
const char *trap_home_word(const TrapHome *trap, const char *key, guint index,
			   const char *fallback);

/* The trees, with what stands for the place put in. (transfer full); abort on a bad one. */
Tree *trap_home_before(const TrapHome *trap, const char *home);
Tree *trap_home_after(const TrapHome *trap, const char *home); /* NULL: none is written */
