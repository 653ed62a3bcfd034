/* SPDX-License-Identifier: Apache-2.0 */
/* GET /metrics */
#ifndef AGENT_METRICS_SERVER_H
#define AGENT_METRICS_SERVER_H

#include <event2/event.h>

#include "user/k8s/config.h"

struct metrics_server;

/*
 * collect(arg) is asked for the text when somebody asks for it, but not more than once a second:
 * who asks often must not keep the agent from its work.
 */
struct metrics_server *metrics_server_new(struct event_base *base,
					  int (*collect)(void *arg, char **ret_text,
							 size_t *ret_size, struct err *err),
					  void *arg);
void metrics_server_free(struct metrics_server *server);

/*
 * After the configuration was read, and now and then: an address that cannot be had yet is told
 * of once, and tried again by each update.
 */
void metrics_server_update(struct metrics_server *server, const struct metrics_config *config);

#endif
