/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a home's owner can ask for: settings, user directories and the engine under one roof. I/O. */
#include "home/service/service.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "home/base/error.h"
#include "home/dirs/user-dirs-file.h"
#include "home/engine/engine.h"
#include "home/service/report.h"
#include "home/service/service-private.h"

#define ANSWERS_FILE  "answers"
#define ANSWERS_GROUP "Answers" /* stray's path, escaped = answer;seconds;key */
#define PAUSED_FILE   "paused"

/* --- set-up --- */

static char *
real_path(const char *path)
{
	char *real = realpath(path, NULL);
	char *copy = g_strdup(real != NULL ? real : path);

	free(real);
	return copy;
}

/* @path without links as far as it exists; what does not exist yet is kept as it is named. */
char *
tidy_service_resolve(const char *path)
{
	g_autofree char *parent = NULL;
	g_autofree char *name = NULL;
	g_autofree char *real_parent = NULL;
	char *real = realpath(path, NULL);

	if (real != NULL || strcmp(path, "/") == 0) {
		char *copy = g_strdup(real != NULL ? real : path);

		free(real);
		return copy;
	}
	parent = g_path_get_dirname(path);
	name = g_path_get_basename(path);
	real_parent = tidy_service_resolve(parent);
	return g_build_filename(real_parent, name, NULL);
}

static char *
directory_or(const char *given, const char *variable, const char *home, const char *fallback)
{
	const char *value = given != NULL ? given : g_getenv(variable);

	/* The base directory specification: a relative path is to be ignored. */
	if (value != NULL && g_path_is_absolute(value))
		return g_strdup(value);
	return g_build_filename(home, fallback, NULL);
}

static gboolean
open_engine(TidyService *service, GError **error)
{
	g_autofree char *data = directory_or(NULL, "XDG_DATA_HOME", service->home, ".local/share");
	g_autofree char *trash = g_build_filename(data, "Trash", NULL);
	g_autofree char *real_trash = tidy_service_resolve(trash);
	g_autoptr(TidyHost) host = tidy_host_here(service->system_root);
	TidyPlaces places = {
		.host = host,
		.home = service->home,
		.state_dir = service->state_dir,
		.trash = real_trash,
	};

	service->engine = tidy_engine_new(service->fs, &places, error);
	return service->engine != NULL;
}

static gboolean
find_home(TidyService *service, const char *given, GError **error)
{
	const char *home = given != NULL ? given : g_get_home_dir();

	if (home == NULL || !g_path_is_absolute(home) || !g_file_test(home, G_FILE_TEST_IS_DIR)) {
		g_set_error(error, TIDY_ERROR, TIDY_ERROR_USAGE,
			    "there is no home directory (HOME is \"%s\"); set HOME to one",
			    home != NULL ? home : "");
		return FALSE;
	}
	service->home = real_path(home);
	service->named_home = tidy_dirs_normalise(home);
	return TRUE;
}

TidyService *
tidy_service_new(const TidyServiceOptions *options, GError **error)
{
	g_autoptr(TidyService) service = g_new0(TidyService, 1);
	g_autofree char *state = NULL;

	service->fs = options->fs != NULL ? options->fs : tidy_fs_linux();
	if (!find_home(service, options->home, error))
		return NULL;
	service->config_dir =
		directory_or(options->config_dir, "XDG_CONFIG_HOME", service->home, ".config");
	if (options->state_dir != NULL) {
		state = g_strdup(options->state_dir);
	} else {
		g_autofree char *base =
			directory_or(NULL, "XDG_STATE_HOME", service->home, ".local/state");

		state = g_build_filename(base, "xdgtidy", NULL);
	}
	service->state_dir = tidy_service_resolve(state);
	service->cache_dir = directory_or(NULL, "XDG_CACHE_HOME", service->home, ".cache");
	service->sysconf_dir = g_strdup(options->sysconf_dir);
	service->system_root = g_strdup(options->system_root != NULL ? options->system_root : "/");
	if (!open_engine(service, error))
		return NULL;
	service->config = tidy_config_new_defaults();
	service->answers = g_key_file_new();
	service->untended = g_array_new(FALSE, FALSE, sizeof(guint64));
	tidy_service_reload(service, NULL);
	return g_steal_pointer(&service);
}

void
tidy_service_free(TidyService *service)
{
	g_clear_pointer(&service->engine, tidy_engine_free);
	g_clear_pointer(&service->config, tidy_config_free);
	g_clear_pointer(&service->user_dirs, tidy_user_dirs_files_free);
	g_clear_pointer(&service->answers, g_key_file_unref);
	g_clear_pointer(&service->untended, g_array_unref);
	g_free(service->cache_dir);
	g_free(service->config_error);
	g_free(service->user_dirs_error);
	g_free(service->answer);
	g_free(service->home);
	g_free(service->config_dir);
	g_free(service->state_dir);
	g_free(service->sysconf_dir);
	g_free(service->system_root);
	g_free(service->named_home);
	g_free(service);
}

