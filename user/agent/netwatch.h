/* SPDX-License-Identifier: Apache-2.0 */
/* Tells when links, addresses, routes or neighbours of this network namespace change (rtnetlink).
 */
#ifndef AGENT_NETWATCH_H
#define AGENT_NETWATCH_H

#include <event2/event.h>

#include "user/util/addr.h"
#include "user/util/err.h"

enum netwatch_change {
	NETWATCH_LINK = 1 << 0,
	NETWATCH_ADDRESS = 1 << 1,
	NETWATCH_ROUTE = 1 << 2,
	NETWATCH_LOST = 1 << 3, /* the kernel dropped events: anything may have changed */
};

/* Called from the loop. */
struct netwatch_events {
	/* Once for everything that was waiting. */
	void (*changed)(void *arg, unsigned int changes);
	/* The kernel gave up on finding this neighbour, or has found it. */
	void (*neighbour)(void *arg, const struct lb_addr *addr, bool answers);
};

struct netwatch;

LB_CHECKED int netwatch_open(struct event_base *base, const struct netwatch_events *events,
			     void *arg, struct netwatch **ret, struct err *err);
void netwatch_close(struct netwatch *watch);

#endif
