/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What notifications say. Pure. */
#include "daemon/wording.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "home/base/text.h"

/* Longer names would push the buttons off small notifications. */
#define NAME_CHARS 60

void
tidy_wording_clear(TidyWording *wording)
{
	g_clear_pointer(&wording->summary, g_free);
	g_clear_pointer(&wording->body, g_free);
}

static void
wording_set(TidyWording *wording, char *summary, char *body)
{
	tidy_wording_clear(wording);
	wording->summary = summary;
	wording->body = body;
}

static char *
shorten(char *text)
{
	glong length = g_utf8_strlen(text, -1);
	char *shorter;

	if (length <= NAME_CHARS)
		return text;
	shorter =
		g_strdup_printf("%.*s…",
				(int)(g_utf8_offset_to_pointer(text, NAME_CHARS - 1) - text), text);
	g_free(text);
	return shorter;
}

/* The last component, harmless. */
static char *
name_of(const char *path)
{
	g_autofree char *name = g_path_get_basename(path != NULL ? path : "");

	return shorten(tidy_text_display(name));
}

/* "~/Download" */
static char *
place_of(const char *path, const char *home)
{
	size_t length = home != NULL ? strlen(home) : 0;
	g_autofree char *place = NULL;

	if (length > 1 && strncmp(path, home, length) == 0 && path[length] == '/')
		place = g_strconcat("~", path + length, NULL);
	return shorten(tidy_text_display(place != NULL ? place : path));
}

/* The plural form is chosen by a number that fits ngettext's argument. */
static gulong
plural(guint64 number)
{
	return (gulong)MIN(number, G_MAXULONG);
}

static void
add_line(GString *body, const char *format, guint64 number)
{
	g_autofree char *count = g_strdup_printf("%" G_GUINT64_FORMAT, number);
	g_auto(GStrv) parts = g_strsplit(format, "%s", 2);

	if (number == 0)
		return;
	if (body->len > 0)
		g_string_append_c(body, '\n');
	g_string_append(body, parts[0]);
	if (parts[1] != NULL)
		g_string_append_printf(body, "%s%s", count, parts[1]);
}

void
tidy_wording_question(TidyWording *wording, const TidyWordingCounts *preview, gboolean has_buttons)
{
	g_autofree char *stray = place_of(preview->stray, preview->home);
	g_autofree char *target = place_of(preview->target, preview->home);
	g_autofree char *stray_name = name_of(preview->stray);
	g_autofree char *target_name = name_of(preview->target);
	GString *body = g_string_new(NULL);

	/* TRANSLATORS: two directories: "~/Download", "~/Downloads" */
	g_string_append_printf(body, _("%s belongs into %s."), stray, target);
	add_line(body,
		 ngettext("%s entry would move.", "%s entries would move.", plural(preview->moved)),
		 preview->moved);
	add_line(body,
		 ngettext("%s is already there.", "%s are already there.", plural(preview->folded)),
		 preview->folded);
	add_line(body,
		 ngettext("%s would get a new name.", "%s would get new names.",
			  plural(preview->kept_both)),
		 preview->kept_both);
	add_line(body, ngettext("%s would stay.", "%s would stay.", plural(preview->left)),
		 preview->left);
	g_string_append_printf(body, "\n%s", _("It can be undone."));
	if (!has_buttons)
		g_string_append_printf(body, "\n%s", _("To do it, run: xdgtidy merge"));
	/* TRANSLATORS: two names of directories: "Download", "Downloads" */
	wording_set(wording, g_strdup_printf(_("Merge %s into %s?"), stray_name, target_name),
		    g_string_free(body, FALSE));
}

static char *
merged_summary(const TidyWordingCounts *counts)
{
	g_autofree char *target = name_of(counts->target);
	guint64 number = counts->moved + counts->kept_both + counts->folded;

	if (counts->n_dirs > 1)
		return g_strdup_printf(ngettext("%u directory tidied", "%u directories tidied",
						counts->n_dirs),
				       counts->n_dirs);
	if (number == 0)
		/* TRANSLATORS: the name of an empty directory that was removed goes into the next line */
		return g_strdup(_("An empty directory was removed"));
	/* TRANSLATORS: a number and the name of a directory: "Downloads" */
	return g_strdup_printf(ngettext("%" G_GUINT64_FORMAT " entry merged into %s",
					"%" G_GUINT64_FORMAT " entries merged into %s",
					plural(number)),
			       number, target);
}

