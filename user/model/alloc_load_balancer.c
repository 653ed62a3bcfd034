/* SPDX-License-Identifier: Apache-2.0 */
/* Load-balancer addresses out of loadBalancerPools. */
#include <errno.h>
#include <string.h>

#include "user/model/alloc_parts.h"
#include "user/model/pools.h"
#include "user/util/tree.h"

#define INGRESS "status.loadBalancer.ingress"

/* The first address of the pools that nobody has; false: none is left. */
static bool address_take(const struct allocation *allocation, bool v4, struct lb_addr *ret_addr)
{
	struct store_view services = store_list(allocation->store, K8S_SERVICE, NULL);
	struct pools pools;
	bool found;

	pools_init(&pools, allocation->config);
	for (size_t i = 0; i < services.n; i++) {
		if (alloc_is_other(allocation, services.items[i]))
			pools_use_service(&pools, services.items[i]->service);
	}
	found = pools_take(&pools, v4, ret_addr);
	pools_done(&pools);
	return found;
}

/* The address that spec.loadBalancerIP asks for. */
static int check_asked(const struct allocation *allocation, const struct lb_addr *asked)
{
	const struct object *owner = alloc_address_owner(allocation, asked);
	char text[ADDR_TEXT];

	if (owner)
		return err_set(allocation->err, -EINVAL,
			       "spec.loadBalancerIP: Invalid value: \"%s\": already allocated to "
			       "service %s/%s",
			       addr_format(asked, text), owner->ns, owner->name);
	if (!pools_contain(allocation->config, asked))
		return err_set(allocation->err, -EINVAL,
			       "spec.loadBalancerIP: Invalid value: \"%s\": not in "
			       "loadBalancerPools",
			       addr_format(asked, text));
	return 0;
}

/* Addresses it has: as given, or as stored while it was a load balancer before. */
static json_t *ingress_kept(const struct allocation *allocation)
{
	json_t *ingress = tree_get(allocation->json, INGRESS);

	if (!json_array_size(ingress) && allocation->stored &&
	    allocation->stored->service->type == SERVICE_LOAD_BALANCER)
		ingress = tree_get(allocation->stored->json, INGRESS);
	return json_is_array(ingress) ? json_deep_copy(ingress) : json_array();
}

/* Whether it has an address of the family, or the address; either may be NULL. */
static bool ingress_has(const json_t *ingress, const bool *v4, const struct lb_addr *wanted)
{
	const json_t *item;
	size_t i;

	json_array_foreach (ingress, i, item) {
		const char *ip = tree_text(item, "ip");
		struct lb_addr addr;

		if (!ip || addr_parse(ip, &addr))
			continue;
		if (v4 && addr_is_v4(&addr) == *v4)
			return true;
		if (wanted && !addr_compare(&addr, wanted))
			return true;
	}
	return false;
}

static void ingress_add(json_t *ingress, const struct lb_addr *addr)
{
	char text[ADDR_TEXT];

	json_array_append_new(
		ingress, json_pack("{s:s, s:s}", "ip", addr_format(addr, text), "ipMode", "VIP"));
}

static int ingress_fill(const struct allocation *allocation, json_t *ingress)
{
	const struct lb_addr *asked = &allocation->given->service->load_balancer_ip;
	bool asks = !addr_is_zero(asked) && allocation->config->load_balancer_pools.n;
	int rc = 0;

	if (asks && !ingress_has(ingress, NULL, asked)) {
		rc = check_asked(allocation, asked);
		if (rc)
			return rc;
		json_array_clear(ingress); /* it asks for another one than it has */
		ingress_add(ingress, asked);
	}
	for (size_t i = 0; i < allocation->n_families; i++) {
		struct lb_addr addr;

		if (!ingress_has(ingress, &allocation->v4[i], NULL) &&
		    address_take(allocation, allocation->v4[i], &addr))
			ingress_add(ingress, &addr);
	}
	return 0;
}

/* A host name in place of addresses, and another class, say that somebody else provides. */
static bool is_ours(const struct allocation *allocation, const json_t *ingress)
{
	const char *class = allocation->given->service->load_balancer_class;
	const json_t *item;
	size_t i;

	json_array_foreach (ingress, i, item) {
		if (!tree_text(item, "ip"))
			return false;
	}
	return !class || !strcmp(class, LOAD_BALANCER_CLASS);
}

int alloc_load_balancer(struct allocation *allocation)
{
	json_t *ingress;
	int rc = 0;

	if (allocation->given->service->type != SERVICE_LOAD_BALANCER) {
		tree_delete(allocation->json, INGRESS);
		return 0;
	}
	ingress = ingress_kept(allocation);
	if (is_ours(allocation, ingress))
		rc = ingress_fill(allocation, ingress);
	if (rc || !json_array_size(ingress))
		json_decref(ingress);
	else
		tree_set(allocation->json, INGRESS, ingress);
	return rc;
}
