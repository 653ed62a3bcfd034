/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Places for pods in HAProxy's configuration. Where a route lists its pods, its backend has more
 * servers than there are pods; the spare ones are switched off. A change of endpoints then fills
 * and empties places by HAProxy's runtime API, and only one that no place is left for is a reload.
 * Pure.
 */
#ifndef INGRESS_SLOTS_H
#define INGRESS_SLOTS_H

#include "user/ingress/rules.h"

struct ingress_slot {
	struct ingress_server server;
	bool used;
};

/* The places of one route. */
struct ingress_pool {
	char *backend; /* render_route_name */
	struct ingress_slot *items;
	size_t n, room;
};

struct ingress_pools {
	struct ingress_pool *items;
	size_t n, room;
};

/*
 * A pool for each route that lists its pods. Who had a place before keeps it, since connections and
 * cookies go with it.
 */
void pools_make(const struct ingress_rules *rules, const struct ingress_pools *before,
		struct ingress_pools *ret_pools);
/* empty: the same places, and nobody in them. */
void pools_copy(const struct ingress_pools *pools, bool empty, struct ingress_pools *ret_pools);
void pools_free(struct ingress_pools *pools);

const struct ingress_pool *pools_find(const struct ingress_pools *pools, const char *backend);

/*
 * A line for HAProxy's master that brings worker from the places that it has nearer to those that
 * are wanted, as far as one line goes; ret_next: what it has then. NULL: there is nothing to do.
 */
char *pools_step(const struct ingress_pools *has, const struct ingress_pools *wanted, pid_t worker,
		 struct ingress_pools *ret_next);

/* Does what HAProxy answered to commands mean that all were taken? */
bool pools_taken(const char *answer);

#endif
