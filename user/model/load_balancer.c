/* SPDX-License-Identifier: Apache-2.0 */
#include "user/model/load_balancer.h"

#include <string.h>

#include "user/model/pools.h"
#include "user/util/tree.h"
#include "user/util/vec.h"

/* Who has, or asks for, an address; the first of those with the same one gets it. */
struct holding {
	struct lb_addr addr;
	enum { HELD_BY_OTHERS, HELD, ASKED } rank;
	size_t owner; /* index into the list of ours; of others none */
};

struct holding_list {
	struct holding *items;
	size_t n, room;
};

struct planning {
	const struct config *config;
	struct load_balancer_list *list;
	struct holding_list holdings;
	struct pools pools;
};

/* ------------------------------------------------------------- which are ours -- */

/* Where there is no class to tell: an address that is none of the pools' was given by somebody
 * else. */
static bool has_foreign_address(const struct service *service, const struct config *config)
{
	for (size_t i = 0; i < service->n_ingress; i++) {
		if (!pools_contain(config, &service->ingress[i].addr))
			return true;
	}
	return false;
}

static bool is_ours(const struct service *service, const struct config *config)
{
	if (service->type != SERVICE_LOAD_BALANCER)
		return false;
	if (service->load_balancer_class)
		return !strcmp(service->load_balancer_class, LOAD_BALANCER_CLASS);
	return config->load_balancer_default && !has_foreign_address(service, config);
}

/* Of another type now, which takes the class along; older API servers leave the status as it was.
 */
static bool was_ours(const struct service *service, const struct config *config)
{
	return service->type != SERVICE_LOAD_BALANCER && service->n_ingress &&
	       !has_foreign_address(service, config);
}

static int text_order(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "");
}

static int balancer_order(const void *a, const void *b)
{
	const struct object *x = ((const struct load_balancer *)a)->service;
	const struct object *y = ((const struct load_balancer *)b)->service;
	int order = text_order(tree_text(x->json, "metadata.creationTimestamp"),
			       tree_text(y->json, "metadata.creationTimestamp"));

	if (!order)
		order = strcmp(x->ns, y->ns);
	return order ? order : strcmp(x->name, y->name);
}

/* ---------------------------------------------------------------- who has what -- */

static int holding_order(const void *a, const void *b)
{
	const struct holding *x = a, *y = b;
	int order = addr_compare(&x->addr, &y->addr);

	if (order)
		return order;
	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return x->owner < y->owner ? -1 : x->owner > y->owner;
}

static int holding_address_order(const void *a, const void *b)
{
	return addr_compare(&((const struct holding *)a)->addr, &((const struct holding *)b)->addr);
}

static void holding_add(struct planning *planning, const struct lb_addr *addr, int rank,
			size_t owner)
{
	if (!addr_is_zero(addr))
		vec_push(&planning->holdings, ((struct holding){ *addr, rank, owner }));
}

static void others_collect(struct planning *planning, const struct service *service, bool ours)
{
	for (size_t i = 0; i < service->n_cluster_ips; i++)
		holding_add(planning, &service->cluster_ips[i], HELD_BY_OTHERS, 0);
	for (size_t i = 0; i < service->n_external_ips; i++)
		holding_add(planning, &service->external_ips[i], HELD_BY_OTHERS, 0);
	for (size_t i = 0; i < service->n_ingress && !ours; i++)
		holding_add(planning, &service->ingress[i].addr, HELD_BY_OTHERS, 0);
}

/* Sorted, each address once: with its owner. */
static void holdings_settle(struct holding_list *holdings)
{
	size_t kept = 0;

	if (!holdings->n)
		return;
	qsort(holdings->items, holdings->n, sizeof(*holdings->items), holding_order);
	for (size_t i = 0; i < holdings->n; i++) {
		if (!kept || holding_address_order(&holdings->items[kept - 1], &holdings->items[i]))
			holdings->items[kept++] = holdings->items[i];
	}
	holdings->n = kept;
}

static bool holds(const struct planning *planning, size_t owner, const struct lb_addr *addr)
{
	const struct holding key = { .addr = *addr };
	const struct holding *found = NULL;

	if (planning->holdings.n)
		found = bsearch(&key, planning->holdings.items, planning->holdings.n, sizeof(key),
				holding_address_order);
	return found && found->rank != HELD_BY_OTHERS && found->owner == owner;
}

static void holdings_collect(struct planning *planning, const struct store_view *services)
{
	for (size_t i = 0; i < services->n; i++) {
		const struct service *service = services->items[i]->service;

		others_collect(planning, service, is_ours(service, planning->config));
	}
	for (size_t i = 0; i < planning->list->n; i++) {
		const struct service *service = planning->list->items[i].service->service;

		if (!is_ours(service, planning->config))
			continue;
		for (size_t j = 0; j < service->n_ingress; j++)
			holding_add(planning, &service->ingress[j].addr, HELD, i);
		if (pools_contain(planning->config, &service->load_balancer_ip))
			holding_add(planning, &service->load_balancer_ip, ASKED, i);
	}
	holdings_settle(&planning->holdings);
	for (size_t i = 0; i < planning->holdings.n; i++)
		pools_use(&planning->pools, &planning->holdings.items[i].addr);
}

/* ------------------------------------------------------------- what each gets -- */

