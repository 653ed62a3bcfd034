/* SPDX-License-Identifier: Apache-2.0 */
/* EndpointSlice, v1 and v1beta1 (which keeps node and zone in a map called topology). */
#include <string.h>

#include "user/k8s/kinds.h"
#include "user/k8s/names.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"

#define ENDPOINTS_MAX 1000
#define PORTS_MAX 100
#define ADDRESSES_MAX 100
#define HINTS_MAX 8

static void port_decode(const struct field *item, struct endpoint_port *port)
{
	struct field name = field_get(item, "name");
	struct field number = field_get(item, "port");
	struct field app_protocol = field_get(item, "appProtocol");
	const char *text = field_name(&name, name_dns1123_label);

	port->name = text ? text : "";
	port->proto = protocol_decode(item);
	port->port = (uint16_t)field_int(&number, 1, 65535, 0);
	port->app_protocol = field_name(&app_protocol, name_qualified);
}

static void ports_decode(const struct field *root, struct endpoint_slice *slice)
{
	struct field list = field_get(root, "ports");
	cleanup_json json_t *names = json_object();

	slice->n_ports = field_limited(&list, PORTS_MAX);
	slice->ports = xcalloc(slice->n_ports, sizeof(*slice->ports));
	for (size_t i = 0; i < slice->n_ports; i++) {
		struct field item = field_at(&list, i);
		struct field name = field_get(&item, "name");

		port_decode(&item, &slice->ports[i]);
		if (json_object_get(names, slice->ports[i].name))
			field_duplicate(&name);
		json_object_set_new(names, slice->ports[i].name, json_true());
	}
}

static void addresses_decode(const struct field *item, const struct endpoint_slice *slice,
			     struct endpoint *endpoint)
{
	struct field list = field_get(item, "addresses");
	size_t n = field_limited(&list, ADDRESSES_MAX);

	if (!field_items(&list))
		field_fail(&list, "Required value: must contain at least 1 address");
	for (size_t i = 0; i < n; i++) {
		struct field address = field_at(&list, i);
		struct lb_addr addr = { 0 };

		field_required(&address);
		if (slice->fqdn)
			field_name(&address, name_dns1123_subdomain);
		else if (field_unicast(&address, &addr) && addr_is_v4(&addr) != slice->v4)
			field_invalid(&address, "must be an %s address",
				      slice->v4 ? "IPv4" : "IPv6");
		if (i == 0)
			endpoint->addr = addr;
	}
}

/* An unknown readiness is taken for ready; serving follows ready where nobody says otherwise. */
static void conditions_decode(const struct field *item, struct endpoint *endpoint)
{
	struct field conditions = field_get(item, "conditions");
	struct field ready = field_get(&conditions, "ready");
	struct field serving = field_get(&conditions, "serving");
	struct field terminating = field_get(&conditions, "terminating");

	endpoint->ready = field_bool(&ready, true);
	endpoint->serving = field_bool(&serving, endpoint->ready);
	endpoint->terminating = field_bool(&terminating, false);
}

static size_t hints_decode(const struct field *list, const char ***ret_names)
{
	size_t n = field_limited(list, HINTS_MAX);

	*ret_names = NULL;
	if (!n)
		return 0;
	*ret_names = xcalloc(n, sizeof(**ret_names));
	for (size_t i = 0; i < n; i++) {
		struct field item = field_at(list, i);
		struct field name = field_get(&item, "name");

		field_required(&name);
		(*ret_names)[i] = field_string(&name);
	}
	return n;
}

static const char *topology(const struct field *item, const char *key)
{
	struct field map = field_get(item, "topology");
	struct field entry = field_entry(&map, key);

	return field_string(&entry);
}

static void endpoint_decode(const struct field *item, const struct endpoint_slice *slice,
			    struct endpoint *endpoint)
{
	struct field hostname = field_get(item, "hostname");
	struct field node_name = field_get(item, "nodeName");
	struct field zone = field_get(item, "zone");
	struct field target = field_get(item, "targetRef");
	struct field target_kind = field_get(&target, "kind");
	struct field target_name = field_get(&target, "name");
	struct field hints = field_get(item, "hints");
	struct field zones = field_get(&hints, "forZones");
	struct field nodes = field_get(&hints, "forNodes");

	addresses_decode(item, slice, endpoint);
	conditions_decode(item, endpoint);
	endpoint->hostname = field_name(&hostname, name_dns1123_label);
	endpoint->node_name = field_name(&node_name, name_dns1123_subdomain);
	if (!endpoint->node_name)
		endpoint->node_name = topology(item, "kubernetes.io/hostname");
	endpoint->zone = field_name(&zone, name_label_value);
	if (!endpoint->zone)
		endpoint->zone = topology(item, "topology.kubernetes.io/zone");
	endpoint->target_kind = field_string(&target_kind);
	endpoint->target_name = field_string(&target_name);
	endpoint->n_hint_zones = hints_decode(&zones, &endpoint->hint_zones);
	endpoint->n_hint_nodes = hints_decode(&nodes, &endpoint->hint_nodes);
}

static void address_type_decode(const struct field *root, struct endpoint_slice *slice)
{
	static const char *const types[] = { "FQDN", "IPv4", "IPv6", NULL };
	struct field type = field_get(root, "addressType");
	const char *text = field_word(&type, types);

	field_required(&type);
	slice->v4 = text && !strcmp(text, "IPv4");
	slice->fqdn = text && !strcmp(text, "FQDN");
}

struct endpoint_slice *slice_decode(const struct field *root)
{
	struct endpoint_slice *slice = xcalloc(1, sizeof(*slice));
	struct field metadata = field_get(root, "metadata");
	struct field labels = field_get(&metadata, "labels");
	struct field service = field_entry(&labels, "kubernetes.io/service-name");
	struct field endpoints = field_get(root, "endpoints");
	uint16_t weight = weight_decode(&metadata);

	address_type_decode(root, slice);
	slice->service = field_string(&service);
	ports_decode(root, slice);
	slice->n_endpoints = field_limited(&endpoints, ENDPOINTS_MAX);
	slice->endpoints = xcalloc(slice->n_endpoints, sizeof(*slice->endpoints));
	for (size_t i = 0; i < slice->n_endpoints; i++) {
		struct field item = field_at(&endpoints, i);

		endpoint_decode(&item, slice, &slice->endpoints[i]);
		slice->endpoints[i].weight = weight;
	}
	return slice;
}

void slice_free(struct endpoint_slice *slice)
{
	if (!slice)
		return;
	for (size_t i = 0; i < slice->n_endpoints; i++) {
		free(slice->endpoints[i].hint_zones);
		free(slice->endpoints[i].hint_nodes);
	}
	free(slice->endpoints);
	free(slice->ports);
	free(slice->texts);
	free(slice);
}
