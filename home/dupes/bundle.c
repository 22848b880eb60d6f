/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Directories that are one thing. Pure. */
#include "home/dupes/bundle.h"

static gboolean
is_one_of(const char *name, const char *const *names)
{
	return g_strv_contains(names, name);
}

gboolean
tidy_bundle_is_marker(const char *name)
{
	static const char *const markers[] = { ".git",	     ".hg",	   ".svn",
					       ".bzr",	     "_darcs",	   ".fslckout",
					       "pyvenv.cfg", "system.reg", NULL };

	return is_one_of(name, markers);
}

gboolean
tidy_bundle_is_name(const char *name)
{
	static const char *const endings[] = {
		".app",	      ".AppDir", ".sparsebundle", ".photoslibrary",
		".fcpbundle", "_files",	 ".xcodeproj",	  ".xcassets",
		".git",	      ".hg",	 ".musiclibrary", NULL
	};

	for (guint i = 0; endings[i] != NULL; i++) {
		if (g_str_has_suffix(name, endings[i]))
			return TRUE;
	}
	return is_one_of(name, (const char *const[]){ "node_modules", "CVS", NULL });
}
