/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Values of xdgtidy.conf: words, numbers, durations and lists, read and written. Pure. */
#include "home/base/text.h"
#include "home/config/settings.h"

#include <string.h>

/* More names than any home has; keeps a file of noise from costing quadratic time. */
#define MAX_LIST 1000
/* NAME_MAX (limits.h) is 255 bytes: a longer name cannot exist. */
#define MAX_NAME 255
/* Longest word that is compared for a suggestion, bytes. */
#define MAX_WORD 40

static gboolean
fail(TidyValueError *error, gsize offset, char *message)
{
	error->offset = offset;
	error->message = message;
	return FALSE;
}

/* ---- suggestions ---- */

/* Edit distance (insert, delete, replace, swap of neighbours count 1 each), ASCII case ignored. */
static guint
distance(const char *a, const char *b)
{
	guint rows[3][MAX_WORD + 1];
	guint *before = rows[0], *last = rows[1], *now = rows[2];
	gsize n = strlen(a), m = strlen(b);

	if (n > MAX_WORD || m > MAX_WORD)
		return G_MAXUINT;
	for (gsize j = 0; j <= m; j++)
		last[j] = (guint)j;
	for (gsize i = 1; i <= n; i++) {
		guint *spare = before;

		now[0] = (guint)i;
		for (gsize j = 1; j <= m; j++) {
			char x = g_ascii_tolower(a[i - 1]), y = g_ascii_tolower(b[j - 1]);

			now[j] = MIN(MIN(last[j], now[j - 1]) + 1, last[j - 1] + (x != y));
			if (i > 1 && j > 1 && x == g_ascii_tolower(b[j - 2]) &&
			    y == g_ascii_tolower(a[i - 2]))
				now[j] = MIN(now[j], before[j - 2] + 1);
		}
		before = last;
		last = now;
		now = spare;
	}
	return last[m];
}

char *
tidy_value_suggest(const char *word, const char *const *words)
{
	guint best = G_MAXUINT;
	const char *nearest = NULL;

	for (gsize i = 0; words[i] != NULL; i++) {
		guint d = distance(word, words[i]);

		if (d < best) {
			best = d;
			nearest = words[i];
		}
	}
	/* Two letters in five may be wrong: "lvl" is meant for "level", but "a" hardly for "ask". */
	if (nearest == NULL || best * 5 > strlen(nearest) * 2)
		return g_strdup("");
	return g_strdup_printf(" (did you mean \"%s\"?)", nearest);
}

/* "auto, ask or report" */
static char *
list_words(const char *const *words)
{
	GString *out = g_string_new(NULL);

	for (gsize i = 0; words[i] != NULL; i++) {
		if (i > 0)
			g_string_append(out, words[i + 1] == NULL ? " or " : ", ");
		g_string_append(out, words[i]);
	}
	return g_string_free(out, FALSE);
}

/* ---- words, numbers, durations ---- */

static gboolean
parse_choice(const TidySetting *setting, const char *text, int *member, TidyValueError *error)
{
	g_autofree char *words = list_words(setting->choices);
	g_autofree char *shown = tidy_text_display(text);
	g_autofree char *hint = tidy_value_suggest(text, setting->choices);

	for (int i = 0; setting->choices[i] != NULL; i++) {
		if (strcmp(setting->choices[i], text) == 0) {
			*member = i;
			return TRUE;
		}
	}
	if (*text == '\0')
		return fail(error, 0, g_strdup_printf("a value is missing: %s", words));
	if (strstr(text, " #") != NULL)
		return fail(error, (gsize)(strstr(text, " #") - text + 1),
			    g_strdup("a comment after a value begins with \" ;\", not \"#\""));
	return fail(error, 0, g_strdup_printf("\"%s\" is none of %s%s", shown, words, hint));
}

/* Decimal digits at *@p, moved past them. FALSE without digits or above @maximum. */
static gboolean
take_number(const char **p, gint64 maximum, gint64 *number)
{
	const char *start = *p;
	gint64 value = 0;

	for (; g_ascii_isdigit(**p); (*p)++) {
		int digit = g_ascii_digit_value(**p);

		if (value > (maximum - digit) / 10)
			return FALSE;
		value = value * 10 + digit;
	}
	*number = value;
	return *p > start;
}

