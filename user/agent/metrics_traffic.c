/* SPDX-License-Identifier: Apache-2.0 */
/* Traffic by Service and by backend, and the sizes of the Services' Maglev tables. */
#include <arpa/inet.h>
#include <string.h>

#include "user/agent/metrics_parts.h"
#include "user/util/cleanup.h"
#include "user/util/proto.h"
#include "user/util/vec.h"

/* ------------------------------------------------------------------ tables -- */

/* One Maglev table: several frontends may name it. */
struct table {
	uint32_t service;
	struct lb_range range;
};

struct table_list {
	struct table *items;
	size_t n, room;
};

static int table_compare(const void *a, const void *b)
{
	const struct table *x = a, *y = b;

	return (x->range.base > y->range.base) - (x->range.base < y->range.base);
}

/* Each table once. */
static void tables_collect(const struct actual *actual, struct table_list *ret_tables)
{
	struct table_list list = { 0 };
	size_t n = 0;

	for (size_t i = 0; i < actual->n_frontends; i++) {
		const struct lb_frontend *frontend = &actual->frontends[i].value;

		if (frontend->cluster.len)
			vec_push(&list, ((struct table){ frontend->service, frontend->cluster }));
		if (frontend->local.len)
			vec_push(&list, ((struct table){ frontend->service, frontend->local }));
	}
	if (list.n)
		qsort(list.items, list.n, sizeof(*list.items), table_compare);
	for (size_t i = 0; i < list.n; i++)
		if (!n || table_compare(&list.items[n - 1], &list.items[i]))
			list.items[n++] = list.items[i];
	list.n = n;
	*ret_tables = list;
}

size_t metrics_maglev_used(const struct actual *actual)
{
	struct table_list tables;
	size_t used = 0;

	tables_collect(actual, &tables);
	for (size_t i = 0; i < tables.n; i++)
		used += tables.items[i].range.len;
	vec_free(&tables);
	return used;
}

/* ---------------------------------------------------------------- counters -- */

/* A Service's port, or one of its backends. */
struct counted {
	const struct lb_name *name;
	const struct lb_backend *backend; /* NULL: the port itself */
	struct lb_stats stats;
	uint64_t endpoints;	      /* of a port: those that new connections may get */
	uint64_t slots;		      /* of a port: in its tables */
	size_t labels, labels_length; /* in the list's text */
};

struct counted_list {
	struct counted *items;
	size_t n, room;
	char *labels; /* of all, which several families have */
};

static int counted_compare(const void *a, const void *b)
{
	const struct counted *x = a, *y = b;
	int order = strcmp(x->name->namespace, y->name->namespace);

	if (!order)
		order = strcmp(x->name->name, y->name->name);
	if (!order)
		order = (int)ntohs(x->name->port) - (int)ntohs(y->name->port);
	if (!order)
		order = (int)x->name->proto - (int)y->name->proto;
	if (!order && x->backend)
		order = addr_compare(&x->backend->addr, &y->backend->addr);
	if (!order && x->backend)
		order = (int)ntohs(x->backend->port) - (int)ntohs(y->backend->port);
	return order;
}

static void counted_add(struct counted *sum, const struct counted *item)
{
	sum->stats.packets += item->stats.packets;
	sum->stats.bytes += item->stats.bytes;
	sum->stats.connections += item->stats.connections;
	sum->stats.drops += item->stats.drops;
	sum->endpoints += item->endpoints;
	sum->slots += item->slots;
}

/*
 * A Service of two families has an id for each in the maps: one series here, since two of the same
 * labels would have the whole answer refused.
 */
static void counted_merge(struct counted_list *list)
{
	size_t n = 0;

	if (list->n)
		qsort(list->items, list->n, sizeof(*list->items), counted_compare);
	for (size_t i = 0; i < list->n; i++) {
		const struct counted *item = &list->items[i];

		if (n && !counted_compare(&list->items[n - 1], item)) {
			counted_add(&list->items[n - 1], item);
		} else {
			list->items[n++] = *item;
		}
	}
	list->n = n;
}

/* ------------------------------------------------------- by what they are of -- */

static int service_compare(const void *key, const void *item)
{
	const uint32_t *id = key;
	const struct actual_service *service = item;

	return (*id > service->id) - (*id < service->id);
}

/* The index of a service, or n_services. */
static size_t service_find(const struct actual *actual, uint32_t id)
{
	const struct actual_service *service = NULL;

	if (id && actual->n_services)
		service = bsearch(&id, actual->services, actual->n_services, sizeof(*service),
				  service_compare);
	return service ? (size_t)(service - actual->services) : actual->n_services;
}

static void endpoints_count(const struct actual *actual, struct counted *services)
{
	for (size_t i = 0; i < actual->n_backends; i++) {
		const struct lb_backend *backend = &actual->backends[i].value;
		size_t service = service_find(actual, backend->service);

		if (service < actual->n_services &&
		    !(backend->flags & (LB_BACKEND_DRAINING | LB_BACKEND_GONE)))
			services[service].endpoints++;
	}
}

