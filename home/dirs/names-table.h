/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The generated table of default names, for names.c alone. Pure. */
#pragma once

#include "home/dirs/names.h"

/* Sorted by the bytes of the name, then key and locale. */
extern const TidyDefaultName tidy_names_rows[];
extern const gsize tidy_names_n_rows;
