/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Images of a fake disk, for fake-disk.c and fake-crash.c only. Pure. */
#pragma once

#include "tests/support/fake-disk.h"

GArray *fake_entries_new(void);
FakeNode *fake_node_copy(const FakeNode *node);

/* NULL: an empty one. */
FakeImage *fake_image_clone(const FakeImage *image);
FakeImage *fake_image_ref(FakeImage *image);
void fake_image_unref(FakeImage *image);
FakeNode *fake_image_node(const FakeImage *image, guint id);
/* The node, unshared. */
FakeNode *fake_image_edit(FakeImage *image, guint id);
/* Takes @node; NULL: gone. */
void fake_image_put(FakeImage *image, guint id, FakeNode *node);
/* Drops nodes that no name leads to, counts links again, aborts when the tree is not one. */
void fake_image_fix(FakeImage *image, guint root);
