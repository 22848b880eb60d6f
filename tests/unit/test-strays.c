/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which names in $HOME are strays, of which key, and what may be done with them at most. */
#include <string.h>

#include "home/dirs/strays.h"

#define HOME "/home/ann"
#define ENGLISH                                  \
	"XDG_DESKTOP_DIR=\"$HOME/Desktop\"\n"    \
	"XDG_DOWNLOAD_DIR=\"$HOME/Downloads\"\n" \
	"XDG_MUSIC_DIR=\"$HOME/Music\"\n"        \
	"XDG_PUBLICSHARE_DIR=\"$HOME/\"\n"
#define FRENCH "XDG_DOWNLOAD_DIR=\"$HOME/Téléchargements\"\n"
#define CUSTOM "XDG_DOWNLOAD_DIR=\"$HOME/DL\"\nXDG_FOO_DIR=\"$HOME/Café\"\n"

/* expected: "KEY class policy locale" with flags: "!" not the user's locale, "-" ignored; NULL: no
 * stray */
typedef struct {
	const char *title;
	const char *dirs;
	const char *locales; /* first is the present one; blanks between */
	const char *name;
	const char *expected;
} Case;

static const Case cases[] = {
	{ "origin", ENGLISH, "en_US", "Download", "DOWNLOAD xdg-historic auto C" },
	{ "target", ENGLISH, "en_US", "Downloads", NULL },
	{ "other", ENGLISH, "en_US", "src", NULL },
	{ "french-now-english", ENGLISH, "en_US fr_FR", "Téléchargements",
	  "DOWNLOAD localized propose fr" },
	{ "never-german", ENGLISH, "en_US", "Musik", "MUSIC localized propose !" },
	{ "once-german", ENGLISH, "en_US de_AT", "Musik", "MUSIC localized propose de" },
	{ "now-german", ENGLISH, "de_DE", "Musik", "MUSIC localized auto de" },
	{ "french-singular", FRENCH, "fr_FR", "Téléchargement", "DOWNLOAD xdg-historic auto fr" },
	{ "english-in-french-home", FRENCH, "fr_FR", "Downloads", "DOWNLOAD localized auto C" },
	{ "english-singular-in-french-home", FRENCH, "fr_FR", "Download",
	  "DOWNLOAD xdg-historic auto C" },
	{ "decomposed", FRENCH, "fr_FR", "Te\314\201le\314\201chargements",
	  "DOWNLOAD spelling propose fr" },
	{ "blank-at-end", ENGLISH, "en_US", "Downloads ", "DOWNLOAD spelling propose C" },
	{ "case", ENGLISH, "en_US", "downloads", "DOWNLOAD case propose " },
	{ "case-of-historic", ENGLISH, "en_US", "download", "DOWNLOAD case propose C" },
	{ "foreign", ENGLISH, "en_US", "My Music", "MUSIC foreign propose " },
	{ "numbered", ENGLISH, "en_US", "Downloads (1)", "DOWNLOAD numbered report C" },
	{ "disabled", ENGLISH, "en_US", "Public", "PUBLICSHARE localized report C" },
	{ "unset-default", ENGLISH, "en_US", "Pictures", NULL },
	{ "unset-historic", FRENCH, "en_US", "Arbeitsfläche", "DESKTOP xdg-historic report !" },
	{ "unset-localized", FRENCH, "fr_FR", "Musik", "MUSIC localized report !" },
	{ "no-file", "", "en_US", "Download", "DOWNLOAD xdg-historic report C" },
	{ "custom-case", CUSTOM, "en_US", "dl", "DOWNLOAD case propose " },
	{ "custom-copy", CUSTOM, "en_US", "DL (2)", "DOWNLOAD numbered report " },
	{ "custom-key-decomposed", CUSTOM, "en_US", "Cafe\314\201", "FOO spelling propose " },
	{ "custom-key-itself", CUSTOM, "en_US", "Café", NULL },
	{ "custom-target", CUSTOM, "en_US", "Downloads", "DOWNLOAD localized auto C" },
	{ "alias", ENGLISH, "en_US", "Incoming", "DOWNLOAD alias auto " },
	{ "alias-by-tilde", ENGLISH, "en_US", "Inbox", "DOWNLOAD alias auto " },
	{ "alias-by-path", ENGLISH, "en_US", "In", "DOWNLOAD alias auto " },
	{ "alias-deeper", ENGLISH, "en_US", "deep", NULL },
	{ "ignored", ENGLISH, "en_US", "Descargas", "DOWNLOAD localized report !-" },
	{ "ignored-for-all", ENGLISH, "en_US", "My Documents", "DOCUMENTS foreign report -" },
	{ "not-utf8", ENGLISH, "en_US", "Download\xff", NULL },
	{ "no-locale", ENGLISH, NULL, "Download", "DOWNLOAD xdg-historic auto C" },
	{ "modifier", ENGLISH, "sr_RS@latin", "Muzika", "MUSIC localized auto sr@latin" },
};

