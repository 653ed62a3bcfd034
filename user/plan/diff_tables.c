/* SPDX-License-Identifier: Apache-2.0 */
/* Maglev tables: keep those whose members stayed, build the others in free space. */
#include <errno.h>

#include "user/plan/diff.h"
#include "user/plan/maglev.h"
#include "user/plan/space.h"

struct member_set {
	struct maglev_member *items;
	size_t n, room;
	bool fresh; /* a member is new, came back, or changed its weight */
};

/* Sets are compared by marking: marks[id] is `mark` for a member, mark + 1 once it was seen. */
struct tables {
	struct diff *diff;
	const struct actual_frontend **held; /* sorted by service */
	struct space space;
	uint32_t *marks; /* by backend id */
	uint32_t mark;
	struct member_set cluster, local;
};

static int held_compare(const void *a, const void *b)
{
	const struct actual_frontend *const *x = a, *const *y = b;
	uint32_t v = (*x)->value.service, w = (*y)->value.service;

	return (v > w) - (v < w);
}

static void tables_init(struct tables *tables, struct diff *diff)
{
	const struct actual *actual = diff->actual;

	*tables = (struct tables){ .diff = diff };
	tables->held = xcalloc(actual->n_frontends, sizeof(*tables->held));
	for (size_t i = 0; i < actual->n_frontends; i++)
		tables->held[i] = &actual->frontends[i];
	qsort(tables->held, actual->n_frontends, sizeof(*tables->held), held_compare);
	tables->marks = xcalloc(actual->max_backends, sizeof(*tables->marks));
	space_init(&tables->space, actual);
}

static void tables_done(struct tables *tables)
{
	free(tables->held);
	free(tables->marks);
	space_done(&tables->space);
	vec_free(&tables->cluster);
	vec_free(&tables->local);
}

static void set_fill(struct member_set *set, const struct diff *diff, size_t index, bool local)
{
	const struct desired_service *service = &diff->desired->services[index];
	const uint32_t *ids = &diff->backend_ids[diff->first_backend[index]];

	set->n = 0;
	set->fresh = false;
	for (size_t i = 0; i < service->n_backends; i++) {
		const struct desired_backend *backend = &service->backends[i];

		if (!(local ? backend->local : backend->cluster))
			continue;
		vec_push(set, ((struct maglev_member){ .addr = backend->addr,
						       .port = backend->port,
						       .proto = backend->proto,
						       .weight = backend->weight,
						       .id = ids[i] }));
		set->fresh = set->fresh || diff->fresh[ids[i]];
	}
}

static bool sets_equal(const struct member_set *a, const struct member_set *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		if (a->items[i].id != b->items[i].id)
			return false;
	}
	return true;
}

/* Whether a table in the maps holds these members, all of them, and no other. */
static bool table_holds(struct tables *tables, const struct lb_range *range,
			const struct member_set *set)
{
	const struct actual *actual = tables->diff->actual;
	size_t seen = 0;

	if (range->len != maglev_size(set->n) || range->base > actual->n_slots ||
	    range->len > actual->n_slots - range->base)
		return false;
	tables->mark += 2;
	for (size_t i = 0; i < set->n; i++)
		tables->marks[set->items[i].id] = tables->mark;
	for (uint32_t i = 0; i < range->len; i++) {
		uint32_t id = actual->slots[range->base + i];

		if (id >= actual->max_backends || tables->marks[id] < tables->mark)
			return false;
		if (tables->marks[id] == tables->mark) {
			tables->marks[id]++;
			seen++;
		}
	}
	return seen == (set->n < range->len ? set->n : range->len);
}

static size_t held_search(const struct tables *tables, uint32_t service)
{
	size_t first = 0, last = tables->diff->actual->n_frontends;

	while (first < last) {
		size_t middle = first + (last - first) / 2;

		if (tables->held[middle]->value.service < service)
			first = middle + 1;
		else
			last = middle;
	}
	return first;
}

/* Of a settled service: the table that its frontends name, unread. */
static bool table_keep(const struct tables *tables, uint32_t service, const struct member_set *set,
		       struct lb_range *ret_range)
{
	size_t at = held_search(tables, service);
	const struct lb_range *range;

