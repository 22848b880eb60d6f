/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names of the operations, and the rules that make the nth of one fail. Pure. */
#include "tests/support/fs-op.h"

typedef struct {
	FsOp op;
	guint nth; /* counts down to 1 */
	int errno_code;
	FsFailMode mode;
} Rule;

struct FsFaults {
	GArray *rules;
	guint seen[FS_OP_N];
	guint seen_mutating;
	guint fired;
};

static const char *const NAMES[] = {
	[FS_OP_OPENAT] = "openat",	   [FS_OP_TMPFILE] = "tmpfile",
	[FS_OP_CLOSE] = "close",	   [FS_OP_GETDENTS] = "getdents",
	[FS_OP_REWIND] = "rewind",	   [FS_OP_STAT] = "stat",
	[FS_OP_FSINFO] = "fsinfo",	   [FS_OP_RENAME] = "rename",
	[FS_OP_EXCHANGE] = "exchange",	   [FS_OP_DEDUPE] = "dedupe",
	[FS_OP_REPLACE] = "replace",	   [FS_OP_LINK] = "link",
	[FS_OP_LINKFD] = "linkfd",	   [FS_OP_UNLINK] = "unlink",
	[FS_OP_MKDIR] = "mkdir",	   [FS_OP_SYMLINK] = "symlink",
	[FS_OP_MKFIFO] = "mkfifo",	   [FS_OP_READLINK] = "readlink",
	[FS_OP_PREAD] = "pread",	   [FS_OP_PWRITE] = "pwrite",
	[FS_OP_TRUNCATE] = "truncate",	   [FS_OP_FSYNC] = "fsync",
	[FS_OP_FDATASYNC] = "fdatasync",   [FS_OP_SYNCFS] = "syncfs",
	[FS_OP_BEGIN_SYNC] = "begin_sync", [FS_OP_END_SYNC] = "end_sync",
	[FS_OP_ADVISE] = "advise",	   [FS_OP_SEEK] = "seek",
	[FS_OP_EXTENTS] = "extents",	   [FS_OP_CLONE] = "clone",
	[FS_OP_COPY_RANGE] = "copy_range", [FS_OP_CHMOD] = "chmod",
	[FS_OP_CHOWN] = "chown",	   [FS_OP_UTIMENS] = "utimens",
	[FS_OP_LISTXATTR] = "listxattr",   [FS_OP_GETXATTR] = "getxattr",
	[FS_OP_SETXATTR] = "setxattr",	   [FS_OP_NO_WRITER] = "no_writer",
	[FS_OP_FLOCK] = "flock",	   [FS_OP_ANY] = "any",
	[FS_OP_ANY_MUTATING] = "mutating",
};

const char *
fs_op_name(FsOp op)
{
	return NAMES[op];
}

gboolean
fs_op_is_mutating(FsOp op)
{
	static const guint64 mutating =
		1ull << FS_OP_OPENAT | 1ull << FS_OP_TMPFILE | 1ull << FS_OP_RENAME |
		1ull << FS_OP_REPLACE | 1ull << FS_OP_LINK | 1ull << FS_OP_LINKFD |
		1ull << FS_OP_UNLINK | 1ull << FS_OP_MKDIR | 1ull << FS_OP_SYMLINK |
		1ull << FS_OP_MKFIFO | 1ull << FS_OP_PWRITE | 1ull << FS_OP_TRUNCATE |
		1ull << FS_OP_FSYNC | 1ull << FS_OP_FDATASYNC | 1ull << FS_OP_SYNCFS |
		1ull << FS_OP_CLONE | 1ull << FS_OP_COPY_RANGE | 1ull << FS_OP_EXCHANGE |
		1ull << FS_OP_DEDUPE | 1ull << FS_OP_CHMOD | 1ull << FS_OP_CHOWN |
		1ull << FS_OP_UTIMENS | 1ull << FS_OP_SETXATTR;

	return mutating >> op & 1;
}

FsFaults *
fs_faults_new(void)
{
	FsFaults *faults = g_new0(FsFaults, 1);

	faults->rules = g_array_new(FALSE, FALSE, sizeof(Rule));
	return faults;
}

void
fs_faults_free(FsFaults *faults)
{
	g_array_unref(faults->rules);
	g_free(faults);
}

void
fs_faults_add(FsFaults *faults, FsOp op, guint nth, int errno_code, FsFailMode mode)
{
	Rule rule = { .op = op, .nth = nth, .errno_code = errno_code, .mode = mode };

	g_assert_cmpuint(nth, >, 0);
	g_assert_cmpint(errno_code, >, 0);
	g_array_append_val(faults->rules, rule);
}

void
fs_faults_clear(FsFaults *faults)
{
	GArray *rules = faults->rules;

	g_array_set_size(rules, 0);
	*faults = (FsFaults){ .rules = rules };
}

guint
fs_faults_seen(const FsFaults *faults, FsOp op)
{
	guint sum = 0;

	if (op == FS_OP_ANY_MUTATING)
		return faults->seen_mutating;
	if (op < FS_OP_N)
		return faults->seen[op];
	for (guint i = 0; i < FS_OP_N; i++)
		sum += faults->seen[i];
	return sum;
}

guint
fs_faults_fired(const FsFaults *faults)
{
	return faults->fired;
}

static gboolean
rule_matches(const Rule *rule, FsOp op, gboolean is_mutating)
{
	return rule->op == op || rule->op == FS_OP_ANY ||
	       (rule->op == FS_OP_ANY_MUTATING && is_mutating);
}

int
fs_faults_check(FsFaults *faults, FsOp op, gboolean is_mutating)
{
	int answer = 0;

	faults->seen[op]++;
	faults->seen_mutating += is_mutating ? 1 : 0;
	for (guint i = 0; i < faults->rules->len; i++) {
		Rule *rule = &g_array_index(faults->rules, Rule, i);

		if (!rule_matches(rule, op, is_mutating) || rule->nth == 0)
			continue;
		if (rule->nth > 1) {
			rule->nth--;
			continue;
		}
		if (rule->mode == FS_FAIL_ONCE)
			rule->nth = 0;
		if (answer == 0)
			answer = -rule->errno_code;
	}
	faults->fired += answer < 0 ? 1 : 0;
	return answer;
}
