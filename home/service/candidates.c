/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Strays of the home, each with what speaks against merging it. I/O. */
#include <fcntl.h>
#include <string.h>

#include "home/base/error.h"
#include "home/base/text.h"
#include "home/service/service-private.h"

void
tidy_candidate_free(TidyCandidate *candidate)
{
	g_free(candidate->path);
	g_free(candidate->target);
	g_free(candidate->named_target);
	g_free(candidate->key);
	g_clear_pointer(&candidate->findings, g_ptr_array_unref);
	g_clear_pointer(&candidate->facts, tidy_facts_free);
	g_free(candidate);
}

void
tidy_candidates_free(TidyCandidates *candidates)
{
	g_ptr_array_unref(candidates->candidates);
	g_ptr_array_unref(candidates->strays);
	g_clear_pointer(&candidates->claims, tidy_claims_free);
	g_free(candidates->other_host);
	g_free(candidates);
}

/* --- what the home has --- */

static gboolean
collect_directory(const TidyDirent *entry, gpointer data)
{
	if (entry->type == TIDY_TYPE_DIR || entry->type == TIDY_TYPE_LINK ||
	    entry->type == TIDY_TYPE_UNKNOWN)
		g_ptr_array_add(data, g_strdup(entry->name));
	return TRUE;
}