void
tidy_wording_merged(TidyWording *wording, const TidyWordingCounts *counts)
{
	GString *body = g_string_new(NULL);

	if (counts->n_dirs == 1 && counts->stray != NULL) {
		g_autofree char *stray = place_of(counts->stray, counts->home);

		g_string_append_printf(body, _("From %s"), stray);
	}
	add_line(body, ngettext("%s moved", "%s moved", plural(counts->moved)), counts->moved);
	add_line(body,
		 ngettext("%s was already there", "%s were already there", plural(counts->folded)),
		 counts->folded);
	add_line(body, ngettext("%s got a new name", "%s got new names", plural(counts->kept_both)),
		 counts->kept_both);
	add_line(body, ngettext("%s stayed", "%s stayed", plural(counts->left)), counts->left);
	if (counts->first_problem != NULL) {
		g_autofree char *problem = tidy_text_display(counts->first_problem);

		g_string_append_printf(body, "\n%s", problem);
	}
	wording_set(wording, merged_summary(counts), g_string_free(body, FALSE));
}

void
tidy_wording_undone(TidyWording *wording, const TidyWordingCounts *counts)
{
	guint64 number = counts->moved + counts->kept_both + counts->folded;
	g_autofree char *stray = name_of(counts->stray);
	GString *body = g_string_new(NULL);

	add_line(body,
		 ngettext("%s changed since and stayed", "%s changed since and stayed",
			  plural(counts->left)),
		 counts->left);
	if (body->len > 0)
		g_string_append_c(body, '\n');
	g_string_append(body, _("It will not be merged again unless you say so."));
	wording_set(wording,
		    /* TRANSLATORS: a number and the name of a directory: "Download" */
		    g_strdup_printf(ngettext("%" G_GUINT64_FORMAT " entry is back in %s",
					     "%" G_GUINT64_FORMAT " entries are back in %s",
					     plural(number)),
				    number, stray),
		    g_string_free(body, FALSE));
}

void
tidy_wording_config_error(TidyWording *wording, const char *where)
{
	g_autofree char *shown = tidy_text_display(where);

	wording_set(wording, g_strdup(_("The settings of xdgtidy are wrong")),
		    g_strdup_printf("%s\n%s", shown, _("The last good settings stay in force.")));
}

void
tidy_wording_failed(TidyWording *wording, const char *message)
{
	wording_set(wording, g_strdup(_("A directory could not be tidied")),
		    tidy_text_display(message));
}

void
tidy_wording_dupes(TidyWording *wording, guint64 bytes, guint64 n_groups)
{
	g_autofree char *size = g_format_size(bytes);

	wording_set(
		wording, g_strdup_printf(_("%s in duplicate files"), size),
		g_strdup_printf(ngettext("%lu group of equal files in your directories. They are "
					 "listed by: xdgtidy dupes",
					 "%lu groups of equal files in your directories. They are "
					 "listed by: xdgtidy dupes",
					 (gulong)n_groups),
				(gulong)n_groups));
}

void
tidy_wording_keyboards(TidyWording *wording, const char *const *names, guint n_names, guint n_all)
{
	GString *body = g_string_new(NULL);

	for (guint i = 0; i < n_names; i++) {
		g_autofree char *name = shorten(tidy_text_display(names[i]));

		g_string_append_printf(body, "%s%s", i > 0 ? "\n" : "", name);
	}
	if (n_all > n_names)
		g_string_append_printf(body, _("\nand %u more"), n_all - n_names);
	wording_set(wording,
		    g_strdup(ngettext("A keyboard is remapped", "Keyboards are remapped", n_all)),
		    g_string_free(body, FALSE));
}

void
tidy_wording_keymap_rejected(TidyWording *wording, const char *where, gboolean is_running)
{
	g_autofree char *shown = tidy_text_display(where);

	wording_set(wording, g_strdup(_("The key configuration is wrong")),
		    g_strdup_printf("%s\n%s", shown,
				    is_running ? _("The last good one stays in force.")
					       : _("No key is remapped.")));
}

void
tidy_wording_keys_no_access(TidyWording *wording, const char *missing, const char *remedy)
{
	/* TRANSLATORS: what is missing, then what to do: a command */
	wording_set(wording, g_strdup(_("No key is remapped")),
		    g_strdup_printf(_("It cannot be done yet: %s.\nTo mend it, %s"), missing,
				    remedy));
}

void
tidy_wording_keys_gave_up(TidyWording *wording, const char *why)
{
	g_autofree char *shown = tidy_text_display(why);

	wording_set(wording, g_strdup(_("Keys are no longer remapped")),
		    g_strdup_printf("%s\n%s", shown,
				    _("The keyboards work as without xdgtidy. To try again, run: "
				      "xdgtidy keys reload")));
}

const char *
tidy_wording_button_merge(void)
{
	return _("Merge");
}

const char *
tidy_wording_button_later(void)
{
	return _("Not now");
}

const char *
tidy_wording_button_never(void)
{
	return _("Never");
}

const char *
tidy_wording_button_undo(void)
{
	return _("Undo");
}

const char *
tidy_wording_button_show(void)
{
	return _("Show");
}
