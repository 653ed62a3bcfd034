/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/model/model.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------- addresses -- */

/* 16 bytes, IPv4 mapped; false: no address. */
static bool bytes_of(const char *text, unsigned char bytes[16])
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };

	memcpy(bytes, mapped, sizeof(mapped));
	return inet_pton(AF_INET, text, bytes + 12) == 1 || inet_pton(AF_INET6, text, bytes) == 1;
}

static bool is_v4(const char *text)
{
	return !strchr(text, ':');
}

static bool same(const char *a, const char *b)
{
	unsigned char x[16], y[16];

	return bytes_of(a, x) && bytes_of(b, y) && !memcmp(x, y, 16);
}

/* Blanks around a network, host bits and leading zeros in it do not matter. */
static bool in_network(const char *text, const char *network)
{
	unsigned char addr[16], base[16];
	char copy[TEXT], *slash;
	unsigned int bits;

	while (*network == ' ')
		network++;
	snprintf(copy, sizeof(copy), "%s", network);
	slash = strchr(copy, '/');
	*slash = '\0';
	bits = (unsigned int)strtoul(slash + 1, NULL, 10);
	if (is_v4(text) != is_v4(copy))
		return false;
	if (is_v4(text))
		bits += 96;
	if (!bytes_of(text, addr) || !bytes_of(copy, base))
		return false;
	for (unsigned int i = 0; i < bits; i++) {
		unsigned int mask = 0x80u >> i % 8;

		if ((addr[i / 8] & mask) != (base[i / 8] & mask))
			return false;
	}
	return true;
}

static bool in_any(const char *text, const struct texts *networks)
{
	for (size_t i = 0; i < networks->n; i++)
		if (in_network(text, networks->item[i]))
			return true;
	return false;
}

static bool among(const char *text, const struct texts *addresses)
{
	for (size_t i = 0; i < addresses->n; i++)
		if (same(text, addresses->item[i]))
			return true;
	return false;
}

static bool named(const char *text, const struct texts *names)
{
	for (size_t i = 0; *text && i < names->n; i++)
		if (!strcmp(text, names->item[i]))
			return true;
	return false;
}

static bool is_loopback(const char *text)
{
	return !strncmp(text, "127.", 4) || !strcmp(text, "::1");
}

/* ------------------------------------------------------------- who asks -- */

const char *model_origin(const struct world *world, const struct world_question *question)
{
	if (!*question->from || is_loopback(question->from) ||
	    among(question->from, &world->node_addresses))
		return "node";
	return in_any(question->from, &world->pod_cidrs) ? "pod" : "outside";
}

/* ------------------------------------------------------------- frontends -- */

enum kind { KIND_NONE, KIND_CLUSTER_IP, KIND_BALANCER, KIND_EXTERNAL_IP, KIND_NODE_PORT };

static bool is_served(const struct world_service *service)
{
	return strcmp(service->type, "ExternalName") != 0 && !service->headless &&
	       !service->headless_label && !service->proxy_label;
}

/* Families are independent: without a cluster IP of the family nothing answers in it. */
static bool has_family(const struct world_service *service, bool v4)
{
	for (size_t i = 0; i < service->cluster_ips.n; i++)
		if (is_v4(service->cluster_ips.item[i]) == v4)
			return true;
	return false;
}

static bool has_node_ports(const struct world_service *service)
{
	return !strcmp(service->type, "NodePort") || !strcmp(service->type, "LoadBalancer");
}

static bool is_node_port_address(const struct world *world, const char *to)
{
	if (world->node_port_addresses.n && !in_any(to, &world->node_port_addresses))
		return false;
	return among(to, &world->node_addresses) || !strcmp(to, "127.0.0.1");
}

static enum kind kind_of(const struct world *world, const struct world_service *service,
			 const struct world_port *port, const struct world_question *question)
{
	bool own = among(question->to, &world->node_addresses);

	if (!is_served(service) || !has_family(service, is_v4(question->to)) ||
	    strcmp(port->proto, question->proto) != 0)
		return KIND_NONE;
	if (port->port == question->port) {
		if (among(question->to, &service->cluster_ips))
			return KIND_CLUSTER_IP;
		/* The node's own addresses stay its own. */
		if (!strcmp(service->type, "LoadBalancer") && !own &&
		    among(question->to, &service->balancer))
			return KIND_BALANCER;
		if (world->serve_external_ips && !own &&
		    among(question->to, &service->external_ips))
			return KIND_EXTERNAL_IP;
	}
	if (port->node_port && port->node_port == question->port && has_node_ports(service) &&
	    is_node_port_address(world, question->to))
		return KIND_NODE_PORT;
	return KIND_NONE;
}

/* Of two that claim the same address the older one has it; one without a date is the younger. */
static bool is_older(const struct world_service *a, const struct world_service *b)
{
	if (a->created != b->created)
		return a->created && (!b->created || a->created < b->created);
	return strcmp(a->name, b->name) < 0;
}

static enum kind frontend_of(const struct world *world, const struct world_question *question,
			     struct model_answer *answer)
{
	enum kind found = KIND_NONE;

	for (size_t i = 0; i < world->n_services; i++) {
		const struct world_service *service = &world->services[i];

		for (size_t j = 0; j < service->n_ports; j++) {
			enum kind kind = kind_of(world, service, &service->ports[j], question);

			if (kind == KIND_NONE ||
			    (answer->service && !is_older(service, answer->service)))
				continue;
			found = kind;
			answer->service = service;
			answer->port = &service->ports[j];
		}
	}
	return found;
}

