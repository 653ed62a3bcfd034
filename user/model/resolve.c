/* SPDX-License-Identifier: Apache-2.0 */
#include "user/model/resolve.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "user/model/addresses.h"
#include "user/model/candidates.h"
#include "user/model/claims.h"
#include "user/model/members.h"
#include "user/model/readiness.h"
#include "user/util/tree.h"

#define LABEL_PROXY_NAME "service.kubernetes.io/service-proxy-name"

struct service_list {
	struct desired_service *items;
	size_t n, room;
};

struct resolver {
	const struct store *store;
	const struct config *config;
	struct addr_list addresses; /* of the node, sorted */
	struct viewpoint view;
	const struct pod_index *pods;
	struct service_list services;
	struct warning_list warnings;
	struct claimer claimer;
	struct candidate_list candidates; /* scratch */
};

/* One service while its ports are resolved. */
struct subject {
	const struct object *object;
	const struct object *mirror; /* Endpoints that stand for it, or NULL */
	struct store_view slices;
	const char *created;
	struct member_list members[2]; /* IPv4, IPv6 */
	bool served[2];
};

/* -------------------------------------------------------------- endpoints -- */

static void candidate_add(struct resolver *resolver, const struct endpoint *endpoint, uint16_t port)
{
	struct candidate_list *list = &resolver->candidates;

	vec_push(list, ((struct candidate){
			       .endpoint = endpoint, .port = port, .order = (uint32_t)list->n }));
}

static void candidates_add(struct resolver *resolver, const struct service_port *wanted, bool v4,
			   const struct endpoint_port *ports, size_t n_ports,
			   const struct endpoint *endpoints, size_t n_endpoints)
{
	for (size_t i = 0; i < n_ports; i++) {
		if (ports[i].proto != wanted->proto || !ports[i].port ||
		    strcmp(ports[i].name, wanted->name) != 0)
			continue;
		for (size_t j = 0; j < n_endpoints; j++) {
			if (addr_is_v4(&endpoints[j].addr) == v4)
				candidate_add(resolver, &endpoints[j], ports[i].port);
		}
	}
}

/* Written slices first: what they say of an address counts before what its pod says. */
static void candidates_collect(struct resolver *resolver, const struct subject *subject,
			       const struct service_port *port, bool v4)
{
	const struct member_list *members = &subject->members[!v4];

	resolver->candidates.n = 0;
	for (size_t i = 0; i < subject->slices.n; i++) {
		const struct endpoint_slice *slice = subject->slices.items[i]->slice;

		if (slice->fqdn)
			continue;
		candidates_add(resolver, port, v4, slice->ports, slice->n_ports, slice->endpoints,
			       slice->n_endpoints);
	}
	for (size_t i = 0; i < members->n; i++) {
		uint16_t number = member_port(members->items[i].pod->pod, port);

		if (number)
			candidate_add(resolver, &members->items[i].endpoint, number);
	}
	for (size_t i = 0; subject->mirror && i < subject->mirror->endpoints->n_subsets; i++) {
		const struct endpoints_subset *subset = &subject->mirror->endpoints->subsets[i];

		candidates_add(resolver, port, v4, subset->ports, subset->n_ports,
			       subset->endpoints, subset->n_endpoints);
	}
}

/* --------------------------------------------------------------- services -- */

static struct lb_name service_lb_name(const struct object *object, const struct service_port *port,
				      bool v4)
{
	static const uint8_t types[] = {
		[SERVICE_CLUSTER_IP] = LB_SERVICE_CLUSTER_IP,
		[SERVICE_NODE_PORT] = LB_SERVICE_NODE_PORT,
		[SERVICE_LOAD_BALANCER] = LB_SERVICE_LOAD_BALANCER,
	};
	const struct service *service = object->service;
	struct lb_name name = { .port = htons(port->port),
				.proto = port->proto,
				.type = types[service->type] };

	snprintf(name.namespace, sizeof(name.namespace), "%s", object->ns);
	snprintf(name.name, sizeof(name.name), "%s", object->name);
	snprintf(name.port_name, sizeof(name.port_name), "%s", port->name);
	name.flags = (service->external_local ? LB_NAME_EXTERNAL_LOCAL : 0) |
		     (service->internal_local ? LB_NAME_INTERNAL_LOCAL : 0) |
		     (v4 ? 0 : LB_NAME_IPV6);
	name.affinity = service->affinity_client_ip ? service->affinity_seconds : 0;
	return name;
}

