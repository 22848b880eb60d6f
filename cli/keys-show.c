/* SPDX-License-Identifier: GPL-3.0-or-later */
/* xdgtidy keys show: a picture of the keyboard for each layer, in the terminal or as SVG. I/O: standard output. */
#include <string.h>
#include <unistd.h>

#include "cli/cmd-keys.h"
#include "keys/remap/action-table.h"
#include "keys/remap/print.h"

/* A key of the picture: evdev code and width in quarters of a key. Every row is 60 quarters wide. */
typedef struct {
	guint16 code;
	guint8 width;
} Cap;

enum { ROWS = 6, CAPS = 15, ROW_WIDTH = 60, CELL = 2, UNIT = 16 };

static const Cap board[ROWS][CAPS] = {
	{ { 1, 8 },
	  { 59, 4 },
	  { 60, 4 },
	  { 61, 4 },
	  { 62, 4 },
	  { 63, 4 },
	  { 64, 4 },
	  { 65, 4 },
	  { 66, 4 },
	  { 67, 4 },
	  { 68, 4 },
	  { 87, 4 },
	  { 88, 4 },
	  { 111, 4 } },
	{ { 41, 4 },
	  { 2, 4 },
	  { 3, 4 },
	  { 4, 4 },
	  { 5, 4 },
	  { 6, 4 },
	  { 7, 4 },
	  { 8, 4 },
	  { 9, 4 },
	  { 10, 4 },
	  { 11, 4 },
	  { 12, 4 },
	  { 13, 4 },
	  { 14, 8 } },
	{ { 15, 6 },
	  { 16, 4 },
	  { 17, 4 },
	  { 18, 4 },
	  { 19, 4 },
	  { 20, 4 },
	  { 21, 4 },
	  { 22, 4 },
	  { 23, 4 },
	  { 24, 4 },
	  { 25, 4 },
	  { 26, 4 },
	  { 27, 4 },
	  { 43, 6 } },
	{ { 58, 7 },
	  { 30, 4 },
	  { 31, 4 },
	  { 32, 4 },
	  { 33, 4 },
	  { 34, 4 },
	  { 35, 4 },
	  { 36, 4 },
	  { 37, 4 },
	  { 38, 4 },
	  { 39, 4 },
	  { 40, 4 },
	  { 28, 9 } },
	{ { 42, 6 },
	  { 86, 4 },
	  { 44, 4 },
	  { 45, 4 },
	  { 46, 4 },
	  { 47, 4 },
	  { 48, 4 },
	  { 49, 4 },
	  { 50, 4 },
	  { 51, 4 },
	  { 52, 4 },
	  { 53, 4 },
	  { 54, 10 } },
	{ { 29, 6 },
	  { 125, 5 },
	  { 56, 5 },
	  { 57, 24 },
	  { 100, 5 },
	  { 126, 5 },
	  { 127, 5 },
	  { 97, 5 } },
};

/* What stands on one key. */
typedef struct {
	char *tap, *hold; /* hold may be "" */
	gboolean is_changed;
} Label;

static void
label_clear(Label *label)
{
	g_free(label->tap);
	g_free(label->hold);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Label, label_clear)

static const struct {
	guint16 code;
	const char *text;
} short_names[] = {
	{ 1, "Esc" },	 { 14, "Bksp" },   { 15, "Tab" },   { 28, "Enter" }, { 29, "Ctrl" },
	{ 42, "Shift" }, { 54, "Shift" },  { 56, "Alt" },   { 57, "Space" }, { 58, "Caps" },
	{ 97, "Ctrl" },	 { 100, "AltGr" }, { 125, "Meta" }, { 126, "Meta" }, { 127, "Menu" },
	{ 111, "Del" },	 { 105, "←" },	   { 106, "→" },    { 103, "↑" },    { 108, "↓" },
	{ 104, "PgUp" }, { 109, "PgDn" },  { 102, "Home" }, { 107, "End" },  { 110, "Insert" },
};