/* ------------------------------------------------------------- endpoints -- */

struct endpoint {
	const char *addr, *node, *zone;
	unsigned int port;
	bool ready, serving, terminating, local;
	struct texts hint_zones, hint_nodes;
};

struct endpoints {
	struct endpoint item[MAX_ENDPOINTS * MAX_SLICES];
	size_t n;
};

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

/* The ready ones, or where there is none those that still serve on their way out. */
static void fall_back(struct endpoints *all)
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

/* All or nothing; node before zone (KEP-3015). Only for ready endpoints. */
static void narrow_by_hints(const struct world *world, struct endpoints *all)
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

static void keep_local(struct endpoints *all)
{
	size_t n = 0;

	for (size_t i = 0; i < all->n; i++)
		if (all->item[i].local)
			all->item[n++] = all->item[i];
	all->n = n;
}

/* ---------------------------------------------------------------- answer -- */

/* A process that names no address has the node's first one. */
static const char *source_of(const struct world *world, const struct world_question *question)
{
	const char *first = NULL;
	unsigned char x[16], y[16];

	if (*question->from || is_loopback(question->to))
		return *question->from ? question->from : question->to;
	for (size_t i = 0; i < world->node_addresses.n; i++) {
		const char *addr = world->node_addresses.item[i];

		if (is_v4(addr) == is_v4(question->to) && bytes_of(addr, x) &&
		    (!first || (bytes_of(first, y) && memcmp(x, y, 16) < 0)))
			first = addr;
	}
	return first ? first : "";
}

/* Where the client's address would be replaced by the node's. */
static bool is_masqueraded(const struct world *world, const struct world_question *question,
			   const char *origin, enum kind kind, const struct model_answer *answer,
			   const struct endpoint *endpoint)
{
	const char *from = source_of(world, question);

	if (world->masquerade_all)
		return true;
	if (*from && same(from, endpoint->addr)) /* hairpin */
		return true;
	if (is_loopback(from))
		return true;
	if (kind == KIND_CLUSTER_IP)
		return strcmp(origin, "pod") != 0 && world->pod_cidrs.n;
	if (endpoint->local)
		return false;
	return !answer->service->external_local || strcmp(origin, "pod") != 0;
}

/* Source ranges guard load-balancer addresses alone. */
static bool is_let_in(const struct world *world, const struct world_question *question,
		      const char *origin, enum kind kind, const struct world_service *service)
{
	if (kind != KIND_BALANCER || !service->ranges.n)
		return true;
	if (strcmp(origin, "node") != 0)
		return in_any(question->from, &service->ranges);
	for (size_t i = 0; i < world->node_addresses.n; i++)
		if (is_v4(world->node_addresses.item[i]) == is_v4(question->to) &&
		    in_any(world->node_addresses.item[i], &service->ranges))
			return true;
	return false;
}

static bool is_limited(enum kind kind, const struct world_service *service, const char *origin)
{
	if (kind == KIND_CLUSTER_IP)
		return service->internal_local;
	return service->external_local && !strcmp(origin, "outside");
}

static int candidate_order(const void *a, const void *b)
{
	const struct model_candidate *x = a, *y = b;
	unsigned char left[16], right[16];
	int order;

	bytes_of(x->addr, left);
	bytes_of(y->addr, right);
	order = memcmp(left, right, 16);
	return order ? order : (int)x->port - (int)y->port;
}

static void candidates_fill(const struct world *world, const struct world_question *question,
			    const char *origin, enum kind kind, const struct endpoints *scope,
			    struct model_answer *answer)
{
	for (size_t i = 0; i < scope->n; i++) {
		const struct endpoint *endpoint = &scope->item[i];
		struct model_candidate *candidate = &answer->candidates[answer->n_candidates++];

		snprintf(candidate->addr, sizeof(candidate->addr), "%s", endpoint->addr);
		candidate->port = endpoint->port;
		candidate->local = endpoint->local;
		candidate->masquerade =
			is_masqueraded(world, question, origin, kind, answer, endpoint);
	}
	qsort(answer->candidates, answer->n_candidates, sizeof(*answer->candidates),
	      candidate_order);
}

void model_ask(const struct world *world, const struct world_question *question,
	       struct model_answer *ret_answer)
{
	static struct endpoints cluster, local; /* large; tests have one thread */
	const char *origin = model_origin(world, question);
	bool v4 = is_v4(question->to);
	enum kind kind;

	memset(ret_answer, 0, sizeof(*ret_answer));
	cluster.n = 0;
	kind = frontend_of(world, question, ret_answer);
	if (kind == KIND_NONE)
		return;
	if (!is_let_in(world, question, origin, kind, ret_answer->service)) {
		ret_answer->fate = FATE_DROP;
		return;
	}
	slices_collect(world, ret_answer, v4, &cluster);
	pods_collect(world, ret_answer, v4, &cluster);
	local = cluster;
	keep_local(&local);
	fall_back(&local);
	fall_back(&cluster);
	narrow_by_hints(world, &cluster);
	if (!is_limited(kind, ret_answer->service, origin)) {
		ret_answer->fate = cluster.n ? FATE_FORWARD : FATE_REJECT;
		candidates_fill(world, question, origin, kind, &cluster, ret_answer);
		return;
	}
	ret_answer->fate = local.n ? FATE_FORWARD : cluster.n ? FATE_DROP : FATE_REJECT;
	candidates_fill(world, question, origin, kind, &local, ret_answer);
}
