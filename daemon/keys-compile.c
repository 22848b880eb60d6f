/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From keyremap.conf to what the helper gets. I/O: reads files and the XKB data. */
#include "daemon/keys-compile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "keys/layout/compile.h"
#include "keys/link/link.h"

static void
problem_free(gpointer data)
{
	TidyKeysProblem *problem = data;

	g_free(problem->file);
	g_free(problem->severity);
	g_free(problem->text);
	g_free(problem);
}

char *
tidy_keys_problem_text(const TidyKeysProblem *problem)
{
	if (problem->line == 0)
		return g_strdup_printf("%s%s%s", problem->file, *problem->file != '\0' ? ": " : "",
				       problem->text);
	return g_strdup_printf("%s:%u:%u: %s", problem->file, problem->line, problem->column,
			       problem->text);
}

void
tidy_keys_made_free(TidyKeysMade *made)
{
	g_free(made->path);
	g_free(made->text);
	g_strfreev(made->commands);
	g_strfreev(made->paths);
	g_ptr_array_unref(made->problems);
	g_free(made);
}

static void
add_problem(TidyKeysMade *made, const RemapDiag *diag)
{
	TidyKeysProblem *problem = g_new0(TidyKeysProblem, 1);

	problem->file = g_strdup(diag->file);
	problem->line = diag->line;
	problem->column = diag->column;
	problem->severity = g_strdup(remap_severity_name(diag->severity));
	problem->text = g_strdup(diag->message);
	g_ptr_array_add(made->problems, problem);
}

static void
add_error(TidyKeysMade *made, const char *text)
{
	add_problem(made, &(RemapDiag){ .severity = REMAP_ERROR,
					.file = made->path,
					.message = (char *)text });
}

static void
take_problems(TidyKeysMade *made, const RemapDiags *diags)
{
	for (RemapSeverity severity = REMAP_ERROR; severity <= REMAP_NOTE; severity++)
		for (size_t i = 0; i < diags->count; i++)
			if (diags->list[i].severity == severity)
				add_problem(made, &diags->list[i]);
}

static char **
copy_strings(const char *const *strings, size_t count)
{
	char **copy = g_new0(char *, count + 1);

	for (size_t i = 0; i < count; i++)
		copy[i] = g_strdup(strings[i]);
	return copy;
}

static char **
paths_to_watch(const char *path, const RemapFiles *files)
{
	char **paths = g_new0(char *, files->path_count + 2);

	paths[0] = g_strdup(path);
	for (size_t i = 0; i < files->path_count; i++)
		paths[i + 1] = g_strdup(files->paths[i]);
	return paths;
}

/* The helper numbers the commands of the text that it got, so the text is read back, as the helper will. */
static void
take_text(TidyKeysMade *made, const RemapKeymap *keymap)
{
	RemapDiags diags = { 0 };
	size_t length = 0;
	char *text = remap_keymap_text(keymap, &length);
	const RemapSource source = { .name = "flat", .text = text, .length = length };
	RemapKeymap *flat = text != NULL ? remap_keymap_load(&source, &diags) : NULL;

	if (flat == NULL || length > REMAP_LINK_KEYMAP_MAX) {
		add_error(made, flat == NULL ? "bug: its flat text cannot be read back"
					     : "too large with all that it includes");
	} else {
		made->text = g_strndup(text, length);
		made->length = length;
		made->n_layers = (guint)flat->layer_count;
		made->commands = copy_strings(flat->commands, flat->command_count);
	}
	remap_keymap_free(flat);
	remap_diags_clear(&diags);
	free(text);
}

TidyKeysMade *
tidy_keys_compile(const char *path)
{
	TidyKeysMade *made = g_new0(TidyKeysMade, 1);
	RemapCompiled compiled = { 0 };
	int result = 0;

	made->path = g_strdup(path);
	made->problems = g_ptr_array_new_with_free_func(problem_free);
	if (!remap_compiled_open(&compiled, NULL))
		add_error(made, "XKB does not know the system's keyboard layout");
	else
		result = remap_compiled_load(&compiled, path);
	made->is_missing = result == -ENOENT || result == -ENOTDIR;
	if (result < 0 && !made->is_missing)
		add_error(made, g_strerror(-result));
	take_problems(made, &compiled.diags);
	if (compiled.keymap != NULL)
		take_text(made, compiled.keymap);
	made->paths = paths_to_watch(path, &compiled.files);
	remap_compiled_clear(&compiled);
	return made;
}

/* ---- in a thread ---- */

typedef struct {
	TidyKeysMadeFunc func;
	gpointer data;
} Caller;

static void
work(GTask *task, gpointer source, gpointer path, GCancellable *cancellable)
{
	g_task_return_pointer(task, tidy_keys_compile(path), (GDestroyNotify)tidy_keys_made_free);
}

static void
on_done(GObject *source, GAsyncResult *result, gpointer data)
{
	g_autofree Caller *caller = data;
	TidyKeysMade *made = g_task_propagate_pointer(G_TASK(result), NULL);

	if (made != NULL)
		caller->func(made, caller->data);
}

void
tidy_keys_compile_start(const char *path, GCancellable *cancellable, TidyKeysMadeFunc func,
			gpointer data)
{
	Caller *caller = g_new(Caller, 1);
	g_autoptr(GTask) task = NULL;

	*caller = (Caller){ func, data };
	task = g_task_new(NULL, cancellable, on_done, caller);
	g_task_set_task_data(task, g_strdup(path), g_free);
	g_task_run_in_thread(task, work);
}