static int
compare_names(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static char **
home_names(TidyService *service)
{
	TidyFs *fs = service->fs;
	GPtrArray *names = g_ptr_array_new();
	int dir = fs->openat(fs, AT_FDCWD, service->home, O_RDONLY | O_DIRECTORY, 0);

	if (dir >= 0) {
		tidy_fs_list(fs, dir, collect_directory, names);
		fs->close(fs, dir);
	}
	g_ptr_array_sort(names, compare_names);
	g_ptr_array_add(names, NULL);
	return (char **)g_ptr_array_free(names, FALSE);
}

static void
add_locale(GPtrArray *locales, const char *value)
{
	g_autofree char *locale =
		value != NULL ? tidy_user_dirs_parse_locale(value, strlen(value)) : NULL;

	if (locale != NULL)
		g_ptr_array_add(locales, g_steal_pointer(&locale));
}

/* What this user has, by the environment, and had, by what xdg-user-dirs wrote down. */
static char **
user_locales(TidyService *service)
{
	static const char *const variables[] = { "LC_ALL", "LC_MESSAGES", "LANG" };
	GPtrArray *locales = g_ptr_array_new();
	const char *languages = g_getenv("LANGUAGE");
	g_auto(GStrv) list = g_strsplit(languages != NULL ? languages : "", ":", -1);

	for (gsize i = 0; i < G_N_ELEMENTS(variables); i++)
		add_locale(locales, g_getenv(variables[i]));
	for (guint i = 0; list[i] != NULL; i++)
		add_locale(locales, list[i]);
	if (service->user_dirs != NULL)
		add_locale(locales, service->user_dirs->locale);
	g_ptr_array_add(locales, NULL);
	return (char **)g_ptr_array_free(locales, FALSE);
}

static GPtrArray *
find_strays(TidyService *service)
{
	g_auto(GStrv) names = home_names(service);
	g_auto(GStrv) locales = user_locales(service);
	TidyStrayRule rules[TIDY_CONFIG_N_KEYS];
	TidyStraysInput input = {
		.home = service->home,
		.names = (const char *const *)names,
		.dirs = service->user_dirs != NULL ? service->user_dirs->dirs : NULL,
		.rules = rules,
		.n_rules = TIDY_CONFIG_N_KEYS,
		.locales = (const char *const *)locales,
	};

	if (input.dirs == NULL)
		return g_ptr_array_new();
	for (gsize i = 0; i < TIDY_CONFIG_N_KEYS; i++)
		rules[i] = (TidyStrayRule){
			.key = tidy_config_keys[i],
			.aliases = (const char *const *)service->config->keys[i].aliases,
			.ignore = NULL, /* patterns: judge() asks the configuration itself */
		};
	return tidy_strays_find(&input);
}

char *
tidy_service_key_of(TidyService *service, const char *stray)
{
	g_autoptr(GPtrArray) strays = find_strays(service);
	g_autofree char *path = g_canonicalize_filename(stray, service->home);

	for (guint i = 0; i < strays->len; i++) {
		const TidyStray *candidate = g_ptr_array_index(strays, i);
		g_autofree char *candidate_path =
			g_build_filename(service->home, candidate->name, NULL);

		if (strcmp(candidate_path, path) == 0)
			return g_strdup(candidate->key);
	}
	return NULL;
}

/* --- what may be done --- */

static TidyMay
lower(TidyMay a, TidyMay b)
{
	return MAX(a, b);
}

static TidyMay
may_by_policy(const TidyCandidate *candidate)
{
	if (candidate->candidate == NULL)
		return TIDY_MAY_PROPOSE;
	switch (candidate->candidate->policy) {
	case TIDY_STRAY_AUTO:
		return TIDY_MAY_MERGE;
	case TIDY_STRAY_PROPOSE:
		return TIDY_MAY_PROPOSE;
	case TIDY_STRAY_REPORT:
		break;
	}
	return TIDY_MAY_REPORT;
}

static TidyMay
may_by_mode(TidyConfigMode mode)
{
	switch (mode) {
	case TIDY_CONFIG_MODE_AUTO:
		return TIDY_MAY_MERGE;
	case TIDY_CONFIG_MODE_ASK:
		return TIDY_MAY_PROPOSE;
	case TIDY_CONFIG_MODE_REPORT:
		break;
	}
	return TIDY_MAY_REPORT;
}

static TidyMay
may_by_guards(const GPtrArray *findings)
{
	switch (tidy_guard_verdict(findings)) {
	case TIDY_VERDICT_AUTO:
	case TIDY_VERDICT_PARTLY:
		return TIDY_MAY_MERGE;
	case TIDY_VERDICT_ASK:
		return TIDY_MAY_PROPOSE;
	case TIDY_VERDICT_REFUSED:
		break;
	}
	return TIDY_MAY_NOT;
}

/* What the user said to this very stray the last time. */
static TidyMay
may_by_answer(TidyService *service, const char *path)
{
	const char *answer = tidy_service_answer(service, path);

	if (g_strcmp0(answer, "never") == 0)
		return TIDY_MAY_REPORT;
	return g_strcmp0(answer, "later") == 0 ? TIDY_MAY_PROPOSE : TIDY_MAY_MERGE;
}

static char *
base_directory(const char *variable, const char *home, const char *fallback)
{
	const char *value = g_getenv(variable);

	return value != NULL && g_path_is_absolute(value) ? g_strdup(value)
							  : g_build_filename(home, fallback, NULL);
}

static TidyClaims *
read_claims(TidyService *service)
{
	g_autofree char *data = base_directory("XDG_DATA_HOME", service->home, ".local/share");
	g_autofree char *state = base_directory("XDG_STATE_HOME", service->home, ".local/state");

	return tidy_claims_read(&(TidyClaimPlaces){
		.home = service->home,
		.named_home = service->named_home,
		.config = service->config_dir,
		.data = data,
		.state = state,
		.system_root = service->system_root,
	});
}

static void
judge(TidyService *service, TidyCandidates *all, TidyCandidate *candidate)
{
	const TidyStray *stray = candidate->candidate;
	const char *key = candidate->key;
	TidyFactsRequest request = {
		.home = service->home,
		.stray = candidate->path,
		.target = candidate->named_target,
		.key = key,
		.dirs = service->user_dirs != NULL ? service->user_dirs->dirs : NULL,
		.candidate = stray,
		.has_consent = key != NULL && tidy_service_has_consent(service, key),
		.other_host = all->other_host,
		.wants_size = all->wants_size,
		.wants_links = all->wants_links,
	};

	if (all->claims == NULL)
		all->claims = read_claims(service);
	request.claims = all->claims;
	candidate->mode =
		key != NULL ? tidy_config_dirs(service->config, key)->mode : TIDY_CONFIG_MODE_ASK;
	candidate->facts = tidy_facts_gather(service->fs, &request);
	candidate->findings = tidy_guard_check(&candidate->facts->guard);
	candidate->may = lower(may_by_policy(candidate), may_by_mode(candidate->mode));
	if (stray != NULL && tidy_config_is_ignored(service->config, key, stray->name))
		candidate->may = lower(candidate->may, TIDY_MAY_REPORT);
	candidate->may = lower(candidate->may, may_by_answer(service, candidate->path));
	if (candidate->may == TIDY_MAY_MERGE && !request.has_consent)
		candidate->may = TIDY_MAY_PROPOSE;
	candidate->may = lower(candidate->may, may_by_guards(candidate->findings));
	if (candidate->target == NULL)
		candidate->may = lower(candidate->may, TIDY_MAY_REPORT);
}

static TidyCandidate *
candidate_new(TidyService *service, TidyCandidates *all, const TidyStray *stray)
{
	TidyCandidate *candidate = g_new0(TidyCandidate, 1);

	candidate->candidate = stray;
	candidate->path = g_build_filename(service->home, stray->name, NULL);
	candidate->key = g_strdup(stray->key);
	candidate->named_target = g_strdup(stray->target);
	candidate->target = stray->target != NULL ? tidy_service_resolve(stray->target) : NULL;
	judge(service, all, candidate);
	return candidate;
}

TidyCandidates *
tidy_service_find_strays(TidyService *service, gboolean wants_size, gboolean wants_links)
{
	TidyCandidates *all = g_new0(TidyCandidates, 1);

	all->wants_size = wants_size;
	all->wants_links = wants_links;
	tidy_engine_is_other_host(service->engine, &all->other_host);
	all->strays = find_strays(service);
	all->candidates = g_ptr_array_new_with_free_func((GDestroyNotify)tidy_candidate_free);
	for (guint i = 0; i < all->strays->len; i++)
		g_ptr_array_add(all->candidates,
				candidate_new(service, all, g_ptr_array_index(all->strays, i)));
	return all;
}

/* --- a stray that the user names --- */

static char *
named_path(TidyService *service, const char *path)
{
	g_autofree char *full = g_canonicalize_filename(path, service->home);
	g_autofree char *parent = g_path_get_dirname(full);
	g_autofree char *name = g_path_get_basename(full);
	g_autofree char *real_parent = tidy_service_resolve(parent);

	/* The last component stays as it is named: a link must be seen as a link. */
	return g_build_filename(real_parent, name, NULL);
}

static const TidyStray *
stray_at(TidyService *service, const TidyCandidates *all, const char *path)
{
	for (guint i = 0; i < all->strays->len; i++) {
		const TidyStray *stray = g_ptr_array_index(all->strays, i);
		g_autofree char *stray_path = g_build_filename(service->home, stray->name, NULL);

		if (strcmp(stray_path, path) == 0)
			return stray;
	}
	return NULL;
}

TidyCandidate *
tidy_service_judge(TidyService *service, TidyCandidates *all, const char *path, const char *target,
		   GError **error)
{
	g_autoptr(TidyCandidate) candidate = g_new0(TidyCandidate, 1);
	g_autofree char *shown = tidy_text_display(path);
	const TidyStray *stray;

	candidate->path = named_path(service, path);
	stray = stray_at(service, all, candidate->path);
	if (!g_file_test(candidate->path, G_FILE_TEST_IS_DIR | G_FILE_TEST_IS_SYMLINK)) {
		g_set_error(error, TIDY_ERROR, TIDY_ERROR_NOT_FOUND, "there is no directory %s",
			    shown);
		return NULL;
	}
	if (target == NULL && (stray == NULL || stray->target == NULL)) {
		g_set_error(error, TIDY_ERROR, TIDY_ERROR_NOT_FOUND,
			    "nothing says where %s belongs; name the target too: xdgtidy merge %s "
			    "TARGET",
			    shown, shown);
		return NULL;
	}
	/* With a target of their own choice the user has said what it is. */
	if (target == NULL) {
		candidate->candidate = stray;
		candidate->named_target = g_strdup(stray->target);
	} else {
		candidate->named_target = g_canonicalize_filename(target, service->home);
	}
	candidate->target = tidy_service_resolve(candidate->named_target);
	candidate->key = stray != NULL ? g_strdup(stray->key) : NULL;
	judge(service, all, candidate);
	return g_steal_pointer(&candidate);
}
