/* SPDX-License-Identifier: Apache-2.0 */
#include "user/k8s/check_service.h"

#include <string.h>

#include "user/k8s/kinds.h"
#include "user/k8s/names.h"
#include "user/util/cleanup.h"
#include "user/util/proto.h"

#define KUBELET_PORT 10250

static const char *type_name(const struct service *service)
{
	switch (service->type) {
	case SERVICE_NODE_PORT:
		return "NodePort";
	case SERVICE_LOAD_BALANCER:
		return "LoadBalancer";
	case SERVICE_EXTERNAL_NAME:
		return "ExternalName";
	case SERVICE_CLUSTER_IP:
		break;
	}
	return "ClusterIP";
}

/* ---------------------------------------------------------------- ports -- */

struct seen {
	json_t *names, *ports, *node_ports; /* sets: keys of objects */
};

/* Puts key into the set; true: it was there. */
static bool seen_before(json_t *set, const char *protocol, const char *key, unsigned int number)
{
	char text[80];

	snprintf(text, sizeof(text), "%s/%s%u", protocol, key, number);
	if (json_object_get(set, text))
		return true;
	json_object_set_new(set, text, json_true());
	return false;
}

static void port_check(const struct field *item, const struct service *service,
		       const struct service_port *port, const struct seen *seen)
{
	const char *protocol = proto_text(port->proto);
	struct field name = field_get(item, "name");
	struct field node_port = field_get(item, "nodePort");

	if (service->n_ports > 1)
		field_required(&name);
	if (*port->name && seen_before(seen->names, "", port->name, 0))
		field_duplicate(&name);
	if (service->type == SERVICE_CLUSTER_IP && port->node_port)
		field_forbidden(&node_port, "may not be used when `type` is 'ClusterIP'");
	if (service->type == SERVICE_LOAD_BALANCER && port->port == KUBELET_PORT)
		field_fail(item,
			   "Invalid value: %u: may not expose port %u externally since it is used "
			   "by kubelet",
			   port->port, port->port);
	if (seen_before(seen->ports, protocol, "", port->port))
		field_fail(item, "Duplicate value: {\"port\":%u,\"protocol\":\"%s\"}", port->port,
			   protocol);
	if (port->node_port && seen_before(seen->node_ports, protocol, "", port->node_port))
		field_duplicate(&node_port);
}

static void ports_check(const struct field *spec, const struct service *service)
{
	struct seen seen = { json_object(), json_object(), json_object() };
	struct field ports = field_get(spec, "ports");

	if (!service->n_ports && !service->headless && service->type != SERVICE_EXTERNAL_NAME)
		field_fail(&ports, "Required value");
	for (size_t i = 0; i < service->n_ports; i++) {
		struct field item = field_at(&ports, i);

		port_check(&item, service, &service->ports[i], &seen);
	}
	json_decref(seen.names);
	json_decref(seen.ports);
	json_decref(seen.node_ports);
}

/* ------------------------------------------------------------ addresses -- */

/* clusterIP is clusterIPs[0], and who gives the list gives both. */
static void cluster_ips_agree(const struct field *single, const struct field *list)
{
	struct field first = field_at(list, 0);
	const char *one = field_string(single), *other = field_string(&first);

	if (!field_items(list))
		return;
	if (!one)
		field_fail(list, "Invalid value: must be empty when `clusterIP` is not specified");
	else if (other && strcmp(one, other) != 0)
		field_invalid(&first, "must match `clusterIP`");
}

static void headless_check(const struct field *given, const struct field *list,
			   const struct service *service)
{
	if (!service->headless)
		return;
	if (service->n_cluster_ips || field_items(list) > 1)
		field_fail(list, "Invalid value: 'None' must be the first and only value");
	if (service->type == SERVICE_NODE_PORT || service->type == SERVICE_LOAD_BALANCER)
		field_invalid(given, "may not be set to 'None' for %s services",
			      type_name(service));
}

