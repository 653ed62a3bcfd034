/* SPDX-License-Identifier: Apache-2.0 */
#include "user/plan/index.h"

#include <string.h>

#include "user/model/hash.h"
#include "user/util/vec.h"

/* ------------------------------------------------------------- the model -- */

/* Ids are dense, mostly: the first guess is where the id is when none is missing. */
static size_t id_search(const void *items, size_t n, size_t size, uint32_t id)
{
	const char *bytes = items;
	size_t first = 0, last = n;

	if (id && id <= n && *(const uint32_t *)(bytes + (id - 1) * size) == id)
		return id - 1;
	while (first < last) {
		size_t middle = first + (last - first) / 2;

		if (*(const uint32_t *)(bytes + middle * size) < id)
			first = middle + 1;
		else
			last = middle;
	}
	return first < n && *(const uint32_t *)(bytes + first * size) == id ? first : n;
}

const struct actual_service *actual_service_find(const struct actual *actual, uint32_t id)
{
	size_t at = id_search(actual->services, actual->n_services, sizeof(*actual->services), id);

	return at < actual->n_services ? &actual->services[at] : NULL;
}

const struct actual_backend *actual_backend_find(const struct actual *actual, uint32_t id)
{
	size_t at = id_search(actual->backends, actual->n_backends, sizeof(*actual->backends), id);

	return at < actual->n_backends ? &actual->backends[at] : NULL;
}

static int frontend_compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct lb_frontend_key));
}

const struct actual_frontend *actual_frontend_find(const struct actual *actual,
						   const struct lb_frontend_key *key)
{
	return actual->n_frontends ? bsearch(key, actual->frontends, actual->n_frontends,
					     sizeof(*actual->frontends), frontend_compare)
				   : NULL;
}

enum slot_state slot_state(const struct lb_backend *backend)
{
	if (!backend->service)
		return SLOT_FREE;
	return backend->flags & (LB_BACKEND_DRAINING | LB_BACKEND_GONE) ? SLOT_RETIRED : SLOT_USED;
}

/* ------------------------------------------------------------------- uses -- */

/* Ids beyond the maps' are somebody else's mistake, and nothing is kept of them. */
static struct index_service *service_at(struct plan_index *index, uint32_t id)
{
	return id < index->max_services ? &index->services[id] : NULL;
}

static void service_use(struct plan_index *index, uint32_t id, bool there)
{
	struct index_service *service = service_at(index, id);

	if (!service || !id)
		return;
	if (there) {
		service->uses++;
	} else if (!--service->uses && id < index->first_service) {
		index->first_service = id;
	}
}

/* ------------------------------------------------------------------ names -- */

static uint32_t *name_bucket(const struct plan_index *index, const struct lb_name *name)
{
	uint64_t hash = hash_text(hash_text(HASH_START, name->namespace), name->name);

	hash ^= (uint64_t)name->port << 32 | (uint32_t)name->proto << 8 |
		(name->flags & LB_NAME_IPV6);
	return &index->buckets[hash_finish(hash) & index->mask];
}

static bool same_port(const struct lb_name *x, const struct lb_name *y)
{
	return x->port == y->port && x->proto == y->proto &&
	       !((x->flags ^ y->flags) & LB_NAME_IPV6) &&
	       !strncmp(x->name, y->name, sizeof(x->name)) &&
	       !strncmp(x->namespace, y->namespace, sizeof(x->namespace));
}

uint32_t index_find(const struct plan_index *index, const struct actual *actual,
		    const struct lb_name *name)
{
	uint32_t id = *name_bucket(index, name);

	while (id && !same_port(&actual_service_find(actual, id)->name, name))
		id = index->services[id].next;
	return id;
}

static void name_remove(struct plan_index *index, const struct lb_name *name, uint32_t id)
{
	uint32_t *at = name_bucket(index, name);

	while (*at && *at != id)
		at = &index->services[*at].next;
	if (*at)
		*at = index->services[id].next;
}

void index_service(struct plan_index *index, const struct actual *actual, uint32_t id, bool there)
{
	const struct actual_service *service = actual_service_find(actual, id);
	uint32_t *bucket;

	if (!service || !id || !service_at(index, id))
		return;
	service_use(index, id, there);
	if (!there) {
		name_remove(index, &service->name, id);
	} else if (!index_find(index, actual, &service->name)) {
		/* Of two with one name the first stays known, the other will be deleted. */
		bucket = name_bucket(index, &service->name);
		index->services[id].next = *bucket;
		*bucket = id;
	}
}

/* --------------------------------------------------------------- backends -- */

static void slot_unchain(struct plan_index *index, uint32_t id, uint32_t service)
{
	uint32_t *at = &index->services[service].backends;

	while (*at && *at != id)
		at = &index->next[*at];
	if (*at)
		*at = index->next[id];
}

static bool same_place(const struct lb_backend *a, const struct lb_backend *b)
{
	return a->service == b->service && a->port == b->port && a->proto == b->proto &&
	       !memcmp(&a->addr, &b->addr, sizeof(a->addr));
}

/* A plan takes the smallest slot of a state, so that none below the one it took is left. */
static void slot_states(struct plan_index *index, uint32_t id, const struct lb_backend *old,
			const struct lb_backend *value)
{
	enum slot_state before = old ? slot_state(old) : SLOT_USED, after = slot_state(value);

	if (before == SLOT_FREE && after == SLOT_USED && id >= index->first_freed)
		index->first_freed = id + 1;
	if (before == SLOT_RETIRED && after == SLOT_USED && !same_place(old, value) &&
	    id >= index->first_retired)
		index->first_retired = id + 1;
	if (after == SLOT_FREE && id < index->first_freed)
		index->first_freed = id;
	if (after == SLOT_RETIRED && id < index->first_retired)
		index->first_retired = id;
}

