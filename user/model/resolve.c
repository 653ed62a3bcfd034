/* SPDX-License-Identifier: Apache-2.0 */
#include "user/model/resolve.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "user/model/addresses.h"
#include "user/model/readiness.h"
#include "user/model/resolver.h"
#include "user/util/tree.h"

#define LABEL_PROXY_NAME "service.kubernetes.io/service-proxy-name"

/* One service while its ports are resolved. */
struct subject {
	const struct object *object;
	const struct object *mirror; /* Endpoints that stand for it, or NULL */
	struct store_view slices;
	struct member_list members[2]; /* IPv4, IPv6 */
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

static void part_resolve(struct resolver *resolver, const struct subject *subject,
			 const struct service_part *part)
{
	struct desired_service *service = vec_add(&resolver->services);

	service->name = service_lb_name(subject->object, part->port, part->v4);
	service->v4 = part->v4;
	source_ranges_copy(subject->object->service, part->v4, service);
	candidates_collect(resolver, subject, part->port, part->v4);
	candidates_choose(&resolver->candidates, &resolver->view, part->port->proto, service);
}

static int port_compare(const void *a, const void *b)
{
	const struct service_port *const *x = a, *const *y = b;
	int order = (int)(*x)->port - (int)(*y)->port;

	return order ? order : (int)(*x)->proto - (int)(*y)->proto;
}

/* Headless services and those of other proxies have no place in the datapath. */
static bool service_is_served(const struct object *object)
{
	return object->service->type != SERVICE_EXTERNAL_NAME && !object->service->headless &&
	       !object_label(object, LABEL_PROXY_NAME) && !object_label(object, LABEL_HEADLESS);
}

/* In the order of the desired services. */
static void parts_list(struct resolver *resolver, const struct object *object)
{
	const struct service *service = object->service;
	const struct service_port **ports;
	bool served[2] = { false }, v4[2];
	size_t n_families = service_families(service, v4);

	resolver->parts.n = 0;
	if (!service_is_served(object))
		return;
	for (size_t i = 0; i < n_families; i++)
		served[!v4[i]] = true;
	ports = xcalloc(service->n_ports, sizeof(*ports));
	for (size_t i = 0; i < service->n_ports; i++)
		ports[i] = &service->ports[i];
	qsort(ports, service->n_ports, sizeof(*ports), port_compare);
	for (size_t i = 0; i < service->n_ports; i++) {
		for (int family = 0; family < 2; family++) {
			if (served[family])
				vec_push(&resolver->parts,
					 ((struct service_part){ ports[i], family == 0 }));
		}
	}
	free(ports);
}

static void claims_of_parts(struct resolver *resolver, const struct object *object, size_t entry,
			    const struct desired_service *entries, struct claim_list *claims)
{
	const char *created = tree_text(object->json, "metadata.creationTimestamp");
	struct claim begin = { .owner = object, .created = created ? created : "" };

	for (size_t i = 0; i < resolver->parts.n; i++) {
		begin.part = (uint32_t)i;
		begin.entry = (uint32_t)(entry + i);
		begin.idle = !entries[i].n_backends;
		claims_add(&resolver->claimer, &resolver->parts.items[i], &begin, claims);
	}
}

void resolver_claims(struct resolver *resolver, const struct object *object,
		     const struct desired_service *entries, struct claim_list *claims)
{
	parts_list(resolver, object);
	claims_of_parts(resolver, object, 0, entries, claims);
}

size_t resolver_service(struct resolver *resolver, const struct object *object)
{
	struct subject subject = { .object = object };

	parts_list(resolver, object);
	if (!resolver->parts.n)
		return 0;
	subject.mirror = endpoints_to_mirror(resolver->store, object);
	subject.slices = store_slices(resolver->store, object->ns, object->name);
	for (size_t i = 0; i < resolver->parts.n && i < 2; i++) {
		bool v4 = resolver->parts.items[i].v4;

		if (!subject.members[!v4].room)
			members_select(resolver->store, object, v4, &subject.members[!v4]);
	}
	for (size_t i = 0; i < resolver->parts.n; i++)
		part_resolve(resolver, &subject, &resolver->parts.items[i]);
	vec_free(&subject.members[0]);
	vec_free(&subject.members[1]);
	return resolver->parts.n;
}

void resolver_warn(struct resolver *resolver, const struct claim_list *claims)
{
	struct store_view services = store_list(resolver->store, K8S_SERVICE, NULL);

	for (size_t i = 0; i < services.n; i++) {
		const struct service *service = services.items[i]->service;

		if ((service->n_ingress || service->n_external_ips) &&
		    service_is_served(services.items[i]))
			claims_check(&resolver->claimer, services.items[i]);
	}
	claims_warn(&resolver->claimer, claims);
}

/* ------------------------------------------------------------- the whole -- */

static int address_compare(const void *a, const void *b)
{
	return addr_compare(a, b);
}

/* As often as there are pods that have an address: those on the node's network share it. */
static void pods_collect(const struct store *store, struct addr_list *list)
{
	struct store_view pods = store_list(store, K8S_POD, NULL);

	for (size_t i = 0; i < pods.n; i++)
		resolve_pod_addresses(pods.items[i], list);
	if (list->n)
		qsort(list->items, list->n, sizeof(*list->items), address_compare);
}

void resolve_pod_addresses(const struct object *pod, struct addr_list *list)
{
	for (size_t i = 0; i < pod->pod->n_ips && !readiness_pod_ended(pod->pod); i++)
		vec_push(list, pod->pod->ips[i]);
}

void resolver_init(struct resolver *resolver, const struct store *store,
		   const struct config *config, const struct node_view *node)
{
	const struct object *object = NULL;

	*resolver = (struct resolver){ .store = store, .config = config };
	for (size_t i = 0; i < node->n_addresses; i++)
		vec_push(&resolver->addresses, node->addresses[i]);
	addresses_sort(&resolver->addresses);
	resolver->view = (struct viewpoint){ .node = node->name,
					     .zone = node->zone,
					     .addresses = &resolver->addresses };
	if (!node->zone && node->name)
		object = store_find(store, K8S_NODE, "", node->name);
	if (object)
		resolver->view.zone = object->node->zone;
	claimer_init(&resolver->claimer, config, &resolver->addresses, &resolver->warnings);
}

void resolver_done(struct resolver *resolver)
{
	claimer_done(&resolver->claimer);
	vec_free(&resolver->addresses);
	vec_free(&resolver->candidates);
	vec_free(&resolver->parts);
}

void resolve(const struct store *store, const struct config *config, const struct node_view *node,
	     struct desired *ret_desired)
{
	struct store_view services = store_list(store, K8S_SERVICE, NULL);
	struct desired desired = { .pods_unknown = !store_knows(store, K8S_POD) };
	struct claim_list claims = { 0 };
	struct addr_list pods = { 0 };
	struct resolver resolver;

