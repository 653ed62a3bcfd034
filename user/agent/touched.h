/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happened to the objects since the desired state was resolved. Service objects that it
 * was resolved from are kept until it is brought up to date, since it names them.
 */
#ifndef AGENT_TOUCHED_H
#define AGENT_TOUCHED_H

#include "user/model/resolve.h"

struct touched {
	struct touched_service *services; /* in the order of the events; names owned */
	size_t n, room;
	struct addr_list came, went; /* of pods */
	struct {
		struct object **items;
		size_t n, room;
	} old;
};

/* Endpoints of a Service. */
void touched_endpoints(struct touched *touched, const char *ns, const char *service);

/* A Service came, changed or went. Takes over the old object, which may be NULL. */
void touched_service(struct touched *touched, const char *ns, const char *name, struct object *old);

bool touched_any(const struct touched *touched);

/* Sorts the services, each once, as resolve_update wants them. */
void touched_sort(struct touched *touched);

/* All is dealt with. */
void touched_clear(struct touched *touched);

#endif
