/* SPDX-License-Identifier: Apache-2.0 */
#include "user/model/pools.h"

#include "user/model/addresses.h"
#include "user/util/vec.h"

void pools_init(struct pools *pools, const struct config *config)
{
	*pools = (struct pools){ .config = config };
	for (size_t i = 0; i < config->load_balancer_pools.n; i++)
		vec_push(&pools->next, 0);
}

void pools_done(struct pools *pools)
{
	vec_free(&pools->used);
	vec_free(&pools->next);
}

void pools_use(struct pools *pools, const struct lb_addr *addr)
{
	vec_push(&pools->used, *addr);
}

void pools_use_service(struct pools *pools, const struct service *service)
{
	for (size_t i = 0; i < service->n_cluster_ips; i++)
		pools_use(pools, &service->cluster_ips[i]);
	for (size_t i = 0; i < service->n_ingress; i++)
		pools_use(pools, &service->ingress[i].addr);
	for (size_t i = 0; i < service->n_external_ips; i++)
		pools_use(pools, &service->external_ips[i]);
}

static bool is_node_address(const struct config *config, const struct lb_addr *addr)
{
	for (size_t i = 0; i < config->node_addresses.n; i++) {
		if (!addr_compare(&config->node_addresses.items[i], addr))
			return true;
	}
	return false;
}

static bool pool_take(struct pools *pools, size_t i, struct lb_addr *ret_addr)
{
	const struct prefix *pool = &pools->config->load_balancer_pools.items[i];

	while (pools->next.items[i] < prefix_size(pool)) {
		struct lb_addr addr = prefix_nth(pool, pools->next.items[i]++);

		if (addresses_have(pools->used.items, pools->used.n, &addr) ||
		    is_node_address(pools->config, &addr))
			continue;
		*ret_addr = addr;
		return true;
	}
	return false;
}

bool pools_take(struct pools *pools, bool v4, struct lb_addr *ret_addr)
{
	const struct prefix_list *list = &pools->config->load_balancer_pools;

	if (!pools->sorted) {
		addresses_sort(&pools->used);
		pools->sorted = true;
	}
	for (size_t i = 0; i < list->n; i++) {
		if (list->items[i].v4 == v4 && pool_take(pools, i, ret_addr))
			return true;
	}
	return false;
}

bool pools_contain(const struct config *config, const struct lb_addr *addr)
{
	for (size_t i = 0; i < config->load_balancer_pools.n; i++) {
		if (prefix_contains(&config->load_balancer_pools.items[i], addr))
			return true;
	}
	return false;
}
