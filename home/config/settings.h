/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The schema of xdgtidy.conf: one row per setting. Private to home/config. Pure.
 *
 * Everything that must know a setting reads its row: parser, check, show, sample file, manual page.
 */
#pragma once

#include "home/config/config.h"

typedef enum {
	TIDY_SETTING_CHOICE,   /* an enum; the index of the word is its value */
	TIDY_SETTING_NUMBER,   /* gint64 */
	TIDY_SETTING_DURATION, /* gint64, microseconds; written "10s", "2min 30s" */
	TIDY_SETTING_NAMES,    /* char **, names without a slash */
	TIDY_SETTING_ALIASES,  /* char **, "KEY:name" */
} TidySettingType;

/* The section that stands for one section per key: [dirs.DESKTOP], [dirs.DOWNLOAD] ... */
#define TIDY_SETTING_PER_KEY "dirs.*"

typedef struct {
	const char *section;
	const char *key;
	TidySettingType type;
	gsize offset; /* in TidyConfig, or in TidyConfigDirs for TIDY_SETTING_PER_KEY */
	const char *const *choices; /* NULL-terminated, for TIDY_SETTING_CHOICE */
	gint64 minimum, maximum;    /* both allowed; microseconds for a duration */
	const char *unit;	    /* "days", or NULL */
	const char *fallback;	    /* built-in value as written in a file; NULL: as in [dirs] */
	const char *download;	    /* the same for [dirs.DOWNLOAD] where it differs, or NULL */
	gboolean is_live;	    /* a running daemon takes a change over at reload */
	const char *doc;	    /* sentences, for the sample file and the manual page */
} TidySetting;

extern const TidySetting tidy_settings[];
extern const guint tidy_n_settings;

/* Sections as the sample file and `config show` list them: name of the section, and what it is about. */
typedef struct {
	const char *name; /* as in TidySetting.section */
	const char *doc;
} TidySettingSection;

extern const TidySettingSection tidy_setting_sections[];
extern const guint tidy_n_setting_sections;

static inline gboolean
tidy_setting_is_list(const TidySetting *setting)
{
	return setting->type == TIDY_SETTING_NAMES || setting->type == TIDY_SETTING_ALIASES;
}

/* Where a value was set. */
typedef struct {
	const char *file; /* owned by TidyConfigOrigins; NULL: built in */
	guint line;
} TidyOrigin;

struct TidyConfigOrigins {
	GPtrArray *files;			/* the names that the origins point at */
	TidyConfigDirs own[TIDY_CONFIG_N_KEYS]; /* what the sections of the keys say themselves */
	TidyOrigin at[				/* row * (N_KEYS + 1) + column */
	];					/* column 0, or 1 + key for TIDY_SETTING_PER_KEY */
};

/* The index of "DOWNLOAD" in tidy_config_keys, or -1. */
int tidy_config_key_index(const char *key, gssize length);
/* The origin of row @setting; @key: index, or -1 where the section is not per key. */
TidyOrigin *tidy_config_origin(const TidyConfig *config, const TidySetting *setting, int key);
/* Where the parsed value of @setting belongs. */
gpointer tidy_config_member(TidyConfig *config, const TidySetting *setting, int key);
/* Works out config->keys from [dirs], the keys' own settings and the defaults. */
void tidy_config_resolve(TidyConfig *config);

/* ---- values ---- */

/* What is wrong with a value: where in it (bytes from 0) and why. */
typedef struct {
	gsize offset;
	char *message;
} TidyValueError;

/**
 * tidy_value_parse - puts @text, a value as written, into @member as the row says
 * @error: filled on failure; the message is the caller's to free. @member is untouched then.
 *
 * A list is added to what is there. Returns: FALSE when @text is no value of that setting.
 */
gboolean tidy_value_parse(const TidySetting *setting, const char *text, gpointer member,
			  TidyValueError *error);
/* The value as it would be written in a file; (transfer full) */
char *tidy_value_format(const TidySetting *setting, gconstpointer member);
/* "10s", "2min": the largest unit that divides @usec; (transfer full) */
char *tidy_duration_format(gint64 usec);
/* " (did you mean "x"?)" with the nearest of @words, or "" when none is near; (transfer full) */
char *tidy_value_suggest(const char *word, const char *const *words);
