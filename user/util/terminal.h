/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UTIL_TERMINAL_H
#define UTIL_TERMINAL_H

#include <stdbool.h>
#include <stdio.h>

/*
 * Whether colours are wanted there: it is a terminal that knows them, and NO_COLOR is not set, or
 * empty (https://no-color.org).
 */
bool terminal_has_colour(FILE *stream);

#endif