static char *
key_label(const TidyKeys *keys, guint16 code, guint8 mods)
{
	const guint8 typing = REMAP_MOD_SHIFT | REMAP_MOD_ALTGR;
	const char *name = remap_key_name(code);
	char text[16], prefix[10];

	remap_layout_label(keys->layout, code, mods, text);
	remap_mods_print(*text ? mods & (guint8)~typing : mods, prefix);
	for (guint i = 0; i < G_N_ELEMENTS(short_names); i++)
		if (short_names[i].code == code)
			name = short_names[i].text;
	return g_strdup_printf("%s%s%s", prefix, *prefix ? "-" : "",
			       *text  ? text
			       : name ? name
				      : "?");
}

static void
append(void *data, const char *text)
{
	g_string_append(data, text);
}

static void
describe(const TidyKeys *keys, const RemapAction *action, Label *label)
{
	const RemapKeymap *keymap = keys->keymap;
	g_autoptr(GString) text = g_string_new(NULL);
	Label inner = { 0 };

	switch ((int)action->op) {
	case REMAP_OP_KEY:
		label->tap = key_label(keys, action->code, action->mods);
		label->hold = g_strdup("");
		return;
	case REMAP_OP_OVERLOAD:
	case REMAP_OP_OVERLOADT:
	case REMAP_OP_OVERLOADT2:
	case REMAP_OP_OVERLOADH:
		describe(keys, &keymap->actions[action->a], &inner);
		label->tap = inner.tap;
		g_free(inner.hold);
		label->hold = g_strdup(keymap->layers[action->code].name);
		return;
	case REMAP_OP_OVERLOADI:
		describe(keys, &keymap->actions[action->b], label);
		return;
	case REMAP_OP_LAYER:
	case REMAP_OP_LAYERM:
		label->tap = g_strdup("");
		label->hold = g_strdup(keymap->layers[action->code].name);
		return;
	default:
		remap_action_print(keymap, action, append, text);
		label->tap = g_string_free(g_steal_pointer(&text), FALSE);
		label->hold = g_strdup("");
		return;
	}
}

static void
find_label(const TidyKeys *keys, unsigned layer, guint16 code, Label *label)
{
	const RemapBinding *binding = remap_keymap_binding(keys->keymap, layer, code);

	if (binding && !binding->builtin) {
		describe(keys, &keys->keymap->actions[binding->action], label);
		label->is_changed = TRUE;
		return;
	}
	label->tap = layer == 0 || binding ? key_label(keys, code, 0) : g_strdup("");
	label->hold = g_strdup("");
}

static gboolean
is_on_board(guint16 code)
{
	for (guint row = 0; row < ROWS; row++)
		for (guint i = 0; i < CAPS && board[row][i].width; i++)
			if (board[row][i].code == code)
				return TRUE;
	return FALSE;
}

/* "F13: x", "j+k: esc": what has no place in the picture. */
static GPtrArray *
list_others(const TidyKeys *keys, unsigned layer)
{
	const RemapKeymap *keymap = keys->keymap;
	GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);

	for (guint16 code = 1; code < REMAP_KEYS; code++) {
		const RemapBinding *binding = remap_keymap_binding(keymap, layer, code);
		g_autoptr(GString) text = g_string_new(remap_key_name(code));

		if (!binding || binding->builtin || is_on_board(code))
			continue;
		g_string_append(text, " = ");
		remap_action_print(keymap, &keymap->actions[binding->action], append, text);
		g_ptr_array_add(lines, g_string_free(g_steal_pointer(&text), FALSE));
	}
	for (size_t i = 0; i < keymap->chord_count; i++) {
		const RemapChord *chord = &keymap->chords[i];
		g_autoptr(GString) text = g_string_new(NULL);

		if (chord->layer != layer || !chord->action)
			continue;
		for (unsigned k = 0; k < chord->count; k++)
			g_string_append_printf(text, "%s%s", k ? "+" : "",
					       remap_key_name(chord->keys[k]));
		g_string_append(text, " = ");
		remap_action_print(keymap, &keymap->actions[chord->action], append, text);
		g_ptr_array_add(lines, g_string_free(g_steal_pointer(&text), FALSE));
	}
	for (size_t i = 0; i < keymap->sequence_count; i++) {
		const RemapSequence *sequence = &keymap->sequences[i];
		g_autoptr(GString) text = g_string_new(NULL);

		if (sequence->layer != layer)
			continue;
		for (unsigned k = 0; k < sequence->count; k++)
			g_string_append_printf(text, "%s%s", k ? " " : "",
					       remap_key_name(sequence->keys[k]));
		g_string_append(text, " = ");
		remap_action_print(keymap, &keymap->actions[sequence->action], append, text);
		g_ptr_array_add(lines, g_string_free(g_steal_pointer(&text), FALSE));
	}
	return lines;
}

