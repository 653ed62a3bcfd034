/* SPDX-License-Identifier: Apache-2.0 */
#include "user/model/claims.h"

#include <arpa/inet.h>
#include <string.h>

#include "user/model/addresses.h"
#include "user/util/proto.h"

static bool address_is_own(const struct claimer *claimer, const struct lb_addr *addr)
{
	const struct addr_list *own = claimer->node_addresses;

	return addresses_have(own->items, own->n, addr);
}

static bool prefixes_contain(const struct prefix_list *list, const struct lb_addr *addr)
{
	for (size_t i = 0; i < list->n; i++) {
		if (prefix_contains(&list->items[i], addr))
			return true;
	}
	return false;
}

void claimer_init(struct claimer *claimer, const struct config *config,
		  const struct addr_list *node_addresses, struct warning_list *warnings)
{
	const struct prefix_list *wanted = &config->node_port_addresses;
	const struct lb_addr loopback = addr_from_v4(htonl(INADDR_LOOPBACK));

	*claimer = (struct claimer){ .config = config,
				     .node_addresses = node_addresses,
				     .warnings = warnings };
	for (size_t i = 0; i < node_addresses->n; i++) {
		if (!wanted->n || prefixes_contain(wanted, &node_addresses->items[i]))
			vec_push(&claimer->node_port_addresses, node_addresses->items[i]);
	}
	/* Never seen on a wire: the socket hooks alone answer for it. */
	if (!wanted->n || prefixes_contain(wanted, &loopback))
		vec_push(&claimer->node_port_addresses, loopback);
}

void claimer_done(struct claimer *claimer)
{
	vec_free(&claimer->node_port_addresses);
}

static bool ingress_is_ours(const struct service *service, const struct lb_ingress *ingress)
{
	return service->type == SERVICE_LOAD_BALANCER && !ingress->proxy &&
	       !addr_is_zero(&ingress->addr);
}

static void warn_own_address(const struct claimer *claimer, const struct object *service,
			     const char *field, const struct lb_addr *addr)
{
	char text[ADDR_TEXT];

	if (address_is_own(claimer, addr))
		vec_push(claimer->warnings,
			 xasprintf("service %s/%s: %s %s is an address of this node and is not "
				   "served: the node would lose its own ports",
				   service->ns, service->name, field, addr_format(addr, text)));
}

/* Its own packets meet no hook that sees their source, so the node is let in as a whole. */
static bool node_is_listed(const struct claimer *claimer, const struct service *service, bool v4)
{
	for (size_t i = 0; i < claimer->node_addresses->n; i++) {
		const struct lb_addr *addr = &claimer->node_addresses->items[i];

		for (size_t j = 0; addr_is_v4(addr) == v4 && j < service->n_source_ranges; j++) {
			if (prefix_contains(&service->source_ranges[j], addr))
				return true;
		}
	}
	return false;
}

static uint32_t range_flags(const struct claimer *claimer, const struct service *service, bool v4)
{
	if (!service->n_source_ranges)
		return 0;
	return LB_FRONTEND_SOURCE_RANGES |
	       (node_is_listed(claimer, service, v4) ? LB_FRONTEND_NODE_ALLOWED : 0);
}

void claims_check(const struct claimer *claimer, const struct object *service)
{
	const struct service *spec = service->service;

	for (size_t i = 0; i < spec->n_ingress; i++) {
		if (ingress_is_ours(spec, &spec->ingress[i]))
			warn_own_address(claimer, service, "load-balancer address",
					 &spec->ingress[i].addr);
	}
	for (size_t i = 0; claimer->config->external_ips && i < spec->n_external_ips; i++)
		warn_own_address(claimer, service, "external IP", &spec->external_ips[i]);
}

/* A service's address, and the address itself: whether it answers to ping. */
static void claim_push(const struct claimer *claimer, const struct claim *claim, bool idle,
		       struct claim_list *claims)
{
	bool v4 = addr_is_v4(&claim->key.addr);
	struct claim echo = *claim;

