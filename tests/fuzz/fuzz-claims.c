/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as the file of every program of the table: absolute, normalised paths, not too many. Pure. */
#include <stdint.h>

#include "home/dirs/claims.h"
#include "home/dirs/user-dirs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	gsize n;
	const TidyClaimSource *sources = tidy_claim_sources(&n);

	for (gsize i = 0; i < n; i++) {
		g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);

		tidy_claims_parse(&sources[i], (const char *)data, size, "/home/ann", paths);
		g_assert_cmpuint(paths->len, <=, TIDY_CLAIM_PATHS_MAX);
		for (guint j = 0; j < paths->len; j++) {
			g_autofree char *again = tidy_dirs_normalise(g_ptr_array_index(paths, j));

			g_assert_true(g_path_is_absolute(again));
			g_assert_cmpstr(again, ==, g_ptr_array_index(paths, j));
		}
	}
	return 0;
}
