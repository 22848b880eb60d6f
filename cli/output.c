/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Text for the terminal: colour, width, paths, aligned columns. I/O: asks the terminal, writes to it. */
#include "cli/output.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "home/base/text.h"

#define DEFAULT_WIDTH	   80
#define MIN_WIDTH	   20
#define MAX_CELL_WIDTH	   44
#define COLUMN_GAP	   2
#define NOTE_INDENT	   4
#define DEFAULT_LIST_LIMIT 10

/* ECMA-48 SGR; only the eight colours every terminal and every colour scheme has. */
static const char *const style_codes[] = {
	[TIDY_STYLE_PLAIN] = "",	[TIDY_STYLE_HEAD] = "\033[1m",
	[TIDY_STYLE_DIM] = "\033[2m",	[TIDY_STYLE_GOOD] = "\033[32m",
	[TIDY_STYLE_WARN] = "\033[33m", [TIDY_STYLE_BAD] = "\033[31m",
};

void
tidy_output_init(TidyOutput *out, const char *home)
{
	*out = (TidyOutput){
		.text = g_string_new(NULL),
		.home = tidy_text_display(home),
		.list_limit = DEFAULT_LIST_LIMIT,
	};
}

static gboolean
is_set(const char *variable)
{
	const char *value = g_getenv(variable);

	return value != NULL && *value != '\0';
}

static gboolean
is_forced(const char *variable)
{
	return is_set(variable) && strcmp(g_getenv(variable), "0") != 0;
}

static gboolean
decide_colour(int fd, const char *when)
{
	if (g_strcmp0(when, "always") == 0)
		return TRUE;
	if (g_strcmp0(when, "never") == 0 || is_set("NO_COLOR"))
		return FALSE;
	if (is_forced("CLICOLOR_FORCE") || is_forced("FORCE_COLOR"))
		return TRUE;
	return isatty(fd) == 1 && g_strcmp0(g_getenv("TERM"), "dumb") != 0;
}

guint
tidy_output_terminal_width(int fd)
{
	struct winsize size = { 0 };
	guint64 columns;

	if (isatty(fd) != 1)
		return 0;
	if (g_ascii_string_to_unsigned(is_set("COLUMNS") ? g_getenv("COLUMNS") : "", 10, MIN_WIDTH,
				       1000, &columns, NULL))
		return (guint)columns;
	if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col >= MIN_WIDTH)
		return size.ws_col;
	return DEFAULT_WIDTH;
}

void
tidy_output_init_terminal(TidyOutput *out, const char *home, int fd, const char *colour)
{
	tidy_output_init(out, home);
	out->has_colour = decide_colour(fd, colour);
	out->width = tidy_output_terminal_width(fd);
}

void
tidy_output_clear(TidyOutput *out)
{
	if (out->text != NULL)
		g_string_free(out->text, TRUE);
	g_free(out->home);
	*out = (TidyOutput){ 0 };
}

void
tidy_output_flush(TidyOutput *out, FILE *stream)
{
	fwrite(out->text->str, 1, out->text->len, stream);
	fflush(stream);
	g_string_truncate(out->text, 0);
}

/*
 * Everything passes here, so nothing that came from a disk or a bus can steer the terminal, whatever the caller
 * forgot; only a line end is a line end.
 */
static void
add_harmless(TidyOutput *out, const char *text)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

	for (guint i = 0; lines[i] != NULL; i++) {
		g_autofree char *shown = tidy_text_display(lines[i]);

		g_string_append_printf(out->text, "%s%s", i > 0 ? "\n" : "", shown);
	}
}

static void
add_styled(TidyOutput *out, TidyStyle style, const char *text)
{
	gboolean is_coloured = out->has_colour && style != TIDY_STYLE_PLAIN && *text != '\0';

	if (is_coloured)
		g_string_append(out->text, style_codes[style]);
	add_harmless(out, text);
	if (is_coloured)
		g_string_append(out->text, "\033[0m");
}

void
tidy_output_add(TidyOutput *out, TidyStyle style, const char *format, ...)
{
	g_autofree char *text = NULL;
	va_list args;

	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	add_styled(out, style, text);
}

guint
tidy_output_text_width(const char *text)
{
	guint width = 0;

	for (; *text != '\0'; text = g_utf8_next_char(text)) {
		gunichar c = g_utf8_get_char(text);

		if (!g_unichar_iszerowidth(c))
			width += g_unichar_iswide(c) ? 2 : 1;
	}
	return width;
}

static void
add_spaces(TidyOutput *out, guint n)
{
	g_string_append_printf(out->text, "%*s", (int)n, "");
}

void
tidy_output_paragraph(TidyOutput *out, guint indent, TidyStyle style, const char *text)
{
	g_auto(GStrv) words = g_strsplit(text, " ", -1);
	g_autoptr(GString) line = g_string_new(NULL);

	for (guint i = 0; words[i] != NULL; i++) {
		guint needed = indent + tidy_output_text_width(line->str) + 1 +
			       tidy_output_text_width(words[i]);

		if (out->width > 0 && line->len > 0 && needed > out->width) {
			add_spaces(out, indent);
			add_styled(out, style, line->str);
			g_string_append_c(out->text, '\n');
			g_string_truncate(line, 0);
		}
		if (line->len > 0)
			g_string_append_c(line, ' ');
		g_string_append(line, words[i]);
	}
	add_spaces(out, indent);
	add_styled(out, style, line->str);
	g_string_append_c(out->text, '\n');
}

