/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Unfinished downloads by their names. Pure.
 *
 * First every entry is tried against the patterns; then each hit looks for its partners by name:
 *  1. X.part, X.crdownload, ... : X when it is empty (the placeholder that keeps the name free);
 *  2. X.aria2: X, whatever its size: it is the download, written in place;
 *  3. X.ytdl, X.part-FragN: X.part and X's other fragments are hits themselves; X when it is empty;
 *  4. X.fNNN.ext.part: the finished tracks X.fNNN.* of the same video, which wait to be joined;
 *  5. XXXXXXXX.ext.part, eight random characters: empty files X.ext, one of which keeps the name
 *     free (Firefox);
 *  6. .~lock.X#, .X.swp, ~$X: X, which is open in an editor.
 * Names alone cannot tell a given-up download from a running one, so a hit that is old and has no
 * writer is stale, together with its partners or not at all.
 */
#include "home/dirs/partial.h"

#include <string.h>

/* How partners of a hit are found. */
typedef enum {
	PARTNER_NONE,
	PARTNER_EMPTY, /* the name without the pattern, when it has no bytes */
	PARTNER_ANY,   /* the name without the pattern */
} PartnerRule;

/* The text before the first star, between two stars (or ""), and after the last: "*" stands for any bytes, at least one. A
 * pattern with two stars has its partner's name in the first one. */
typedef struct {
	const char *pattern;
	const char *head, *middle, *tail;
	guint8 head_len, middle_len, tail_len;
	PartnerRule partner;
	guint8 random; /* so many letters and digits at the end, as of mkstemp(3) */
} Pattern;

#define PATTERN(head_, tail_, partner_, random_)                                          \
	{                                                                                 \
		head_ "*" tail_, head_, "", tail_, sizeof head_ - 1, 0, sizeof tail_ - 1, \
			partner_, random_                                                 \
	}
#define PATTERN_2(middle_, partner_)                                                    \
	{                                                                               \
		"*" middle_ "*", "", middle_, "", 0, sizeof middle_ - 1, 0, partner_, 0 \
	}

static const Pattern patterns[] = {
	PATTERN("", ".part", PARTNER_EMPTY, 0),	       /* Firefox, KIO, yt-dlp, Transmission */
	PATTERN("", ".partial", PARTNER_EMPTY, 0),     /* GNOME Web, axel */
	PATTERN("", ".crdownload", PARTNER_EMPTY, 0),  /* Chromium and what is built on it */
	PATTERN("", ".download", PARTNER_EMPTY, 0),    /* Safari; may be a directory */
	PATTERN("", ".wkdownload", PARTNER_EMPTY, 0),  /* WebKitGTK */
	PATTERN("", ".opdownload", PARTNER_EMPTY, 0),  /* Opera */
	PATTERN("", ".kgetpart", PARTNER_EMPTY, 0),    /* KGet */
	PATTERN("", ".!qB", PARTNER_EMPTY, 0),	       /* qBittorrent */
	PATTERN("", ".!ut", PARTNER_EMPTY, 0),	       /* uTorrent */
	PATTERN("", ".bc!", PARTNER_EMPTY, 0),	       /* BitComet */
	PATTERN("", ".td", PARTNER_EMPTY, 0),	       /* Thunder */
	PATTERN("", ".fdmdownload", PARTNER_EMPTY, 0), /* Free Download Manager */
	PATTERN("", ".filepart", PARTNER_EMPTY, 0),    /* WinSCP */
	PATTERN("", ".wget2tmp", PARTNER_EMPTY, 0),
	PATTERN("", ".tmp", PARTNER_EMPTY, 0),
	PATTERN("", ".aria2", PARTNER_ANY, 0),
	PATTERN("", ".ytdl", PARTNER_EMPTY, 0),
	PATTERN_2(".part-Frag", PARTNER_NONE),
	PATTERN(".org.chromium.Chromium.", "", PARTNER_NONE, 6),
	PATTERN(".com.google.Chrome.", "", PARTNER_NONE, 6),
	PATTERN(".goutputstream-", "", PARTNER_NONE, 0), /* GIO */
	PATTERN(".syncthing.", ".tmp", PARTNER_NONE, 0),
	PATTERN("~syncthing~", ".tmp", PARTNER_NONE, 0),
	PATTERN(".~lock.", "#", PARTNER_ANY, 0), /* LibreOffice */
	PATTERN("~$", "", PARTNER_ANY, 0),	 /* Microsoft Office */
	PATTERN(".", ".kate-swp", PARTNER_ANY, 0),
	PATTERN(".", ".swp", PARTNER_ANY, 0), /* Vim */
	PATTERN(".~", "", PARTNER_NONE, 0),   /* Dropbox */
};

