/* SPDX-License-Identifier: Apache-2.0 */
#include "user/model/alloc.h"

#include <string.h>

#include "user/k8s/decode.h"
#include "user/model/alloc_parts.h"
#include "user/model/hash.h"
#include "user/util/cleanup.h"
#include "user/util/tree.h"

static void default_text(json_t *json, const char *path, const char *value)
{
	if (!tree_get(json, path))
		tree_set(json, path, json_string(value));
}

static void default_ports(json_t *json, const struct service *service)
{
	json_t *ports = tree_get(json, "spec.ports"), *port;
	size_t i;

	json_array_foreach (ports, i, port) {
		default_text(port, "protocol", "TCP");
		if (!json_object_get(port, "targetPort"))
			json_object_set_new(port, "targetPort",
					    json_integer(service->ports[i].port));
	}
}

void alloc_defaults(json_t *json, const struct service *service)
{
	static const char timeout[] = "spec.sessionAffinityConfig.clientIP.timeoutSeconds";
	bool shown = service->type == SERVICE_NODE_PORT || service->type == SERVICE_LOAD_BALANCER ||
		     (service->type == SERVICE_CLUSTER_IP && service->n_external_ips);

	default_text(json, "spec.type", "ClusterIP");
	default_text(json, "spec.sessionAffinity", "None");
	if (service->affinity_client_ip && !tree_get(json, timeout))
		tree_set(json, timeout, json_integer(service->affinity_seconds));
	default_ports(json, service);
	if (service->type != SERVICE_EXTERNAL_NAME)
		default_text(json, "spec.internalTrafficPolicy", "Cluster");
	if (shown)
		default_text(json, "spec.externalTrafficPolicy", "Cluster");
	if (service->type == SERVICE_LOAD_BALANCER &&
	    !tree_get(json, "spec.allocateLoadBalancerNodePorts"))
		tree_set(json, "spec.allocateLoadBalancerNodePorts", json_true());
	if (!tree_get(json, "status.loadBalancer"))
		tree_set(json, "status.loadBalancer", json_object());
}

bool alloc_is_other(const struct allocation *allocation, const struct object *service)
{
	return strcmp(service->ns, allocation->given->ns) != 0 ||
	       strcmp(service->name, allocation->given->name) != 0;
}

static bool service_has_address(const struct service *service, const struct lb_addr *addr)
{
	for (size_t i = 0; i < service->n_cluster_ips; i++) {
		if (!addr_compare(&service->cluster_ips[i], addr))
			return true;
	}
	for (size_t i = 0; i < service->n_ingress; i++) {
		if (!addr_compare(&service->ingress[i].addr, addr))
			return true;
	}
	for (size_t i = 0; i < service->n_external_ips; i++) {
		if (!addr_compare(&service->external_ips[i], addr))
			return true;
	}
	return false;
}

const struct object *alloc_address_owner(const struct allocation *allocation,
					 const struct lb_addr *addr)
{
	struct store_view services = store_list(allocation->store, K8S_SERVICE, NULL);

	for (size_t i = 0; i < services.n; i++) {
		if (service_has_address(services.items[i]->service, addr) &&
		    alloc_is_other(allocation, services.items[i]))
			return services.items[i];
	}
	return NULL;
}

uint64_t alloc_start(const struct allocation *allocation, uint64_t range)
{
	const struct object *given = allocation->given;

	return hash_finish(hash_text(hash_text(HASH_START, given->ns), given->name)) % range;
}

uint64_t alloc_band(uint64_t size, uint64_t step, uint64_t least, uint64_t most)
{
	uint64_t band = size / step;

	if (size < least)
		return 0;
	if (band < least)
		return least;
	return band < most ? band : most;
}

int alloc_service(const struct store *store, const struct config *config, struct object **object,
		  struct err *err)
{
	cleanup_json json_t *json = json_deep_copy((*object)->json);
	struct allocation allocation = {
		.store = store,
		.config = config,
		.given = *object,
		.stored = store_find(store, K8S_SERVICE, (*object)->ns, (*object)->name),
		.json = json,
		.err = err,
	};
	struct object *done;
	int rc = alloc_addresses(&allocation);

	if (!rc)
		rc = alloc_ports(&allocation);
	if (!rc)
		rc = alloc_load_balancer(&allocation);
	if (rc)
		return rc;
	alloc_defaults(json, allocation.given->service);
	rc = object_decode(json, allocation.given->ns, &done, NULL, err);
	if (rc)
		return rc;
	object_free(*object);
	*object = done;
	return 0;
}