static void families_check(const struct field *spec, const struct field *list,
			   const struct service *service)
{
	struct field families = field_get(spec, "ipFamilies");
	struct field policy = field_get(spec, "ipFamilyPolicy");
	struct field second_family = field_at(&families, 1);

	if (service->n_cluster_ips == 2 &&
	    addr_is_v4(&service->cluster_ips[0]) == addr_is_v4(&service->cluster_ips[1]))
		field_fail(list, "Invalid value: may specify no more than one IP for each IP "
				 "family");
	if (service->n_families == 2 && service->families_v4[0] == service->families_v4[1])
		field_duplicate(&second_family);
	for (size_t i = 0; i < service->n_families && i < service->n_cluster_ips; i++) {
		struct field item = field_at(list, i);

		if (addr_is_v4(&service->cluster_ips[i]) == service->families_v4[i])
			continue;
		field_invalid(item.json ? &item : list,
			      "expected an %s value as indicated by `ipFamilies[%zu]`",
			      service->families_v4[i] ? "IPv4" : "IPv6", i);
	}
	if ((service->n_families == 2 || service->n_cluster_ips == 2) && service->family_policy &&
	    !strcmp(service->family_policy, "SingleStack"))
		field_invalid(&policy, "must be PreferDualStack or RequireDualStack when two IP "
				       "families are specified");
}

static void external_name_check(const struct field *spec, const struct service *service)
{
	static const char *const foreign[] = { "clusterIPs", "clusterIP", "ipFamilies",
					       "ipFamilyPolicy" };
	struct field name = field_get(spec, "externalName");
	char plain[256];
	size_t length;
	const char *reason;

	for (size_t i = 0; i < ARRAY_LEN(foreign); i++) {
		struct field field = field_get(spec, foreign[i]);
		bool empty = json_is_string(field.json) ? !json_string_length(field.json)
							: !json_array_size(field.json);

		if (field.json && !empty)
			field_forbidden(&field, "may not be set for ExternalName services");
	}
	field_required(&name);
	if (!service->external_name)
		return;
	length = strlen(service->external_name);
	length -= service->external_name[length - 1] == '.';
	snprintf(plain, sizeof(plain), "%.*s", (int)length, service->external_name);
	reason = length < sizeof(plain) ? name_dns1123_subdomain(plain)
					: "must be no more than 253 characters";
	if (reason)
		field_invalid(&name, "%s", reason);
}

static void addresses_check(const struct field *spec, const struct service *service)
{
	struct field single = field_get(spec, "clusterIP");
	struct field list = field_get(spec, "clusterIPs");

	if (service->type == SERVICE_EXTERNAL_NAME) {
		external_name_check(spec, service);
		return;
	}
	headless_check(&single, &list, service);
	cluster_ips_agree(&single, &list);
	families_check(spec, list.json ? &list : &single, service);
}

/* ----------------------------------------------------- where it is shown -- */

static void load_balancer_check(const struct field *spec, const struct service *service)
{
	static const char *const only[] = { "loadBalancerSourceRanges", "loadBalancerClass",
					    "allocateLoadBalancerNodePorts" };

	if (service->type == SERVICE_LOAD_BALANCER)
		return;
	for (size_t i = 0; i < ARRAY_LEN(only); i++) {
		struct field field = field_get(spec, only[i]);

		if (field.json && (!json_is_array(field.json) || json_array_size(field.json)))
			field_forbidden(&field, "may only be used when `type` is 'LoadBalancer'");
	}
}

static void policy_check(const struct field *spec, const struct service *service)
{
	struct field policy = field_get(spec, "externalTrafficPolicy");
	struct field health = field_get(spec, "healthCheckNodePort");
	bool shown = service->type == SERVICE_LOAD_BALANCER || service->type == SERVICE_NODE_PORT ||
		     (service->type == SERVICE_CLUSTER_IP && service->n_external_ips);

	if (field_string(&policy) && !shown)
		field_invalid(&policy, "may only be set for externally-accessible services");
	if (service->health_check_node_port &&
	    (service->type != SERVICE_LOAD_BALANCER || !service->external_local))
		field_invalid(&health, "may only be set when `type` is 'LoadBalancer' and "
				       "`externalTrafficPolicy` is 'Local'");
}

void service_check(const struct field *spec, const struct service *service)
{
	ports_check(spec, service);
	addresses_check(spec, service);
	load_balancer_check(spec, service);
	policy_check(spec, service);
}
