/* SPDX-License-Identifier: Apache-2.0 */
/* The programs' events, as long as somebody looks. */
#ifndef DATAPATH_OBSERVER_H
#define DATAPATH_OBSERVER_H

#include "lb/event.h"
#include "user/datapath/datapath.h"

struct observer;

/*
 * Puts the filter (its `until` is seen to) into the kernel; events begin. What an earlier observer
 * left in the ring is thrown away. -EBUSY: somebody else looks already.
 */
LB_CHECKED int observer_open(const struct paths *paths, const struct lb_monitor *filter,
			     struct observer **ret_observer, struct err *err);

/* One of them is called, as the filter asks: packets with LB_EVENT_PACKETS, else events. */
struct observer_visitor {
	void (*event)(void *arg, const struct lb_event *event);
	void (*packet)(void *arg, const struct lb_packet *packet);
	void *arg;
};

/* Waits so long and calls the visitor for all that came. -EINTR: a signal did. */
LB_CHECKED int observer_poll(struct observer *observer, int timeout_ms,
			     const struct observer_visitor *visitor, struct err *err);

/* Events that were left out since the last call: by the limit, or because the ring was full. */
uint64_t observer_lost(struct observer *observer);

/* Nobody looks any more. */
void observer_close(struct observer *observer);

#endif
