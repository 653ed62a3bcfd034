/* SPDX-License-Identifier: Apache-2.0 */
/* The rules. Pure: a snapshot comes in, sentences come out. */
#include "user/datapath/verify.h"

#include <stdarg.h>
#include <string.h>

#include "user/util/cleanup.h"
#include "user/util/vec.h"

#define SLOTS_TOLD 3 /* of one range: a corrupt one would fill the screen */

/* Backends and services by id, so that millions of slots cost one look each. */
struct index {
	const struct actual *actual;
	const struct lb_backend **backends;
	struct verify_violations *found;
	struct verify_counts *counts;
};

/* A range as a frontend names it; several frontends of a service share one. */
struct held {
	struct lb_range range;
	uint32_t service;
	bool local;
};

static void found_add(struct verify_violations *found, const char *format, ...) LB_PRINTF(2, 3);

static void found_add(struct verify_violations *found, const char *format, ...)
{
	char *text = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		abort();
	va_end(args);
	vec_push(found, text);
}

static int id_order(const void *key, const void *item)
{
	const uint32_t *id = key;
	const struct actual_service *service = item;

	return (*id > service->id) - (*id < service->id);
}

static const struct lb_name *name_find(const struct actual *actual, uint32_t id)
{
	const struct actual_service *service = bsearch(&id, actual->services, actual->n_services,
						       sizeof(*actual->services), id_order);

	return service ? &service->name : NULL;
}

static int backend_order(const void *key, const void *item)
{
	const uint32_t *id = key;
	const struct actual_backend *backend = item;

	return (*id > backend->id) - (*id < backend->id);
}

static const struct lb_backend *backend_find(const struct actual *actual, uint32_t id)
{
	const struct actual_backend *backend = bsearch(&id, actual->backends, actual->n_backends,
						       sizeof(*actual->backends), backend_order);

	return backend ? &backend->value : NULL;
}

static char *service_text(const struct actual *actual, uint32_t id)
{
	const struct lb_name *name = name_find(actual, id);

	return name ? xasprintf("%.63s/%.63s:%u", name->namespace, name->name, ntohs(name->port))
		    : xasprintf("service %u", id);
}

/* ------------------------------------------------------------------ ranges -- */

/* Why a backend must not be in a slot of this range; NULL: it may. */
static const char *slot_wrong(const struct lb_backend *backend, const struct held *held)
{
	if (!backend)
		return "which does not exist";
	if (backend->service != held->service)
		return "which is not of this service";
	if (backend->flags & LB_BACKEND_GONE)
		return "which is gone";
	if (backend->flags & LB_BACKEND_DRAINING)
		return "which has left the service";
	if (held->local && !(backend->flags & LB_BACKEND_LOCAL))
		return "which does not run on this node";
	if (!held->local && backend->flags & LB_BACKEND_NODE_ONLY)
		return "which hints leave out of this scope";
	return NULL;
}

static void check_slots(const struct index *index, const struct held *held)
{
	const struct actual *actual = index->actual;
	const char *scope = held->local ? "local" : "cluster";
	cleanup_free char *service = service_text(actual, held->service);
	size_t wrong = 0;

	for (uint32_t i = 0; i < held->range.len; i++) {
		uint32_t id = actual->slots[held->range.base + i];
		const struct lb_backend *backend =
			id && id < actual->max_backends ? index->backends[id] : NULL;
		const char *why = slot_wrong(backend, held);

		if (why && ++wrong <= SLOTS_TOLD)
			found_add(index->found, "%s: slot %u of the %s range names backend %u, %s",
				  service, i, scope, id, why);
	}
	if (wrong > SLOTS_TOLD)
		found_add(index->found, "%s: more such slots of the %s range", service, scope);
	index->counts->slots += held->range.len;
}

static int held_order(const void *a, const void *b)
{
	const struct held *x = a, *y = b;

	if (x->range.base != y->range.base)
		return x->range.base < y->range.base ? -1 : 1;
	if (x->range.len != y->range.len)
		return x->range.len < y->range.len ? -1 : 1;
	if (x->service != y->service)
		return x->service < y->service ? -1 : 1;
	return (int)x->local - (int)y->local;
}

/* The cluster's and the node's range of one service may be the same; others must not touch. */
static void check_overlap(const struct index *index, const struct held *a, const struct held *b)
{
	cleanup_free char *one = NULL, *two = NULL;
	bool same = a->service == b->service && a->range.base == b->range.base &&
		    a->range.len == b->range.len;

	if (same || b->range.base >= a->range.base + a->range.len)
		return;
	one = service_text(index->actual, a->service);
	two = service_text(index->actual, b->service);
	found_add(index->found, "the ranges of %s and %s share slot %u", one, two, b->range.base);
}

static void check_ranges(const struct index *index, struct held *held, size_t n)
{
	if (n)
		qsort(held, n, sizeof(*held), held_order);
	for (size_t i = 0; i < n; i++) {
		if (i && !held_order(&held[i - 1], &held[i]))
			continue;
		check_slots(index, &held[i]);
		if (i)
			check_overlap(index, &held[i - 1], &held[i]);
	}
}

/* --------------------------------------------------------------- frontends -- */

