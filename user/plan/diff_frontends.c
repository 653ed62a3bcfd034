/* SPDX-License-Identifier: Apache-2.0 */
/* Frontends and source ranges: sorted lists, merged. */
#include <errno.h>

#include "user/plan/diff.h"

struct wanted_frontend {
	struct actual_frontend entry; /* the key is its first member */
	uint32_t backends;
};

static int frontend_key_compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct lb_frontend_key));
}

static struct wanted_frontend *frontends_wanted(const struct diff *diff, size_t *ret_n)
{
	struct wanted_frontend *list;
	size_t n = 0;

	for (size_t i = 0; i < diff->n; i++)
		n += diff_service(diff, i)->n_frontends;
	list = xcalloc(n, sizeof(*list));
	*ret_n = n;
	n = 0;
	for (size_t i = 0; i < diff->n; i++) {
		const struct desired_service *service = diff_service(diff, i);

		for (size_t j = 0; j < service->n_frontends; j++) {
			struct wanted_frontend *wanted = &list[n++];
			struct lb_frontend *value = &wanted->entry.value;

			wanted->entry.key = service->frontends[j].key;
			wanted->backends = diff->n_cluster[i];
			value->service = diff->service_ids[i];
			value->flags = service->frontends[j].flags;
			value->cluster = diff->cluster[i];
			if (value->flags & LB_FRONTEND_LOCAL)
				value->local = diff->local[i];
			value->affinity = service->name.affinity;
		}
	}
	qsort(list, n, sizeof(*list), frontend_key_compare);
	return list;
}

static void frontend_set(struct diff *diff, const struct wanted_frontend *wanted, bool change)
{
	struct plan_op *op = diff_add(diff, PLAN_FRONTEND_SET);

	op->change = change;
	op->frontend.key = wanted->entry.key;
	op->frontend.value = wanted->entry.value;
	op->frontend.backends = wanted->backends;
}

static void frontend_delete(struct diff *diff, const struct actual_frontend *held)
{
	struct plan_op *op = diff_add(diff, PLAN_FRONTEND_DELETE);

	op->frontend.key = held->key;
	op->frontend.value = held->value;
}

static void frontend_match(struct diff *diff, const struct wanted_frontend *wanted,
			   const struct actual_frontend *held)
{
	if (!held)
		frontend_set(diff, wanted, false);
	else if (memcmp(&held->value, &wanted->entry.value, sizeof(held->value)) != 0)
		frontend_set(diff, wanted, true);
}

/* All of them, side by side. */
static void frontends_merge(struct diff *diff, const struct wanted_frontend *wanted, size_t n)
{
	const struct actual_frontend *held = diff->actual->frontends;
	size_t n_held = diff->actual->n_frontends, at = 0;

	for (size_t i = 0; i < n; i++) {
		int order = 1;

		while (at < n_held) {
			order = frontend_key_compare(&held[at], &wanted[i]);
			if (order >= 0)
				break;
			frontend_delete(diff, &held[at++]);
		}
		if (at == n_held || order)
			frontend_match(diff, &wanted[i], NULL);
		else
			frontend_match(diff, &wanted[i], &held[at++]);
	}
	while (at < n_held)
		frontend_delete(diff, &held[at++]);
}

static void frontends_change(struct diff *diff, const struct wanted_frontend *wanted, size_t n)
{
	for (size_t i = 0; i < n; i++)
		frontend_match(diff, &wanted[i],
			       actual_frontend_find(diff->actual, &wanted[i].entry.key));
	for (size_t i = 0; i < diff->change->n_freed; i++) {
		const struct actual_frontend *held =
			actual_frontend_find(diff->actual, &diff->change->freed[i]);

		if (held)
			frontend_delete(diff, held);
	}
}

/* A map holds the new entries before the old ones go, and must have room for both. */
static int room_check(struct diff *diff, const char *map, size_t n_held, uint32_t max,
		      enum plan_kind set)
{
	const struct plan *phase = &diff->phases[set];
	size_t needed = n_held;

