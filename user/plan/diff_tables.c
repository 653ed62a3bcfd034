/* SPDX-License-Identifier: Apache-2.0 */
/* Maglev tables: keep those whose members stayed, build the others in free space. */
#include <errno.h>
#include <string.h>

#include "user/plan/diff.h"
#include "user/plan/maglev.h"
#include "user/plan/space.h"

struct member_set {
	struct maglev_member *items;
	size_t n, room;
	bool fresh; /* a member is new, came back, or changed its weight */
};

/* The ids of a set, hashed; 0: empty. */
struct member_marks {
	struct {
		uint32_t id, seen;
	} * items;
	uint32_t mask;
};

struct tables {
	struct diff *diff;
	struct space space;
	bool space_known; /* it takes a look at all tables */
	struct member_marks marks;
	struct member_set cluster, local;
};

static void tables_done(struct tables *tables)
{
	free(tables->marks.items);
	space_done(&tables->space);
	vec_free(&tables->cluster);
	vec_free(&tables->local);
}

static void set_fill(struct member_set *set, const struct diff *diff, size_t index, bool local)
{
	const struct desired_service *service = diff_service(diff, index);
	size_t first = diff->first_backend[index];

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
						       .id = diff->backend_ids[first + i] }));
		set->fresh = set->fresh || diff->fresh[first + i];
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

/* Ids of a set mostly follow each other, so that their low bits are the best hash. */
static uint32_t mark_place(const struct member_marks *marks, uint32_t id)
{
	return id & marks->mask;
}

static uint32_t *mark_at(const struct member_marks *marks, uint32_t id)
{
	uint32_t at = mark_place(marks, id);

	while (marks->items[at].id && marks->items[at].id != id)
		at = (at + 1) & marks->mask;
	return marks->items[at].id ? &marks->items[at].seen : NULL;
}

static void marks_fill(struct member_marks *marks, const struct member_set *set)
{
	uint32_t size = 16;

	while (size < set->n * 2)
		size *= 2;
	if (marks->mask != size - 1) {
		free(marks->items);
		marks->items = xmalloc(size * sizeof(*marks->items));
		marks->mask = size - 1;
	}
	memset(marks->items, 0, size * sizeof(*marks->items));
	for (size_t i = 0; i < set->n; i++) {
		uint32_t id = set->items[i].id, at = mark_place(marks, id);

		while (marks->items[at].id)
			at = (at + 1) & marks->mask;
		marks->items[at].id = id;
	}
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
	marks_fill(&tables->marks, set);
	for (uint32_t i = 0; i < range->len; i++) {
		uint32_t *mark = mark_at(&tables->marks, actual->slots[range->base + i]);

		if (!mark)
			return false;
		seen += !*mark;
		*mark = 1;
	}
	return seen == (set->n < range->len ? set->n : range->len);
}

/* A table that the service has already. */
static bool table_find(struct tables *tables, uint32_t service, const struct member_set *set,
		       struct lb_range *ret_range)
{
	const struct lb_range *held = tables->diff->index->services[service].tables;

	for (size_t i = 0; i < 2; i++) {
		if (held[i].len && index_has_table(tables->diff->index, &held[i]) &&
		    table_holds(tables, &held[i], set)) {
			*ret_range = held[i];
			return true;
		}
	}
	return false;
}

static int table_build(struct tables *tables, uint32_t service, const struct member_set *set,
		       struct lb_range *ret_range)
{
	uint32_t len = maglev_size(set->n), base;
	struct diff *diff = tables->diff;
	struct plan_op *op;

	if (!tables->space_known)
		space_init(&tables->space, diff->index, diff->actual->n_slots);
	tables->space_known = true;
	if (!space_take(&tables->space, len, &base))
		return err_set(
			diff->err, -ENOSPC,
			"lb_maglev: no room for a table of %u slots among %u: the old tables "
			"stay until the new ones are in use",
			len, diff->actual->n_slots);
	op = diff_add(diff, PLAN_MAGLEV_SET);
	op->maglev.base = base;
	op->maglev.len = len;
	op->maglev.members = xcalloc(set->n, sizeof(*set->items));
	memcpy(op->maglev.members, set->items, set->n * sizeof(*set->items));
	op->maglev.n = (uint32_t)set->n;
	op->maglev.service = service;
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
	    table_find(tables, service, set, ret_range))
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
	const struct desired_service *service = diff_service(diff, index);
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
	struct tables tables = { .diff = diff };
	int rc = 0;

	for (size_t i = 0; i < diff->n && !rc; i++)
		rc = service_tables(&tables, i);
	tables_done(&tables);
	return rc;
}