static gboolean
parse_number(const TidySetting *setting, const char *text, gint64 *member, TidyValueError *error)
{
	const char *p = text;
	gint64 value;
	g_autofree char *range = g_strdup_printf("a whole number from %" G_GINT64_FORMAT
						 " to %" G_GINT64_FORMAT "%s%s is expected",
						 setting->minimum, setting->maximum,
						 setting->unit == NULL ? "" : " ",
						 setting->unit == NULL ? "" : setting->unit);

	if (!take_number(&p, G_MAXINT64 / 2, &value) || value < setting->minimum ||
	    value > setting->maximum)
		return fail(error, 0, g_steal_pointer(&range));
	if (*p != '\0')
		return fail(error, (gsize)(p - text), g_steal_pointer(&range));
	*member = value;
	return TRUE;
}

typedef struct {
	const char *name;
	gint64 usec;
} DurationUnit;

/* Largest first; of two of the same size the first is written. */
#define SECOND ((gint64)G_USEC_PER_SEC)
static const DurationUnit duration_units[] = {
	{ "d", 24 * 3600 * SECOND },
	{ "h", 3600 * SECOND },
	{ "min", 60 * SECOND },
	{ "m", 60 * SECOND },
	{ "s", SECOND },
	{ "sec", SECOND },
	{ "ms", 1000 },
};

/* The unit that the letters at *@p name, moved past them; 0: none. */
static gint64
take_unit(const char **p)
{
	gsize length = 0;

	while (g_ascii_isalpha((*p)[length]))
		length++;
	for (gsize i = 0; i < G_N_ELEMENTS(duration_units); i++) {
		const DurationUnit *unit = &duration_units[i];

		if (strlen(unit->name) == length && memcmp(unit->name, *p, length) == 0) {
			*p += length;
			return unit->usec;
		}
	}
	return 0;
}

static const char *
skip_blanks(const char *p)
{
	while (*p == ' ' || *p == '\t')
		p++;
	return p;
}

char *
tidy_duration_format(gint64 usec)
{
	for (gsize i = 0; i < G_N_ELEMENTS(duration_units); i++) {
		const DurationUnit *unit = &duration_units[i];

		if (usec >= unit->usec && usec % unit->usec == 0)
			return g_strdup_printf("%" G_GINT64_FORMAT "%s", usec / unit->usec,
					       unit->name);
	}
	/* what is read is a multiple of a millisecond */
	return g_strdup_printf("%" G_GINT64_FORMAT "ms", usec / 1000);
}

/* One or more of "2min": number, unit, with blanks allowed around each. */
static gboolean
parse_duration(const TidySetting *setting, const char *text, gint64 *member, TidyValueError *error)
{
	g_autofree char *low = tidy_duration_format(setting->minimum);
	g_autofree char *high = tidy_duration_format(setting->maximum);
	const char *p = text;
	gint64 sum = 0;

	do {
		const char *start = p;
		gint64 number, unit;

		if (!take_number(&p, setting->maximum, &number))
			return fail(error, (gsize)(start - text),
				    g_strdup_printf(
					    "a time from %s to %s is expected, such as 10s or 2min",
					    low, high));
		p = skip_blanks(p);
		unit = take_unit(&p);
		if (unit == 0)
			return fail(error, (gsize)(p - text),
				    g_strdup("a unit is expected: ms, s, min, h or d"));
		if (number > (setting->maximum - sum) / unit)
			return fail(error, 0, g_strdup_printf("longer than %s", high));
		sum += number * unit;
		p = skip_blanks(p);
	} while (*p != '\0');
	if (sum < setting->minimum)
		return fail(error, 0, g_strdup_printf("shorter than %s", low));
	*member = sum;
	return TRUE;
}

/* ---- lists ---- */

/* NULL when @item may be in the list, else why not; (transfer full) */
static char *
check_item(const TidySetting *setting, const char *item)
{
	const char *name = item;

	if (setting->type == TIDY_SETTING_ALIASES) {
		const char *colon = strchr(item, ':');

		if (colon == NULL)
			return g_strdup("KEY:name is expected, such as DOWNLOAD:Incoming");
		if (tidy_config_key_index(item, colon - item) < 0) {
			g_autofree char *key = g_strndup(item, (gsize)(colon - item));
			g_autofree char *shown = tidy_text_display(key);
			g_autofree char *hint = tidy_value_suggest(key, tidy_config_keys);

			return g_strdup_printf("unknown key \"%s\"%s", shown, hint);
		}
		name = colon + 1;
	}
	if (*name == '\0')
		return g_strdup("a name is missing");
	if (strchr(name, '/') != NULL)
		return g_strdup("a name in the home is expected, without \"/\"");
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return g_strdup("\".\" and \"..\" are not names of directories");
	if (strlen(name) > MAX_NAME)
		return g_strdup_printf("a name has at most %d bytes", MAX_NAME);
	return NULL;
}