static void check_name(const struct index *index, const struct actual_frontend *frontend,
		       const char *place)
{
	const struct lb_frontend *value = &frontend->value;
	const struct lb_name *name = name_find(index->actual, value->service);

	if (!name) {
		found_add(index->found, "frontend %s is of service %u, which has no name", place,
			  value->service);
		return;
	}
	if (addr_is_v4(&frontend->key.addr) == !!(name->flags & LB_NAME_IPV6))
		found_add(index->found, "frontend %s is not of the family of its name, %.63s/%.63s",
			  place, name->namespace, name->name);
	if (!frontend->key.port) /* for ping: stands for all ports of the address */
		return;
	if (frontend->key.proto != name->proto)
		found_add(index->found, "frontend %s has protocol %u, its name %.63s/%.63s has %u",
			  place, frontend->key.proto, name->namespace, name->name, name->proto);
	if (!(value->flags & LB_FRONTEND_NODE_PORT) && frontend->key.port != name->port)
		found_add(index->found,
			  "frontend %s has another port than its name, %.63s/%.63s:%u", place,
			  name->namespace, name->name, ntohs(name->port));
}

static bool range_fits(const struct actual *actual, const struct lb_range *range)
{
	return range->base <= actual->n_slots && range->len <= actual->n_slots - range->base;
}

static void check_frontends(const struct index *index)
{
	const struct actual *actual = index->actual;
	VEC(struct held) held = { 0 };

	for (size_t i = 0; i < actual->n_frontends; i++) {
		const struct actual_frontend *frontend = &actual->frontends[i];
		const struct lb_range *ranges[] = { &frontend->value.cluster,
						    &frontend->value.local };
		char place[ADDR_PORT_TEXT];

		addr_port_format(&frontend->key.addr, frontend->key.port, place);
		check_name(index, frontend, place);
		for (int local = 0; local < 2; local++) {
			if (!range_fits(actual, ranges[local]))
				found_add(index->found,
					  "frontend %s has a %s range beyond the table: %u + %u",
					  place, local ? "local" : "cluster", ranges[local]->base,
					  ranges[local]->len);
			else if (ranges[local]->len)
				vec_push(&held, ((struct held){ *ranges[local],
								frontend->value.service, local }));
		}
	}
	check_ranges(index, held.items, held.n);
	index->counts->frontends += actual->n_frontends;
	vec_free(&held);
}

/* ------------------------------------------------------- backends, source ranges -- */

static void check_backends(const struct index *index)
{
	const struct actual *actual = index->actual;

	for (size_t i = 0; i < actual->n_backends; i++) {
		const struct lb_backend *value = &actual->backends[i].value;
		const struct lb_name *name = name_find(actual, value->service);

		if (!value->service) /* freed */
			continue;
		index->counts->backends++;
		if (!name)
			found_add(index->found, "backend %u is of service %u, which has no name",
				  actual->backends[i].id, value->service);
		else if (name->proto != value->proto)
			found_add(index->found, "backend %u has protocol %u, its service has %u",
				  actual->backends[i].id, value->proto, name->proto);
	}
	for (size_t i = 0; i < actual->n_ranges; i++) {
		uint32_t service = actual->ranges[i].key.service;

		if (!name_find(actual, service))
			found_add(index->found,
				  "a source range is of service %u, which has no name", service);
	}
}

void verify_services(const struct actual *actual, struct verify_violations *found,
		     struct verify_counts *counts)
{
	struct index index = { .actual = actual, .found = found, .counts = counts };

	index.backends = xcalloc(actual->max_backends, sizeof(*index.backends));
	for (size_t i = 0; i < actual->n_backends; i++)
		if (actual->backends[i].id < actual->max_backends)
			index.backends[actual->backends[i].id] = &actual->backends[i].value;
	check_frontends(&index);
	check_backends(&index);
	counts->services += actual->n_services;
	free(index.backends);
}

/* ------------------------------------------------------------- what packets write -- */

void verify_affinity(const struct actual *actual, const struct datapath_affinity *affinity,
		     struct verify_violations *found)
{
	const struct lb_backend *backend = backend_find(actual, affinity->value.backend);
	char client[ADDR_TEXT];

	addr_format(&affinity->key.client, client);
	if (!backend)
		found_add(found, "affinity binds %s to backend %u, which does not exist", client,
			  affinity->value.backend);
	else if (backend->generation == affinity->value.generation && backend->service &&
		 backend->service != affinity->key.service)
		found_add(found,
			  "affinity of service %u binds %s to backend %u, which is of service %u",
			  affinity->key.service, client, affinity->value.backend, backend->service);
}

void verify_flow(const struct actual *actual, const struct datapath_flow *flow,
		 struct verify_violations *found)
{
	const struct lb_backend *backend = backend_find(actual, flow->backend_id);
	char client[ADDR_PORT_TEXT], place[ADDR_PORT_TEXT];

	addr_port_format(&flow->client, flow->client_port, client);
	addr_port_format(&flow->backend, flow->backend_port, place);
	if (!backend)
		found_add(found, "the flow of %s names backend %u, which does not exist", client,
			  flow->backend_id);
	else if (backend->generation == flow->generation &&
		 (addr_compare(&backend->addr, &flow->backend) ||
		  backend->port != flow->backend_port))
		found_add(found, "the flow of %s goes to %s, which is not its backend %u", client,
			  place, flow->backend_id);
}