	for (size_t i = 0; i < phase->n; i++)
		needed += !phase->ops[i].change;
	if (needed <= max)
		return 0;
	return err_set(diff->err, -ENOSPC, "%s: room for %u, %zu are needed", map, max, needed);
}

int diff_frontends(struct diff *diff)
{
	size_t n;
	struct wanted_frontend *wanted = frontends_wanted(diff, &n);

	if (diff->change)
		frontends_change(diff, wanted, n);
	else
		frontends_merge(diff, wanted, n);
	free(wanted);
	return room_check(diff, "lb_frontend", diff->actual->n_frontends,
			  diff->actual->max_frontends, PLAN_FRONTEND_SET);
}

/* ---------------------------------------------------------- source ranges -- */

struct range_keys {
	struct lb_source_range_key *items;
	size_t n, room;
};

static int range_key_compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct lb_source_range_key));
}

static bool service_is_guarded(const struct desired_service *service)
{
	for (size_t i = 0; i < service->n_frontends; i++) {
		if (service->frontends[i].flags & LB_FRONTEND_SOURCE_RANGES)
			return true;
	}
	return false;
}

/* The service's id comes first in the key: 32 bits, then the prefix of the mapped address. */
static struct lb_source_range_key range_key(const struct prefix *prefix, uint32_t service)
{
	return (struct lb_source_range_key){
		.prefixlen = 32 + (prefix->v4 ? 96 : 0) + prefix->bits,
		.service = service,
		.addr = prefix->addr,
	};
}

static void ranges_wanted(const struct diff *diff, struct range_keys *keys)
{
	size_t kept = 0;

	for (size_t i = 0; i < diff->n; i++) {
		const struct desired_service *service = diff_service(diff, i);

		if (!service_is_guarded(service))
			continue;
		for (size_t j = 0; j < service->n_source_ranges; j++)
			vec_push(keys, range_key(&service->source_ranges[j], diff->service_ids[i]));
	}
	if (!keys->n)
		return;
	qsort(keys->items, keys->n, sizeof(*keys->items), range_key_compare);
	for (size_t i = 0; i < keys->n; i++) {
		if (!kept || range_key_compare(&keys->items[kept - 1], &keys->items[i]))
			keys->items[kept++] = keys->items[i];
	}
	keys->n = kept;
}

/* Those in the maps that belong to what is looked at, in their order. */
static void ranges_held(const struct diff *diff, struct range_keys *keys)
{
	const struct actual *actual = diff->actual;
	bool *concerned = xcalloc(actual->max_services, sizeof(*concerned));

	for (size_t i = 0; i < diff->n; i++)
		concerned[diff->service_ids[i]] = true;
	for (size_t i = 0; i < actual->n_ranges; i++) {
		uint32_t id = actual->ranges[i].key.service;

		if (!diff->change ||
		    (id < actual->max_services && (concerned[id] || diff->leaves[id])))
			vec_push(keys, actual->ranges[i].key);
	}
	free(concerned);
}

int diff_ranges(struct diff *diff)
{
	struct range_keys wanted = { 0 }, held = { 0 };
	size_t i = 0, at = 0;

	ranges_wanted(diff, &wanted);
	if (diff->actual->n_ranges)
		ranges_held(diff, &held);
	while (i < wanted.n || at < held.n) {
		int order = i == wanted.n  ? 1
			    : at == held.n ? -1
					   : range_key_compare(&wanted.items[i], &held.items[at]);

		if (order < 0)
			diff_add(diff, PLAN_RANGE_SET)->range = wanted.items[i];
		else if (order > 0)
			diff_add(diff, PLAN_RANGE_DELETE)->range = held.items[at];
		i += order <= 0;
		at += order >= 0;
	}
	vec_free(&wanted);
	vec_free(&held);
	return room_check(diff, "lb_source_range", diff->actual->n_ranges, diff->actual->max_ranges,
			  PLAN_RANGE_SET);
}
