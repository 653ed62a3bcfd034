/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/model/model_parts.h"

#include <stdlib.h>
#include <string.h>

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
	enum kind kind;

	memset(ret_answer, 0, sizeof(*ret_answer));
	kind = frontend_of(world, question, ret_answer);
	if (kind == KIND_NONE)
		return;
	if (!is_let_in(world, question, origin, kind, ret_answer->service)) {
		ret_answer->fate = FATE_DROP;
		return;
	}
	endpoints_collect(world, ret_answer, is_v4(question->to), &cluster);
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