static void slots_count(const struct actual *actual, struct counted *services)
{
	struct table_list tables;

	tables_collect(actual, &tables);
	for (size_t i = 0; i < tables.n; i++) {
		size_t service = service_find(actual, tables.items[i].service);

		if (service < actual->n_services)
			services[service].slots += tables.items[i].range.len;
	}
	vec_free(&tables);
}

static void services_collect(const struct metrics *metrics, struct counted_list *list)
{
	for (size_t i = 0; i < metrics->actual->n_services; i++)
		vec_push(list, ((struct counted){ .name = &metrics->actual->services[i].name,
						  .stats = metrics->stats->services[i] }));
	endpoints_count(metrics->actual, list->items);
	slots_count(metrics->actual, list->items);
	counted_merge(list);
}

/* What a freed slot had counted is its Service's by now. */
static void backends_collect(const struct metrics *metrics, struct counted_list *list)
{
	const struct actual *actual = metrics->actual;

	for (size_t i = 0; i < actual->n_backends; i++) {
		const struct lb_backend *backend = &actual->backends[i].value;
		size_t service = service_find(actual, backend->service);

		if (service < actual->n_services)
			vec_push(list, ((struct counted){ .name = &actual->services[service].name,
							  .backend = backend,
							  .stats = metrics->stats->backends[i] }));
	}
	counted_merge(list);
}

/* ----------------------------------------------------------------- writing -- */

static void counted_labels(FILE *out, const struct counted *item)
{
	char text[ADDR_PORT_TEXT], port[8];

	snprintf(port, sizeof(port), "%u", ntohs(item->name->port));
	metrics_label(out, '{', "namespace", item->name->namespace);
	metrics_label(out, ',', "service", item->name->name);
	metrics_label(out, ',', "port", port);
	metrics_label(out, ',', "protocol", proto_text(item->name->proto));
	if (item->backend)
		metrics_label(out, ',', "backend",
			      addr_port_format(&item->backend->addr, item->backend->port, text));
	fputc('}', out);
}

static void labels_render(struct counted_list *list)
{
	size_t size;
	FILE *out = open_memstream(&list->labels, &size);

	for (size_t i = 0; i < list->n; i++) {
		struct counted *item = &list->items[i];

		item->labels = (size_t)ftell(out);
		counted_labels(out, item);
		item->labels_length = (size_t)ftell(out) - item->labels;
	}
	fclose(out);
}

static void counted_done(struct counted_list *list)
{
	free(list->labels);
	list->labels = NULL;
	vec_free(list);
}

struct family {
	const char *name, *type, *help;
	size_t offset; /* of a uint64_t in struct counted */
};

#define STATS(member) offsetof(struct counted, stats.member)

static const struct family service_families[] = {
	{ "service_packets_total", "counter", "Packets of clients, by Service.", STATS(packets) },
	{ "service_bytes_total", "counter", "Bytes of clients, by Service.", STATS(bytes) },
	{ "service_connections_total", "counter", "Connections, by Service.", STATS(connections) },
	{ "service_drops_total", "counter", "Packets and sockets dropped or refused, by Service.",
	  STATS(drops) },
	{ "service_endpoints", "gauge", "Endpoints that new connections may get, by Service.",
	  offsetof(struct counted, endpoints) },
	{ "service_maglev_slots", "gauge", "Slots of the Service's Maglev tables.",
	  offsetof(struct counted, slots) },
};

static const struct family backend_families[] = {
	{ "backend_packets_total", "counter", "Packets of clients, by backend.", STATS(packets) },
	{ "backend_bytes_total", "counter", "Bytes of clients, by backend.", STATS(bytes) },
	{ "backend_connections_total", "counter", "Connections, by backend.", STATS(connections) },
};

static void families_write(FILE *out, const struct family *families, size_t n,
			   struct counted_list *list)
{
	labels_render(list);
	for (size_t i = 0; i < n && list->n; i++) {
		metrics_family(out, families[i].name, families[i].type, families[i].help);
		for (size_t j = 0; j < list->n; j++) {
			const struct counted *item = &list->items[j];
			uint64_t value;

			memcpy(&value, (const char *)item + families[i].offset, sizeof(value));
			fprintf(out, "lbctl_%s", families[i].name);
			fwrite(list->labels + item->labels, 1, item->labels_length, out);
			metrics_value(out, value);
		}
	}
}

void metrics_write_traffic(struct metrics_writer *writer)
{
	struct counted_list list = { 0 };

	services_collect(writer->metrics, &list);
	list.n = metrics_bound(writer, METRICS_SERVICES, list.n);
	families_write(writer->out, service_families, ARRAY_LEN(service_families), &list);
	counted_done(&list);
	if (!writer->metrics->config->per_backend)
		return;
	backends_collect(writer->metrics, &list);
	list.n = metrics_bound(writer, METRICS_BACKENDS, list.n);
	families_write(writer->out, backend_families, ARRAY_LEN(backend_families), &list);
	counted_done(&list);
}