static const char *const aliases[] = { "Incoming", "~/Inbox", HOME "/In/", "a/deep", NULL };
static const char *const ignored[] = { "Descargas", NULL };
static const char *const ignored_all[] = { "$HOME/My Documents", NULL };
static const TidyStrayRule rules[] = { { "DOWNLOAD", aliases, ignored },
				       { NULL, NULL, ignored_all } };

static char *
describe(const TidyStray *stray)
{
	return g_strdup_printf("%s %s %s %s%s%s", stray->key, tidy_stray_class_name(stray->klass),
			       tidy_stray_policy_name(stray->policy),
			       stray->is_user_locale ? stray->locale : "",
			       stray->is_user_locale ? "" : "!", stray->is_ignored ? "-" : "");
}

static void
test_case(gconstpointer data)
{
	const Case *c = data;
	const char *const names[] = { c->name, NULL };
	g_auto(GStrv) locales = c->locales ? g_strsplit(c->locales, " ", 0) : NULL;
	g_autoptr(TidyUserDirs) dirs = tidy_user_dirs_parse(c->dirs, strlen(c->dirs), HOME);
	g_autoptr(GPtrArray) strays = tidy_strays_find(&(TidyStraysInput){
		.home = HOME,
		.names = names,
		.dirs = dirs,
		.rules = rules,
		.n_rules = G_N_ELEMENTS(rules),
		.locales = (const char *const *)locales,
	});
	g_autofree char *got = NULL;
	const TidyStray *stray;

	g_assert_cmpuint(strays->len, ==, c->expected ? 1 : 0);
	if (!c->expected)
		return;
	stray = g_ptr_array_index(strays, 0);
	got = describe(stray);
	g_assert_cmpstr(got, ==, c->expected);
	g_assert_cmpint(stray->target != NULL, ==, stray->key_state == TIDY_DIR_SET);
}

/* A catalog may give a name to two keys; nobody can say then which one a directory was. */
static void
test_ambiguous(void)
{
	/* "Music" is "Documents" in this catalog */
	static const char mo[] =
		"\xde\x12\x04\x95\0\0\0\0\1\0\0\0\x1c\0\0\0\x24\0\0\0\0\0\0\0\0\0\0\0"
		"\5\0\0\0\x2c\0\0\0"
		"\x09\0\0\0\x32\0\0\0"
		"Music\0Documents";
	static const char text[] = ENGLISH "XDG_DOCUMENTS_DIR=\"$HOME/Docs\"\n";
	g_autoptr(TidyNames) names = tidy_names_new();
	g_autoptr(TidyUserDirs) dirs = tidy_user_dirs_parse(text, strlen(text), HOME);
	g_autoptr(GPtrArray) strays = NULL;
	const char *const home_names[] = { "Documents", NULL };
	const TidyStray *stray;

	g_assert_cmpint(tidy_names_add_mo(names, "xx", mo, sizeof mo, NULL), ==, 1);
	strays = tidy_strays_find(&(TidyStraysInput){
		.home = HOME, .names = home_names, .dirs = dirs, .more_names = names });
	g_assert_cmpuint(strays->len, ==, 1);
	stray = g_ptr_array_index(strays, 0);
	g_assert_true(stray->is_ambiguous);
	g_assert_cmpint(stray->policy, ==, TIDY_STRAY_REPORT);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *name = g_strconcat("/strays/", cases[i].title, NULL);

		g_test_add_data_func(name, &cases[i], test_case);
	}
	g_test_add_func("/strays/ambiguous", test_ambiguous);
	return g_test_run();
}
