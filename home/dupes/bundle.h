/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Directories that are one thing: taking a file out of one of them breaks it. Pure. */
#pragma once

#include <glib.h>

/* TRUE when a directory that has an entry of this name is a bundle: a repository, a Python or Wine environment. */
gboolean tidy_bundle_is_marker(const char *name);
/* TRUE when a directory of this name is a bundle: an application, a library, the files of a saved page. */
gboolean tidy_bundle_is_name(const char *name);
