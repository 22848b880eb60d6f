/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Shared by tree*.c only. Pure. */
#pragma once

#include "tests/support/tree.h"

struct Tree {
	GPtrArray *nodes; /* TreeNode*, sorted when is_sorted */
	gboolean is_sorted;
};

TreeNode *tree_node_new(const char *path, TidyType type);
void tree_node_free(TreeNode *node);
TreeNode *tree_node_copy(const TreeNode *node);
/* Takes @node. */
void tree_append(Tree *tree, TreeNode *node);
void tree_sort(Tree *tree);
GTree *tree_xattrs_new(void);

/* Digest of a content: the non-zero pages with their index, and the size; so holes and zeros are alike. */
typedef struct TreeDigest TreeDigest;
TreeDigest *tree_digest_new(void);
/* @offset and @size: whole pages of 4096, but for the last one. */
void tree_digest_add(TreeDigest *digest, gint64 offset, const void *bytes, gsize size);
/* Frees @digest. (transfer full) */
char *tree_digest_end(TreeDigest *digest, gint64 size);

/* The bytes of a file node below size: @bytes (then nothing), or of its seed. @buffer is filled; answers how many. */
gsize tree_content(const TreeNode *node, gint64 offset, void *buffer, gsize size);