static size_t families_of(const struct service *service, bool v4[2])
{
	size_t n = service->n_families;

	for (size_t i = 0; i < n; i++)
		v4[i] = service->families_v4[i];
	/* An API server without dual stack does not fill in the families. */
	for (; n < service->n_cluster_ips; n++)
		v4[n] = addr_is_v4(&service->cluster_ips[n]);
	if (!n)
		v4[n++] = true;
	return n;
}

static bool kept_find(const struct planning *planning, size_t owner, bool v4,
		      struct lb_addr *ret_addr)
{
	const struct service *service = planning->list->items[owner].service->service;

	for (size_t i = 0; i < service->n_ingress; i++) {
		const struct lb_addr *addr = &service->ingress[i].addr;

		if (addr_is_v4(addr) == v4 && holds(planning, owner, addr)) {
			*ret_addr = *addr;
			return true;
		}
	}
	return false;
}

/* Whether spec.loadBalancerIP decides about the family; it may then be refused. */
static bool asked_find(const struct planning *planning, size_t owner, bool v4,
		       struct lb_addr *ret_addr)
{
	struct load_balancer *balancer = &planning->list->items[owner];
	const struct lb_addr *asked = &balancer->service->service->load_balancer_ip;

	if (addr_is_zero(asked) || addr_is_v4(asked) != v4)
		return false;
	if (!pools_contain(planning->config, asked))
		balancer->lack = LOAD_BALANCER_ASKED_FOREIGN;
	else if (!holds(planning, owner, asked))
		balancer->lack = LOAD_BALANCER_ASKED_TAKEN;
	else
		*ret_addr = *asked;
	return true;
}

static void family_fill(struct planning *planning, size_t owner, bool v4)
{
	struct load_balancer *balancer = &planning->list->items[owner];
	const char *policy = balancer->service->service->family_policy;
	bool dying = tree_get(balancer->service->json, "metadata.deletionTimestamp");
	bool must = !policy || strcmp(policy, "PreferDualStack") != 0 || !balancer->n_addrs;
	struct lb_addr addr = { 0 };

	if ((!asked_find(planning, owner, v4, &addr) || addr_is_zero(&addr)) &&
	    !kept_find(planning, owner, v4, &addr) && !balancer->lack && !dying &&
	    !pools_take(&planning->pools, v4, &addr) && must)
		balancer->lack = LOAD_BALANCER_POOLS_EMPTY;
	if (!addr_is_zero(&addr))
		balancer->addrs[balancer->n_addrs++] = addr;
}

static bool status_differs(const struct load_balancer *balancer)
{
	const struct service *service = balancer->service->service;

	if (balancer->n_addrs != service->n_ingress)
		return true;
	for (size_t i = 0; i < balancer->n_addrs; i++) {
		if (addr_compare(&balancer->addrs[i], &service->ingress[i].addr))
			return true;
	}
	return false;
}

void load_balancer_plan(const struct store *store, const struct config *config,
			struct load_balancer_list *ret_list)
{
	struct store_view services = store_list(store, K8S_SERVICE, NULL);
	struct planning planning = { .config = config, .list = ret_list };

	*ret_list = (struct load_balancer_list){ 0 };
	for (size_t i = 0; i < services.n; i++) {
		const struct service *service = services.items[i]->service;

		if (is_ours(service, config) || was_ours(service, config))
			vec_add(ret_list)->service = services.items[i];
	}
	if (!ret_list->n)
		return;
	qsort(ret_list->items, ret_list->n, sizeof(*ret_list->items), balancer_order);
	pools_init(&planning.pools, config);
	holdings_collect(&planning, &services);
	for (size_t i = 0; i < ret_list->n; i++) {
		bool v4[2];
		const struct service *service = ret_list->items[i].service->service;
		size_t n = families_of(service, v4);

		for (size_t j = 0; j < n && is_ours(service, config); j++)
			family_fill(&planning, i, v4[j]);
		ret_list->items[i].differs = status_differs(&ret_list->items[i]);
	}
	pools_done(&planning.pools);
	vec_free(&planning.holdings);
}

void load_balancer_list_free(struct load_balancer_list *list)
{
	vec_free(list);
}

json_t *load_balancer_patch(const struct load_balancer *balancer)
{
	const json_t *json = balancer->service->json;
	json_t *ingress = json_array();
	char text[ADDR_TEXT];

	for (size_t i = 0; i < balancer->n_addrs; i++)
		json_array_append_new(ingress, json_pack("{s:s, s:s}", "ip",
							 addr_format(&balancer->addrs[i], text),
							 "ipMode", "VIP"));
	return json_pack("{s:{s:s*, s:s*}, s:{s:{s:o}}}", "metadata", "uid",
			 tree_text(json, "metadata.uid"), "resourceVersion",
			 tree_text(json, "metadata.resourceVersion"), "status", "loadBalancer",
			 "ingress", ingress);
}

const char *load_balancer_lack_text(enum load_balancer_lack lack)
{
	switch (lack) {
	case LOAD_BALANCER_POOLS_EMPTY:
		return "no address is left in loadBalancerPools";
	case LOAD_BALANCER_ASKED_TAKEN:
		return "its loadBalancerIP is another Service's";
	case LOAD_BALANCER_ASKED_FOREIGN:
		return "its loadBalancerIP is not in loadBalancerPools";
	default:
		return "";
	}
}