/* What follows @base in @path: "" for @base itself, NULL outside. */
static const char *
path_below(const char *base, const char *path)
{
	gsize length = strlen(base);

	while (length > 0 && base[length - 1] == '/')
		length--;
	if (length == 0 || strncmp(path, base, length) != 0)
		return NULL;
	if (path[length] == '\0')
		return path + length;
	return path[length] == '/' ? path + length + 1 : NULL;
}

char *
tidy_output_path(const TidyOutput *out, const char *path)
{
	g_autofree char *shown = tidy_text_display(path);
	const char *rest = path_below(out->home, shown);
	g_autofree char *quoted = NULL;

	if (rest == NULL)
		return tidy_text_quote(shown);
	if (*rest == '\0')
		return g_strdup("~");
	quoted = tidy_text_quote(rest);
	return g_strconcat("~/", quoted, NULL);
}

char *
tidy_output_path_in(const TidyOutput *out, const char *base, const char *path)
{
	g_autofree char *shown = tidy_text_display(path);
	g_autofree char *shown_base = tidy_text_display(base);
	const char *rest = path_below(shown_base, shown);

	if (rest == NULL || *rest == '\0')
		return tidy_output_path(out, path);
	return tidy_text_quote(rest);
}

char *
tidy_output_time(const char *rfc3339)
{
	g_autoptr(GDateTime) time = g_date_time_new_from_iso8601(rfc3339, NULL);
	g_autoptr(GDateTime) local = time != NULL ? g_date_time_to_local(time) : NULL;

	return local != NULL ? g_date_time_format(local, "%Y-%m-%d %H:%M")
			     : tidy_text_display(rfc3339);
}

/* ---- tables ---- */

typedef struct {
	TidyStyle style;
	gboolean is_note;
	char *cells[TIDY_TABLE_MAX_COLUMNS];
	guint n_cells;
} Row;

struct TidyTable {
	GPtrArray *rows;
	TidyStyle styles[TIDY_TABLE_MAX_COLUMNS];
	gboolean is_right[TIDY_TABLE_MAX_COLUMNS];
};

static void
row_free(gpointer data)
{
	Row *row = data;

	for (guint i = 0; i < row->n_cells; i++)
		g_free(row->cells[i]);
	g_free(row);
}

TidyTable *
tidy_table_new(void)
{
	TidyTable *table = g_new0(TidyTable, 1);

	table->rows = g_ptr_array_new_with_free_func(row_free);
	return table;
}

void
tidy_table_free(TidyTable *table)
{
	g_ptr_array_unref(table->rows);
	g_free(table);
}

void
tidy_table_set_style(TidyTable *table, guint column, TidyStyle style)
{
	g_assert(column < TIDY_TABLE_MAX_COLUMNS);
	table->styles[column] = style;
}

void
tidy_table_set_right(TidyTable *table, guint column)
{
	g_assert(column < TIDY_TABLE_MAX_COLUMNS);
	table->is_right[column] = TRUE;
}

void
tidy_table_add(TidyTable *table, TidyStyle style, const char *const *cells, guint n_cells)
{
	Row *row = g_new0(Row, 1);

	g_assert(n_cells <= TIDY_TABLE_MAX_COLUMNS);
	row->style = style;
	row->n_cells = n_cells;
	for (guint i = 0; i < n_cells; i++)
		row->cells[i] = tidy_text_display(cells[i] != NULL ? cells[i] : "");
	/* No trailing blanks: empty cells at the end do not exist. */
	while (row->n_cells > 0 && *row->cells[row->n_cells - 1] == '\0')
		g_free(row->cells[--row->n_cells]);
	g_ptr_array_add(table->rows, row);
}

void
tidy_table_add_note(TidyTable *table, TidyStyle style, const char *text)
{
	Row *row = g_new0(Row, 1);

	row->style = style;
	row->is_note = TRUE;
	row->n_cells = 1;
	row->cells[0] = tidy_text_display(text);
	g_ptr_array_add(table->rows, row);
}

static guint
column_width(const TidyTable *table, guint column)
{
	guint widest = 0;

	for (guint i = 0; i < table->rows->len; i++) {
		const Row *row = table->rows->pdata[i];
		guint width =
			column < row->n_cells ? tidy_output_text_width(row->cells[column]) : 0;

		if (width <= MAX_CELL_WIDTH && !row->is_note)
			widest = MAX(widest, width);
	}
	return widest;
}

static void
render_row(const TidyTable *table, const Row *row, const guint *widths, TidyOutput *out)
{
	for (guint i = 0; i < row->n_cells; i++) {
		guint width = tidy_output_text_width(row->cells[i]);
		guint pad = widths[i] > width ? widths[i] - width : 0;
		gboolean is_last = i + 1 == row->n_cells;
		gboolean has_own_style = is_last && row->style != TIDY_STYLE_PLAIN;

		if (table->is_right[i])
			add_spaces(out, pad);
		add_styled(out, has_own_style ? row->style : table->styles[i], row->cells[i]);
		if (!is_last)
			add_spaces(out, (table->is_right[i] ? 0 : pad) + COLUMN_GAP);
	}
	g_string_append_c(out->text, '\n');
}

void
tidy_table_render(const TidyTable *table, TidyOutput *out, guint indent)
{
	guint widths[TIDY_TABLE_MAX_COLUMNS];

	for (guint i = 0; i < TIDY_TABLE_MAX_COLUMNS; i++)
		widths[i] = column_width(table, i);
	for (guint r = 0; r < table->rows->len; r++) {
		const Row *row = table->rows->pdata[r];

		if (row->is_note) {
			tidy_output_paragraph(out, indent + NOTE_INDENT, row->style, row->cells[0]);
			continue;
		}
		add_spaces(out, row->n_cells > 0 ? indent : 0);
		render_row(table, row, widths, out);
	}
}
