/* SPDX-License-Identifier: Apache-2.0 */
/* Node ports and health-check ports (KEP-3668). */
#include <errno.h>
#include <string.h>

#include "user/model/alloc_parts.h"
#include "user/util/tree.h"
#include "user/util/vec.h"

#define PORTS 65536
#define PROTOCOLS 3

/* Ports of all other services and, as they are chosen, of this one. */
struct port_map {
	bool taken[PROTOCOLS][PORTS];
};

static size_t proto_row(uint8_t proto)
{
	if (proto == IPPROTO_UDP)
		return 1;
	return proto == IPPROTO_SCTP ? 2 : 0;
}

static struct port_map *port_map_new(const struct allocation *allocation)
{
	struct store_view services = store_list(allocation->store, K8S_SERVICE, NULL);
	struct port_map *map = xcalloc(1, sizeof(*map));

	for (size_t i = 0; i < services.n; i++) {
		const struct service *service = services.items[i]->service;

		if (!alloc_is_other(allocation, services.items[i]))
			continue;
		for (size_t j = 0; j < service->n_ports; j++)
			map->taken[proto_row(service->ports[j].proto)]
				  [service->ports[j].node_port] = true;
		map->taken[0][service->health_check_node_port] = true;
	}
	return map;
}

static const struct object *port_owner(const struct allocation *allocation, uint8_t proto,
				       uint16_t port)
{
	struct store_view services = store_list(allocation->store, K8S_SERVICE, NULL);

	for (size_t i = 0; i < services.n; i++) {
		const struct service *service = services.items[i]->service;

		if (!alloc_is_other(allocation, services.items[i]))
			continue;
		if (proto == IPPROTO_TCP && service->health_check_node_port == port)
			return services.items[i];
		for (size_t j = 0; j < service->n_ports; j++) {
			if (service->ports[j].proto == proto && service->ports[j].node_port == port)
				return services.items[i];
		}
	}
	return NULL;
}

/* kept: the stored Service has it already, so that the range does not matter. */
static int claim(const struct allocation *allocation, struct port_map *map, const char *field,
		 uint8_t proto, uint16_t port, bool kept)
{
	const struct config *config = allocation->config;
	const struct object *owner;

	if (!kept && (port < config->node_port_first || port > config->node_port_last))
		return err_set(allocation->err, -EINVAL,
			       "%s: Invalid value: %u: provided port is not in the valid range. "
			       "The range of valid ports is %u-%u",
			       field, port, config->node_port_first, config->node_port_last);
	if (map->taken[proto_row(proto)][port]) {
		owner = port_owner(allocation, proto, port);
		return err_set(allocation->err, -EINVAL,
			       "%s: Invalid value: %u: provided port is already allocated to "
			       "service %s/%s",
			       field, port, owner ? owner->ns : allocation->given->ns,
			       owner ? owner->name : allocation->given->name);
	}
	map->taken[proto_row(proto)][port] = true;
	return 0;
}

static bool port_free(const struct port_map *map, uint16_t port)
{
	return !map->taken[0][port] && !map->taken[1][port] && !map->taken[2][port];
}

/* A port that no protocol uses; 0: none is left. */
static uint16_t port_find(const struct allocation *allocation, const struct port_map *map)
{
	uint16_t first = allocation->config->node_port_first;
	uint32_t size = (uint32_t)allocation->config->node_port_last - first + 1u;
	uint32_t band = (uint32_t)alloc_band(size, 32, 16, 128);
	uint32_t upper = size - band;
	uint32_t start = upper ? (uint32_t)alloc_start(allocation, upper) : 0;

	for (uint32_t i = 0; i < upper; i++) {
		uint16_t port = (uint16_t)(first + band + (start + i) % upper);

		if (port_free(map, port))
			return port;
	}
	for (uint32_t i = 0; i < band; i++) {
		if (port_free(map, (uint16_t)(first + i)))
			return (uint16_t)(first + i);
	}
	return 0;
}

/* ------------------------------------------------------------ node ports -- */

static bool type_has_node_ports(const struct service *service)
{
	return service->type == SERVICE_NODE_PORT || service->type == SERVICE_LOAD_BALANCER;
}

/* What the stored Service has under the name: other things about the port may have changed. */
static uint16_t kept_port(const struct allocation *allocation, const char *name)
{
	const struct object *stored = allocation->stored;

	if (!stored || !type_has_node_ports(stored->service))
		return 0;
	for (size_t i = 0; i < stored->service->n_ports; i++) {
		if (!strcmp(stored->service->ports[i].name, name))
			return stored->service->ports[i].node_port;
	}
	return 0;
}

