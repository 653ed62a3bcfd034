/* SPDX-License-Identifier: Apache-2.0 */
/* Endpoints: subsets of addresses × ports. */
#include "user/k8s/kinds.h"
#include "user/k8s/names.h"
#include "user/util/vec.h"

static void address_decode(const struct field *item, bool ready, struct endpoint *endpoint)
{
	struct field ip = field_get(item, "ip");
	struct field hostname = field_get(item, "hostname");
	struct field node_name = field_get(item, "nodeName");
	struct field target = field_get(item, "targetRef");
	struct field target_kind = field_get(&target, "kind");
	struct field target_name = field_get(&target, "name");

	field_required(&ip);
	field_unicast(&ip, &endpoint->addr);
	endpoint->ready = endpoint->serving = ready;
	endpoint->hostname = field_name(&hostname, name_dns1123_label);
	endpoint->node_name = field_name(&node_name, name_dns1123_subdomain);
	endpoint->target_kind = field_string(&target_kind);
	endpoint->target_name = field_string(&target_name);
}

static void ports_decode(const struct field *list, struct endpoints_subset *subset)
{
	subset->n_ports = field_items(list);
	subset->ports = xcalloc(subset->n_ports, sizeof(*subset->ports));
	for (size_t i = 0; i < subset->n_ports; i++) {
		struct endpoint_port *port = &subset->ports[i];
		struct field item = field_at(list, i);
		struct field name = field_get(&item, "name");
		struct field number = field_get(&item, "port");
		struct field app_protocol = field_get(&item, "appProtocol");
		const char *text = field_name(&name, name_dns1123_label);

		if (subset->n_ports > 1)
			field_required(&name);
		field_required(&number);
		port->name = text ? text : "";
		port->proto = protocol_decode(&item);
		port->port = (uint16_t)field_int(&number, 1, 65535, 0);
		port->app_protocol = field_name(&app_protocol, name_qualified);
	}
}

static void subset_decode(const struct field *item, struct endpoints_subset *subset)
{
	struct field ready = field_get(item, "addresses");
	struct field not_ready = field_get(item, "notReadyAddresses");
	struct field ports = field_get(item, "ports");
	size_t n_ready = field_items(&ready), n_not_ready = field_items(&not_ready);

	if (!n_ready && !n_not_ready)
		field_fail(item, "Required value: must specify `addresses` or `notReadyAddresses`");
	subset->n_endpoints = n_ready + n_not_ready;
	subset->endpoints = xcalloc(subset->n_endpoints, sizeof(*subset->endpoints));
	for (size_t i = 0; i < n_ready; i++) {
		struct field address = field_at(&ready, i);

		address_decode(&address, true, &subset->endpoints[i]);
	}
	for (size_t i = 0; i < n_not_ready; i++) {
		struct field address = field_at(&not_ready, i);

		address_decode(&address, false, &subset->endpoints[n_ready + i]);
	}
	ports_decode(&ports, subset);
}

struct endpoints *endpoints_decode(const struct field *root)
{
	struct endpoints *endpoints = xcalloc(1, sizeof(*endpoints));
	struct field subsets = field_get(root, "subsets");

	endpoints->n_subsets = field_items(&subsets);
	endpoints->subsets = xcalloc(endpoints->n_subsets, sizeof(*endpoints->subsets));
	for (size_t i = 0; i < endpoints->n_subsets; i++) {
		struct field item = field_at(&subsets, i);

		subset_decode(&item, &endpoints->subsets[i]);
	}
	return endpoints;
}

void endpoints_free(struct endpoints *endpoints)
{
	if (!endpoints)
		return;
	for (size_t i = 0; i < endpoints->n_subsets; i++) {
		free(endpoints->subsets[i].endpoints);
		free(endpoints->subsets[i].ports);
	}
	free(endpoints->subsets);
	free(endpoints);
}