	resolver_init(&resolver, store, config, node);
	for (size_t i = 0; i < services.n; i++) {
		size_t first = resolver.services.n;
		size_t n = resolver_service(&resolver, services.items[i]);

		claims_of_parts(&resolver, services.items[i], first,
				resolver.services.items + first, &claims);
		desired.n_objects += n > 0;
	}
	claims_sort(&claims);
	claims_settle(&claims, resolver.services.items, resolver.services.n);
	resolver_warn(&resolver, &claims);
	pods_collect(store, &pods);

	desired.services = resolver.services.items;
	desired.n_services = resolver.services.n;
	desired.pods = pods.items;
	desired.n_pods = pods.n;
	desired.warnings = resolver.warnings.items;
	desired.n_warnings = resolver.warnings.n;
	desired.claims = claims.items;
	desired.n_claims = claims.n;
	for (size_t i = 0; i < desired.n_services; i++)
		desired.n_backends += desired.services[i].n_backends;
	*ret_desired = desired;
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

void desired_service_done(struct desired_service *service)
{
	free(service->frontends);
	free(service->backends);
	free(service->source_ranges);
}

void desired_done(struct desired *desired)
{
	for (size_t i = 0; i < desired->n_services; i++)
		desired_service_done(&desired->services[i]);
	for (size_t i = 0; i < desired->n_warnings; i++)
		free(desired->warnings[i]);
	free(desired->services);
	free(desired->pods);
	free(desired->warnings);
	free(desired->claims);
	*desired = (struct desired){ 0 };
}