static gboolean
is_shown(const RemapKeymap *keymap, unsigned layer)
{
	if (layer == 0 || !keymap->layers[layer].builtin)
		return TRUE;
	for (size_t i = 0; i < keymap->binding_count; i++)
		if (keymap->bindings[i].layer == layer && keymap->bindings[i].action)
			return TRUE;
	for (size_t i = 0; i < keymap->chord_count; i++)
		if (keymap->chords[i].layer == layer)
			return TRUE;
	return FALSE;
}

static char *
layer_title(const RemapKeymap *keymap, unsigned layer)
{
	char mods[10];

	remap_mods_print(keymap->layers[layer].mods, mods);
	return *mods ? g_strdup_printf("%s (%s)", keymap->layers[layer].name, mods)
		     : g_strdup(keymap->layers[layer].name);
}

/* ---- terminal ---- */

static void
print_cell(const char *text, guint columns, gboolean is_changed, gboolean has_colour)
{
	g_autofree char *cut =
		g_utf8_substring(text, 0, MIN(g_utf8_strlen(text, -1), (glong)columns - 2));
	guint used = (guint)g_utf8_strlen(cut, -1);
	gboolean is_marked = is_changed && *cut;

	printf("%s%s%s%s%*s|", is_marked && has_colour ? "\033[1;7m" : "",
	       is_marked && !has_colour ? "*" : "", cut, is_marked && has_colour ? "\033[0m" : "",
	       (int)(columns - 1 - used - (is_marked && !has_colour)), "");
}

static void
print_rule(void)
{
	putchar('+');
	for (guint i = 1; i < ROW_WIDTH * CELL; i++)
		putchar('-');
	puts("+");
}

static void
print_row(const TidyKeys *keys, unsigned layer, const Cap *row, gboolean has_colour)
{
	for (guint line = 0; line < 2; line++) {
		putchar('|');
		for (guint i = 0; i < CAPS && row[i].width; i++) {
			g_auto(Label) label = { 0 };

			find_label(keys, layer, row[i].code, &label);
			print_cell(line ? label.hold : label.tap, row[i].width * CELL,
				   label.is_changed, has_colour);
		}
		putchar('\n');
	}
}

static void
print_layer(const TidyKeys *keys, unsigned layer, gboolean has_colour)
{
	g_autoptr(GPtrArray) others = list_others(keys, layer);
	g_autofree char *title = layer_title(keys->keymap, layer);

	printf("%s\n", title);
	print_rule();
	for (guint row = 0; row < ROWS; row++) {
		print_row(keys, layer, board[row], has_colour);
		print_rule();
	}
	for (guint i = 0; i < others->len; i++)
		printf("  %s\n", (char *)g_ptr_array_index(others, i));
	putchar('\n');
}

/* ---- SVG ---- */

static void
draw_text(guint x, guint y, guint width, guint size, const char *style, const char *text)
{
	/* About 0.6 of the size for a letter: smaller letters rather than a text beyond its key. */
	guint letters = (guint)g_utf8_strlen(text, -1);
	guint fitting = letters ? MIN(size, width * 10 / (letters * 6)) : size;
	g_autofree char *cut = g_utf8_substring(text, 0, MIN((glong)letters, (glong)width / 4));
	g_autofree char *safe = NULL;

	fitting = MAX(fitting, 7);
	if (letters * fitting * 6 / 10 > width) {
		g_autofree char *head = g_utf8_substring(
			text, 0, MIN((glong)letters, (glong)(width * 10 / (fitting * 6)) - 1));
		g_free(cut);
		cut = g_strconcat(head, "…", NULL);
	}
	safe = g_markup_escape_text(cut, -1);
	printf("<text x=\"%u\" y=\"%u\" font-size=\"%u\" %s>%s</text>\n", x, y, fitting, style,
	       safe);
}

