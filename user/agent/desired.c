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

static struct node_view node_view(const struct store *store, const struct config *config,
				  const struct addr_list *addresses)
{
	const struct addr_list *own =
		config->node_addresses.n ? &config->node_addresses : addresses;

	return (struct node_view){
		.name = config->node_name,
		.zone = node_zone(store, config),
		.addresses = own->items,
		.n_addresses = own->n,
	};
}

void desired_resolve(const struct store *store, const struct config *config,
		     const struct addr_list *addresses, struct desired *ret_desired)
{
	struct node_view node = node_view(store, config, addresses);

	resolve(store, config, &node, ret_desired);
}

void desired_update(const struct store *store, const struct config *config,
		    const struct addr_list *addresses, const struct touched *touched,
		    struct desired *desired, struct desired_change *ret_change)
{
	struct node_view node = node_view(store, config, addresses);

	resolve_update(store, config, &node, touched->services, touched->n, &touched->came,
		       &touched->went, desired, ret_change);
}
