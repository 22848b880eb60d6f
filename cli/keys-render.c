/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Report "keys" as a person reads it. Pure. */
#include <glib/gi18n.h>
#include <string.h>

#include "cli/keys-ask.h"
#include "cli/report-read.h"

static const struct {
	const char *state;
	TidyStyle style;
	const char *text;
} states[] = {
	{ "off", TIDY_STYLE_DIM, N_("No key is remapped") },
	{ "none", TIDY_STYLE_DIM, N_("No key is remapped: there is no keyremap.conf") },
	{ "broken", TIDY_STYLE_BAD, N_("No key is remapped: keyremap.conf is wrong") },
	{ "starting", TIDY_STYLE_WARN, N_("No key is remapped yet") },
	{ "running", TIDY_STYLE_GOOD, N_("Keys are remapped") },
	{ "waiting", TIDY_STYLE_WARN, N_("No key is remapped until your session is in front") },
	{ "no-access", TIDY_STYLE_BAD, N_("No key is remapped") },
	{ "failed", TIDY_STYLE_BAD, N_("No key is remapped any more") },
};

/* Of the flags, those that mean that the keyboards are as without us. */
static const char *const off_flags[] = { "panic",     "suspended", "inactive", "lock-ungrabs",
					 "no-uinput", "asleep",	   NULL };

static gboolean
has_flag(GVariant *report, const char *const *wanted)
{
	g_autofree const char **flags = NULL;

	if (!g_variant_lookup(report, "flags", "^a&s", &flags))
		return FALSE;
	for (guint i = 0; flags[i] != NULL; i++)
		if (g_strv_contains(wanted, flags[i]))
			return TRUE;
	return FALSE;
}

static void
render_state(TidyOutput *out, GVariant *report)
{
	const char *state = tidy_report_str(report, "state");
	const char *text = tidy_report_str(report, "text");
	const char *remedy = tidy_report_str(report, "remedy");
	TidyStyle style = TIDY_STYLE_PLAIN;
	const char *head = state;

	for (guint i = 0; i < G_N_ELEMENTS(states); i++)
		if (strcmp(states[i].state, state) == 0) {
			style = states[i].style;
			head = _(states[i].text);
		}
	if (strcmp(state, "running") == 0 && has_flag(report, off_flags)) {
		style = TIDY_STYLE_WARN;
		head = _("No key is remapped now");
	}
	tidy_output_add(out, style, "%s", head);
	tidy_output_add(out, TIDY_STYLE_PLAIN, "%s%s\n", *text != '\0' ? ": " : "", text);
	if (*remedy != '\0')
		tidy_output_add(out, TIDY_STYLE_PLAIN, _("To mend it, %s\n"), remedy);
}

static void
render_problems(TidyOutput *out, GVariant *report)
{
	for (gsize i = 0; i < tidy_report_list_length(report, "problems"); i++) {
		g_autoptr(GVariant) problem = tidy_report_list_item(report, "problems", i);
		const char *severity = tidy_report_str(problem, "severity");
		guint64 line = tidy_report_uint(problem, "line");

		if (strcmp(severity, "note") == 0)
			continue;
		if (line != 0)
			tidy_output_add(out, TIDY_STYLE_PLAIN,
					"%s:%" G_GUINT64_FORMAT ":%" G_GUINT64_FORMAT ": ",
					tidy_report_str(problem, "file"), line,
					tidy_report_uint(problem, "column"));
		tidy_output_add(out,
				strcmp(severity, "error") == 0 ? TIDY_STYLE_BAD : TIDY_STYLE_WARN,
				"%s:", severity);
		tidy_output_add(out, TIDY_STYLE_PLAIN, " %s\n", tidy_report_str(problem, "text"));
	}
}

static void
add_keymap(TidyTable *table, const TidyOutput *out, GVariant *report)
{
	g_autoptr(GVariant) keymap = tidy_report_dict(report, "keymap");
	const char *file = tidy_report_str(keymap, "file");
	g_autofree char *shown = NULL;
	g_autofree char *text = NULL;

	if (*file == '\0')
		return;
	shown = tidy_output_path(out, file);
	text = g_strdup_printf(_("%s, %" G_GUINT64_FORMAT " layers, %" G_GUINT64_FORMAT
				 " commands%s"),
			       shown, tidy_report_uint(keymap, "layers"),
			       tidy_report_uint(keymap, "commands"),
			       tidy_report_bool(keymap, "trial") ? _("; on trial") : "");
	TIDY_TABLE_ROW(table, TIDY_STYLE_PLAIN, _("keymap"), text);
}