#define RULE_NEXTCLOUD ".X.~hex"
#define RULE_RSYNC     ".X.XXXXXX"
#define RULE_OPEN      "open"
#define RULE_TRACK     "X.fN.ext"
#define RULE_RANDOM    "XXXXXXXX.ext.part"

/* Bit i: patterns[i]. What a name's first and last byte leave over is tried: nothing, for nearly every name, and each entry
 * of each directory is asked about. */
typedef struct {
	guint32 by_first[256];
	guint32 by_last[256];
} Sieve;

G_STATIC_ASSERT(G_N_ELEMENTS(patterns) <= 32);

static void
sieve_fill(Sieve *sieve)
{
	for (gsize i = 0; i < G_N_ELEMENTS(patterns); i++) {
		const Pattern *pattern = &patterns[i];

		for (guint byte = 0; byte < 256; byte++) {
			if (pattern->head_len == 0 || (guint8)pattern->head[0] == byte)
				sieve->by_first[byte] |= 1u << i;
			if (pattern->tail_len == 0 ||
			    (guint8)pattern->tail[pattern->tail_len - 1] == byte)
				sieve->by_last[byte] |= 1u << i;
		}
	}
}

static guint32
sift(guint8 first, guint8 last)
{
	static Sieve sieve;
	static gsize once;

	if (g_once_init_enter(&once)) {
		sieve_fill(&sieve);
		g_once_init_leave(&once, 1);
	}
	return sieve.by_first[first] & sieve.by_last[last];
}

/* Whether @name fits @pattern; @stem and @stem_len get the bytes of its (only, or first) star. */
static gboolean
fits(const Pattern *pattern, const char *name, gsize len, const char **stem, gsize *stem_len)
{
	if (len <= (gsize)pattern->head_len + pattern->tail_len ||
	    memcmp(name, pattern->head, pattern->head_len) != 0 ||
	    memcmp(name + len - pattern->tail_len, pattern->tail, pattern->tail_len) != 0)
		return FALSE;
	len -= pattern->tail_len;
	if (pattern->middle_len > 0) {
		const char *found = strstr(name + pattern->head_len, pattern->middle);

		if (found == NULL || found == name + pattern->head_len ||
		    found[pattern->middle_len] == '\0')
			return FALSE;
		len = (gsize)(found - name);
	}
	*stem = name + pattern->head_len;
	*stem_len = len - pattern->head_len;
	return TRUE;
}

/* Six letters and digits with at least one capital or digit: "Xy3kQ2" but not "config". */
static gboolean
is_random(const char *text, gsize len)
{
	gboolean is_mixed = FALSE;

	for (gsize i = 0; i < len; i++) {
		if (!g_ascii_isalnum(text[i]))
			return FALSE;
		is_mixed = is_mixed || !g_ascii_islower(text[i]);
	}
	return is_mixed;
}

/* ".X.~1a2b": Nextcloud; ".X.Ab3dE6": rsync. */
static const char *
hidden_rule(const char *name)
{
	const char *dot = *name == '.' ? strrchr(name, '.') : NULL;

	if (dot == NULL || dot == name || dot == name + 1)
		return NULL;
	if (dot[1] == '~' && dot[2]) {
		for (const char *p = dot + 2; *p; p++)
			if (!g_ascii_isxdigit(*p))
				return NULL;
		return RULE_NEXTCLOUD;
	}
	return strlen(dot + 1) == 6 && is_random(dot + 1, 6) ? RULE_RSYNC : NULL;
}

