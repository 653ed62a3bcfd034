/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UTIL_BASE64_H
#define UTIL_BASE64_H

#include <stddef.h>

/*
 * The bytes that base64 text stands for, to be freed, with a NUL behind them that size does not
 * count. Line breaks are allowed. NULL: it is not base64.
 */
char *base64_decode(const char *text, size_t *ret_size);

#endif