static void
draw_cap(guint x, guint y, guint width, const Label *label)
{
	printf("<rect x=\"%u\" y=\"%u\" width=\"%u\" height=\"54\" rx=\"7\" fill=\"%s\" "
	       "stroke=\"%s\"/>\n",
	       x + 2, y + 2, width - 4, label->is_changed ? "#cfe6ff" : "#f6f5f4",
	       label->is_changed ? "#1a5fb4" : "#c0bfbc");
	draw_text(x + width / 2, y + (*label->hold ? 27 : 34), width - 10, 17,
		  label->is_changed ? "font-weight=\"bold\" fill=\"#1a3a6e\"" : "fill=\"#5e5c64\"",
		  label->tap);
	draw_text(x + width / 2, y + 47, width - 10, 12, "fill=\"#1a5fb4\"", label->hold);
}

static guint
draw_layer(const TidyKeys *keys, unsigned layer, guint y)
{
	g_autoptr(GPtrArray) others = list_others(keys, layer);
	g_autofree char *title = layer_title(keys->keymap, layer);
	g_autofree char *safe = g_markup_escape_text(title, -1);

	printf("<text x=\"12\" y=\"%u\" font-size=\"18\" font-weight=\"bold\" "
	       "text-anchor=\"start\" fill=\"#241f31\">%s</text>\n",
	       y + 22, safe);
	y += 32;
	for (guint row = 0; row < ROWS; row++, y += 58) {
		guint x = 10;

		for (guint i = 0; i < CAPS && board[row][i].width; i++) {
			g_auto(Label) label = { 0 };
			guint width = board[row][i].width * UNIT;

			find_label(keys, layer, board[row][i].code, &label);
			draw_cap(x, y, width, &label);
			x += width;
		}
	}
	for (guint i = 0; i < others->len; i++, y += 18) {
		g_autofree char *line = g_markup_escape_text(g_ptr_array_index(others, i), -1);

		printf("<text x=\"14\" y=\"%u\" font-size=\"13\" text-anchor=\"start\" "
		       "fill=\"#241f31\">%s</text>\n",
		       y + 16, line);
	}
	return y + 16;
}

static guint
layer_height(const TidyKeys *keys, unsigned layer)
{
	g_autoptr(GPtrArray) others = list_others(keys, layer);

	return 32 + ROWS * 58 + others->len * 18 + 16;
}

static void
draw(const TidyKeys *keys)
{
	guint height = 8, y = 8;

	for (unsigned i = 0; i < keys->keymap->layer_count; i++)
		height += is_shown(keys->keymap, i) ? layer_height(keys, i) : 0;
	printf("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%u\" height=\"%u\" viewBox=\"0 0 "
	       "%u %u\" "
	       "font-family=\"Cantarell, 'DejaVu Sans', sans-serif\" text-anchor=\"middle\">\n"
	       "<rect width=\"100%%\" height=\"100%%\" fill=\"#ffffff\"/>\n",
	       ROW_WIDTH * UNIT + 20, height, ROW_WIDTH * UNIT + 20, height);
	for (unsigned i = 0; i < keys->keymap->layer_count; i++)
		if (is_shown(keys->keymap, i))
			y = draw_layer(keys, i, y);
	puts("</svg>");
}

int
tidy_keys_show(int argc, char **argv, const char *synopsis)
{
	g_auto(TidyKeysLayout) wanted = { 0 };
	gboolean is_svg = FALSE;
	g_auto(TidyKeys) keys = { 0 };
	const GOptionEntry options[] = {
		{ "svg", 0, 0, G_OPTION_ARG_NONE, &is_svg, "write an SVG picture", NULL },
		G_OPTION_ENTRY_NULL,
	};

	if (!tidy_keys_parse(&argc, &argv, synopsis, options, &wanted) || argc > 2)
		return 2;
	if (!tidy_keys_open_layout(&keys, &wanted))
		return 2;
	if (!tidy_keys_load(&keys, argc > 1 ? argv[1] : NULL, FALSE))
		return 1;
	if (is_svg) {
		draw(&keys);
		return 0;
	}
	for (unsigned i = 0; i < keys.keymap->layer_count; i++)
		if (is_shown(keys.keymap, i))
			print_layer(&keys, i, isatty(STDOUT_FILENO));
	return 0;
}
