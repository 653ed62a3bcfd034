/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_BACKOFF_H
#define API_BACKOFF_H

#include <stdint.h>

#define BACKOFF_FIRST 800 /* milliseconds; as client-go has it */
#define BACKOFF_LAST 30000

/*
 * Twice as long after each failure, and somewhere in the upper half of that: agents that failed
 * together do not come back together.
 */
static inline int64_t backoff_wait(unsigned int failures, uint32_t random)
{
	int64_t wait = BACKOFF_FIRST;

	for (unsigned int i = 1; i < failures && wait < BACKOFF_LAST; i++)
		wait *= 2;
	if (wait > BACKOFF_LAST)
		wait = BACKOFF_LAST;
	return wait / 2 + random % (wait / 2 + 1);
}

#endif