	vec_push(claims, *claim);
	echo.kind = FRONTEND_ECHO;
	echo.key.port = 0;
	echo.key.proto = v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	echo.flags = (claim->flags & LB_FRONTEND_EXTERNAL) |
		     (claimer->config->icmp_echo ? LB_FRONTEND_ECHO : 0);
	echo.idle = idle;
	vec_push(claims, echo);
}

static void claim_node_ports(const struct claimer *claimer, const struct claim *claim, bool v4,
			     struct claim_list *claims)
{
	struct claim own = *claim;

	for (size_t i = 0; i < claimer->node_port_addresses.n; i++) {
		own.key.addr = claimer->node_port_addresses.items[i];
		if (addr_is_v4(&own.key.addr) == v4)
			vec_push(claims, own);
	}
}

void claims_add(const struct claimer *claimer, const struct service_part *part,
		const struct claim *begin, struct claim_list *claims)
{
	const struct service *spec = begin->owner->service;
	const uint32_t external =
		LB_FRONTEND_EXTERNAL | (spec->external_local ? LB_FRONTEND_LOCAL : 0);
	struct claim claim = *begin;
	bool v4 = part->v4, idle = begin->idle;

	claim.idle = false;
	claim.key.proto = part->port->proto;
	claim.key.port = htons(part->port->port);
	claim.kind = FRONTEND_CLUSTER_IP;
	claim.flags = spec->internal_local ? LB_FRONTEND_LOCAL : 0;
	for (size_t i = 0; i < spec->n_cluster_ips; i++) {
		claim.key.addr = spec->cluster_ips[i];
		if (addr_is_v4(&claim.key.addr) == v4)
			claim_push(claimer, &claim, idle, claims);
	}
	claim.kind = FRONTEND_EXTERNAL_IP;
	claim.flags = external;
	for (size_t i = 0; claimer->config->external_ips && i < spec->n_external_ips; i++) {
		claim.key.addr = spec->external_ips[i];
		if (addr_is_v4(&claim.key.addr) == v4 && !address_is_own(claimer, &claim.key.addr))
			claim_push(claimer, &claim, idle, claims);
	}
	claim.kind = FRONTEND_LOAD_BALANCER;
	claim.flags = external | range_flags(claimer, spec, v4);
	for (size_t i = 0; i < spec->n_ingress; i++) {
		claim.key.addr = spec->ingress[i].addr;
		if (ingress_is_ours(spec, &spec->ingress[i]) && addr_is_v4(&claim.key.addr) == v4 &&
		    !address_is_own(claimer, &claim.key.addr))
			claim_push(claimer, &claim, idle, claims);
	}
	if (!part->port->node_port || spec->type == SERVICE_CLUSTER_IP)
		return;
	claim.kind = FRONTEND_NODE_PORT;
	claim.flags = external | LB_FRONTEND_NODE_PORT;
	claim.key.port = htons(part->port->node_port);
	claim_node_ports(claimer, &claim, v4, claims);
}

/* ------------------------------------------------------------------ order -- */

/* The older service first; one without a date is younger than all that have one. */
static int owner_compare(const struct claim *x, const struct claim *y)
{
	int order;

	if (!*x->created != !*y->created)
		return *x->created ? -1 : 1;
	order = strcmp(x->created, y->created);
	if (!order)
		order = strcmp(x->owner->ns, y->owner->ns);
	return order ? order : strcmp(x->owner->name, y->owner->name);
}

/*
 * Within a service the kind decides: an address that is both the load balancer's and an external
 * IP is guarded by the source ranges.
 */
static int claim_compare(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;
	int order = memcmp(&x->key, &y->key, sizeof(x->key));

	if (!order)
		order = x->idle - y->idle;
	if (!order && x->owner != y->owner)
		order = owner_compare(x, y);
	if (!order)
		order = (x->part > y->part) - (x->part < y->part);
	return order ? order : (int)x->kind - (int)y->kind;
}

