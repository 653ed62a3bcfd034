/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Carries out a plan on the maps, in its order: backends and tables by memory, the rest by
 * system calls, in batches where operations of one kind follow each other. An error leaves
 * what was done done; the next plan, made from a fresh snapshot, does the rest.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "user/datapath/bloom.h"
#include "user/datapath/bulk.h"
#include "user/datapath/handle.h"
#include "user/datapath/pin.h"
#include "user/datapath/stats.h"
#include "user/util/cleanup.h"

#define BLOOM_STALE 256 /* of LB_BLOOM_BITS: a thousandth */

#define PUBLISH() __atomic_thread_fence(__ATOMIC_RELEASE)
#define STORE(place, value) __atomic_store_n(&(place), value, __ATOMIC_RELAXED)

/*
 * A slot changes while programs read it. Three kinds of readers may hold its id:
 *
 * - an affinity entry or a flow of the former owner: it compares generations, so the new
 *   generation comes first; one that compared just before gets the old or the new address,
 *   as if it had come a moment earlier or later;
 * - a new flow through a table: the tables that name a slot for its new owner are
 *   written after it, so that it never sees half of it;
 * - an established flow: it looks at GONE alone, which a reused slot must lose only when
 *   everything else is in place.
 */
static void backend_store(struct lb_backend *slot, const struct lb_backend *value)
{
	STORE(slot->generation, value->generation);
	PUBLISH();
	slot->addr = value->addr;
	slot->port = value->port;
	slot->proto = value->proto;
	slot->zone = value->zone;
	slot->weight = value->weight;
	STORE(slot->service, value->service);
	PUBLISH();
	STORE(slot->flags, value->flags);
	PUBLISH();
}

static int apply_backend(struct datapath *dp, const struct plan_op *op, struct err *err)
{
	const struct lb_backend *value = &op->backend.value;
	uint32_t id = op->backend.id;
	uint32_t service;
	int r = 0;

	if (!id || id >= dp->max[MAP_BACKEND])
		return err_set(err, -ERANGE, "lb_backend has no slot %u", id);
	service = dp->backends[id].service;
	/*
	 * A slot without service may still have counters of connections that drained; one that was
	 * never used, generation 0, has none.
	 */
	if (service != value->service && dp->backends[id].generation)
		r = stats_fold(dp, id, service, err);
	if (!r)
		backend_store(&dp->backends[id], value);
	return r;
}

/*
 * Copied by the kernel, past the mapping: where a virtual machine's page tables are shadowed, the
 * first write to each page of a mapping takes 8 µs, and there are thousands of them. No program
 * reads what is written: no frontend names it yet.
 */
static void slots_write(struct datapath *dp, uint32_t base, uint32_t n)
{
	struct iovec from = { .iov_base = dp->scratch, .iov_len = n * sizeof(*dp->scratch) };
	struct iovec to = { .iov_base = &dp->slots[base], .iov_len = from.iov_len };

	if (process_vm_writev(getpid(), &from, 1, &to, 1, 0) != (ssize_t)from.iov_len)
		memcpy(to.iov_base, from.iov_base, from.iov_len);
	PUBLISH(); /* before the frontends that will name them */
}

/* All tables that follow each other; ret_next is the first operation after them. */
static int apply_tables(struct datapath *dp, const struct plan *plan, size_t first,
			size_t *ret_next, struct err *err)
{
	uint32_t base = 0, n = 0; /* what is in scratch, and where it belongs */
	size_t i;

	for (i = first; i < plan->n && plan->ops[i].kind == PLAN_MAGLEV_SET; i++) {
		const struct plan_op *op = &plan->ops[i];
		uint32_t len = op->maglev.len;

		if (len > MAGLEV_MAX || op->maglev.base > dp->n_slots ||
		    len > dp->n_slots - op->maglev.base)
			return err_set(err, -ERANGE, "lb_maglev has no range %u+%u",
				       op->maglev.base, len);
		if (n && (op->maglev.base != base + n || len > MAGLEV_MAX - n)) {
			slots_write(dp, base, n);
			n = 0;
		}
		if (!n)
			base = op->maglev.base;
		maglev_fill(op->maglev.members, op->maglev.n, &dp->scratch[n], len);
		n += len;
	}
	slots_write(dp, base, n);
	*ret_next = i;
	return 0;
}

/* ---------------------------------------------------------------- hash maps -- */

static enum shared_map op_map(enum plan_kind kind)
{
	switch (kind) {
	case PLAN_SERVICE_SET:
	case PLAN_SERVICE_DELETE:
		return MAP_NAME;
	case PLAN_RANGE_SET:
	case PLAN_RANGE_DELETE:
		return MAP_SOURCE_RANGE;
	default:
		return MAP_FRONTEND;
	}
}

