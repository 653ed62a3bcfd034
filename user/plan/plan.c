/* SPDX-License-Identifier: Apache-2.0 */
/* Plans and the model of the maps: their ends, and the effect of one on the other. */
#include "user/plan/plan.h"

#include "user/util/vec.h"

void plan_done(struct plan *plan)
{
	for (size_t i = 0; i < plan->n; i++) {
		if (plan->ops[i].kind == PLAN_MAGLEV_SET)
			free(plan->ops[i].maglev.slots);
	}
	free(plan->ops);
	free(plan->names);
	*plan = (struct plan){ 0 };
}

void actual_done(struct actual *actual)
{
	free(actual->services);
	free(actual->frontends);
	free(actual->backends);
	free(actual->ranges);
	free(actual->slots);
	*actual = (struct actual){ 0 };
}

/* --------------------------------------------------------------- simulate -- */

/* A sorted array whose entries start with their key. */
struct table {
	void **items;
	size_t *n;
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

/* tables_reserve made the room. */
static void table_set(const struct table *table, const void *entry)
{
	bool found;
	size_t at = table_search(table, entry, &found);

	if (!found) {
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

static void *reserve(void *items, size_t n, size_t more, size_t size)
{
	void *grown = xcalloc(n + more, size);

	if (n)
		memcpy(grown, items, n * size);
	free(items);
	return grown;
}

/* Grows each array once, by as many entries as the plan can add to it. */
static void tables_reserve(struct actual *actual, const struct plan *plan)
{
	size_t sets[PLAN_SERVICE_DELETE + 1] = { 0 };

	for (size_t i = 0; i < plan->n; i++)
		sets[plan->ops[i].kind]++;
	if (sets[PLAN_SERVICE_SET])
		actual->services = reserve(actual->services, actual->n_services,
					   sets[PLAN_SERVICE_SET], sizeof(*actual->services));
	if (sets[PLAN_BACKEND_SET] + sets[PLAN_BACKEND_RETIRE])
		actual->backends = reserve(actual->backends, actual->n_backends,
					   sets[PLAN_BACKEND_SET] + sets[PLAN_BACKEND_RETIRE],
					   sizeof(*actual->backends));
	if (sets[PLAN_FRONTEND_SET])
		actual->frontends = reserve(actual->frontends, actual->n_frontends,
					    sets[PLAN_FRONTEND_SET], sizeof(*actual->frontends));
	if (sets[PLAN_RANGE_SET])
		actual->ranges = reserve(actual->ranges, actual->n_ranges, sets[PLAN_RANGE_SET],
					 sizeof(*actual->ranges));
}

static void backend_put(struct actual *actual, uint32_t id, const struct lb_backend *value)
{
	const struct table table = { (void **)&actual->backends, &actual->n_backends,
				     sizeof(*actual->backends), id_compare };
	const struct actual_backend entry = { .id = id, .value = *value };

	table_set(&table, &entry);
}

static void service_put(struct actual *actual, const struct plan_op *op)
{
	const struct table table = { (void **)&actual->services, &actual->n_services,
				     sizeof(*actual->services), id_compare };
	const struct actual_service entry = { .id = op->service.id, .name = op->service.name };

	if (op->kind == PLAN_SERVICE_SET)
		table_set(&table, &entry);
	else
		table_delete(&table, &entry);
}

static void frontend_put(struct actual *actual, const struct plan_op *op)
{
	const struct table table = { (void **)&actual->frontends, &actual->n_frontends,
				     sizeof(*actual->frontends), frontend_compare };
	const struct actual_frontend entry = { .key = op->frontend.key,
					       .value = op->frontend.value };

	if (op->kind == PLAN_FRONTEND_SET)
		table_set(&table, &entry);
	else
		table_delete(&table, &entry);
}

static void range_put(struct actual *actual, const struct plan_op *op)
{
	const struct table table = { (void **)&actual->ranges, &actual->n_ranges,
				     sizeof(*actual->ranges), range_compare };
	const struct actual_range entry = { .key = op->range };

	if (op->kind == PLAN_RANGE_SET)
		table_set(&table, &entry);
	else
		table_delete(&table, &entry);
}

void plan_simulate(struct actual *actual, const struct plan *plan)
{
	tables_reserve(actual, plan);
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
			memcpy(&actual->slots[op->maglev.base], op->maglev.slots,
			       op->maglev.len * sizeof(*actual->slots));
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
