/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of the paths that come over the bus, and of the names of errors. Pure. */
#include <string.h>

#include "daemon/bus.h"
#include "home/service/dbus-errors.h"

#define REFUSED	    (char *)1
#define USAGE	    (char *)2
#define BYTES(text) text, sizeof(text) - 1

static const struct {
	const char *name;
	const char *bytes;
	gsize size;
	const char *expected; /* NULL: default */
} rows[] = {
	{ "empty-is-default", BYTES(""), NULL },
	{ "only-a-zero-is-default", BYTES("\0"), NULL },
	{ "absolute", BYTES("/h/u/Download"), "/h/u/Download" },
	{ "final-zero", BYTES("/h/u/Download\0"), "/h/u/Download" },
	{ "relative-to-the-home", BYTES("Download"), "/h/u/Download" },
	{ "raw-bytes", BYTES("/h/u/D\xff\n"), "/h/u/D\xff\n" },
	{ "dots-inside", BYTES("/h/u/a/../b"), "/h/u/b" },
	{ "zero-inside", BYTES("/h/u/a\0b"), USAGE },
	{ "outside", BYTES("/etc"), REFUSED },
	{ "dots-lead-outside", BYTES("/h/u/../v/x"), REFUSED },
	{ "relative-leads-outside", BYTES("../v"), REFUSED },
	{ "the-home-itself", BYTES("/h/u"), REFUSED },
	{ "the-home-itself-with-slash", BYTES("/h/u/"), REFUSED },
	{ "prefix-is-not-inside", BYTES("/h/user2/x"), REFUSED },
};

static void
test_path(gconstpointer data)
{
	guint i = GPOINTER_TO_UINT(data);
	g_autoptr(GVariant) bytes = g_variant_ref_sink(
		g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, rows[i].bytes, rows[i].size, 1));
	g_autoptr(GError) error = NULL;
	g_autofree char *path = tidy_bus_path(bytes, "/h/u", &error);

	if (rows[i].expected == REFUSED) {
		g_assert_error(error, TIDY_ERROR, TIDY_ERROR_REFUSED);
	} else if (rows[i].expected == USAGE) {
		g_assert_error(error, TIDY_ERROR, TIDY_ERROR_USAGE);
	} else {
		g_assert_no_error(error);
		g_assert_cmpstr(path, ==, rows[i].expected);
	}
}

static void
test_errors_travel(void)
{
	tidy_dbus_errors_register();
	for (int code = TIDY_ERROR_IO; code <= TIDY_ERROR_USAGE; code++) {
		g_autoptr(GError) error = g_error_new_literal(TIDY_ERROR, code, "disk full");
		g_autofree char *name = g_dbus_error_encode_gerror(error);
		g_autoptr(GError) back = g_dbus_error_new_for_dbus_error(name, "disk full");

		g_assert_true(g_str_has_prefix(name, TIDY_DBUS_ERROR_PREFIX));
		g_assert_true(g_str_has_suffix(name, tidy_dbus_error_word((TidyError)code)));
		g_dbus_error_strip_remote_error(back);
		g_assert_error(back, TIDY_ERROR, code);
		g_assert_cmpstr(back->message, ==, "disk full");
	}
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *path = g_strconcat("/bus/path/", rows[i].name, NULL);

		g_test_add_data_func(path, GUINT_TO_POINTER(i), test_path);
	}
	g_test_add_func("/bus/errors-travel", test_errors_travel);
	return g_test_run();
}
