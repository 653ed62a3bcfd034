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
	vec_free(&claimer->claims);
}

static bool ingress_is_ours(const struct service *service, const struct lb_ingress *ingress)
{
	return service->type == SERVICE_LOAD_BALANCER && !ingress->proxy &&
	       !addr_is_zero(&ingress->addr);
}

static void warn_own_address(struct claimer *claimer, const struct object *service,
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

void claims_check(struct claimer *claimer, const struct object *service)
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
static void claim_push(struct claimer *claimer, const struct claim *claim)
{
	bool v4 = addr_is_v4(&claim->key.addr);
	struct claim echo = *claim;

	vec_push(&claimer->claims, *claim);
	echo.kind = FRONTEND_ECHO;
	echo.key.port = 0;
	echo.key.proto = v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	echo.flags = (claim->flags & LB_FRONTEND_EXTERNAL) |
		     (claimer->config->icmp_echo ? LB_FRONTEND_ECHO : 0);
	vec_push(&claimer->claims, echo);
}

void claims_add(struct claimer *claimer, const struct object *service, const char *created,
		const struct service_port *port, bool v4, uint32_t index)
{
	const struct service *spec = service->service;
	const uint32_t external =
		LB_FRONTEND_EXTERNAL | (spec->external_local ? LB_FRONTEND_LOCAL : 0);
	struct claim claim = { .service = index, .owner = service, .created = created };

	claim.key.proto = port->proto;
	claim.key.port = htons(port->port);
	claim.kind = FRONTEND_CLUSTER_IP;
	claim.flags = spec->internal_local ? LB_FRONTEND_LOCAL : 0;
	for (size_t i = 0; i < spec->n_cluster_ips; i++) {
		claim.key.addr = spec->cluster_ips[i];
		if (addr_is_v4(&claim.key.addr) == v4)
			claim_push(claimer, &claim);
	}
	claim.kind = FRONTEND_EXTERNAL_IP;
	claim.flags = external;
	for (size_t i = 0; claimer->config->external_ips && i < spec->n_external_ips; i++) {
		claim.key.addr = spec->external_ips[i];
		if (addr_is_v4(&claim.key.addr) == v4 && !address_is_own(claimer, &claim.key.addr))
			claim_push(claimer, &claim);
	}
	claim.kind = FRONTEND_LOAD_BALANCER;
	claim.flags = external | range_flags(claimer, spec, v4);
	for (size_t i = 0; i < spec->n_ingress; i++) {
		claim.key.addr = spec->ingress[i].addr;
		if (ingress_is_ours(spec, &spec->ingress[i]) && addr_is_v4(&claim.key.addr) == v4 &&
		    !address_is_own(claimer, &claim.key.addr))
			claim_push(claimer, &claim);
	}
	if (!port->node_port || spec->type == SERVICE_CLUSTER_IP)
		return;
	claim.kind = FRONTEND_NODE_PORT;
	claim.flags = external | LB_FRONTEND_NODE_PORT;
	claim.key.port = htons(port->node_port);
	for (size_t i = 0; i < claimer->node_port_addresses.n; i++) {
		claim.key.addr = claimer->node_port_addresses.items[i];
		if (addr_is_v4(&claim.key.addr) == v4)
			vec_push(&claimer->claims, claim);
	}
}

/* ------------------------------------------------------------ settlement -- */

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
		order = (x->service > y->service) - (x->service < y->service);
	return order ? order : (int)x->kind - (int)y->kind;
}

static void warn_taken(struct claimer *claimer, const struct claim *loser,
		       const struct claim *winner)
{
	char text[ADDR_PORT_TEXT];

	if (loser->service == winner->service || loser->kind == FRONTEND_ECHO)
		return;
	vec_push(
		claimer->warnings,
		xasprintf("service %s/%s: %s/%s is not served: it belongs to %s/%s, which is older",
			  loser->owner->ns, loser->owner->name,
			  addr_port_format(&loser->key.addr, loser->key.port, text),
			  proto_text(loser->key.proto), winner->owner->ns, winner->owner->name));
}

void claims_settle(struct claimer *claimer, struct desired_service *services, size_t n)
{
	struct claim *claims = claimer->claims.items;
	size_t kept = 0;

	if (!claimer->claims.n)
		return;
	for (size_t i = 0; i < claimer->claims.n; i++)
		claims[i].idle =
			claims[i].kind == FRONTEND_ECHO && !services[claims[i].service].n_backends;
	qsort(claims, claimer->claims.n, sizeof(*claims), claim_compare);
	for (size_t i = 0; i < claimer->claims.n; i++) {
		if (kept && !memcmp(&claims[kept - 1].key, &claims[i].key, sizeof(claims->key)))
			warn_taken(claimer, &claims[i], &claims[kept - 1]);
		else
			claims[kept++] = claims[i];
	}
	claimer->claims.n = kept;
	for (size_t i = 0; i < kept; i++)
		services[claims[i].service].n_frontends++;
	for (size_t i = 0; i < n; i++) {
		services[i].frontends =
			xcalloc(services[i].n_frontends, sizeof(*services[i].frontends));
		services[i].n_frontends = 0;
	}
	/* The claims are in the order of their keys, and so are each service's frontends. */
	for (size_t i = 0; i < kept; i++) {
		struct desired_service *service = &services[claims[i].service];

		service->frontends[service->n_frontends++] = (struct desired_frontend){
			.key = claims[i].key, .kind = claims[i].kind, .flags = claims[i].flags
		};
	}
}
