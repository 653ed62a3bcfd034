/* SPDX-License-Identifier: Apache-2.0 */
#include "user/model/members.h"

#include <string.h>

#include "user/model/readiness.h"

#define LABEL_SKIP_MIRROR "endpointslice.kubernetes.io/skip-mirror"

/* ------------------------------------------------------------ the index -- */

struct pod_entry {
	const struct object *pod;
	uint32_t next; /* the chain goes on there; 0: ends. Entry 0 is unused */
};

struct pod_bucket {
	uint32_t first;
	uint32_t n;
};

struct pod_index {
	struct pod_bucket *buckets;
	size_t mask;
	struct pod_entry *items;
	size_t n, room;
};

static uint64_t text_hash(uint64_t hash, const char *text)
{
	do {
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3ull;
	} while (*text++);
	return hash;
}

static size_t label_slot(const struct pod_index *index, const char *ns, const char *key,
			 const char *value)
{
	uint64_t hash = text_hash(text_hash(text_hash(0xcbf29ce484222325ull, ns), key), value);

	return (hash ^ hash >> 32) & index->mask;
}

static void pod_index_add(struct pod_index *index, const struct object *pod)
{
	json_t *labels = json_object_get(json_object_get(pod->json, "metadata"), "labels");
	const char *key;
	json_t *value;

	json_object_foreach (labels, key, value) {
		struct pod_bucket *bucket;

		if (!json_is_string(value))
			continue;
		bucket = &index->buckets[label_slot(index, pod->ns, key, json_string_value(value))];
		if (bucket->first && index->items[bucket->first].pod == pod)
			continue; /* two labels of one pod met: once is enough */
		vec_push(index, ((struct pod_entry){ .pod = pod, .next = bucket->first }));
		bucket->first = (uint32_t)index->n - 1;
		bucket->n++;
	}
}

struct pod_index *pod_index_new(const struct store *store)
{
	struct pod_index *index = xcalloc(1, sizeof(*index));
	struct store_view pods = store_list(store, K8S_POD, NULL);
	size_t size = 64;

	while (size < pods.n * 4)
		size *= 2;
	index->mask = size - 1;
	index->buckets = xcalloc(size, sizeof(*index->buckets));
	(void)vec_add(index);
	/* Backwards: chains grow at their head, and are to be read in the order of names. */
	for (size_t i = pods.n; i > 0; i--)
		pod_index_add(index, pods.items[i - 1]);
	return index;
}

void pod_index_free(struct pod_index *index)
{
	if (!index)
		return;
	free(index->buckets);
	free(index->items);
	free(index);
}

/* The chain of the rarest of the selector's labels. */
static const struct pod_bucket *rarest_bucket(const struct pod_index *index, const char *ns,
					      const struct service *service)
{
	const struct pod_bucket *best = NULL;

	for (size_t i = 0; i < service->n_selector; i++) {
		const struct label *label = &service->selector[i];
		const struct pod_bucket *bucket =
			&index->buckets[label_slot(index, ns, label->key, label->value)];

		if (!best || bucket->n < best->n)
			best = bucket;
	}
	return best;
}

/* ---------------------------------------------------------- the members -- */

size_t service_families(const struct service *service, bool ret_v4[2])
{
	if (service->n_families) {
		memcpy(ret_v4, service->families_v4, sizeof(service->families_v4));
		return service->n_families;
	}
	for (size_t i = 0; i < service->n_cluster_ips; i++)
		ret_v4[i] = addr_is_v4(&service->cluster_ips[i]);
	if (service->n_cluster_ips)
		return service->n_cluster_ips;
	ret_v4[0] = true;
	return 1;
}

static bool selector_matches(const struct service *service, const struct object *pod)
{
	for (size_t i = 0; i < service->n_selector; i++) {
		const char *value = object_label(pod, service->selector[i].key);

		if (!value || strcmp(value, service->selector[i].value) != 0)
			return false;
	}
	return true;
}

static const char *node_zone(const struct store *store, const char *node_name)
{
	const struct object *node;

	if (!node_name)
		return NULL;
	node = store_find(store, K8S_NODE, "", node_name);
	return node ? node->node->zone : NULL;
}

