/* SPDX-License-Identifier: Apache-2.0 */
/* Tells when links, addresses or routes of this network namespace change (rtnetlink). */
#ifndef AGENT_NETWATCH_H
#define AGENT_NETWATCH_H

#include <event2/event.h>

#include "user/util/err.h"

enum netwatch_change {
	NETWATCH_LINK = 1 << 0,
	NETWATCH_ADDRESS = 1 << 1,
	NETWATCH_ROUTE = 1 << 2,
	NETWATCH_LOST = 1 << 3, /* the kernel dropped events: anything may have changed */
};

struct netwatch;

/* changed(arg, changes) is called from the loop, once for everything that was waiting. */
LB_CHECKED int netwatch_open(struct event_base *base,
			     void (*changed)(void *arg, unsigned int changes), void *arg,
			     struct netwatch **ret, struct err *err);
void netwatch_close(struct netwatch *watch);

#endif
