/* SPDX-License-Identifier: Apache-2.0 */
#include "user/model/candidates.h"

#include <arpa/inet.h>
#include <string.h>

#include "user/model/addresses.h"
#include "user/model/hash.h"
#include "user/model/readiness.h"

enum topology {
	TOPOLOGY_NONE,
	TOPOLOGY_ZONE,
	TOPOLOGY_NODE,
};

/* An endpoint that names no node can still sit on this one: host processes do. */
static bool endpoint_is_local(const struct endpoint *endpoint, const struct viewpoint *view)
{
	if (endpoint->node_name)
		return view->node && !strcmp(endpoint->node_name, view->node);
	return addresses_have(view->addresses->items, view->addresses->n, &endpoint->addr);
}

static bool names_contain(const char *const *names, size_t n, const char *name)
{
	for (size_t i = 0; name && i < n; i++) {
		if (!strcmp(names[i], name))
			return true;
	}
	return false;
}

/*
 * All or nothing: one ready endpoint without a hint, or none for this node or zone, and
 * hints do not count, since they were made for another state of things.
 */
static enum topology topology_of(const struct candidate_list *candidates,
				 const struct viewpoint *view)
{
	bool all_nodes = true, all_zones = true, our_node = false, our_zone = false;

	for (size_t i = 0; i < candidates->n; i++) {
		const struct endpoint *endpoint = candidates->items[i].endpoint;

		if (!readiness_of_endpoint(endpoint))
			continue;
		all_nodes = all_nodes && endpoint->n_hint_nodes;
		all_zones = all_zones && endpoint->n_hint_zones;
		our_node = our_node ||
			   names_contain(endpoint->hint_nodes, endpoint->n_hint_nodes, view->node);
		our_zone = our_zone ||
			   names_contain(endpoint->hint_zones, endpoint->n_hint_zones, view->zone);
	}
	if (all_nodes && our_node)
		return TOPOLOGY_NODE;
	return all_zones && our_zone ? TOPOLOGY_ZONE : TOPOLOGY_NONE;
}

static bool topology_allows(const struct endpoint *endpoint, enum topology topology,
			    const struct viewpoint *view)
{
	if (topology == TOPOLOGY_NODE)
		return names_contain(endpoint->hint_nodes, endpoint->n_hint_nodes, view->node);
	if (topology == TOPOLOGY_ZONE)
		return names_contain(endpoint->hint_zones, endpoint->n_hint_zones, view->zone);
	return true;
}

static int candidate_compare(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;
	int order = addr_compare(&x->endpoint->addr, &y->endpoint->addr);

	if (!order)
		order = (int)x->port - (int)y->port;
	return order ? order : (x->order > y->order) - (x->order < y->order);
}

static void candidates_dedupe(struct candidate_list *candidates)
{
	size_t kept = 0;

	if (!candidates->n)
		return;
	qsort(candidates->items, candidates->n, sizeof(*candidates->items), candidate_compare);
	for (size_t i = 0; i < candidates->n; i++) {
		const struct candidate *last = kept ? &candidates->items[kept - 1] : NULL;
		const struct candidate *next = &candidates->items[i];

		if (last && last->port == next->port &&
		    !addr_compare(&last->endpoint->addr, &next->endpoint->addr))
			continue;
		candidates->items[kept++] = *next;
	}
	candidates->n = kept;
}

/* A number for a zone that is the same on all nodes and never 0. */
static uint16_t zone_number(const char *zone)
{
	if (!zone || !*zone)
		return 0;
	return (uint16_t)(hash_finish(hash_text(HASH_START, zone)) % UINT16_MAX + 1);
}

/* Whether any endpoint of a scope is ready: otherwise those on their way out have to do. */
struct scope {
	bool ready;
};

static bool scope_uses(struct scope scope, const struct endpoint *endpoint)
{
	if (scope.ready)
		return readiness_of_endpoint(endpoint);
	return endpoint->serving && endpoint->terminating && endpoint->probed != PROBED_UNREADY;
}

void candidates_choose(struct candidate_list *candidates, const struct viewpoint *view,
		       uint8_t proto, struct desired_service *service)
{
	struct scope cluster = { 0 }, local = { 0 };
	enum topology topology;

	candidates_dedupe(candidates);
	topology = topology_of(candidates, view);
	for (size_t i = 0; i < candidates->n; i++) {
		const struct endpoint *endpoint = candidates->items[i].endpoint;

		bool ready = readiness_of_endpoint(endpoint);

		cluster.ready = cluster.ready || ready;
		local.ready = local.ready || (ready && endpoint_is_local(endpoint, view));
	}
	service->backends = xcalloc(candidates->n, sizeof(*service->backends));
	for (size_t i = 0; i < candidates->n; i++) {
		const struct endpoint *endpoint = candidates->items[i].endpoint;
		bool is_local = endpoint_is_local(endpoint, view);
		bool is_pod = endpoint->target_kind && !strcmp(endpoint->target_kind, "Pod");
		struct desired_backend backend = {
			.addr = endpoint->addr,
			.port = htons(candidates->items[i].port),
			.proto = proto,
			.zone = zone_number(endpoint->zone),
			.weight = endpoint->weight ? endpoint->weight : 1,
			.cluster = scope_uses(cluster, endpoint) &&
				   topology_allows(endpoint, topology, view),
			.local = is_local && scope_uses(local, endpoint),
			.ready = readiness_of_endpoint(endpoint),
		};

		backend.flags = (is_local ? LB_BACKEND_LOCAL : 0) | (is_pod ? LB_BACKEND_POD : 0) |
				(endpoint->terminating ? LB_BACKEND_TERMINATING : 0) |
				(backend.cluster ? 0 : LB_BACKEND_NODE_ONLY);
		if (backend.cluster || backend.local)
			service->backends[service->n_backends++] = backend;
	}
}
