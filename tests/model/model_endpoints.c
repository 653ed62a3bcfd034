/* SPDX-License-Identifier: Apache-2.0 */
/* The endpoints of a service port, and which of them a scope has. */
#include "tests/model/model_parts.h"

#include <string.h>

static void endpoint_add(const struct world *world, struct endpoints *all, struct endpoint endpoint)
{
	endpoint.local = *endpoint.node ? !strcmp(endpoint.node, world->node)
					: among(endpoint.addr, &world->node_addresses);
	for (size_t i = 0; i < all->n; i++)
		if (all->item[i].port == endpoint.port && same(all->item[i].addr, endpoint.addr))
			return;
	all->item[all->n++] = endpoint;
}

static struct endpoint endpoint_in(enum state state)
{
	return (struct endpoint){
		.ready = state == STATE_READY || state == STATE_SILENT,
		.serving = state != STATE_NOT_READY && state != STATE_DEAD,
		.terminating = state == STATE_TERMINATING || state == STATE_DEAD,
	};
}

/* A slice's port is matched by its name. */
static void slices_collect(const struct world *world, const struct model_answer *answer, bool v4,
			   struct endpoints *all)
{
	for (size_t i = 0; i < world->n_slices; i++) {
		const struct world_slice *slice = &world->slices[i];

		if (strcmp(slice->service, answer->service->name) != 0 ||
		    (slice->legacy && answer->service->selector))
			continue;
		for (size_t j = 0; j < slice->n_ports; j++) {
			const struct world_port *port = &slice->ports[j];

			if (strcmp(port->name, answer->port->name) != 0 ||
			    strcmp(port->proto, answer->port->proto) != 0)
				continue;
			for (size_t k = 0; k < slice->n_endpoints; k++) {
				const struct world_endpoint *from = &slice->endpoints[k];
				struct endpoint endpoint = endpoint_in(from->state);

				if (is_v4(from->addr) != v4)
					continue;
				endpoint.addr = from->addr;
				endpoint.node = from->node;
				endpoint.zone = from->zone;
				endpoint.port = port->port;
				endpoint.hint_zones = from->hint_zones;
				endpoint.hint_nodes = from->hint_nodes;
				endpoint_add(world, all, endpoint);
			}
		}
	}
}

static const char *zone_of(const struct world *world, const char *node)
{
	for (size_t i = 0; i < world->n_hosts; i++)
		if (!strcmp(world->hosts[i].name, node))
			return world->hosts[i].zone;
	return "";
}

static unsigned int pod_port(const struct world_pod *pod, const struct world_port *port)
{
	if (!*port->target_name)
		return port->target ? port->target : port->port;
	for (size_t i = 0; i < pod->n_ports; i++)
		if (!strcmp(pod->ports[i].name, port->target_name) &&
		    !strcmp(pod->ports[i].proto, port->proto))
			return pod->ports[i].port;
	return 0;
}

/* trafficDistribution: the controller hints each endpoint to its own zone, or node. */
static void hints_of(const struct world_service *service, struct endpoint *endpoint)
{
	if (!*service->distribution)
		return;
	if (*endpoint->zone)
		texts_add(&endpoint->hint_zones, endpoint->zone);
	if (!strcmp(service->distribution, "PreferSameNode") && *endpoint->node)
		texts_add(&endpoint->hint_nodes, endpoint->node);
}

static void pods_collect(const struct world *world, const struct model_answer *answer, bool v4,
			 struct endpoints *all)
{
	for (size_t i = 0; answer->service->selector && i < world->n_pods; i++) {
		const struct world_pod *pod = &world->pods[i];
		struct endpoint endpoint = endpoint_in(pod->state);

		endpoint.port = pod_port(pod, answer->port);
		if (strcmp(pod->service, answer->service->name) != 0 || !endpoint.port ||
		    !strcmp(pod->phase, "Failed") || !strcmp(pod->phase, "Succeeded"))
			continue;
		endpoint.ready = endpoint.ready || answer->service->publish_not_ready;
		endpoint.node = pod->node;
		endpoint.zone = zone_of(world, pod->node);
		hints_of(answer->service, &endpoint);
		for (size_t j = 0; j < pod->addrs.n; j++) {
			endpoint.addr = pod->addrs.item[j];
			if (is_v4(endpoint.addr) == v4) {
				endpoint_add(world, all, endpoint);
				break;
			}
		}
	}
}

/* ----------------------------------------------------------------- scope -- */

void fall_back(struct endpoints *all)
{
	bool any_ready = false;
	size_t n = 0;

	for (size_t i = 0; i < all->n; i++)
		any_ready = any_ready || all->item[i].ready;
	for (size_t i = 0; i < all->n; i++) {
		const struct endpoint *endpoint = &all->item[i];

		if (any_ready ? endpoint->ready : endpoint->serving && endpoint->terminating)
			all->item[n++] = *endpoint;
	}
	all->n = n;
}

static void keep_hinted(struct endpoints *all, const char *node, const char *zone)
{
	size_t n = 0;

	for (size_t i = 0; i < all->n; i++)
		if (named(node, &all->item[i].hint_nodes) || named(zone, &all->item[i].hint_zones))
			all->item[n++] = all->item[i];
	all->n = n;
}

void narrow_by_hints(const struct world *world, struct endpoints *all)
{
	const char *zone = *world->zone ? world->zone : zone_of(world, world->node);
	size_t nodes = 0, zones = 0, our_node = 0, our_zone = 0;

	if (!all->n || !all->item[0].ready)
		return;
	for (size_t i = 0; i < all->n; i++) {
		const struct endpoint *endpoint = &all->item[i];

		nodes += endpoint->hint_nodes.n > 0;
		zones += endpoint->hint_zones.n > 0;
		our_node += named(world->node, &endpoint->hint_nodes);
		our_zone += named(zone, &endpoint->hint_zones);
	}
	if (nodes == all->n && our_node)
		keep_hinted(all, world->node, "");
	else if (zones == all->n && our_zone)
		keep_hinted(all, "", zone);
}

void keep_local(struct endpoints *all)
{
	size_t n = 0;

	for (size_t i = 0; i < all->n; i++)
		if (all->item[i].local)
			all->item[n++] = all->item[i];
	all->n = n;
}

void endpoints_collect(const struct world *world, const struct model_answer *answer, bool v4,
		       struct endpoints *ret_all)
{
	ret_all->n = 0;
	slices_collect(world, answer, v4, ret_all);
	pods_collect(world, answer, v4, ret_all);
}
