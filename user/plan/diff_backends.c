/* SPDX-License-Identifier: Apache-2.0 */
/* Backends, their ids and their generations. */
#include <arpa/inet.h>
#include <errno.h>

#include "user/model/addresses.h"
#include "user/plan/diff.h"

#define RETIRED (LB_BACKEND_DRAINING | LB_BACKEND_GONE)

enum slot_state {
	SLOT_FREE,
	SLOT_USED, /* serves, or did until this plan */
	SLOT_RETIRED,
};

struct slot {
	enum slot_state state;
	uint32_t generation;
	bool claimed; /* by a desired backend */
};

/* Slots by id, and how far each way of finding a free one has come. */
struct slots {
	struct slot *items;
	uint32_t n;
	uint32_t next;	       /* ids from here on were never used */
	enum slot_state reuse; /* then freed ones, then retired ones … */
	uint32_t cursor;       /* … from here on */
};

static enum slot_state state_of(const struct lb_backend *backend)
{
	if (!backend->service)
		return SLOT_FREE;
	return backend->flags & RETIRED ? SLOT_RETIRED : SLOT_USED;
}

static void slots_init(struct slots *slots, const struct actual *actual)
{
	*slots = (struct slots){
		.n = actual->max_backends, .next = 1, .reuse = SLOT_FREE, .cursor = 1
	};
	slots->items = xcalloc(slots->n, sizeof(*slots->items));
	for (size_t i = 0; i < actual->n_backends; i++) {
		const struct actual_backend *backend = &actual->backends[i];

		if (backend->id >= slots->n)
			continue;
		slots->items[backend->id].state = state_of(&backend->value);
		slots->items[backend->id].generation = backend->value.generation;
		if (backend->id >= slots->next)
			slots->next = backend->id + 1;
	}
}

/* 0: all serve. */
static uint32_t slots_take(struct slots *slots)
{
	if (slots->next < slots->n)
		return slots->next++;
	for (;;) {
		for (; slots->cursor < slots->n; slots->cursor++) {
			const struct slot *slot = &slots->items[slots->cursor];

			if (slot->state == slots->reuse && !slot->claimed)
				return slots->cursor++;
		}
		if (slots->reuse == SLOT_RETIRED)
			return 0;
		slots->reuse = SLOT_RETIRED;
		slots->cursor = 1;
	}
}

/* --------------------------------------------------------------- matching -- */

static int place_compare(const struct lb_addr *addr, __be16 port, uint8_t proto,
			 const struct lb_backend *backend)
{
	int order = addr_compare(addr, &backend->addr);

	if (!order)
		order = (int)ntohs(port) - (int)ntohs(backend->port);
	return order ? order : (int)proto - (int)backend->proto;
}

