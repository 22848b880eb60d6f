/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Fuzzes the core of the duplicate finder: any set of files of one size must fall into exactly the groups that a naive
 * comparison finds. Input: 2 bytes size, 1 byte blocks kept, then edits of 4 bytes each: "new file, a copy of file
 * n", or "write byte b at the place p of the last file". Pure.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/dupes-model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_FILES 64

static void
edit(TidyModel *model, const uint8_t *at)
{
	guint8 *last = model->files->pdata[model->files->len - 1];

	if (at[0] % 4 == 0 && model->files->len < MAX_FILES) {
		const guint8 *from = model->files->pdata[at[1] % model->files->len];

		memcpy(tidy_model_add(model), from, model->size);
	} else {
		last[((gsize)at[1] << 8 | at[2]) * 7 % model->size] = at[3];
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(TidyModel) model = NULL;

	if (size < 7)
		return 0;
	model = tidy_model_new(1 + ((gsize)data[0] << 8 | data[1]));
	tidy_model_add(model);
	for (size_t i = 3; i + 4 <= size; i += 4)
		edit(model, data + i);
	if (model->files->len < 2)
		return 0;
	tidy_model_solve(model, data[2] % 8);
	if (tidy_model_problem(model) != NULL)
		abort();
	return 0;
}
