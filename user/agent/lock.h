/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two locks of an instance, both flock(2) on files of the run directory, so that they end
 * with the process that holds them, however it ends.
 *
 *	agent.lock   held by the agent as long as it runs; carries its pid
 *	sync.lock    held by whoever writes the maps, while it does; carries a count
 */
#ifndef AGENT_LOCK_H
#define AGENT_LOCK_H

#include <stdint.h>

#include "user/util/err.h"
#include "user/util/paths.h"

/* Returns a descriptor. -EBUSY: another agent serves this instance; err names its pid. */
LB_CHECKED int lock_agent(const struct paths *paths, struct err *err);

/*
 * writes counts the times that anybody began to write the maps. Who keeps a copy of them
 * compares it: another value than after the own last write means that the copy is old.
 */
struct lock_sync {
	int fd;
	uint64_t writes;
};

/* -EBUSY: not free within wait_ms. */
LB_CHECKED int lock_sync_take(const struct paths *paths, int wait_ms, struct lock_sync *ret_lock,
			      struct err *err);

/* To be called before the first write, so that a writer that dies halfway is noticed. */
LB_CHECKED int lock_sync_count(struct lock_sync *lock, struct err *err);
void lock_sync_release(struct lock_sync *lock);

#endif