static const Pattern *
find_pattern(const char *name, const char **stem, gsize *stem_len)
{
	gsize len = strlen(name);
	guint32 left = sift((guint8)name[0], len > 0 ? (guint8)name[len - 1] : 0);

	for (; left != 0; left &= left - 1) {
		const Pattern *pattern = &patterns[g_bit_nth_lsf(left, -1)];

		if (!fits(pattern, name, len, stem, stem_len))
			continue;
		if (pattern->random &&
		    (*stem_len != pattern->random || !is_random(*stem, *stem_len)))
			continue;
		return pattern;
	}
	return NULL;
}

const char *
tidy_partial_rule(const char *name)
{
	const char *stem;
	gsize stem_len;
	const Pattern *pattern = find_pattern(name, &stem, &stem_len);

	return pattern ? pattern->pattern : hidden_rule(name);
}

typedef struct {
	const TidyPartialEntry *entries;
	gsize n;
	GHashTable *index; /* name -> index + 1 */
	TidyPartialMark *marks;
} Scan;

static gboolean
find_index(const Scan *scan, const char *name, gsize *i)
{
	gpointer found = g_hash_table_lookup(scan->index, name);

	if (!found)
		return FALSE;
	*i = GPOINTER_TO_SIZE(found) - 1;
	return TRUE;
}

/* Ties entry @i to the hit @hit; an entry that is a hit itself stays one. */
static void
tie(Scan *scan, gsize i, gsize hit, const char *rule)
{
	if (scan->marks[i].kind != TIDY_PARTIAL_NO)
		return;
	scan->marks[i] = (TidyPartialMark){ TIDY_PARTIAL_PARTNER, rule, hit, FALSE };
	scan->marks[hit].partner = i;
}

static void
mark_hits(Scan *scan)
{
	for (gsize i = 0; i < scan->n; i++) {
		const char *rule = tidy_partial_rule(scan->entries[i].name);

		if (!rule && scan->entries[i].is_open)
			rule = RULE_OPEN;
		scan->marks[i].partner = i;
		if (rule) {
			scan->marks[i].kind = TIDY_PARTIAL_UNFINISHED;
			scan->marks[i].rule = rule;
		}
	}
}

/* "Ab3_dE6z.pdf.part" gives ".pdf": base64 of six random bytes, "/" as "_" (Firefox, names of its temporary files). */
static char *
random_extension(const char *name)
{
	const char *dot = strchr(name, '.');
	gboolean is_mixed = FALSE;

	if (!g_str_has_suffix(name, ".part") || dot == NULL || dot - name != 8 ||
	    strlen(dot) <= strlen(".part"))
		return NULL;
	for (const char *p = name; p < dot; p++) {
		if (!g_ascii_isalnum(*p) && strchr("+-_", *p) == NULL)
			return NULL;
		is_mixed = is_mixed || !g_ascii_islower(*p);
	}
	return is_mixed ? g_strndup(dot, strlen(dot) - strlen(".part")) : NULL;
}

/* Case 5: which of several empty files it is, nobody can tell. */
static void
tie_placeholders(Scan *scan, gsize i)
{
	g_autofree char *extension = random_extension(scan->entries[i].name);

	for (gsize j = 0; extension != NULL && j < scan->n; j++) {
		const TidyPartialEntry *other = &scan->entries[j];

		if (other->size == 0 && !other->is_dir && g_str_has_suffix(other->name, extension))
			tie(scan, j, i, RULE_RANDOM);
	}
}

/* Cases 1, 2, 3 and 6: the partner that the pattern of entry @i names. */
static void
tie_by_pattern(Scan *scan, gsize i)
{
	const char *stem;
	gsize stem_len, other;
	const Pattern *pattern = find_pattern(scan->entries[i].name, &stem, &stem_len);
	g_autofree char *name = NULL;

	if (!pattern || pattern->partner == PARTNER_NONE)
		return;
	name = g_strndup(stem, stem_len);
	if (find_index(scan, name, &other) &&
	    (pattern->partner == PARTNER_ANY || scan->entries[other].size == 0))
		tie(scan, other, i, pattern->pattern);
}

