/* SPDX-License-Identifier: Apache-2.0 */
#include "user/model/members.h"

#include <string.h>

#include "user/model/pod_index.h"
#include "user/model/readiness.h"

#define LABEL_SKIP_MIRROR "endpointslice.kubernetes.io/skip-mirror"

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

static const char *label_find(const struct pod *pod, const char *key)
{
	for (size_t i = 0; i < pod->n_labels; i++) {
		if (!strcmp(pod->labels[i].key, key))
			return pod->labels[i].value;
	}
	return NULL;
}

/* known: a label of the selector that is known to match, or NULL. */
static bool selector_matches(const struct service *service, const struct pod *pod,
			     const struct label *known)
{
	for (size_t i = 0; i < service->n_selector; i++) {
		const struct label *label = &service->selector[i];
		const char *value;

		if (label == known)
			continue;
		value = label_find(pod, label->key);
		if (!value || strcmp(value, label->value) != 0)
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

	if (readiness_pod_ended(pod))
		return;
	for (size_t i = 0; i < pod->n_ips && !addr; i++) {
		if (addr_is_v4(&pod->ips[i]) == v4)
			addr = &pod->ips[i];
	}
	if (!addr)
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
	endpoint->weight = pod->weight;
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

struct selection {
	const struct store *store;
	const struct object *service;
	bool v4;
	struct member_list *members;
};

static void pod_select(void *arg, const struct object *pod, const struct label *known)
{
	const struct selection *selection = arg;

	if (selector_matches(selection->service->service, pod->pod, known))
		member_add(selection->store, selection->service, pod, selection->v4,
			   selection->members);
}

void members_select(const struct store *store, const struct object *service, bool v4,
		    struct member_list *ret_members)
{
	struct member_list members = { 0 };
	struct selection selection = { store, service, v4, &members };

	if (service->service->n_selector && service->service->type != SERVICE_EXTERNAL_NAME &&
	    !store_is_cluster(store))
		pod_index_each(store_pods(store), service->ns, service->service->selector,
			       service->service->n_selector, pod_select, &selection);
	members_hint(service->service, &members);
	*ret_members = members;
}

bool members_chosen(const struct object *service, const struct object *pod)
{
	return service->service->n_selector && !strcmp(service->ns, pod->ns) &&
	       selector_matches(service->service, pod->pod, NULL);
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

	if (service->service->type == SERVICE_EXTERNAL_NAME)
		return NULL;
	if (store_is_cluster(store) ? store_slices(store, service->ns, service->name).n
				    : service->service->n_selector)
		return NULL;
	endpoints = store_find(store, K8S_ENDPOINTS, service->ns, service->name);
	if (!endpoints)
		return NULL;
	skip = object_label(endpoints, LABEL_SKIP_MIRROR);
	return skip && !strcmp(skip, "true") ? NULL : endpoints;
}