/* By service, place, and of two at one place the one that serves first. */
static int held_compare(const void *a, const void *b)
{
	const struct actual_backend *const *x = a, *const *y = b;
	const struct lb_backend *v = &(*x)->value, *w = &(*y)->value;
	int order = (v->service > w->service) - (v->service < w->service);

	if (!order)
		order = place_compare(&v->addr, v->port, v->proto, w);
	return order ? order : (int)state_of(v) - (int)state_of(w);
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

static void backend_keep(struct diff *diff, struct slots *slots, const struct actual_backend *held,
			 const struct desired_backend *wanted)
{
	bool retired = held->value.flags & RETIRED;
	struct lb_backend value =
		backend_value(wanted, held->value.service, held->value.generation + retired);

	slots->items[held->id].claimed = true;
	diff->fresh[held->id] = retired || value.weight != held->value.weight;
	if (memcmp(&value, &held->value, sizeof(value)) != 0)
		backend_set(diff, held->id, &value, !retired);
}

/* held: all of the service's, sorted as the wanted ones are. */
static void service_match(struct diff *diff, struct slots *slots, size_t index,
			  const struct actual_backend *const *held, size_t n_held)
{
	const struct desired_service *service = &diff->desired->services[index];
	uint32_t *ids = &diff->backend_ids[diff->first_backend[index]];
	size_t at = 0;

	for (size_t i = 0; i < service->n_backends; i++) {
		const struct desired_backend *wanted = &service->backends[i];
		int order = -1;

		while (at < n_held) {
			order = place_compare(&wanted->addr, wanted->port, wanted->proto,
					      &held[at]->value);
			if (order <= 0)
				break;
			at++;
		}
		if (at == n_held || order)
			continue;
		ids[i] = held[at]->id;
		backend_keep(diff, slots, held[at++], wanted);
	}
}

static size_t held_search(const struct actual_backend *const *held, size_t n, uint32_t service)
{
	size_t first = 0;

	while (first < n) {
		size_t middle = first + (n - first) / 2;

		if (held[middle]->value.service < service)
			first = middle + 1;
		else
			n = middle;
	}
	return first;
}

static void backends_match(struct diff *diff, struct slots *slots)
{
	const struct actual *actual = diff->actual;
	const struct actual_backend **held = xcalloc(actual->n_backends, sizeof(*held));
	size_t n = 0;

	for (size_t i = 0; i < actual->n_backends; i++) {
		if (actual->backends[i].value.service && actual->backends[i].id < slots->n)
			held[n++] = &actual->backends[i];
	}
	qsort(held, n, sizeof(*held), held_compare);
	for (size_t i = 0; i < diff->desired->n_services; i++) {
		uint32_t id = diff->service_ids[i];
		size_t first, last;

		if (!diff->service_known[i])
			continue;
		first = held_search(held, n, id);
		for (last = first; last < n && held[last]->value.service == id;)
			last++;
		service_match(diff, slots, i, held + first, last - first);
	}
	free(held);
}

static int backends_number(struct diff *diff, struct slots *slots)
{
	for (size_t i = 0; i < diff->desired->n_services; i++) {
		const struct desired_service *service = &diff->desired->services[i];
		uint32_t *ids = &diff->backend_ids[diff->first_backend[i]];

		for (size_t j = 0; j < service->n_backends; j++) {
			struct lb_backend value;

			if (ids[j])
				continue;
			ids[j] = slots_take(slots);
			if (!ids[j])
				return err_set(diff->err, -ENOSPC,
					       "lb_backend: room for %u, more are needed",
					       slots->n - 1);
			value = backend_value(&service->backends[j], diff->service_ids[i],
					      slots->items[ids[j]].generation + 1);
			slots->items[ids[j]].claimed = true;
			diff->fresh[ids[j]] = true;
			backend_set(diff, ids[j], &value, false);
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
static void backend_retire(struct diff *diff, const struct actual_backend *backend)
{
	const struct lb_backend *old = &backend->value;
	bool gone = (old->flags & LB_BACKEND_GONE) || pod_ended(diff, old);
	struct lb_backend value = *old;
	struct plan_op *op;

	if (!old->service && !(old->flags & LB_BACKEND_DRAINING))
		return;
	if (gone || old->service >= diff->actual->max_services ||
	    !diff->service_stays[old->service])
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

static int backend_op_compare(const void *a, const void *b)
{
	const struct plan_op *x = a, *y = b;

	return (x->backend.id > y->backend.id) - (x->backend.id < y->backend.id);
}

int diff_backends(struct diff *diff)
{
	const struct actual *actual = diff->actual;
	struct plan *sets = &diff->phases[PLAN_BACKEND_SET];
	struct slots slots;
	int rc;

	slots_init(&slots, actual);
	backends_match(diff, &slots);
	rc = backends_number(diff, &slots);
	for (size_t i = 0; i < actual->n_backends && !rc; i++) {
		uint32_t id = actual->backends[i].id;

		if (id < slots.n && !slots.items[id].claimed)
			backend_retire(diff, &actual->backends[i]);
	}
	if (sets->n)
		qsort(sets->ops, sets->n, sizeof(*sets->ops), backend_op_compare);
	free(slots.items);
	return rc;
}
