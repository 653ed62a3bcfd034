/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Worlds by lot. Few addresses and names, so that things meet; only what an API server would
 * accept, and nothing on which Kubernetes' documents are silent.
 */
#include "tests/model/world.h"

#include <stdlib.h>
#include <string.h>

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))
#define ONE_OF(list, seed) ((list)[below(seed, COUNT(list))])

static const char *const zones[] = { "a", "b", "c" };
static const char *const nodes[] = { "here", "there", "elsewhere" };

/* splitmix64 */
uint64_t random_next(uint64_t *seed)
{
	uint64_t z = *seed += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

static unsigned int below(uint64_t *seed, size_t n)
{
	return (unsigned int)(random_next(seed) % n);
}

static bool chance(uint64_t *seed, unsigned int percent)
{
	return below(seed, 100) < percent;
}

static void set(char *to, const char *text)
{
	snprintf(to, TEXT, "%s", text);
}

static void add_alias(struct texts *texts, const char *alias)
{
	char text[TEXT];

	texts_add(texts, alias_expand(alias, text));
}

/* ---------------------------------------------------------------- service -- */

static void random_port(struct world_service *service, size_t index, uint64_t *seed)
{
	static const char *const names[] = { "http", "dns", "admin" };
	static const unsigned int numbers[] = { 80, 53, 443 };
	struct world_port *port = &service->ports[service->n_ports++];

	set(port->name, names[index]);
	port->port = numbers[index];
	snprintf(port->proto, sizeof(port->proto), "%s", index == 1 ? "UDP" : "TCP");
	if (chance(seed, 30))
		set(port->target_name, index == 1 ? "query" : "web");
	else if (chance(seed, 70))
		port->target = 8080 + below(seed, 2);
}

static void random_ports(struct world_service *service, unsigned int number, uint64_t *seed)
{
	bool external = strcmp(service->type, "ClusterIP") != 0;
	size_t n = 1 + below(seed, MAX_PORTS);

	for (size_t i = 0; i < n; i++) {
		random_port(service, i, seed);
		if (external && chance(seed, 90))
			service->ports[i].node_port = 30000 + 10 * number + (unsigned int)i;
	}
	if (n == 1 && chance(seed, 50))
		service->ports[0].name[0] = '\0';
}

static void random_ranges(struct world_service *service, uint64_t *seed)
{
	/* Of both families: what a list of one alone means for the other is written nowhere. */
	static const char *const v4[] = { "203.0.113.0/24", " 203.0.113.1/30 ", "172.17.0.0/16",
					  "192.0.2.1/32",   "10.1.2.3/8",	"0.0.0.0/0" };
	static const char *const v6[] = { "2001:db8:c::/48", " fd00:17::1/32", "2001:db8::1/128",
					  "fd00:99::/64", "::/0" };

	for (unsigned int i = below(seed, 2) + 1; i > 0; i--)
		texts_add(&service->ranges, ONE_OF(v4, seed));
	for (unsigned int i = below(seed, 2) + 1; i > 0; i--)
		texts_add(&service->ranges, ONE_OF(v6, seed));
}

static void random_addresses(struct world_service *service, unsigned int number, uint64_t *seed)
{
	unsigned int families = chance(seed, 60) ? 2 : below(seed, 2); /* IPv4, IPv6, both */
	static const char *const balancers[] = { "B1", "B2", "b1", "b2", "N", "n" };
	static const char *const externals[] = { "X1", "X2", "x1", "B1", "N" };
	char alias[8];

	snprintf(alias, sizeof(alias), "V%u", number + 1);
	if (families != 1)
		add_alias(&service->cluster_ips, alias);
	alias[0] = 'v';
	if (families != 0)
		add_alias(&service->cluster_ips, alias);
	if (chance(seed, 30))
		add_alias(&service->external_ips, ONE_OF(externals, seed));
	if (strcmp(service->type, "LoadBalancer") != 0)
		return;
	for (unsigned int i = chance(seed, 95) + below(seed, 2); i > 0; i--)
		add_alias(&service->balancer, balancers[i - 1 + 2 * below(seed, 3)]);
	if (chance(seed, 15))
		add_alias(&service->balancer_proxy, chance(seed, 50) ? "B7" : "b7");
	if (chance(seed, 40))
		random_ranges(service, seed);
}

static void random_service(struct world *world, uint64_t *seed)
{
	static const char *const types[] = { "ClusterIP", "NodePort", "LoadBalancer",
					     "LoadBalancer" };
	static const char *const distributions[] = { "PreferClose", "PreferSameZone",
						     "PreferSameNode" };
	unsigned int number = (unsigned int)world->n_services++;
	struct world_service *service = &world->services[number];

	snprintf(service->name, TEXT, "s%u", number);
	set(service->type, ONE_OF(types, seed));
	service->external_local = strcmp(service->type, "ClusterIP") != 0 && chance(seed, 40);
	service->internal_local = chance(seed, 25);
	service->affinity = chance(seed, 20);
	service->publish_not_ready = chance(seed, 15);
	service->headless_label = chance(seed, 2);
	service->proxy_label = chance(seed, 2);
	service->created = 1 + below(seed, 3);
	random_ports(service, number, seed);
	random_addresses(service, number, seed);
	service->selector = chance(seed, 50);
	if (service->selector && chance(seed, 40))
		set(service->distribution, ONE_OF(distributions, seed));
}

/* -------------------------------------------------------------- endpoints -- */

static enum state random_state(uint64_t *seed)
{
	static const enum state states[] = { STATE_READY,	STATE_READY,	 STATE_READY,
					     STATE_SILENT,	STATE_NOT_READY, STATE_TERMINATING,
					     STATE_TERMINATING, STATE_DEAD };

	return ONE_OF(states, seed);
}

static void random_pod(struct world *world, const struct world_service *service, uint64_t *seed)
{
	static const char *const phases[] = { "Running", "Running", "Running",	"Running",
					      "Running", "Failed",  "Succeeded" };
	unsigned int number = (unsigned int)world->n_pods++;
	struct world_pod *pod = &world->pods[number];
	bool here = chance(seed, 40);
	unsigned int families = below(seed, 4);
	char alias[8];

	snprintf(pod->name, TEXT, "pod-%u", number);
	set(pod->service, service->name);
	set(pod->node, here ? "here" : nodes[1 + below(seed, 2)]);
	set(pod->phase, ONE_OF(phases, seed));
	pod->state = random_state(seed);
	snprintf(alias, sizeof(alias), "%c%u", here ? 'L' : 'R', number + 1);
	if (families != 1)
		add_alias(&pod->addrs, alias);
	alias[0] = here ? 'l' : 'r';
	if (families != 0)
		add_alias(&pod->addrs, alias);
	for (int i = 0; i < 2; i++) {
		struct world_port *port = &pod->ports[pod->n_ports];

		if (chance(seed, 20))
			continue;
		set(port->name, i ? "query" : "web");
		snprintf(port->proto, sizeof(port->proto), "%s", i ? "UDP" : "TCP");
		port->port = 9090 + below(seed, 2);
		pod->n_ports++;
	}
}

/* How a service's endpoints are hinted: by all, by most, or not at all. */
struct hinting {
	unsigned int zone_percent, node_percent;
	uint64_t seed; /* of what is said of an address */
};

static void random_endpoint(struct world_slice *slice, const struct hinting *hinting,
			    uint64_t *seed)
{
	struct world_endpoint *endpoint = &slice->endpoints[slice->n_endpoints++];
	/* By the address, so that of one that stands in two slices the same is said. */
	unsigned int number = 1 + below(seed, 6);
	uint64_t own = hinting->seed + number;
	bool here = chance(&own, 40);
	char alias[8], text[TEXT];

	snprintf(alias, sizeof(alias), "%c%u", slice->v4 ? (here ? 'L' : 'R') : (here ? 'l' : 'r'),
		 number);
	set(endpoint->addr, alias_expand(alias, text));
	set(endpoint->node, here ? "here" : nodes[1 + below(&own, 2)]);
	if (number == 6) { /* a process of the node, which names no node */
		set(endpoint->addr, slice->v4 ? "192.0.2.1" : "2001:db8::1");
		endpoint->node[0] = '\0';
	} else if (number == 5 && chance(&own, 30)) {
		endpoint->node[0] = '\0';
	}
	endpoint->state = random_state(&own);
	if (chance(&own, 80))
		set(endpoint->zone, ONE_OF(zones, &own));
	if (chance(&own, hinting->zone_percent))
		texts_add(&endpoint->hint_zones, ONE_OF(zones, &own));
	if (chance(&own, hinting->zone_percent / 3))
		texts_add(&endpoint->hint_zones, ONE_OF(zones, &own));
	if (chance(&own, hinting->node_percent))
		texts_add(&endpoint->hint_nodes, ONE_OF(nodes, &own));
}

static void random_slice(struct world *world, const struct world_service *service, size_t index,
			 const struct hinting *hinting, uint64_t *seed)
{
	struct world_slice *slice = &world->slices[world->n_slices++];

	snprintf(slice->name, TEXT, "p%zu", index);
	set(slice->service, service->name);
	slice->v4 = chance(seed, 50);
	if (service->cluster_ips.n == 1 && chance(seed, 90))
		slice->v4 = !strchr(service->cluster_ips.item[0], ':');
	for (size_t i = 0; i < service->n_ports; i++) {
		struct world_port *port = &slice->ports[slice->n_ports];

		if (chance(seed, 5))
			continue;
		*port = service->ports[i];
		port->port = 8080 + below(seed, 2);
		slice->n_ports++;
	}
	for (unsigned int i = 1 + below(seed, 5); i > 0; i--)
		random_endpoint(slice, hinting, seed);
}

static void random_legacy(struct world *world, const struct world_service *service, uint64_t *seed)
{
	struct world_slice *slice = &world->slices[world->n_slices++];

	set(slice->name, "legacy");
	set(slice->service, service->name);
	slice->legacy = true;
	for (size_t i = 0; i < service->n_ports; i++) {
		slice->ports[i] = service->ports[i];
		slice->ports[i].port = 8080;
		slice->n_ports++;
	}
	for (unsigned int i = 1 + below(seed, 4); i > 0; i--) {
		struct world_endpoint *endpoint = &slice->endpoints[slice->n_endpoints++];
		bool here = chance(seed, 40);
		char alias[8], text[TEXT];

		snprintf(alias, sizeof(alias), "%c%u", (here ? "Ll" : "Rr")[chance(seed, 30)], i);
		set(endpoint->addr, alias_expand(alias, text));
		set(endpoint->node, here ? "here" : "there");
		endpoint->state = chance(seed, 70) ? STATE_READY : STATE_NOT_READY;
	}
}

static void random_endpoints(struct world *world, const struct world_service *service,
			     uint64_t *seed)
{
	static const unsigned int percents[] = { 0, 0, 100, 100, 80 };
	struct hinting hinting;

	hinting.zone_percent = ONE_OF(percents, seed);
	hinting.node_percent = ONE_OF(percents, seed);
	hinting.seed = random_next(seed);
	if (service->selector) {
		if (chance(seed, 15))
			random_legacy(world, service, seed);
		for (unsigned int i = below(seed, 7); i > 0 && world->n_pods < MAX_PODS; i--)
			random_pod(world, service, seed);
	} else if (chance(seed, 15)) {
		random_legacy(world, service, seed);
	} else {
		for (unsigned int i = chance(seed, 90) + below(seed, 3); i > 0; i--)
			random_slice(world, service, i, &hinting, seed);
	}
}

/* ------------------------------------------------------------------ world -- */

void world_random(struct world *world, uint64_t *seed)
{
	world_init(world);
	world->masquerade_all = chance(seed, 10);
	world->serve_external_ips = chance(seed, 60);
	if (chance(seed, 15))
		world->pod_cidrs.n = 0;
	if (chance(seed, 40))
		set(world->zone, ONE_OF(zones, seed));
	if (chance(seed, 20))
		texts_add(&world->node_port_addresses,
			  chance(seed, 50) ? "192.0.2.0/24" : "2001:db8::/64");
	for (size_t i = 0; i < COUNT(nodes); i++) {
		set(world->hosts[i].name, nodes[i]);
		if (chance(seed, 85))
			set(world->hosts[i].zone, ONE_OF(zones, seed));
	}
	world->n_hosts = COUNT(nodes);
	for (unsigned int i = 1 + below(seed, 3); i > 0; i--)
		random_service(world, seed);
	for (size_t i = 0; i < world->n_services; i++)
		random_endpoints(world, &world->services[i], seed);
}

/* An address that the service may answer at, or that lies near. */
static const char *random_target(const struct world *world, const struct world_service *service,
				 uint64_t *seed)
{
	const struct texts *lists[] = { &service->cluster_ips,	  &service->balancer,
					&service->balancer_proxy, &service->external_ips,
					&world->node_addresses,	  &service->cluster_ips };

	for (int tries = 0; tries < 8; tries++) {
		const struct texts *list = ONE_OF(lists, seed);

		if (list == &world->node_addresses && !strcmp(service->type, "ClusterIP"))
			continue;
		if (list->n)
			return list->item[below(seed, list->n)];
	}
	return "10.96.0.99";
}

static void random_source(const struct world_question *question, uint64_t *seed, char *from)
{
	static const char *const v4[] = { "C1", "C2", "C200", "L1", "L2", "L3",
					  "R1", "R2", "L77",  "N",  "",	  "" };
	static const char *const v6[] = { "c1", "c2", "c9",  "l1", "l2", "l3",
					  "r1", "r2", "l77", "n",  "",	 "" };
	const char *alias = strchr(question->to, ':') ? ONE_OF(v6, seed) : ONE_OF(v4, seed);
	char text[TEXT];

	set(from, *alias ? alias_expand(alias, text) : "");
}

void question_random(const struct world *world, uint64_t *seed, struct world_question *ret_question)
{
	const struct world_service *service = &world->services[below(seed, world->n_services)];
	const struct world_port *port = &service->ports[below(seed, service->n_ports)];
	struct world_question question = { .port = port->port };

	set(question.to, random_target(world, service, seed));
	random_source(&question, seed, question.from);
	if (chance(seed, 6) && port->node_port) { /* a process asks its own loopback */
		set(question.to, "127.0.0.1");
		question.from[0] = '\0';
	}
	if (port->node_port && (chance(seed, 5) || !strcmp(question.to, "127.0.0.1") ||
				!strcmp(question.to, world->node_addresses.item[0]) ||
				!strcmp(question.to, world->node_addresses.item[1])))
		question.port = port->node_port;
	if (chance(seed, 2))
		question.port = 81;
	snprintf(question.proto, sizeof(question.proto), "%s",
		 chance(seed, 98) ? port->proto : "UDP");
	*ret_question = question;
}
