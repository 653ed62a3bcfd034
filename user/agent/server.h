/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's end of the unix socket. Requests are short lines, clients are few, and one that
 * is slow, silent or talks nonsense is cut off without holding anybody up.
 */
#ifndef AGENT_SERVER_H
#define AGENT_SERVER_H

#include <event2/event.h>

#include "user/agent/protocol.h"

struct server;

/*
 * Listens on paths->socket, and replaces what is there: the caller holds the agent's lock, so
 * it is dead. answer(arg, op) returns what to send. idle_ms: how long a client may be silent.
 */
LB_CHECKED int server_open(struct event_base *base, const struct paths *paths, int idle_ms,
			   json_t *(*answer)(void *arg, enum protocol_op op), void *arg,
			   struct server **ret, struct err *err);

/* Ends all connections and removes the socket. */
void server_close(struct server *server);

#endif
