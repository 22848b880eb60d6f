/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs a fuzz target once over each file that is named, and over every prefix of the small ones: a plain test. I/O. */
#include <glib.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Prefixes of a longer file would take too long under valgrind. */
#define PREFIXES_UP_TO 512

/* From memory of exactly that size, so that a read behind it is noticed. */
static void
run_one(const char *data, gsize size)
{
	g_autofree uint8_t *copy = g_malloc(size + 1);

	/* one byte more, because g_malloc(0) is NULL; it stands before the data, not behind */
	memcpy(copy + 1, data, size);
	LLVMFuzzerTestOneInput(copy + 1, size);
}

static void
test_file(gconstpointer path)
{
	g_autofree char *data = NULL;
	g_autoptr(GError) error = NULL;
	gsize size;

	g_file_get_contents(path, &data, &size, &error);
	g_assert_no_error(error);
	run_one(data, size);
	for (gsize i = 0; i < MIN(size, PREFIXES_UP_TO); i++)
		run_one(data, i);
}

static int
compare_names(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Arguments: the folder of the corpus. */
int
main(int argc, char **argv)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GError) error = NULL;
	g_autoptr(GDir) dir = NULL;
	const char *name = NULL;

	g_test_init(&argc, &argv, NULL);
	g_assert_cmpint(argc, ==, 2);
	dir = g_dir_open(argv[1], 0, &error);
	g_assert_no_error(error);
	while ((name = g_dir_read_name(dir)) != NULL)
		g_ptr_array_add(names, g_strdup(name));
	g_ptr_array_sort(names, compare_names);
	g_assert_cmpuint(names->len, >, 0);
	for (guint i = 0; i < names->len; i++) {
		const char *file = g_ptr_array_index(names, i);
		g_autofree char *test = g_strconcat("/corpus/", file, NULL);

		g_test_add_data_func_full(test, g_build_filename(argv[1], file, NULL), test_file,
					  g_free);
	}
	return g_test_run();
}