	if (at == tables->diff->actual->n_frontends || tables->held[at]->value.service != service)
		return false;
	range = set == &tables->local ? &tables->held[at]->value.local
				      : &tables->held[at]->value.cluster;
	if (range->len != maglev_size(set->n))
		return false;
	*ret_range = *range;
	return true;
}

static bool table_find(struct tables *tables, uint32_t service, const struct member_set *set,
		       struct lb_range *ret_range)
{
	struct lb_range refused = { 0 }; /* a service's frontends mostly name the same ones */
	size_t n = tables->diff->actual->n_frontends;

	for (size_t i = held_search(tables, service);
	     i < n && tables->held[i]->value.service == service; i++) {
		const struct lb_frontend *frontend = &tables->held[i]->value;
		const struct lb_range *ranges[] = { &frontend->cluster, &frontend->local };

		for (size_t j = 0; j < 2; j++) {
			if (!ranges[j]->len || !memcmp(ranges[j], &refused, sizeof(refused)))
				continue;
			if (table_holds(tables, ranges[j], set)) {
				*ret_range = *ranges[j];
				return true;
			}
			refused = *ranges[j];
		}
	}
	return false;
}

static int table_build(struct tables *tables, uint32_t service, const struct member_set *set,
		       struct lb_range *ret_range)
{
	uint32_t len = maglev_size(set->n), base;
	struct plan_op *op;

	if (!space_take(&tables->space, len, &base))
		return err_set(
			tables->diff->err, -ENOSPC,
			"lb_maglev: no room for a table of %u slots among %u: the old tables "
			"stay until the new ones are in use",
			len, tables->diff->actual->n_slots);
	op = diff_add(tables->diff, PLAN_MAGLEV_SET);
	op->maglev.base = base;
	op->maglev.len = len;
	op->maglev.slots = xcalloc(len, sizeof(*op->maglev.slots));
	op->maglev.service = service;
	op->maglev.backends = (uint32_t)set->n;
	maglev_fill(set->items, set->n, op->maglev.slots, len);
	*ret_range = (struct lb_range){ .base = base, .len = len };
	return 0;
}

static int table_get(struct tables *tables, size_t index, const struct member_set *set,
		     struct lb_range *ret_range)
{
	uint32_t service = tables->diff->service_ids[index];

	*ret_range = (struct lb_range){ 0 };
	if (!set->n)
		return 0;
	if (tables->diff->service_known[index] && !set->fresh &&
	    ((tables->diff->desired->services[index].settled &&
	      table_keep(tables, service, set, ret_range)) ||
	     table_find(tables, service, set, ret_range)))
		return 0;
	return table_build(tables, service, set, ret_range);
}

static bool service_needs_local(const struct desired_service *service)
{
	for (size_t i = 0; i < service->n_frontends; i++) {
		if (service->frontends[i].flags & LB_FRONTEND_LOCAL)
			return true;
	}
	return false;
}

static int service_tables(struct tables *tables, size_t index)
{
	struct diff *diff = tables->diff;
	const struct desired_service *service = &diff->desired->services[index];
	int rc;

	if (!service->n_frontends)
		return 0; /* nobody would name the table */
	set_fill(&tables->cluster, diff, index, false);
	diff->n_cluster[index] = (uint32_t)tables->cluster.n;
	rc = table_get(tables, index, &tables->cluster, &diff->cluster[index]);
	if (rc || !service_needs_local(service))
		return rc;
	set_fill(&tables->local, diff, index, true);
	if (sets_equal(&tables->cluster, &tables->local)) {
		diff->local[index] = diff->cluster[index];
		return 0;
	}
	return table_get(tables, index, &tables->local, &diff->local[index]);
}

int diff_tables(struct diff *diff)
{
	struct tables tables;
	int rc = 0;

	tables_init(&tables, diff);
	for (size_t i = 0; i < diff->desired->n_services && !rc; i++)
		rc = service_tables(&tables, i);
	tables_done(&tables);
	return rc;
}