static void source_ranges_copy(const struct service *from, bool v4, struct desired_service *to)
{
	if (from->type != SERVICE_LOAD_BALANCER)
		return;
	to->source_ranges = xcalloc(from->n_source_ranges, sizeof(*to->source_ranges));
	for (size_t i = 0; i < from->n_source_ranges; i++) {
		if (from->source_ranges[i].v4 == v4)
			to->source_ranges[to->n_source_ranges++] = from->source_ranges[i];
	}
}

static void port_resolve(struct resolver *resolver, const struct subject *subject,
			 const struct service_port *port, bool v4)
{
	struct desired_service *service = vec_add(&resolver->services);
	uint32_t index = (uint32_t)resolver->services.n - 1;

	service->name = service_lb_name(subject->object, port, v4);
	service->v4 = v4;
	source_ranges_copy(subject->object->service, v4, service);
	candidates_collect(resolver, subject, port, v4);
	candidates_choose(&resolver->candidates, &resolver->view, port->proto, service);
	claims_add(&resolver->claimer, subject->object, subject->created, port, v4, index);
}

static int port_compare(const void *a, const void *b)
{
	const struct service_port *const *x = a, *const *y = b;
	int order = (int)(*x)->port - (int)(*y)->port;

	return order ? order : (int)(*x)->proto - (int)(*y)->proto;
}

static void ports_resolve(struct resolver *resolver, const struct subject *subject)
{
	const struct service *service = subject->object->service;
	const struct service_port **ports = xcalloc(service->n_ports, sizeof(*ports));

	for (size_t i = 0; i < service->n_ports; i++)
		ports[i] = &service->ports[i];
	qsort(ports, service->n_ports, sizeof(*ports), port_compare);
	for (size_t i = 0; i < service->n_ports; i++) {
		for (int family = 0; family < 2; family++) {
			if (subject->served[family])
				port_resolve(resolver, subject, ports[i], family == 0);
		}
	}
	free(ports);
}

/* Headless services and those of other proxies have no place in the datapath. */
static bool service_is_served(const struct object *object)
{
	return object->service->type != SERVICE_EXTERNAL_NAME && !object->service->headless &&
	       !object_label(object, LABEL_PROXY_NAME) && !object_label(object, LABEL_HEADLESS);
}

static void service_resolve(struct resolver *resolver, const struct object *object)
{
	struct subject subject = { .object = object };
	bool v4[2];
	size_t n_families;

	if (!service_is_served(object))
		return;
	subject.created = tree_text(object->json, "metadata.creationTimestamp");
	if (!subject.created)
		subject.created = "";
	subject.mirror = endpoints_to_mirror(resolver->store, object);
	subject.slices = store_slices(resolver->store, object->ns, object->name);
	n_families = service_families(object->service, v4);
	for (size_t i = 0; i < n_families; i++) {
		subject.served[!v4[i]] = true;
		members_select(resolver->store, resolver->pods, object, v4[i],
			       &subject.members[!v4[i]]);
	}
	claims_check(&resolver->claimer, object);
	ports_resolve(resolver, &subject);
	vec_free(&subject.members[0]);
	vec_free(&subject.members[1]);
}

/* ------------------------------------------------------------- the whole -- */

static void pods_collect(const struct store *store, struct addr_list *list)
{
	struct store_view pods = store_list(store, K8S_POD, NULL);

	for (size_t i = 0; i < pods.n; i++) {
		const struct pod *pod = pods.items[i]->pod;

		for (size_t j = 0; j < pod->n_ips && !readiness_pod_ended(pod); j++)
			vec_push(list, pod->ips[j]);
	}
	addresses_sort(list);
}

