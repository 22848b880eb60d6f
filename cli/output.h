/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What goes to the terminal: text is rendered into a TidyOutput and written in one piece. Colour, width and how a
 * path is shown are decided here and nowhere else. I/O: tidy_output_init_terminal(), tidy_output_flush().
 */
#pragma once

#include <glib.h>
#include <stdio.h>

typedef enum {
	TIDY_STYLE_PLAIN,
	TIDY_STYLE_HEAD, /* what a block is about */
	TIDY_STYLE_DIM,	 /* beside the point */
	TIDY_STYLE_GOOD,
	TIDY_STYLE_WARN,
	TIDY_STYLE_BAD,
} TidyStyle;

typedef struct {
	GString *text;	     /* rendered, not yet written */
	char *home;	     /* shown as "~"; displayable form */
	guint width;	     /* columns to wrap prose at; 0: a pipe or a file, nothing is wrapped */
	guint list_limit;    /* how many names of one kind are listed; 0: all */
	gboolean has_colour; /* escape sequences may be used */
} TidyOutput;

/* Plain output, no width, nothing cut: what a pipe gets. @home: raw bytes, absolute. */
void tidy_output_init(TidyOutput *out, const char *home);

/**
 * tidy_output_init_terminal - as tidy_output_init(), with what the terminal behind @fd can do
 * @colour: "always", "never", or "auto" (also NULL): on a terminal unless TERM=dumb; CLICOLOR_FORCE and FORCE_COLOR
 *          (not empty, not "0") switch it on, NO_COLOR (not empty) switches it off and wins
 */
void tidy_output_init_terminal(TidyOutput *out, const char *home, int fd, const char *colour);
void tidy_output_clear(TidyOutput *out);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(TidyOutput, tidy_output_clear)

/* Writes what was rendered and forgets it. */
void tidy_output_flush(TidyOutput *out, FILE *stream);

/* Columns of the terminal behind @fd: COLUMNS, else what the terminal says, else 80; 0 when it is no terminal. */
guint tidy_output_terminal_width(int fd);

void tidy_output_add(TidyOutput *out, TidyStyle style, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* Prose: breaks at spaces to fit the width, each line behind @indent spaces, and ends the line. */
void tidy_output_paragraph(TidyOutput *out, guint indent, TidyStyle style, const char *text);

/* @path as a person reads it and a shell takes it: "~/Downloads", "~/'My files'". (transfer full) */
char *tidy_output_path(const TidyOutput *out, const char *path);

/* @path seen from @base ("a/b.txt" for "~/Download/a/b.txt"); as tidy_output_path() outside. (transfer full) */
char *tidy_output_path_in(const TidyOutput *out, const char *base, const char *path);

/* "2024-05-03 14:02" in local time from RFC 3339; the text itself when it is none. (transfer full) */
char *tidy_output_time(const char *rfc3339);

/* Columns that @text takes on a terminal: wide characters count two, combining ones none. */
guint tidy_output_text_width(const char *text);

/*
 * A block of aligned columns. Cells are copied; a NULL cell is empty. The last column is not padded, and a cell wider
 * than 44 columns does not push the others away.
 */
typedef struct TidyTable TidyTable;
#define TIDY_TABLE_MAX_COLUMNS 6
TidyTable *tidy_table_new(void);
void tidy_table_free(TidyTable *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TidyTable, tidy_table_free)
void tidy_table_set_style(TidyTable *table, guint column, TidyStyle style);
void tidy_table_set_right(TidyTable *table, guint column);
/* @style of the last cell unless it is TIDY_STYLE_PLAIN; else the columns' styles hold. @cells: @n_cells of them. */
void tidy_table_add(TidyTable *table, TidyStyle style, const char *const *cells, guint n_cells);
#define TIDY_TABLE_ROW(table, style, ...)                                  \
	tidy_table_add(table, style, (const char *const[]){ __VA_ARGS__ }, \
		       G_N_ELEMENTS(((const char *const[]){ __VA_ARGS__ })))
/* Prose below the last row: indented deeper, wrapped, not aligned. */
void tidy_table_add_note(TidyTable *table, TidyStyle style, const char *text);
void tidy_table_render(const TidyTable *table, TidyOutput *out, guint indent);
