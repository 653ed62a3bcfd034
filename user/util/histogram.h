/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long things take: a count for each class of durations, and their sum. One thread adds while
 * others may read; what they read is not of one moment, as with all counters here.
 */
#ifndef UTIL_HISTOGRAM_H
#define UTIL_HISTOGRAM_H

#include <stdint.h>

/* 100 µs to 10 s, so that a sync and a question to DNS both fit. */
#define HISTOGRAM_CLASSES 16

extern const uint64_t histogram_bounds[HISTOGRAM_CLASSES]; /* inclusive, microseconds */

struct histogram {
	uint64_t classes[HISTOGRAM_CLASSES + 1]; /* not cumulative; the last: longer than all */
	uint64_t sum;				 /* microseconds */
};

void histogram_add(struct histogram *histogram, uint64_t microseconds);
struct histogram histogram_read(const struct histogram *histogram);

#endif