static void resolver_init(struct resolver *resolver, const struct node_view *node,
			  const struct pod_index *pods)
{
	const struct object *object = NULL;

	for (size_t i = 0; i < node->n_addresses; i++)
		vec_push(&resolver->addresses, node->addresses[i]);
	addresses_sort(&resolver->addresses);
	resolver->view = (struct viewpoint){ .node = node->name,
					     .zone = node->zone,
					     .addresses = &resolver->addresses };
	if (!node->zone && node->name)
		object = store_find(resolver->store, K8S_NODE, "", node->name);
	if (object)
		resolver->view.zone = object->node->zone;
	resolver->pods = pods;
	claimer_init(&resolver->claimer, resolver->config, &resolver->addresses,
		     &resolver->warnings);
}

static void resolver_done(struct resolver *resolver)
{
	claimer_done(&resolver->claimer);
	vec_free(&resolver->addresses);
	vec_free(&resolver->candidates);
}

void resolve(const struct store *store, const struct config *config, const struct node_view *node,
	     struct desired *ret_desired)
{
	struct resolver resolver = { .store = store, .config = config };
	struct store_view services = store_list(store, K8S_SERVICE, NULL);
	struct pod_index *index = pod_index_new(store);
	struct addr_list pods = { 0 };

	resolver_init(&resolver, node, index);
	for (size_t i = 0; i < services.n; i++)
		service_resolve(&resolver, services.items[i]);
	claims_settle(&resolver.claimer, resolver.services.items, resolver.services.n);
	pods_collect(store, &pods);

	*ret_desired = (struct desired){ .services = resolver.services.items,
					 .n_services = resolver.services.n,
					 .pods = pods.items,
					 .n_pods = pods.n,
					 .pods_unknown = !store_knows(store, K8S_POD),
					 .warnings = resolver.warnings.items,
					 .n_warnings = resolver.warnings.n };
	resolver_done(&resolver);
	pod_index_free(index);
}

/* ------------------------------------------------------------------ again -- */

static bool same_port(const struct desired_service *a, const struct desired_service *b)
{
	return a->v4 == b->v4 && a->name.port == b->name.port && a->name.proto == b->name.proto &&
	       !strcmp(a->name.name, b->name.name) && !strcmp(a->name.namespace, b->name.namespace);
}

/* Both are in the same order: what is looked for is not before *at. */
static void backends_replace(struct desired *desired, size_t *at, struct desired_service *service)
{
	while (*at < desired->n_services && !same_port(&desired->services[*at], service))
		++*at;
	if (*at == desired->n_services)
		return;
	free(desired->services[*at].backends);
	desired->services[*at].backends = service->backends;
	desired->services[*at].n_backends = service->n_backends;
	service->backends = NULL;
	service->n_backends = 0;
}

void resolve_again(const struct store *store, const struct config *config,
		   const struct node_view *node, const struct pod_index *pods,
		   const struct object *const *services, size_t n, struct desired *desired)
{
	struct resolver resolver = { .store = store, .config = config };
	struct desired fresh = { 0 };
	size_t at = 0;

	resolver_init(&resolver, node, pods);
	for (size_t i = 0; i < n; i++)
		service_resolve(&resolver, services[i]);
	for (size_t i = 0; i < resolver.services.n; i++)
		backends_replace(desired, &at, &resolver.services.items[i]);
	/* Who claims which address is settled already, and has been told. */
	fresh = (struct desired){ .services = resolver.services.items,
				  .n_services = resolver.services.n,
				  .warnings = resolver.warnings.items,
				  .n_warnings = resolver.warnings.n };
	desired_done(&fresh);
	resolver_done(&resolver);
}

void desired_change_done(struct desired_change *change)
{
	free(change->services);
	free(change->left);
	free(change->freed);
	free(change->ended);
	*change = (struct desired_change){ 0 };
}

void desired_done(struct desired *desired)
{
	for (size_t i = 0; i < desired->n_services; i++) {
		free(desired->services[i].frontends);
		free(desired->services[i].backends);
		free(desired->services[i].source_ranges);
	}
	for (size_t i = 0; i < desired->n_warnings; i++)
		free(desired->warnings[i]);
	free(desired->services);
	free(desired->pods);
	free(desired->warnings);
	*desired = (struct desired){ 0 };
}