static bool port_was_ours(const struct allocation *allocation, uint8_t proto, uint16_t port)
{
	const struct object *stored = allocation->stored;

	for (size_t i = 0; stored && i < stored->service->n_ports; i++) {
		if (stored->service->ports[i].proto == proto &&
		    stored->service->ports[i].node_port == port)
			return true;
	}
	return false;
}

static int claim_given(const struct allocation *allocation, struct port_map *map,
		       uint16_t *node_ports)
{
	const struct service *given = allocation->given->service;

	for (size_t i = 0; i < given->n_ports; i++) {
		const struct service_port *port = &given->ports[i];
		char field[64];
		int rc;

		if (!port->node_port)
			continue;
		snprintf(field, sizeof(field), "spec.ports[%zu].nodePort", i);
		rc = claim(allocation, map, field, port->proto, port->node_port,
			   port_was_ours(allocation, port->proto, port->node_port));
		if (rc)
			return rc;
		node_ports[i] = port->node_port;
	}
	return 0;
}

static void claim_kept(const struct allocation *allocation, struct port_map *map,
		       uint16_t *node_ports)
{
	const struct service *given = allocation->given->service;

	for (size_t i = 0; i < given->n_ports; i++) {
		uint16_t port = kept_port(allocation, given->ports[i].name);
		bool *taken = &map->taken[proto_row(given->ports[i].proto)][port];

		if (node_ports[i] || !port || *taken)
			continue;
		*taken = true;
		node_ports[i] = port;
	}
}

/* The node port that the same port number has under another protocol, as DNS has. */
static uint16_t sibling_port(const struct service *given, const struct port_map *map,
			     const uint16_t *node_ports, size_t index)
{
	const struct service_port *port = &given->ports[index];

	for (size_t i = 0; i < given->n_ports; i++) {
		if (given->ports[i].port == port->port && node_ports[i] &&
		    !map->taken[proto_row(port->proto)][node_ports[i]])
			return node_ports[i];
	}
	return 0;
}

static int claim_new(const struct allocation *allocation, struct port_map *map,
		     uint16_t *node_ports)
{
	const struct service *given = allocation->given->service;

	for (size_t i = 0; i < given->n_ports; i++) {
		if (node_ports[i])
			continue;
		node_ports[i] = sibling_port(given, map, node_ports, i);
		if (!node_ports[i])
			node_ports[i] = port_find(allocation, map);
		if (!node_ports[i])
			return err_set(allocation->err, -ENOSPC,
				       "spec.ports[%zu].nodePort: no port is left in nodePortRange",
				       i);
		map->taken[proto_row(given->ports[i].proto)][node_ports[i]] = true;
	}
	return 0;
}

static int choose_node_ports(const struct allocation *allocation, struct port_map *map)
{
	const struct service *given = allocation->given->service;
	bool wanted =
		given->type == SERVICE_NODE_PORT ||
		!json_is_false(tree_get(allocation->json, "spec.allocateLoadBalancerNodePorts"));
	json_t *ports = tree_get(allocation->json, "spec.ports");
	uint16_t *node_ports = xcalloc(given->n_ports, sizeof(*node_ports));
	int rc = claim_given(allocation, map, node_ports);

	if (!rc)
		claim_kept(allocation, map, node_ports);
	if (!rc && wanted)
		rc = claim_new(allocation, map, node_ports);
	for (size_t i = 0; i < given->n_ports && !rc; i++) {
		if (node_ports[i])
			json_object_set_new(json_array_get(ports, i), "nodePort",
					    json_integer(node_ports[i]));
	}
	free(node_ports);
	return rc;
}

/* ----------------------------------------------------------- health check -- */

static int choose_health_port(const struct allocation *allocation, struct port_map *map)
{
	static const char field[] = "spec.healthCheckNodePort";
	uint16_t port = allocation->given->service->health_check_node_port, kept = 0;
	int rc = 0;

	if (allocation->stored)
		kept = allocation->stored->service->health_check_node_port;
	if (port && kept && port != kept)
		return err_set(allocation->err, -EINVAL,
			       "%s: Invalid value: %u: field is immutable", field, port);
	if (!port)
		port = kept;
	if (port)
		rc = claim(allocation, map, field, IPPROTO_TCP, port, port == kept);
	else
		port = port_find(allocation, map);
	if (rc)
		return rc;
	if (!port)
		return err_set(allocation->err, -ENOSPC, "%s: no port is left in nodePortRange",
			       field);
	tree_set(allocation->json, field, json_integer(port));
	return 0;
}

int alloc_ports(struct allocation *allocation)
{
	const struct service *given = allocation->given->service;
	struct port_map *map;
	int rc;

	if (!type_has_node_ports(given))
		return 0;
	map = port_map_new(allocation);
	rc = choose_node_ports(allocation, map);
	if (!rc && given->type == SERVICE_LOAD_BALANCER && given->external_local)
		rc = choose_health_port(allocation, map);
	free(map);
	return rc;
}