void index_backend(struct plan_index *index, uint32_t id, const struct lb_backend *old,
		   const struct lb_backend *value)
{
	uint32_t from = old ? old->service : 0, to = value->service;

	if (id >= index->max_backends)
		return;
	slot_states(index, id, old, value);
	if (from == to)
		return;
	if (from && service_at(index, from)) {
		slot_unchain(index, id, from);
		service_use(index, from, false);
	}
	if (to && service_at(index, to)) {
		index->next[id] = index->services[to].backends;
		index->services[to].backends = id;
		service_use(index, to, true);
	}
}

/* ----------------------------------------------------------------- tables -- */

static int range_compare(const struct lb_range *x, const struct lb_range *y)
{
	int order = (x->base > y->base) - (x->base < y->base);

	return order ? order : (x->len > y->len) - (x->len < y->len);
}

static int table_compare(const void *a, const void *b)
{
	const struct index_table *x = a, *y = b;

	return range_compare(&x->range, &y->range);
}

static size_t table_search(const struct plan_index *index, const struct lb_range *range)
{
	size_t first = 0, last = index->n_tables;

	while (first < last) {
		size_t middle = first + (last - first) / 2;

		if (range_compare(&index->tables[middle].range, range) < 0)
			first = middle + 1;
		else
			last = middle;
	}
	return first;
}

bool index_has_table(const struct plan_index *index, const struct lb_range *range)
{
	size_t at = table_search(index, range);

	return at < index->n_tables && !range_compare(&index->tables[at].range, range);
}

static void table_use(struct plan_index *index, const struct lb_range *range)
{
	size_t at = table_search(index, range);

	if (!range->len)
		return;
	if (at == index->n_tables || range_compare(&index->tables[at].range, range)) {
		index->tables = vec_grow(index->tables, index->n_tables, &index->room_tables,
					 sizeof(*index->tables));
		memmove(&index->tables[at + 1], &index->tables[at],
			(index->n_tables++ - at) * sizeof(*index->tables));
		index->tables[at] = (struct index_table){ .range = *range };
	}
	index->tables[at].uses++;
}

static void table_release(struct plan_index *index, const struct lb_range *range)
{
	size_t at = table_search(index, range);

	if (!range->len || at == index->n_tables || --index->tables[at].uses)
		return;
	memmove(&index->tables[at], &index->tables[at + 1],
		(--index->n_tables - at) * sizeof(*index->tables));
}

static void tables_hint(struct plan_index *index, const struct lb_frontend *value)
{
	struct index_service *service = service_at(index, value->service);

	if (service && value->cluster.len)
		service->tables[0] = value->cluster;
	if (service && value->local.len)
		service->tables[1] = value->local;
}

void index_frontend(struct plan_index *index, const struct lb_frontend *old,
		    const struct lb_frontend *value)
{
	if (value) {
		service_use(index, value->service, true);
		table_use(index, &value->cluster);
		table_use(index, &value->local);
		tables_hint(index, value);
	}
	if (old) {
		service_use(index, old->service, false);
		table_release(index, &old->cluster);
		table_release(index, &old->local);
	}
}

void index_range(struct plan_index *index, uint32_t service, bool there)
{
	service_use(index, service, there);
}

/* -------------------------------------------------------------- the whole -- */

/* All at once, since each by itself would move those behind it. */
static void tables_collect(struct plan_index *index, const struct actual *actual)
{
	struct index_table *tables = xcalloc(actual->n_frontends * 2, sizeof(*tables));
	size_t n = 0, kept = 0;

	for (size_t i = 0; i < actual->n_frontends; i++) {
		const struct lb_frontend *value = &actual->frontends[i].value;

		if (value->cluster.len)
			tables[n++] = (struct index_table){ value->cluster, 1 };
		if (value->local.len)
			tables[n++] = (struct index_table){ value->local, 1 };
		service_use(index, value->service, true);
		tables_hint(index, value);
	}
	qsort(tables, n, sizeof(*tables), table_compare);
	for (size_t i = 0; i < n; i++) {
		if (kept && !table_compare(&tables[kept - 1], &tables[i]))
			tables[kept - 1].uses++;
		else
			tables[kept++] = tables[i];
	}
	index->tables = tables;
	index->n_tables = kept;
	index->room_tables = actual->n_frontends * 2;
}

struct plan_index *index_new(const struct actual *actual)
{
	struct plan_index *index = xcalloc(1, sizeof(*index));
	uint32_t buckets = 64;

	while (buckets < actual->max_services)
		buckets *= 2;
	*index = (struct plan_index){ .max_services = actual->max_services,
				      .max_backends = actual->max_backends,
				      .mask = buckets - 1,
				      .first_service = 1,
				      .first_freed = 1,
				      .first_retired = 1 };
	index->buckets = xcalloc(buckets, sizeof(*index->buckets));
	index->services = xcalloc(actual->max_services, sizeof(*index->services));
	index->next = xcalloc(actual->max_backends, sizeof(*index->next));
	for (size_t i = 0; i < actual->n_services; i++)
		index_service(index, actual, actual->services[i].id, true);
	for (size_t i = 0; i < actual->n_backends; i++)
		index_backend(index, actual->backends[i].id, NULL, &actual->backends[i].value);
	for (size_t i = 0; i < actual->n_ranges; i++)
		index_range(index, actual->ranges[i].key.service, true);
	tables_collect(index, actual);
	/* Whoever searches for the first time begins at the beginning. */
	index->first_service = index->first_freed = index->first_retired = 1;
	return index;
}

void index_free(struct plan_index *index)
{
	if (!index)
		return;
	free(index->services);
	free(index->next);
	free(index->buckets);
	free(index->tables);
	free(index);
}
