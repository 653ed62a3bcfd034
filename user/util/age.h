/* SPDX-License-Identifier: Apache-2.0 */
/* Timestamps of objects, and how kubectl shows their age. */
#ifndef UTIL_AGE_H
#define UTIL_AGE_H

#include <stdint.h>
#include <time.h>

#define AGE_TEXT 32
#define TIMESTAMP_TEXT 32

/* "95s", "9m30s", "45m", "7h5m", "30h", "3d4h", "400d", "3y20d", "9y"; returns text. */
const char *age_format(int64_t seconds, char *text);

/* Age of an RFC 3339 timestamp; "<unknown>" when it is NULL or no timestamp. */
const char *age_since(const char *timestamp, time_t now, char *text);

/* "2026-01-02T03:04:05Z", as the API server writes it. */
const char *timestamp_format(time_t time, char *text);

/* RFC 3339 with seconds, an optional fraction, and Z or an offset. 0 or -EINVAL. */
int timestamp_parse(const char *text, time_t *ret_time);

#endif