static gboolean
reload_config(TidyService *service, GError **error)
{
	g_auto(GStrv) paths = tidy_config_paths(service->config_dir, service->sysconf_dir);
	g_autoptr(GError) problem = NULL;
	TidyConfig *config = tidy_config_load((const char *const *)paths, NULL, &problem);

	g_clear_pointer(&service->config_error, g_free);
	if (config == NULL) {
		service->config_error = g_strdup(problem->message);
		g_propagate_error(error, g_steal_pointer(&problem));
		return FALSE;
	}
	tidy_config_free(service->config);
	service->config = config;
	return TRUE;
}

static void
reload_user_dirs(TidyService *service)
{
	const char *variable = g_getenv("XDG_CONFIG_DIRS");
	g_auto(GStrv) dirs =
		g_strsplit(variable != NULL && *variable != '\0' ? variable
								 : TIDY_SYSCONFDIR "/xdg",
			   ":", -1);
	g_autoptr(GError) problem = NULL;
	TidyUserDirsFiles *files =
		tidy_user_dirs_load(service->fs, service->config_dir, (const char *const *)dirs,
				    service->home, &problem);

	g_clear_pointer(&service->user_dirs_error, g_free);
	if (files == NULL) {
		service->user_dirs_error = g_strdup(problem->message);
		return;
	}
	g_clear_pointer(&service->user_dirs, tidy_user_dirs_files_free);
	service->user_dirs = files;
}

static void
reload_answers(TidyService *service)
{
	g_autofree char *text = tidy_engine_read_text(service->engine, ANSWERS_FILE);

	if (text != NULL && *text != '\0')
		g_key_file_load_from_data(service->answers, text, strlen(text), G_KEY_FILE_NONE,
					  NULL);
}

gboolean
tidy_service_reload(TidyService *service, GError **error)
{
	reload_user_dirs(service);
	reload_answers(service);
	return reload_config(service, error);
}

const TidyConfig *
tidy_service_config(TidyService *service)
{
	return service->config;
}

const char *
tidy_service_config_error(TidyService *service)
{
	return service->config_error;
}

const char *
tidy_service_home(TidyService *service)
{
	return service->home;
}

const char *
tidy_service_state_dir(TidyService *service)
{
	return service->state_dir;
}

/* --- answers --- */

static char *
answer_key(const char *stray)
{
	return g_uri_escape_string(stray, "/", FALSE);
}

static char **
read_answer(TidyService *service, const char *stray)
{
	g_autofree char *key = answer_key(stray);

	return g_key_file_get_string_list(service->answers, ANSWERS_GROUP, key, NULL, NULL);
}

const char *
tidy_service_answer(TidyService *service, const char *stray)
{
	g_auto(GStrv) parts = read_answer(service, stray);

	g_free(service->answer);
	service->answer = parts != NULL ? g_strdup(parts[0]) : NULL;
	return service->answer;
}

gint64
tidy_service_answered_at(TidyService *service, const char *stray)
{
	g_auto(GStrv) parts = read_answer(service, stray);

	return parts != NULL && g_strv_length(parts) > 1 ? g_ascii_strtoll(parts[1], NULL, 10) : 0;
}

gboolean
tidy_service_set_answer(TidyService *service, const char *stray, const char *answer, GError **error)
{
	g_autofree char *key = answer_key(stray);
	g_autofree char *seconds =
		g_strdup_printf("%" G_GINT64_FORMAT, service->fs->now(service->fs) / 1000000000);
	g_autofree char *dir_key = tidy_service_key_of(service, stray);
	g_autofree char *text = NULL;
	const char *parts[] = { answer, seconds, dir_key != NULL ? dir_key : "" };

	g_key_file_set_string_list(service->answers, ANSWERS_GROUP, key, parts,
				   G_N_ELEMENTS(parts));
	text = g_key_file_to_data(service->answers, NULL, NULL);
	return tidy_engine_write_text(service->engine, ANSWERS_FILE, text, error);
}

gboolean
tidy_service_has_consent(TidyService *service, const char *key)
{
	g_auto(GStrv) strays = g_key_file_get_keys(service->answers, ANSWERS_GROUP, NULL, NULL);

	for (guint i = 0; strays != NULL && strays[i] != NULL; i++) {
		g_auto(GStrv) parts = g_key_file_get_string_list(service->answers, ANSWERS_GROUP,
								 strays[i], NULL, NULL);

		if (parts != NULL && g_strv_length(parts) == 3 && strcmp(parts[0], "yes") == 0 &&
		    strcmp(parts[2], key) == 0)
			return TRUE;
	}
	return FALSE;
}

gboolean
tidy_service_is_paused(TidyService *service)
{
	g_autofree char *text = tidy_engine_read_text(service->engine, PAUSED_FILE);

	return text != NULL && g_str_has_prefix(text, "paused");
}

gboolean
tidy_service_set_paused(TidyService *service, gboolean is_paused, GError **error)
{
	return tidy_engine_write_text(service->engine, PAUSED_FILE,
				      is_paused ? "paused\n" : "running\n", error);
}
