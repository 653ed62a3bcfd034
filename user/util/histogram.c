/* SPDX-License-Identifier: Apache-2.0 */
#include "user/util/histogram.h"

const uint64_t histogram_bounds[HISTOGRAM_CLASSES] = {
	100,   250,    500,    1000,   2500,	5000,	 10000,	  25000,
	50000, 100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000,
};

/* One writer: no read-modify-write has to be atomic, only each store whole. */
static void cell_add(uint64_t *cell, uint64_t value)
{
	__atomic_store_n(cell, *cell + value, __ATOMIC_RELAXED);
}

void histogram_add(struct histogram *histogram, uint64_t microseconds)
{
	int i = 0;

	while (i < HISTOGRAM_CLASSES && microseconds > histogram_bounds[i])
		i++;
	cell_add(&histogram->classes[i], 1);
	cell_add(&histogram->sum, microseconds);
}

struct histogram histogram_read(const struct histogram *histogram)
{
	struct histogram copy;

	for (int i = 0; i <= HISTOGRAM_CLASSES; i++)
		copy.classes[i] = __atomic_load_n(&histogram->classes[i], __ATOMIC_RELAXED);
	copy.sum = __atomic_load_n(&histogram->sum, __ATOMIC_RELAXED);
	return copy;
}
