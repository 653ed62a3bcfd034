/* SPDX-License-Identifier: Apache-2.0 */
/* Backends, their ids and their generations. */
#include <arpa/inet.h>
#include <errno.h>

#include "user/model/addresses.h"
#include "user/plan/diff.h"

#define RETIRED (LB_BACKEND_DRAINING | LB_BACKEND_GONE)

/* How far each way of finding a slot has come. */
struct slots {
	const struct actual *actual;
	bool *claimed;			    /* by id: by a desired backend */
	uint32_t next;			    /* ids from here on were never used … */
	uint32_t cursors[SLOT_RETIRED + 1]; /* … below the cursor none is free, none is retired */
	struct {
		const struct actual_backend **items;
		size_t n, room;
	} unmatched; /* of the services that are looked at, and of those that leave */
};

static void slots_init(struct slots *slots, const struct diff *diff)
{
	const struct actual *actual = diff->actual;

	*slots = (struct slots){ .actual = actual, .next = 1 };
	slots->claimed = xcalloc(actual->max_backends, sizeof(*slots->claimed));
	slots->cursors[SLOT_FREE] = diff->index->first_freed;
	slots->cursors[SLOT_RETIRED] = diff->index->first_retired;
	if (actual->n_backends)
		slots->next = actual->backends[actual->n_backends - 1].id + 1;
}

static void slots_done(struct slots *slots)
{
	free(slots->claimed);
	vec_free(&slots->unmatched);
}

static enum slot_state state_at(const struct slots *slots, uint32_t id)
{
	const struct actual_backend *held = actual_backend_find(slots->actual, id);

	return held ? slot_state(&held->value) : SLOT_FREE;
}

/* The smallest one of a state; 0: there is none. */
static uint32_t slots_search(struct slots *slots, enum slot_state state)
{
	uint32_t *cursor = &slots->cursors[state];

	while (*cursor < slots->actual->max_backends) {
		uint32_t id = (*cursor)++;

		if (!slots->claimed[id] && state_at(slots, id) == state)
			return id;
	}
	return 0;
}

/* 0: all serve. */
static uint32_t slots_take(struct slots *slots)
{
	uint32_t id;

	if (slots->next < slots->actual->max_backends)
		return slots->next++;
	id = slots_search(slots, SLOT_FREE);
	return id ? id : slots_search(slots, SLOT_RETIRED);
}

/* --------------------------------------------------------------- matching -- */

static int place_compare(const void *key, const void *item)
{
	const struct lb_backend *held = key;
	const struct desired_backend *wanted = item;
	int order = addr_compare(&held->addr, &wanted->addr);

	if (!order)
		order = (int)ntohs(held->port) - (int)ntohs(wanted->port);
	return order ? order : (int)held->proto - (int)wanted->proto;
}

static struct lb_backend backend_value(const struct desired_backend *backend, uint32_t service,
				       uint32_t generation)
{
	return (struct lb_backend){ .addr = backend->addr,
				    .port = backend->port,
				    .proto = backend->proto,
				    .flags = backend->flags,
				    .zone = backend->zone,
				    .weight = backend->weight,
				    .generation = generation,
				    .service = service };
}

static void backend_set(struct diff *diff, uint32_t id, const struct lb_backend *value, bool change)
{
	struct plan_op *op = diff_add(diff, PLAN_BACKEND_SET);

	op->change = change;
	op->backend.id = id;
	op->backend.value = *value;
	op->backend.service = value->service;
}

static void backend_keep(struct diff *diff, size_t place, const struct actual_backend *held,
			 const struct desired_backend *wanted)
{
	bool retired = held->value.flags & RETIRED;
	struct lb_backend value =
		backend_value(wanted, held->value.service, held->value.generation + retired);

	diff->fresh[place] = retired || value.weight != held->value.weight;
	if (memcmp(&value, &held->value, sizeof(value)) != 0)
		backend_set(diff, held->id, &value, !retired);
}

/* Of two at one place the one that serves goes before one that is retired. */
static bool slot_is_better(const struct actual_backend *a, const struct actual_backend *b)
{
	enum slot_state x = slot_state(&a->value), y = slot_state(&b->value);

	return x != y ? x < y : a->id < b->id;
}

static struct desired_backend *backend_find(const struct desired_service *service,
					    const struct lb_backend *held)
{
	return service->n_backends ? bsearch(held, service->backends, service->n_backends,
					     sizeof(*service->backends), place_compare)
				   : NULL;
}

/* Gives the slot to the wanted backend; returns one that is left over, or NULL. */
static const struct actual_backend *slot_give(const struct diff *diff,
					      const struct actual_backend *held, uint32_t *taken)
{
	const struct actual_backend *other = NULL;

	if (*taken)
		other = actual_backend_find(diff->actual, *taken);
	if (other && !slot_is_better(held, other))
		return held;
	*taken = held->id;
	return other;
}

static void service_match(struct diff *diff, struct slots *slots, size_t place)
{
	const struct desired_service *service = diff_service(diff, place);
	uint32_t *ids = &diff->backend_ids[diff->first_backend[place]];
	uint32_t id = diff->index->services[diff->service_ids[place]].backends;

	for (; id; id = diff->index->next[id]) {
		const struct actual_backend *held = actual_backend_find(diff->actual, id);
		const struct desired_backend *wanted = backend_find(service, &held->value);

		if (wanted)
			held = slot_give(diff, held, &ids[wanted - service->backends]);
		if (held)
			vec_push(&slots->unmatched, held);
	}
	for (size_t i = 0; i < service->n_backends; i++) {
		if (!ids[i])
			continue;
		slots->claimed[ids[i]] = true;
		backend_keep(diff, diff->first_backend[place] + i,
			     actual_backend_find(diff->actual, ids[i]), &service->backends[i]);
	}
}

