/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UTIL_NUM_H
#define UTIL_NUM_H

#include <stdint.h>

/*
 * Decimal digits only, the whole text, within [min, max]: "80x", "+80", " 80" and
 * "" are refused. Returns 0, -EINVAL (not a number) or -ERANGE.
 */
int num_parse(const char *text, uint64_t min, uint64_t max, uint64_t *ret_value);

#endif
