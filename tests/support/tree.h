/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Trees as text: parse, build on a disk, take from a disk, print, compare. I/O through a TidyFs.
 *
 * One entry a line, paths relative to the root of the tree, directories above an entry are implied:
 *
 *	Download/sub/ mode=0700 mtime=7          a directory
 *	Download/a.txt = "one\n" mtime=5.25      a file; C escapes \n \t \\ \" \xNN
 *	Download/big = "head" size=1000000000    the bytes, then a hole up to the size
 *	Download/rnd = random:7 size=100000      that many bytes from seed 7, no holes
 *	Download/b = link:Download/a.txt         one more name of that file (which stands in a line above)
 *	Download/l -> ../x                       a symbolic link
 *	Download/f : fifo                        also: socket
 *	Download/m : mount                       a directory where another disk is mounted (fake only)
 *	Download/m : bind:Documents              ... where that directory is bind-mounted (fake only)
 *
 * After it any of: mode=0644 mtime=SECONDS[.FRACTION] uid=N gid=N xattr:user.name="value", and in trees that are
 * built on the fake: writer immutable append casefold. In a path "\n", "\xNN" and "\\" are escapes; a blank at the start or
 * end of a name, and " = ", " -> ", " : " inside one, must be written with \x20. '#' opens a comment line.
 *
 * Defaults: mode 0755 and 0644; mtime 1,000,000,000 s. In an expected tree a directory's mtime counts only
 * where it is written; everything else counts always.
 */
#pragma once

#include "home/fs/fs.h"
#include "tests/support/fake-fs.h"

#define TREE_DEFAULT_MTIME_NS (G_GINT64_CONSTANT(1000000000) * 1000000000)

typedef enum {
	TREE_FILE_BYTES,  /* content holds the first bytes, a hole follows up to size */
	TREE_FILE_RANDOM, /* bytes of the seed */
	TREE_FILE_DIGEST, /* from a disk, too big to show: digest and size */
} TreeContent;

typedef struct {
	char *path; /* raw bytes, "/" between names, none at the end */
	TidyType type;
	TreeContent content;
	GBytes *bytes; /* files */
	guint64 seed;
	char *digest; /* files: of the content, holes and zeros alike, size included */
	gint64 size;
	char *target;  /* links */
	char *link_to; /* path of the first name of a group of hard links, or NULL */
	char *bind;    /* bind mount: of which path */
	guint32 mode;  /* permission bits */
	gint64 mtime_ns;
	gint64 uid, gid;     /* -1: do not care */
	GTree *xattrs;	     /* char* -> GBytes* */
	guint flags;	     /* FakeFlag */
	gboolean is_implied; /* no line of its own */
	gboolean is_mount;
	gboolean has_mtime; /* written in the line, or taken from a disk */
} TreeNode;

/* Nodes sorted by path, byte order. */
typedef struct Tree Tree;

typedef enum {
	TREE_NO_DIR_MTIMES = 1 << 0, /* directories' mtimes do not count, though written */
	TREE_NO_MTIMES = 1 << 1,
	TREE_NO_MODES = 1 << 2,
	TREE_NO_XATTRS = 1 << 3,
	TREE_NO_LINK_GROUPS =
		1 << 4,		   /* names of one file and files of the same content are alike */
	TREE_WITH_OWNERS = 1 << 5, /* print and compare uid and gid */
} TreeOptions;

Tree *tree_new(void);
void tree_free(Tree *tree);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Tree, tree_free)

/* Parses @text; the message has the line, counted from @first_line. */
Tree *tree_parse(const char *text, guint first_line, GError **error);
guint tree_size(const Tree *tree);
const TreeNode *tree_node(const Tree *tree, guint index);
/* The node at @path (raw bytes) or NULL. */
const TreeNode *tree_lookup(const Tree *tree, const char *path);

/* Where to build: @dir is an open directory of @fs. For a fake, @fake and @path (absolute, the same directory); for the
 * real file system @path is the real path, needed for FIFOs and sockets. */
typedef struct {
	TidyFs *fs;
	int dir;
	FakeFs *fake; /* NULL: a real directory */
	const char *path;
} TreeHost;

/* Makes every entry; directory times last. FALSE with G_IO_ERROR_NOT_SUPPORTED when the host cannot (mounts and flags
 * on a real disk, xattrs or owners that are refused): a test skips then. */
gboolean tree_build(const Tree *tree, const TreeHost *host, GError **error);

/**
 * tree_snapshot - what is below the open directory @dir, times and all
 * @prefix: put before each path, NULL or "" for none
 * @leave_out: NULL, or NULL-terminated paths (without the prefix) that are not entered and not listed
 *
 * Other mounts are entered. Does not change times. (transfer full), NULL on an error of @fs.
 */
Tree *tree_snapshot(TidyFs *fs, int dir, const char *prefix, const char *const *leave_out,
		    GError **error);
/* Adds all nodes of @more to @tree; paths must not be in both. */
void tree_add(Tree *tree, const Tree *more);
/* Adds a directory as if a line implied it. */
void tree_append_dir(Tree *tree, const char *path);
/* Only the nodes at or below @path; paths stay as they are, or lose @path/ when @strip. */
Tree *tree_subtree(const Tree *tree, const char *path, gboolean strip);

/* Canonical text: equal trees print alike. (transfer full) */
char *tree_dump(const Tree *tree, guint options);
/* NULL when @actual is as @expected, else lines "missing ...", "unexpected ...", "differs ..."; (transfer full). */
char *tree_diff(const Tree *expected, const Tree *actual, guint options);

enum {
	TREE_LOST_SET =
		1
		<< 0, /* how often does not matter, only that each content is still there (folded files) */
	TREE_LOST_ANY_TARGET = 1 << 1, /* all links are alike (relative ones may be rewritten) */
};

/* What contents are in @after fewer times than in @before: NULL, or one line each. A content is a file's bytes, a link's
 * target, or a FIFO or socket; names of one inode count once. */
char *tree_lost(const Tree *before, const Tree *after, guint flags);

/* Escapes a path as in the format; (transfer full). */
char *tree_escape_path(const char *path);
