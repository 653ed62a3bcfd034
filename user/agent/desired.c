/* SPDX-License-Identifier: Apache-2.0 */
#include "user/agent/desired.h"

static const char *node_zone(const struct store *store, const struct config *config)
{
	const struct object *node;

	if (config->zone)
		return config->zone;
	node = store_find(store, K8S_NODE, "", config->node_name);
	return node && node->node ? node->node->zone : NULL;
}

void desired_resolve(const struct store *store, const struct config *config,
		     const struct addr_list *addresses, struct desired *ret_desired)
{
	const struct addr_list *own =
		config->node_addresses.n ? &config->node_addresses : addresses;
	struct node_view node = {
		.name = config->node_name,
		.zone = node_zone(store, config),
		.addresses = own->items,
		.n_addresses = own->n,
	};

	resolve(store, config, &node, ret_desired);
}