/* Takes one item up to "," or the end, undoing "\," "\;" "\\"; NULL with @error at another backslash. */
static char *
take_item(const char *text, const char **p, TidyValueError *error)
{
	g_autoptr(GString) item = g_string_new(NULL);
	gsize kept = 0; /* blanks at the end go, except escaped ones */

	*p = skip_blanks(*p);
	for (; **p != '\0' && **p != ','; (*p)++) {
		gboolean is_escape = **p == '\\';

		if (is_escape) {
			(*p)++;
			if (**p == '\0' || strchr(",;\\", **p) == NULL) {
				fail(error, (gsize)(*p - text - 1),
				     g_strdup("after \"\\\" one of , ; \\ is expected"));
				return NULL;
			}
		}
		g_string_append_c(item, **p);
		if (is_escape || (**p != ' ' && **p != '\t'))
			kept = item->len;
	}
	g_string_truncate(item, kept);
	/* File managers and shells write NFC; a decomposed name typed here would never match. */
	return g_utf8_normalize(item->str, -1, G_NORMALIZE_NFC);
}

static gboolean
parse_items(const TidySetting *setting, const char *text, GPtrArray *items, TidyValueError *error)
{
	const char *p = text;

	while (*skip_blanks(p) != '\0') {
		gsize offset = (gsize)(skip_blanks(p) - text);
		char *item = take_item(text, &p, error);
		char *problem = NULL;

		if (item == NULL)
			return FALSE;
		g_ptr_array_add(items, item);
		problem = check_item(setting, item);
		if (problem != NULL)
			return fail(error, offset, problem);
		if (items->len > MAX_LIST)
			return fail(error, offset,
				    g_strdup_printf("more than %d names in a list", MAX_LIST));
		if (*p == ',')
			p++;
	}
	return TRUE;
}

static gboolean
parse_list(const TidySetting *setting, const char *text, char ***member, TidyValueError *error)
{
	g_autoptr(GPtrArray) items = g_ptr_array_new_with_free_func(g_free);

	for (gsize i = 0; (*member)[i] != NULL; i++)
		g_ptr_array_add(items, g_strdup((*member)[i]));
	if (!parse_items(setting, text, items, error))
		return FALSE;
	g_ptr_array_add(items, NULL);
	g_strfreev(*member);
	*member = (char **)g_ptr_array_steal(items, NULL);
	return TRUE;
}

static char *
format_list(char *const *list)
{
	GString *out = g_string_new(NULL);

	for (gsize i = 0; list[i] != NULL; i++) {
		if (i > 0)
			g_string_append(out, ", ");
		for (const char *p = list[i]; *p != '\0'; p++) {
			if (strchr(",;\\", *p) != NULL)
				g_string_append_c(out, '\\');
			g_string_append_c(out, *p);
		}
	}
	return g_string_free(out, FALSE);
}

/* ---- all of them ---- */

gboolean
tidy_value_parse(const TidySetting *setting, const char *text, gpointer member,
		 TidyValueError *error)
{
	switch (setting->type) {
	case TIDY_SETTING_CHOICE:
		return parse_choice(setting, text, member, error);
	case TIDY_SETTING_NUMBER:
		return parse_number(setting, text, member, error);
	case TIDY_SETTING_DURATION:
		return parse_duration(setting, text, member, error);
	case TIDY_SETTING_NAMES:
	case TIDY_SETTING_ALIASES:
		return parse_list(setting, text, member, error);
	}
	g_assert_not_reached();
}

char *
tidy_value_format(const TidySetting *setting, gconstpointer member)
{
	switch (setting->type) {
	case TIDY_SETTING_CHOICE:
		return g_strdup(setting->choices[*(const int *)member]);
	case TIDY_SETTING_NUMBER:
		return g_strdup_printf("%" G_GINT64_FORMAT, *(const gint64 *)member);
	case TIDY_SETTING_DURATION:
		return tidy_duration_format(*(const gint64 *)member);
	case TIDY_SETTING_NAMES:
	case TIDY_SETTING_ALIASES:
		return format_list(*(char **const *)member);
	}
	g_assert_not_reached();
}