/* The length of X in "X.f137.mp4" or "X.f137.mp4.part" (yt-dlp), or 0. */
static gsize
track_stem(const char *name)
{
	for (const char *dot = strstr(name, ".f"); dot; dot = strstr(dot + 1, ".f")) {
		const char *p = dot + 2;

		while (g_ascii_isdigit(*p))
			p++;
		if (dot > name && p > dot + 2 && (*p == '.' || *p == '-'))
			return (gsize)(dot - name);
	}
	return 0;
}

/* Case 4: finished tracks of a video of which another track is a hit. */
static void
tie_tracks(Scan *scan)
{
	g_autoptr(GHashTable) stems = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

	for (gsize i = 0; i < scan->n; i++) {
		gsize len = track_stem(scan->entries[i].name);

		if (len > 0 && scan->marks[i].kind == TIDY_PARTIAL_UNFINISHED)
			g_hash_table_insert(stems, g_strndup(scan->entries[i].name, len),
					    GSIZE_TO_POINTER(i + 1));
	}
	for (gsize i = 0; i < scan->n; i++) {
		gsize len = track_stem(scan->entries[i].name);
		g_autofree char *stem = g_strndup(scan->entries[i].name, len);
		gpointer hit = len > 0 ? g_hash_table_lookup(stems, stem) : NULL;

		if (hit)
			tie(scan, i, GPOINTER_TO_SIZE(hit) - 1, RULE_TRACK);
	}
}

static gboolean
is_old(const TidyPartialEntry *entry, gint64 now_ns, gint64 stale_ns)
{
	/* An unknown time, or one in the future, is not old. */
	return stale_ns > 0 && entry->mtime_ns > 0 && !entry->is_open && entry->mtime_ns < now_ns &&
	       now_ns - entry->mtime_ns > stale_ns;
}

/* A hit and its partners are stale together or not at all. */
static void
mark_stale(Scan *scan, gint64 now_ns, gint64 stale_ns)
{
	for (gsize i = 0; i < scan->n; i++)
		scan->marks[i].is_stale = scan->marks[i].kind != TIDY_PARTIAL_NO &&
					  is_old(&scan->entries[i], now_ns, stale_ns);
	/* A fresh partner keeps its hit, then a kept hit all of its partners. */
	for (gsize i = 0; i < scan->n; i++)
		if (scan->marks[i].kind == TIDY_PARTIAL_PARTNER && !scan->marks[i].is_stale)
			scan->marks[scan->marks[i].partner].is_stale = FALSE;
	for (gsize i = 0; i < scan->n; i++)
		if (scan->marks[i].kind == TIDY_PARTIAL_PARTNER &&
		    !scan->marks[scan->marks[i].partner].is_stale)
			scan->marks[i].is_stale = FALSE;
}

GArray *
tidy_partial_scan(const TidyPartialEntry *entries, gsize n, gint64 now_ns, gint64 stale_ns)
{
	GArray *marks = g_array_sized_new(FALSE, TRUE, sizeof(TidyPartialMark), (guint)n);
	g_autoptr(GHashTable) index = g_hash_table_new(g_str_hash, g_str_equal);
	Scan scan = { entries, n, index, NULL };

	g_array_set_size(marks, (guint)n);
	scan.marks = (TidyPartialMark *)(gpointer)marks->data;
	for (gsize i = 0; i < n; i++)
		g_hash_table_insert(index, (gpointer)entries[i].name, GSIZE_TO_POINTER(i + 1));
	mark_hits(&scan);
	for (gsize i = 0; i < n; i++) {
		tie_by_pattern(&scan, i);
		tie_placeholders(&scan, i);
	}
	tie_tracks(&scan);
	mark_stale(&scan, now_ns, stale_ns);
	return marks;
}
