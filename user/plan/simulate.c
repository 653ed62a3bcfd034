/* SPDX-License-Identifier: Apache-2.0 */
/* The effect of a plan on the model of the maps, and on its index where there is one. */
#include "user/plan/index.h"
#include "user/plan/maglev.h"
#include "user/util/vec.h"

/* A sorted array whose entries start with their key. */
struct table {
	void **items;
	size_t *n, *room;
	size_t size;
	int (*compare)(const void *a, const void *b);
};

static int id_compare(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static int frontend_compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct lb_frontend_key));
}

static int range_compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct lb_source_range_key));
}

static char *table_at(const struct table *table, size_t i)
{
	return (char *)*table->items + i * table->size;
}

static size_t table_search(const struct table *table, const void *entry, bool *ret_found)
{
	size_t first = 0, last = *table->n;

	*ret_found = false;
	/* New ids are the largest, mostly. */
	if (last && table->compare(table_at(table, last - 1), entry) < 0)
		return last;
	while (first < last) {
		size_t middle = first + (last - first) / 2;
		int order = table->compare(table_at(table, middle), entry);

		if (!order) {
			*ret_found = true;
			return middle;
		}
		if (order < 0)
			first = middle + 1;
		else
			last = middle;
	}
	return first;
}

static void table_set(const struct table *table, const void *entry)
{
	bool found;
	size_t at = table_search(table, entry, &found);

	if (!found) {
		/* A snapshot has as much room as it has entries. */
		if (*table->room < *table->n)
			*table->room = *table->n;
		*table->items = vec_grow(*table->items, *table->n, table->room, table->size);
		memmove(table_at(table, at + 1), table_at(table, at),
			(*table->n - at) * table->size);
		++*table->n;
	}
	memcpy(table_at(table, at), entry, table->size);
}

static void table_delete(const struct table *table, const void *entry)
{
	bool found;
	size_t at = table_search(table, entry, &found);

	if (!found)
		return;
	--*table->n;
	memmove(table_at(table, at), table_at(table, at + 1), (*table->n - at) * table->size);
}

static void backend_put(struct actual *actual, uint32_t id, const struct lb_backend *value)
{
	const struct table table = { (void **)&actual->backends, &actual->n_backends,
				     &actual->room_backends, sizeof(*actual->backends),
				     id_compare };
	const struct actual_backend entry = { .id = id, .value = *value };
	const struct actual_backend *held = actual_backend_find(actual, id);

	if (actual->index)
		index_backend(actual->index, id, held ? &held->value : NULL, value);
	table_set(&table, &entry);
}

static void service_put(struct actual *actual, const struct plan_op *op)
{
	const struct table table = { (void **)&actual->services, &actual->n_services,
				     &actual->room_services, sizeof(*actual->services),
				     id_compare };
	struct actual_service entry = { .id = op->service.id, .name = *op->service.name };

	if (actual->index)
		index_service(actual->index, actual, entry.id, false);
	if (op->kind == PLAN_SERVICE_DELETE) {
		table_delete(&table, &entry);
		return;
	}
	table_set(&table, &entry);
	if (actual->index)
		index_service(actual->index, actual, entry.id, true);
}

static void frontend_put(struct actual *actual, const struct plan_op *op)
{
	const struct table table = { (void **)&actual->frontends, &actual->n_frontends,
				     &actual->room_frontends, sizeof(*actual->frontends),
				     frontend_compare };
	const struct actual_frontend entry = { .key = op->frontend.key,
					       .value = op->frontend.value };
	const struct actual_frontend *held = actual_frontend_find(actual, &entry.key);
	bool set = op->kind == PLAN_FRONTEND_SET;

	if (actual->index)
		index_frontend(actual->index, held ? &held->value : NULL,
			       set ? &entry.value : NULL);
	if (set)
		table_set(&table, &entry);
	else
		table_delete(&table, &entry);
}

static void range_put(struct actual *actual, const struct plan_op *op)
{
	const struct table table = { (void **)&actual->ranges, &actual->n_ranges,
				     &actual->room_ranges, sizeof(*actual->ranges), range_compare };
	const struct actual_range entry = { .key = op->range };
	size_t before = actual->n_ranges;

	if (op->kind == PLAN_RANGE_SET)
		table_set(&table, &entry);
	else
		table_delete(&table, &entry);
	if (actual->index && actual->n_ranges != before)
		index_range(actual->index, op->range.service, actual->n_ranges > before);
}

void plan_simulate(struct actual *actual, const struct plan *plan)
{
	for (size_t i = 0; i < plan->n; i++) {
		const struct plan_op *op = &plan->ops[i];

		switch (op->kind) {
		case PLAN_SERVICE_SET:
		case PLAN_SERVICE_DELETE:
			service_put(actual, op);
			break;
		case PLAN_BACKEND_SET:
		case PLAN_BACKEND_RETIRE:
			backend_put(actual, op->backend.id, &op->backend.value);
			break;
		case PLAN_MAGLEV_SET:
			if (!actual->slots_mapped)
				maglev_fill(op->maglev.members, op->maglev.n,
					    &actual->slots[op->maglev.base], op->maglev.len);
			break;
		case PLAN_RANGE_SET:
		case PLAN_RANGE_DELETE:
			range_put(actual, op);
			break;
		case PLAN_FRONTEND_SET:
		case PLAN_FRONTEND_DELETE:
			frontend_put(actual, op);
			break;
		}
	}
}
