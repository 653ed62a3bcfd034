/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/sample.h"

#include <stdlib.h>
#include <string.h>

void sample_add(struct sample *sample, double value)
{
	if (sample->n < SAMPLE_MAX)
		sample->value[sample->n++] = value;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double sample_quantile(const struct sample *sample, double at)
{
	double sorted[SAMPLE_MAX];

	if (!sample->n)
		return 0;
	memcpy(sorted, sample->value, sample->n * sizeof(*sorted));
	qsort(sorted, sample->n, sizeof(*sorted), compare);
	return sorted[(size_t)(at * (double)(sample->n - 1) + 0.5)];
}

json_t *sample_json(const struct sample *sample)
{
	return json_pack("{s:f, s:f, s:f}", "median", sample_median(sample), "low",
			 sample_quantile(sample, 0.25), "high", sample_quantile(sample, 0.75));
}