void claims_sort(struct claim_list *claims)
{
	if (claims->n)
		qsort(claims->items, claims->n, sizeof(*claims->items), claim_compare);
}

void claims_replace(struct claim_list *claims, const struct claim_list *gone,
		    const struct claim_list *added)
{
	struct claim_list merged = { .room = claims->n + added->n };
	size_t left = 0, next = 0;

	merged.items = xcalloc(merged.room, sizeof(*merged.items));
	for (size_t i = 0; i < claims->n; i++) {
		const struct claim *claim = &claims->items[i];

		if (left < gone->n && !claim_compare(claim, &gone->items[left])) {
			left++;
			continue;
		}
		while (next < added->n && claim_compare(&added->items[next], claim) < 0)
			merged.items[merged.n++] = added->items[next++];
		merged.items[merged.n++] = *claim;
	}
	while (next < added->n)
		merged.items[merged.n++] = added->items[next++];
	vec_free(claims);
	*claims = merged;
}

static bool same_key(const struct claim *claim, const struct lb_frontend_key *key)
{
	return !memcmp(&claim->key, key, sizeof(*key));
}

size_t claims_of_key(const struct claim_list *claims, const struct lb_frontend_key *key,
		     const struct claim **ret_claims)
{
	size_t first = 0, last = claims->n;

	while (first < last) {
		size_t middle = first + (last - first) / 2;

		if (memcmp(&claims->items[middle].key, key, sizeof(*key)) < 0)
			first = middle + 1;
		else
			last = middle;
	}
	while (last < claims->n && same_key(&claims->items[last], key))
		last++;
	*ret_claims = claims->items + first;
	return last - first;
}

/* ------------------------------------------------------------- settlement -- */

static void warn_taken(const struct claimer *claimer, const struct claim *loser,
		       const struct claim *winner)
{
	char text[ADDR_PORT_TEXT];

	if ((loser->owner == winner->owner && loser->part == winner->part) ||
	    loser->kind == FRONTEND_ECHO)
		return;
	vec_push(
		claimer->warnings,
		xasprintf("service %s/%s: %s/%s is not served: it belongs to %s/%s, which is older",
			  loser->owner->ns, loser->owner->name,
			  addr_port_format(&loser->key.addr, loser->key.port, text),
			  proto_text(loser->key.proto), winner->owner->ns, winner->owner->name));
}

void claims_warn(const struct claimer *claimer, const struct claim_list *claims)
{
	const struct claim *winner = NULL;

	for (size_t i = 0; i < claims->n; i++) {
		if (winner && same_key(winner, &claims->items[i].key))
			warn_taken(claimer, &claims->items[i], winner);
		else
			winner = &claims->items[i];
	}
}

static bool is_winner(const struct claim_list *claims, size_t i)
{
	return !i || !same_key(&claims->items[i - 1], &claims->items[i].key);
}

void claims_settle(const struct claim_list *claims, struct desired_service *services, size_t n)
{
	for (size_t i = 0; i < claims->n; i++)
		services[claims->items[i].entry].n_frontends += is_winner(claims, i);
	for (size_t i = 0; i < n; i++) {
		services[i].frontends =
			xcalloc(services[i].n_frontends, sizeof(*services[i].frontends));
		services[i].n_frontends = 0;
	}
	/* The claims are in the order of their keys, and so are each service's frontends. */
	for (size_t i = 0; i < claims->n; i++) {
		const struct claim *claim = &claims->items[i];
		struct desired_service *service = &services[claim->entry];

		if (is_winner(claims, i))
			service->frontends[service->n_frontends++] = (struct desired_frontend){
				.key = claim->key, .kind = claim->kind, .flags = claim->flags
			};
	}
}
