/* SPDX-License-Identifier: Apache-2.0 */
#include "user/dns/backends.h"

#include "user/util/vec.h"

void backends_init(struct backends *backends, const struct store *store)
{
	*backends = (struct backends){ .store = store };
}

void backends_done(struct backends *backends)
{
	vec_free(backends);
}

/* One call of backends_each. */
struct visitor {
	const struct service *service;
	void (*visit)(void *arg, const struct backend *backend);
	void *arg;
};

static void visit_written(const struct visitor *visitor, const struct endpoint *endpoints,
			  size_t n_endpoints, const struct endpoint_port *ports, size_t n_ports)
{
	for (size_t i = 0; i < n_endpoints; i++) {
		struct backend backend = { &endpoints[i], ports, n_ports };

		if (endpoints[i].ready || visitor->service->publish_not_ready)
			visitor->visit(visitor->arg, &backend);
	}
}

/* The numbers that a Service's ports have in one pod. */
static void ports_of_member(struct backends *backends, const struct service *service,
			    const struct pod *pod)
{
	backends->n = 0;
	for (size_t i = 0; i < service->n_ports; i++) {
		struct endpoint_port *port = vec_add(backends);

		port->name = service->ports[i].name;
		port->proto = service->ports[i].proto;
		port->port = member_port(pod, &service->ports[i]);
	}
}

static void visit_members(struct backends *backends, const struct object *service, bool v4,
			  const struct visitor *visitor)
{
	struct member_list members;

	members_select(backends->store, service, v4, &members);
	for (size_t i = 0; i < members.n; i++) {
		struct backend backend = { .endpoint = &members.items[i].endpoint };

		if (!backend.endpoint->ready)
			continue;
		ports_of_member(backends, service->service, members.items[i].pod->pod);
		backend.ports = backends->items;
		backend.n_ports = backends->n;
		visitor->visit(visitor->arg, &backend);
	}
	vec_free(&members);
}

void backends_each(struct backends *backends, const struct object *service,
		   void (*visit)(void *arg, const struct backend *backend), void *arg)
{
	const struct visitor visitor = { service->service, visit, arg };
	const struct object *mirror = endpoints_to_mirror(backends->store, service);
	struct store_view slices = store_slices(backends->store, service->ns, service->name);
	bool v4[2];
	size_t n = service_families(service->service, v4);

	for (size_t i = 0; i < slices.n; i++) {
		const struct endpoint_slice *slice = slices.items[i]->slice;

		if (!slice->fqdn)
			visit_written(&visitor, slice->endpoints, slice->n_endpoints, slice->ports,
				      slice->n_ports);
	}
	for (size_t i = 0; i < n; i++)
		visit_members(backends, service, v4[i], &visitor);
	for (size_t i = 0; mirror && i < mirror->endpoints->n_subsets; i++) {
		const struct endpoints_subset *subset = &mirror->endpoints->subsets[i];

		visit_written(&visitor, subset->endpoints, subset->n_endpoints, subset->ports,
			      subset->n_ports);
	}
}
