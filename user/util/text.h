/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UTIL_TEXT_H
#define UTIL_TEXT_H

#include <stddef.h>

/* Number of letters to insert, drop, replace or swap with the next to get from a to b. */
size_t text_distance(const char *a, const char *b);

/* The word nearest to what was typed, or NULL when none is near. words ends with NULL. */
const char *text_nearest(const char *typed, const char *const *words);

#endif