static int backends_number(struct diff *diff, struct slots *slots)
{
	for (size_t i = 0; i < diff->n; i++) {
		const struct desired_service *service = diff_service(diff, i);
		size_t first = diff->first_backend[i];

		for (size_t j = 0; j < service->n_backends; j++) {
			const struct actual_backend *held;
			uint32_t *id = &diff->backend_ids[first + j];
			struct lb_backend value;

			if (*id)
				continue;
			*id = slots_take(slots);
			if (!*id)
				return err_set(diff->err, -ENOSPC,
					       "lb_backend: room for %u, more are needed",
					       diff->actual->max_backends - 1);
			held = actual_backend_find(diff->actual, *id);
			value = backend_value(&service->backends[j], diff->service_ids[i],
					      held ? held->value.generation + 1 : 1);
			slots->claimed[*id] = true;
			diff->fresh[first + j] = true;
			backend_set(diff, *id, &value, false);
		}
	}
	return 0;
}

/* --------------------------------------------------------------- retiring -- */

static bool pod_ended(const struct diff *diff, const struct lb_backend *backend)
{
	const struct desired *desired = diff->desired;

	return (backend->flags & LB_BACKEND_POD) && !desired->pods_unknown &&
	       !addresses_have(desired->pods, desired->n_pods, &backend->addr);
}

/* What becomes of a backend that no service wants; see plan_diff for the rules. */
static void backend_retire(struct diff *diff, struct slots *slots,
			   const struct actual_backend *backend)
{
	const struct lb_backend *old = &backend->value;
	bool gone = (old->flags & LB_BACKEND_GONE) || pod_ended(diff, old);
	struct lb_backend value = *old;
	struct plan_op *op;

	if (backend->id >= diff->actual->max_backends || slots->claimed[backend->id])
		return;
	slots->claimed[backend->id] = true;
	if (!old->service && !(old->flags & LB_BACKEND_DRAINING))
		return;
	if (gone || old->service >= diff->actual->max_services || diff->leaves[old->service])
		value.service = 0;
	value.flags = (old->flags & (LB_BACKEND_LOCAL | LB_BACKEND_POD)) |
		      (gone ? LB_BACKEND_GONE : LB_BACKEND_DRAINING);
	if ((value.flags ^ old->flags) & RETIRED)
		value.generation++;
	if (!memcmp(&value, old, sizeof(value)))
		return;
	op = diff_add(diff, PLAN_BACKEND_RETIRE);
	op->backend.id = backend->id;
	op->backend.value = value;
	op->backend.service = old->service;
}

static void left_collect(const struct diff *diff, struct slots *slots)
{
	const struct plan *deletes = &diff->phases[PLAN_SERVICE_DELETE];

	for (size_t i = 0; i < deletes->n; i++) {
		uint32_t id = diff->index->services[deletes->ops[i].service.id].backends;

		for (; id; id = diff->index->next[id])
			vec_push(&slots->unmatched, actual_backend_find(diff->actual, id));
	}
}

/* Only who left may be waiting for the end of its pod. */
static void ended_collect(const struct diff *diff, struct slots *slots)
{
	const struct desired_change *change = diff->change;

	for (size_t i = 0; change->n_ended && i < diff->actual->n_backends; i++) {
		const struct actual_backend *held = &diff->actual->backends[i];

		if ((held->value.flags & LB_BACKEND_DRAINING) &&
		    addresses_have(change->ended, change->n_ended, &held->value.addr))
			vec_push(&slots->unmatched, held);
	}
}

static void backends_retire(struct diff *diff, struct slots *slots)
{
	const struct actual *actual = diff->actual;

	if (!diff->change) {
		for (size_t i = 0; i < actual->n_backends; i++)
			backend_retire(diff, slots, &actual->backends[i]);
		return;
	}
	left_collect(diff, slots);
	ended_collect(diff, slots);
	for (size_t i = 0; i < slots->unmatched.n; i++)
		backend_retire(diff, slots, slots->unmatched.items[i]);
}

static int op_compare(const void *a, const void *b)
{
	const struct plan_op *x = a, *y = b;

	return (x->backend.id > y->backend.id) - (x->backend.id < y->backend.id);
}

/* They mostly are: sorting 100,000 of them again would take long. */
static void ops_sort(struct plan *phase)
{
	for (size_t i = 1; i < phase->n; i++) {
		if (op_compare(&phase->ops[i - 1], &phase->ops[i]) <= 0)
			continue;
		qsort(phase->ops, phase->n, sizeof(*phase->ops), op_compare);
		return;
	}
}

int diff_backends(struct diff *diff)
{
	struct slots slots;
	int rc;

	slots_init(&slots, diff);
	for (size_t i = 0; i < diff->n; i++) {
		if (diff->service_known[i])
			service_match(diff, &slots, i);
	}
	rc = backends_number(diff, &slots);
	if (!rc)
		backends_retire(diff, &slots);
	ops_sort(&diff->phases[PLAN_BACKEND_SET]);
	ops_sort(&diff->phases[PLAN_BACKEND_RETIRE]);
	slots_done(&slots);
	return rc;
}
