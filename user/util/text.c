/* SPDX-License-Identifier: Apache-2.0 */
#include "user/util/text.h"

#include <string.h>

#define TEXT_MAX 64 /* longer words resemble nothing */

static size_t min3(size_t a, size_t b, size_t c)
{
	size_t ab = a < b ? a : b;

	return ab < c ? ab : c;
}

size_t text_distance(const char *a, const char *b)
{
	size_t rows = strlen(a), columns = strlen(b);
	size_t d[TEXT_MAX + 1][TEXT_MAX + 1];

	if (rows > TEXT_MAX || columns > TEXT_MAX)
		return TEXT_MAX;
	for (size_t i = 0; i <= rows; i++) {
		for (size_t j = 0; j <= columns; j++) {
			if (!i || !j) {
				d[i][j] = i + j;
				continue;
			}
			d[i][j] = min3(d[i - 1][j] + 1, d[i][j - 1] + 1,
				       d[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    d[i - 2][j - 2] + 1 < d[i][j])
				d[i][j] = d[i - 2][j - 2] + 1;
		}
	}
	return d[rows][columns];
}

const char *text_nearest(const char *typed, const char *const *words)
{
	size_t best = strlen(typed) / 3 + 1; /* a letter in three may be wrong */
	const char *nearest = NULL;

	if (best > 3)
		best = 3;
	for (; *words; words++) {
		size_t distance = text_distance(typed, *words);

		if (distance < best + !nearest) {
			best = distance;
			nearest = *words;
		}
	}
	return nearest;
}
