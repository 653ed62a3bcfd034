/* SPDX-License-Identifier: Apache-2.0 */
/*
 * On a cluster: which addresses the Services of our class (spec.loadBalancerClass lbctl.io/lb, and
 * with loadBalancerDefault those without a class) should have in status.loadBalancer. Pure.
 *
 * The statuses are the only record of what is taken: a Service that is deleted, or becomes of
 * another type (the API server then clears its status), has given its addresses back.
 */
#ifndef MODEL_LOAD_BALANCER_H
#define MODEL_LOAD_BALANCER_H

#include "user/k8s/config.h"
#include "user/model/store.h"

enum load_balancer_lack {
	LOAD_BALANCER_LACKS_NOTHING,
	LOAD_BALANCER_POOLS_EMPTY,   /* no address of a family that it must have is left */
	LOAD_BALANCER_ASKED_TAKEN,   /* another Service has spec.loadBalancerIP */
	LOAD_BALANCER_ASKED_FOREIGN, /* spec.loadBalancerIP is in no pool */
};

struct load_balancer {
	const struct object *service; /* of the store, borrowed */
	struct lb_addr addrs[2];      /* what it should have, in the order of its families */
	size_t n_addrs;
	bool differs; /* from what its status says */
	enum load_balancer_lack lack;
};

struct load_balancer_list {
	struct load_balancer *items; /* the oldest Service first */
	size_t n, room;
};

/*
 * What a Service has is kept, also where pools have changed since. An address that two have
 * stays with the older one.
 */
void load_balancer_plan(const struct store *store, const struct config *config,
			struct load_balancer_list *ret_list);
void load_balancer_list_free(struct load_balancer_list *list);

/*
 * A JSON merge patch of the Service's status subresource. It names UID and resourceVersion: who
 * changed the Service meanwhile makes it a conflict.
 */
json_t *load_balancer_patch(const struct load_balancer *balancer);

/* "no address is left in loadBalancerPools" */
const char *load_balancer_lack_text(enum load_balancer_lack lack);

#endif