static void member_add(const struct store *store, const struct object *service,
		       const struct object *object, bool v4, struct member_list *members)
{
	const struct service *spec = service->service;
	const struct pod *pod = object->pod;
	const struct lb_addr *addr = NULL;
	struct endpoint *endpoint;

	if (strcmp(object->ns, service->ns) != 0 || readiness_pod_ended(pod))
		return;
	for (size_t i = 0; i < pod->n_ips && !addr; i++) {
		if (addr_is_v4(&pod->ips[i]) == v4)
			addr = &pod->ips[i];
	}
	if (!addr || !selector_matches(spec, object))
		return;
	endpoint = &vec_add(members)->endpoint;
	members->items[members->n - 1].pod = object;
	endpoint->addr = *addr;
	endpoint->serving = readiness_of_pod(pod);
	endpoint->terminating = pod->terminating;
	endpoint->ready = spec->publish_not_ready || (endpoint->serving && !endpoint->terminating);
	endpoint->node_name = pod->node_name;
	endpoint->zone = node_zone(store, pod->node_name);
	if (pod->hostname && *pod->hostname && pod->subdomain &&
	    !strcmp(pod->subdomain, service->name))
		endpoint->hostname = pod->hostname;
	endpoint->target_kind = "Pod";
	endpoint->target_name = object->name;
}

/*
 * trafficDistribution is served by hints: every endpoint is for its own zone, and with
 * PreferSameNode for its own node. Run when the list has stopped moving, as the hints are
 * arrays of one that lie in the endpoint itself.
 */
static void members_hint(const struct service *service, struct member_list *members)
{
	const char *preferred = service->traffic_distribution;
	bool node, zone;

	if (!preferred)
		return;
	node = !strcmp(preferred, "PreferSameNode");
	zone = node || !strcmp(preferred, "PreferClose") || !strcmp(preferred, "PreferSameZone");
	for (size_t i = 0; i < members->n; i++) {
		struct endpoint *endpoint = &members->items[i].endpoint;

		endpoint->hint_nodes = &endpoint->node_name;
		endpoint->n_hint_nodes = node && endpoint->node_name;
		endpoint->hint_zones = &endpoint->zone;
		endpoint->n_hint_zones = zone && endpoint->zone;
	}
}

void members_select(const struct store *store, const struct pod_index *index,
		    const struct object *service, bool v4, struct member_list *ret_members)
{
	struct member_list members = { 0 };

	if (!service->service->n_selector || service->service->type == SERVICE_EXTERNAL_NAME) {
		*ret_members = members;
		return;
	}
	if (index) {
		uint32_t at = rarest_bucket(index, service->ns, service->service)->first;

		for (; at; at = index->items[at].next)
			member_add(store, service, index->items[at].pod, v4, &members);
	} else {
		struct store_view pods = store_list(store, K8S_POD, service->ns);

		for (size_t i = 0; i < pods.n; i++)
			member_add(store, service, pods.items[i], v4, &members);
	}
	members_hint(service->service, &members);
	*ret_members = members;
}

uint16_t member_port(const struct pod *pod, const struct service_port *port)
{
	if (!port->target_name)
		return port->target_port ? port->target_port : port->port;
	for (size_t i = 0; i < pod->n_ports; i++) {
		const struct container_port *candidate = &pod->ports[i];

		if (candidate->name && candidate->proto == port->proto &&
		    !strcmp(candidate->name, port->target_name))
			return candidate->port;
	}
	return 0;
}

const struct object *endpoints_to_mirror(const struct store *store, const struct object *service)
{
	const struct object *endpoints;
	const char *skip;

	if (service->service->n_selector || service->service->type == SERVICE_EXTERNAL_NAME)
		return NULL;
	endpoints = store_find(store, K8S_ENDPOINTS, service->ns, service->name);
	if (!endpoints)
		return NULL;
	skip = object_label(endpoints, LABEL_SKIP_MIRROR);
	return skip && !strcmp(skip, "true") ? NULL : endpoints;
}
