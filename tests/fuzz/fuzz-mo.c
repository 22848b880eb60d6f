/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as a .mo catalog: an error, or names that are sound. Pure. */
#include <stdint.h>
#include <string.h>

#include "home/dirs/names.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(TidyNames) names = tidy_names_new();
	g_autoptr(GError) error = NULL;
	int n = tidy_names_add_mo(names, "xx", (const char *)data, size, &error);

	g_assert_cmpint(n < 0, ==, error != NULL);
	g_assert_cmpuint(tidy_names_n_added(names), ==, n < 0 ? 0 : (gsize)n);
	if (n > 0)
		g_assert_cmpint(tidy_names_add_mo(names, "xx", (const char *)data, size, NULL), ==,
				0);
	return 0;
}
