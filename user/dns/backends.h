/* SPDX-License-Identifier: Apache-2.0 */
/* The endpoints of a Service that have names: ready ones, or all where the Service says so. */
#ifndef DNS_BACKENDS_H
#define DNS_BACKENDS_H

#include "user/model/members.h"

struct backend {
	const struct endpoint *endpoint;
	const struct endpoint_port *ports;
	size_t n_ports;
};

/* What is the same for all Services, and room for the ports of one endpoint. */
struct backends {
	const struct store *store;
	struct endpoint_port *items;
	size_t n, room;
};

void backends_init(struct backends *backends, const struct store *store);
void backends_done(struct backends *backends);

/* The backend is valid during the visit only. */
void backends_each(struct backends *backends, const struct object *service,
		   void (*visit)(void *arg, const struct backend *backend), void *arg);

#endif
