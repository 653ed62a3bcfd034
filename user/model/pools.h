/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Free addresses of loadBalancerPools. Knows what Services have, and finds the rest in one walk
 * through the pools, however many are taken.
 */
#ifndef MODEL_POOLS_H
#define MODEL_POOLS_H

#include "user/k8s/config.h"
#include "user/model/store.h"

struct pools {
	const struct config *config;
	struct addr_list used; /* sorted once the first one is taken */
	bool sorted;
	struct {
		uint64_t *items; /* of each pool: where the search goes on */
		size_t n, room;
	} next;
};

void pools_init(struct pools *pools, const struct config *config);
void pools_done(struct pools *pools);

/* Nobody gets it any more. Before the first pools_take. */
void pools_use(struct pools *pools, const struct lb_addr *addr);

/* All that the Service has: cluster, load-balancer and external IPs. Before the first take. */
void pools_use_service(struct pools *pools, const struct service *service);

/* The first address of a family that nobody has, the node neither; false: none is left. */
bool pools_take(struct pools *pools, bool v4, struct lb_addr *ret_addr);

bool pools_contain(const struct config *config, const struct lb_addr *addr);

#endif
