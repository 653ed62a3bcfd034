/* SPDX-License-Identifier: Apache-2.0 */
/* What was measured in each round, and what is said of it: the median, and how far it spreads. */
#ifndef BENCH_SAMPLE_H
#define BENCH_SAMPLE_H

#include <jansson.h>
#include <stddef.h>

#define SAMPLE_MAX 256

struct sample {
	size_t n;
	double value[SAMPLE_MAX];
};

void sample_add(struct sample *sample, double value);

/* at: 0 to 1; 0.5 is the median. 0 of nothing. */
double sample_quantile(const struct sample *sample, double at);

static inline double sample_median(const struct sample *sample)
{
	return sample_quantile(sample, 0.5);
}

/* {"median", "low", "high"}: the middle, and what a quarter lies below and above. */
json_t *sample_json(const struct sample *sample);

#endif