static void
add_layers(TidyTable *table, GVariant *report)
{
	g_autofree const char **layers = NULL;
	g_autofree char *text = NULL;

	if (!g_variant_lookup(report, "layers", "^a&s", &layers) || layers[0] == NULL)
		return;
	text = g_strjoinv(" ", (char **)layers);
	TIDY_TABLE_ROW(table, TIDY_STYLE_PLAIN, _("layers on"), text);
}

static void
add_counts(TidyTable *table, GVariant *report)
{
	g_autoptr(GVariant) counts = tidy_report_dict(report, "counts");
	g_autofree char *text =
		g_strdup_printf(_("%" G_GUINT64_FORMAT " key events, %" G_GUINT64_FORMAT
				  " writes, %" G_GUINT64_FORMAT
				  " times events were lost by the kernel"),
				tidy_report_uint(counts, "events"),
				tidy_report_uint(counts, "frames"),
				tidy_report_uint(counts, "overruns"));

	TIDY_TABLE_ROW(table, TIDY_STYLE_PLAIN, _("counts"), text);
}

static void
render_helper(TidyOutput *out, GVariant *report)
{
	const char *how = tidy_report_str(report, "how");
	const char *seat = tidy_report_str(report, "seat");
	g_autoptr(TidyTable) table = tidy_table_new();
	g_autofree char *helper = NULL;
	g_autofree char *lock = NULL;

	if (*how == '\0')
		return;
	helper = g_strdup_printf("%s%s%s",
				 strcmp(how, "service") == 0
					 ? _("the system's service")
					 : _("started by the daemon, with your own rights"),
				 *seat != '\0' ? ", " : "", seat);
	lock = g_strdup_printf("%s%s", tidy_report_str(report, "on-lock"),
			       tidy_report_bool(report, "locked") ? _(" (locked now)") : "");
	TIDY_TABLE_ROW(table, TIDY_STYLE_PLAIN, _("helper"), helper);
	add_keymap(table, out, report);
	add_layers(table, report);
	TIDY_TABLE_ROW(table, TIDY_STYLE_PLAIN, _("on lock"), lock);
	add_counts(table, report);
	tidy_table_render(table, out, 2);
}

void
tidy_render_keys_devices(TidyOutput *out, GVariant *report, gboolean all_devices)
{
	g_autoptr(TidyTable) table = tidy_table_new();
	gsize count = tidy_report_list_length(report, "devices");
	gsize n_left = 0;

	for (gsize i = 0; i < count; i++) {
		g_autoptr(GVariant) device = tidy_report_list_item(report, "devices", i);
		const char *state = tidy_report_str(device, "state");
		const char *why = tidy_report_str(device, "text");
		g_autofree char *text = g_strconcat(state, *why != '\0' ? ": " : "", why, NULL);

		if (!all_devices && strcmp(state, "ignored") == 0) {
			n_left++;
			continue;
		}
		TIDY_TABLE_ROW(table, TIDY_STYLE_PLAIN, tidy_report_str(device, "node"),
			       tidy_report_str(device, "id"), tidy_report_str(device, "name"),
			       text);
	}
	tidy_table_render(table, out, all_devices ? 0 : 2);
	if (n_left > 0)
		tidy_output_add(out, TIDY_STYLE_DIM,
				ngettext("  %" G_GSIZE_FORMAT
					 " device is left alone; see: xdgtidy keys devices\n",
					 "  %" G_GSIZE_FORMAT
					 " devices are left alone; see: xdgtidy keys devices\n",
					 (gulong)n_left),
				n_left);
	if (all_devices && count == 0)
		tidy_output_add(out, TIDY_STYLE_PLAIN, "%s\n",
				*tidy_report_str(report, "how") != '\0'
					? _("There is no keyboard.")
					: _("No helper runs that could tell; see: xdgtidy keys "
					    "status"));
}

void
tidy_render_keys(TidyOutput *out, GVariant *report)
{
	const char *unwatched = tidy_report_str(report, "unwatched");

	render_state(out, report);
	render_problems(out, report);
	if (*unwatched != '\0')
		tidy_output_add(out, TIDY_STYLE_WARN, _("Limited: %s\n"), unwatched);
	render_helper(out, report);
	if (tidy_report_list_length(report, "devices") == 0)
		return;
	tidy_output_add(out, TIDY_STYLE_HEAD, "%s\n", _("Devices"));
	tidy_render_keys_devices(out, report, FALSE);
}
