/* SPDX-License-Identifier: Apache-2.0 */
#include "user/dns/builtin.h"

#include <arpa/inet.h>
#include <string.h>

#include "user/k8s/decode.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"

#define LABEL_SERVICE_NAME "kubernetes.io/service-name"
#define LABEL_MANAGED_BY "endpointslice.kubernetes.io/managed-by"

static bool is_dns_address(const struct config *config, const struct lb_addr *addr)
{
	for (size_t i = 0; i < config->dns.addresses.n; i++) {
		if (!addr_compare(&config->dns.addresses.items[i], addr))
			return true;
	}
	return false;
}

/* The Service that has one of the addresses, or else the name. */
static const struct object *owner_find(const struct store *store, const struct config *config)
{
	struct store_view services = store_list(store, K8S_SERVICE, NULL);

	for (size_t i = 0; i < services.n; i++) {
		const struct service *service = services.items[i]->service;

		for (size_t j = 0; j < service->n_cluster_ips; j++) {
			if (is_dns_address(config, &service->cluster_ips[j]))
				return services.items[i];
		}
	}
	return store_find(store, K8S_SERVICE, BUILTIN_NAMESPACE, BUILTIN_NAME);
}

static bool has_endpoints(const struct store *store, const struct object *service)
{
	return store_slices(store, service->ns, service->name).n ||
	       store_find(store, K8S_ENDPOINTS, service->ns, service->name);
}

/* Does nobody else stand behind it? */
static bool is_ours(const struct store *store, const struct config *config,
		    const struct object *object)
{
	const struct service *service = object->service;

	return service->type == SERVICE_CLUSTER_IP && !service->n_selector &&
	       service->n_cluster_ips && is_dns_address(config, &service->cluster_ips[0]) &&
	       !has_endpoints(store, object);
}

/* Takes over json. */
static const struct object *object_add(struct store *store, json_t *json)
{
	cleanup_json json_t *owned = json;
	struct object *object;
	struct err err;

	if (object_decode(owned, BUILTIN_NAMESPACE, &object, NULL, &err))
		return NULL;
	store_put(store, object);
	return object;
}

static const struct object *service_add(struct store *store, const struct config *config)
{
	json_t *ips = json_array(), *families = json_array();
	char text[ADDR_TEXT];

	for (size_t i = 0; i < config->dns.addresses.n; i++) {
		const struct lb_addr *addr = &config->dns.addresses.items[i];

		json_array_append_new(ips, json_string(addr_format(addr, text)));
		json_array_append_new(families, json_string(addr_is_v4(addr) ? "IPv4" : "IPv6"));
	}
	addr_format(&config->dns.addresses.items[0], text);
	return object_add(
		store, json_pack("{s:s, s:s, s:{s:s, s:s, s:{s:s}}, s:{s:s, s:s, s:o, s:o, s:s, "
				 "s:[{s:s, s:i, s:s}, {s:s, s:i, s:s}]}}",
				 "apiVersion", "v1", "kind", "Service", "metadata", "name",
				 BUILTIN_NAME, "namespace", BUILTIN_NAMESPACE, "labels", "k8s-app",
				 "kube-dns", "spec", "type", "ClusterIP", "clusterIP", text,
				 "clusterIPs", ips, "ipFamilies", families, "ipFamilyPolicy",
				 config->dns.addresses.n > 1 ? "RequireDualStack" : "SingleStack",
				 "ports", "name", "dns", "port", BUILTIN_PORT, "protocol", "UDP",
				 "name", "dns-tcp", "port", BUILTIN_PORT, "protocol", "TCP"));
}

/* The server itself has the address of the Service: nothing has to be translated. */
static bool slice_add(struct store *store, const struct config *config,
		      const struct object *service, const struct lb_addr *addr)
{
	const char *family = addr_is_v4(addr) ? "IPv4" : "IPv6";
	cleanup_free char *name = xasprintf("%s-%s", service->name, addr_is_v4(addr) ? "v4" : "v6");
	json_t *ports = json_array();
	char text[ADDR_TEXT];

	for (size_t i = 0; i < service->service->n_ports; i++) {
		const struct service_port *port = &service->service->ports[i];

		json_array_append_new(ports, json_pack("{s:s, s:i, s:s}", "name", port->name,
						       "port", BUILTIN_PORT, "protocol",
						       port->proto == IPPROTO_UDP ? "UDP" : "TCP"));
	}
	return object_add(
		store,
		json_pack("{s:s, s:s, s:{s:s, s:s, s:{s:s, s:s}}, s:s, s:o, s:[{s:[s], s:s, "
			  "s:{s:b}}]}",
			  "apiVersion", "discovery.k8s.io/v1", "kind", "EndpointSlice", "metadata",
			  "name", name, "namespace", service->ns, "labels", LABEL_SERVICE_NAME,
			  service->name, LABEL_MANAGED_BY, "lbctl", "addressType", family, "ports",
			  ports, "endpoints", "addresses", addr_format(addr, text), "nodeName",
			  config->node_name, "conditions", "ready", 1));
}

bool builtin_add(struct store *store, const struct config *config)
{
	const struct object *service;
	bool added = true;

	if (!config->dns.addresses.n)
		return false;
	service = owner_find(store, config);
	if (service && !is_ours(store, config, service))
		return false;
	if (!service)
		service = service_add(store, config);
	if (!service)
		return false;
	for (size_t i = 0; i < config->dns.addresses.n; i++)
		added &= slice_add(store, config, service, &config->dns.addresses.items[i]);
	return added;
}

void builtin_mark(struct desired *desired, const struct config *config)
{
	for (size_t i = 0; i < desired->n_services; i++) {
		struct desired_service *service = &desired->services[i];

		for (size_t j = 0; j < service->n_frontends; j++) {
			struct desired_frontend *frontend = &service->frontends[j];

			if (frontend->key.proto == IPPROTO_UDP &&
			    frontend->key.port == htons(BUILTIN_PORT) &&
			    is_dns_address(config, &frontend->key.addr))
				frontend->flags |= LB_FRONTEND_DNS;
		}
	}
}
