/* SPDX-License-Identifier: Apache-2.0 */
/*
 * On a cluster: writes status.loadBalancer of the Services that are ours, as load_balancer_plan has
 * it, while this agent holds the Lease. That and the Lease are all that lbctl writes to a cluster.
 */
#ifndef AGENT_LB_STATUS_H
#define AGENT_LB_STATUS_H

#include <jansson.h>

#include "user/api/client.h"
#include "user/k8s/config.h"
#include "user/model/store.h"

struct lb_status;

/* Borrows client and config. */
struct lb_status *lb_status_open(struct event_base *base, struct client *client,
				 const struct config *config);

/* Before the loop's other parts are closed: gives the Lease up. NULL is fine, here and below. */
void lb_status_close(struct lb_status *status);

/* Services have changed, or the configuration has. Borrows both until the next call. */
void lb_status_update(struct lb_status *status, const struct store *store,
		      const struct config *config);

/* Who gives addresses, and to whom it could not: for `status`. */
json_t *lb_status_json(const struct lb_status *status);

#endif
