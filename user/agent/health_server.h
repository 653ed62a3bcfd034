/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP servers of health ports, one a Service. Any path and method has the same answer. */
#ifndef AGENT_HEALTH_SERVER_H
#define AGENT_HEALTH_SERVER_H

#include <event2/event.h>

#include "user/agent/health_check.h"

struct health_server;

/* healthy(arg) is asked for each answer. */
struct health_server *health_server_new(struct event_base *base, bool (*healthy)(void *arg),
					void *arg);
void health_server_free(struct health_server *server);

/*
 * After a sync: ports are opened, closed, and given their new answers. A port that cannot be
 * opened is told of once, and tried again by each update. Takes both lists over.
 */
void health_server_update(struct health_server *server, struct health_check_list *checks,
			  struct addr_list *addresses);

#endif