static const void *op_key(const struct plan_op *op)
{
	switch (op_map(op->kind)) {
	case MAP_NAME:
		return &op->service.id;
	case MAP_SOURCE_RANGE:
		return &op->range;
	default:
		return &op->frontend.key;
	}
}

static void bulk_add_op(struct bulk *bulk, const struct plan_op *op)
{
	static const uint8_t present = 1;

	if (op->kind == PLAN_SERVICE_SET)
		bulk_add(bulk, &op->service.id, op->service.name);
	else if (op->kind == PLAN_RANGE_SET)
		bulk_add(bulk, &op->range, &present);
	else
		bulk_add(bulk, &op->frontend.key, &op->frontend.value);
}

static struct bulk bulk_for(enum plan_kind kind)
{
	switch (op_map(kind)) {
	case MAP_NAME:
		return (struct bulk){ .key_size = sizeof(uint32_t),
				      .value_size = sizeof(struct lb_name) };
	case MAP_SOURCE_RANGE:
		return (struct bulk){ .key_size = sizeof(struct lb_source_range_key),
				      .value_size = sizeof(uint8_t) };
	default:
		return (struct bulk){ .key_size = sizeof(struct lb_frontend_key),
				      .value_size = sizeof(struct lb_frontend) };
	}
}

/* All operations of one kind that follow each other; ret_next is the first after them. */
static int apply_sets(struct datapath *dp, const struct plan *plan, size_t first, size_t *ret_next,
		      struct err *err)
{
	enum plan_kind kind = plan->ops[first].kind;
	struct bulk bulk = bulk_for(kind);
	size_t i;
	int r = 0;

	for (i = first; i < plan->n && plan->ops[i].kind == kind; i++)
		bulk_add_op(&bulk, &plan->ops[i]);
	if (kind == PLAN_SERVICE_SET)
		r = stats_clear_services(dp, &plan->ops[first], i - first, err);
	if (!r && op_map(kind) == MAP_FRONTEND)
		bloom_add(dp->bloom, &bulk);
	if (!r) {
		r = bulk_write(dp->map[op_map(kind)], &bulk);
		if (r)
			err_sys(err, r, "cannot write %zu entries of %s", bulk.n,
				shared_map_names[op_map(kind)]);
	}
	bulk_done(&bulk);
	*ret_next = i;
	return r;
}

static int apply_delete(struct datapath *dp, const struct plan_op *op, struct err *err)
{
	enum shared_map map = op_map(op->kind);
	int r = bpf_map_delete_elem(dp->map[map], op_key(op));

	return r && r != -ENOENT ? err_sys(err, r, "cannot delete from %s", shared_map_names[map])
				 : 0;
}

static int apply_at(struct datapath *dp, const struct plan *plan, size_t i, size_t *ret_next,
		    struct err *err)
{
	const struct plan_op *op = &plan->ops[i];

	*ret_next = i + 1;
	switch (op->kind) {
	case PLAN_BACKEND_SET:
	case PLAN_BACKEND_RETIRE:
		return apply_backend(dp, op, err);
	case PLAN_MAGLEV_SET:
		return apply_tables(dp, plan, i, ret_next, err);
	case PLAN_FRONTEND_DELETE:
	case PLAN_RANGE_DELETE:
	case PLAN_SERVICE_DELETE:
		return apply_delete(dp, op, err);
	default:
		return apply_sets(dp, plan, i, ret_next, err);
	}
}

/*
 * Bits of frontends that are no more cost a lookup each, a rebuild reads all frontends: a process
 * that goes on lets some come together, one that ends rebuilds at once.
 */
static int bloom_forget(struct datapath *dp, size_t deleted, struct err *err)
{
	bool first = dp->bloom_stale == 0;

	if (!deleted)
		return 0;
	dp->bloom_stale += deleted;
	if (!first && dp->bloom_stale < BLOOM_STALE)
		return 0;
	dp->bloom_stale = 1;
	return bloom_rebuild(dp->bloom, dp->map[MAP_FRONTEND], err);
}

int apply_plan(struct datapath *dp, const struct plan *plan, struct err *err)
{
	size_t deleted = 0, next = 0;
	int r = 0;

	while (!r && next < plan->n) {
		deleted += plan->ops[next].kind == PLAN_FRONTEND_DELETE;
		r = apply_at(dp, plan, next, &next, err);
	}
	return r ?: bloom_forget(dp, deleted, err);
}

int datapath_apply(struct datapath *dp, const struct plan *plan, struct err *err)
{
	const struct paths paths = { .run = dp->run };
	cleanup_close int lock = -EBADF;
	int r = pin_lock(&paths, &lock, err); /* no attach and no detach meanwhile */

	return r ?: apply_plan(dp, plan, err);
}
