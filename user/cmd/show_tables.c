/* SPDX-License-Identifier: Apache-2.0 */
/* show affinity, show maglev: who gets which backend, and how evenly */
#include <string.h>

#include "user/cmd/show.h"
#include "user/datapath/affinity.h"
#include "user/util/vec.h"

struct affinity_list {
	const struct actual *actual;
	json_t *rows;
};

static json_t *name_cell(const struct lb_name *name, size_t offset)
{
	return name ? json_string((const char *)name + offset) : json_null();
}

static int affinity_add(void *arg, const struct datapath_affinity *item)
{
	struct affinity_list *list = arg;
	const struct lb_name *name = show_name_find(list->actual, item->key.service);
	const struct lb_backend *backend = show_backend_find(list->actual, item->value.backend);

	/* An expired binding stays in place until its client comes again, or room is needed. */
	if (name && name->affinity && item->idle > name->affinity)
		return 0;
	json_array_append_new(
		list->rows,
		json_pack("{s:o, s:o, s:o, s:o, s:o, s:I, s:b}", "namespace",
			  name_cell(name, offsetof(struct lb_name, namespace)), "name",
			  name_cell(name, offsetof(struct lb_name, name)), "port",
			  name ? json_integer(ntohs(name->port)) : json_null(), "client",
			  show_addr(&item->key.client), "backend",
			  backend ? show_addr_port(&backend->addr, backend->port) : json_null(),
			  "idle", (json_int_t)item->idle, "current",
			  backend && backend->generation == item->value.generation));
	return 0;
}

static int affinity_rows(struct show *show, json_t *rows, struct err *err)
{
	struct affinity_list list = { .rows = rows };
	struct actual actual;
	int r = datapath_snapshot(show->dp, &actual, err);

	if (r)
		return r;
	list.actual = &actual;
	r = datapath_each_affinity(show->dp, affinity_add, &list, err);
	actual_done(&actual);
	return r;
}

static const struct show_column affinity_columns[] = {
	{ "NAMESPACE", "namespace", false }, { "NAME", "name", false },
	{ "PORT", "port", false },	     { "CLIENT", "client", false },
	{ "BACKEND", "backend", false },     { "IDLE", "idle", false },
	{ "CURRENT", "current", true },	     { 0 },
};

const struct show_kind show_affinity = {
	.name = "affinity",
	.columns = affinity_columns,
	.nothing = "No client is bound.",
	.rows = affinity_rows,
};

/* ------------------------------------------------------------------- maglev -- */

struct maglev_range {
	struct lb_range range;
	uint32_t service;
	bool local;
};

struct maglev_list {
	struct maglev_range *items;
	size_t n, room;
};

static int range_order(const void *a, const void *b)
{
	const struct maglev_range *x = a, *y = b;

	if (x->service != y->service)
		return x->service < y->service ? -1 : 1;
	if (x->local != y->local)
		return (int)x->local - (int)y->local;
	return (x->range.base > y->range.base) - (x->range.base < y->range.base);
}

static void ranges_collect(const struct actual *actual, struct maglev_list *list)
{
	for (size_t i = 0; i < actual->n_frontends; i++) {
		const struct lb_frontend *value = &actual->frontends[i].value;

		if (value->cluster.len)
			vec_push(list,
				 ((struct maglev_range){ value->cluster, value->service, false }));
		if (value->local.len)
			vec_push(list,
				 ((struct maglev_range){ value->local, value->service, true }));
	}
	if (list->n)
		qsort(list->items, list->n, sizeof(*list->items), range_order);
}

/* {address, slots} of each backend of a range. counts: zero, by id, and zero again afterwards. */
static json_t *shares(const struct actual *actual, const struct lb_range *range, uint32_t *counts)
{
	json_t *list = json_array();

	for (uint32_t i = range->base; i < range->base + range->len; i++)
		if (i < actual->n_slots && actual->slots[i] < actual->max_backends)
			counts[actual->slots[i]]++;
	for (uint32_t i = range->base; i < range->base + range->len; i++) {
		uint32_t id = i < actual->n_slots ? actual->slots[i] : UINT32_MAX;
		const struct lb_backend *backend = show_backend_find(actual, id);

		if (id >= actual->max_backends || !counts[id])
			continue;
		json_array_append_new(
			list, json_pack("{s:o, s:I, s:I}", "address",
					backend ? show_addr_port(&backend->addr, backend->port)
						: json_null(),
					"id", (json_int_t)id, "slots", (json_int_t)counts[id]));
		counts[id] = 0;
	}
	return list;
}

static void least_and_most(const json_t *list, json_int_t *ret_least, json_int_t *ret_most)
{
	const json_t *item;
	size_t i;

	*ret_least = *ret_most = 0;
	json_array_foreach (list, i, item) {
		json_int_t slots = json_integer_value(json_object_get(item, "slots"));

		*ret_least = !i || slots < *ret_least ? slots : *ret_least;
		*ret_most = slots > *ret_most ? slots : *ret_most;
	}
}

static int maglev_rows(struct show *show, json_t *rows, struct err *err)
{
	struct maglev_list list = { 0 };
	struct actual actual;
	uint32_t *counts;
	int r = datapath_snapshot(show->dp, &actual, err);

	if (r)
		return r;
	ranges_collect(&actual, &list);
	counts = xcalloc(actual.max_backends, sizeof(*counts));
	for (size_t i = 0; i < list.n; i++) {
		const struct maglev_range *item = &list.items[i];
		const struct lb_name *name = show_name_find(&actual, item->service);
		json_int_t least, most;
		json_t *backends;

		if ((i && !range_order(item - 1, item)) || !show_wants_service(show, name))
			continue;
		backends = shares(&actual, &item->range, counts);
		least_and_most(backends, &least, &most);
		json_array_append_new(
			rows,
			json_pack("{s:o, s:o, s:o, s:s, s:s, s:I, s:I, s:o, s:I, s:I}", "namespace",
				  name_cell(name, offsetof(struct lb_name, namespace)), "name",
				  name_cell(name, offsetof(struct lb_name, name)), "port",
				  name ? json_integer(ntohs(name->port)) : json_null(), "family",
				  name && name->flags & LB_NAME_IPV6 ? "IPv6" : "IPv4", "scope",
				  item->local ? "local" : "cluster", "base",
				  (json_int_t)item->range.base, "slots",
				  (json_int_t)item->range.len, "backends", backends, "least", least,
				  "most", most));
	}
	free(counts);
	vec_free(&list);
	actual_done(&actual);
	return 0;
}

static const struct show_column maglev_columns[] = {
	{ "NAMESPACE", "namespace", false },
	{ "NAME", "name", false },
	{ "PORT", "port", false },
	{ "FAMILY", "family", false },
	{ "SCOPE", "scope", false },
	{ "BASE", "base", true },
	{ "SLOTS", "slots", false },
	{ "LEAST", "least", false },
	{ "MOST", "most", false },
	{ "BACKENDS", "backends", false },
	{ 0 },
};

const struct show_kind show_maglev = {
	.name = "maglev",
	.columns = maglev_columns,
	.nothing = "No service has a table.",
	.rows = maglev_rows,
};
