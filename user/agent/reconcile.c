/* SPDX-License-Identifier: Apache-2.0 */
#include "user/agent/reconcile.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "user/agent/desired.h"
#include "user/agent/feed.h"
#include "user/agent/lock.h"
#include "user/datapath/sockets.h"
#include "user/dns/builtin.h"
#include "user/k8s/state.h"
#include "user/k8s/state_mark.h"
#include "user/model/members.h"
#include "user/model/selectors.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"

const struct reconcile_io reconcile_io_node = {
	.mark = state_mark,
	.load = state_load_slim,
	.open = datapath_open,
	.close = datapath_close,
	.attach_pods = datapath_attach_pods,
	.refresh = datapath_refresh_devices,
	.snapshot = datapath_snapshot,
	.apply = datapath_apply,
	.sweep = sockets_sweep,
};

void reconcile_init(struct reconcile *reconcile, const struct paths *paths,
		    const struct config *config, const struct reconcile_io *io, int lock_wait_ms)
{
	*reconcile = (struct reconcile){
		.paths = paths,
		.config = config,
		.io = io,
		.lock_wait_ms = lock_wait_ms,
		.stale = RECONCILE_ALL,
	};
}

static void actual_drop(struct reconcile *r)
{
	if (r->have_actual)
		actual_done(&r->actual);
	r->actual = (struct actual){ 0 };
	r->have_actual = r->reached = false;
}

static void maps_close(struct reconcile *r)
{
	actual_drop(r);
	if (r->dp)
		r->io->close(r->dp);
	r->dp = NULL;
	r->stale |= RECONCILE_MAPS | RECONCILE_DEVICES | RECONCILE_PODS;
}

/* It names objects of the store, and goes before they do. */
void reconcile_forget(struct reconcile *r)
{
	if (r->have_desired)
		desired_done(&r->desired);
	r->have_desired = r->reached = false;
	touched_clear(&r->touched);
	selectors_free(r->selectors);
	r->selectors = NULL;
}

void reconcile_configure(struct reconcile *reconcile, const struct config *config)
{
	reconcile_forget(reconcile);
	reconcile->config = config;
	reconcile->mark = 0; /* it adds objects of its own */
	reconcile->names_stale = true;
	reconcile->stale = RECONCILE_ALL;
}

void reconcile_done(struct reconcile *reconcile)
{
	maps_close(reconcile);
	reconcile_forget(reconcile);
	vec_free(&reconcile->addresses);
	if (reconcile->store)
		store_free(reconcile->store);
	store_free(reconcile->feed.store);
	reconcile->store = reconcile->feed.store = NULL;
	free(reconcile->sweep_error);
	reconcile->sweep_error = NULL;
}

/* ----------------------------------------------------------------- reading -- */

static int objects_read(struct reconcile *r, struct err *err)
{
	struct object_list list = { 0 };
	uint64_t mark;
	int rc;

	if (!(r->stale & RECONCILE_STATE))
		return 0;
	if (r->feed.kinds) {
		rc = feed_read(r, err);
		if (!rc)
			r->stale &= ~RECONCILE_STATE;
		return rc;
	}
	/* Before reading: a change in between is then seen the next time. */
	mark = r->io->mark ? r->io->mark(r->paths->state) : 0;
	if (r->store && mark && mark == r->mark) {
		r->stale &= ~RECONCILE_STATE;
		return 0;
	}
	rc = r->io->load(r->paths->state, &list, err);
	if (rc) {
		object_list_free(&list);
		return rc;
	}
	reconcile_forget(r);
	if (r->store)
		store_free(r->store);
	r->store = store_new();
	store_load(r->store, &list);
	r->names_added = r->names_served = false;
	r->names_stale = true;
	object_list_free(&list);
	if (r->loaded)
		r->loaded(r->loaded_arg, r->store);
	r->stale &= ~RECONCILE_STATE;
	r->mark = mark;
	return 0;
}

/* Without a datapath nobody would find the server by its Service. */
static void names_add(struct reconcile *r)
{
	if (!r->serve_names || r->feed.kinds || r->names_added || !r->store || !r->dp)
		return;
	reconcile_forget(r);
	r->names_served = builtin_add(r->store, r->config);
	r->names_added = r->names_stale = true;
}

static struct stat pins_stat(const struct reconcile *r)
{
	cleanup_free char *dir = xasprintf("%s/v%d", r->paths->bpf, LB_ABI);
	struct stat st;

	if (stat(dir, &st))
		memset(&st, 0, sizeof(st));
	return st;
}

/* Detached and attached again: the maps that are open here are no longer those that count. */
static bool pins_changed(const struct reconcile *r)
{
	struct stat now = pins_stat(r);

	return now.st_dev != r->pins.st_dev || now.st_ino != r->pins.st_ino ||
	       now.st_mtim.tv_sec != r->pins.st_mtim.tv_sec ||
	       now.st_mtim.tv_nsec != r->pins.st_mtim.tv_nsec;
}

static int maps_open(struct reconcile *r, struct err *err)
{
	int rc;

	if (r->dp && (r->stale & RECONCILE_MAPS || pins_changed(r)))
		maps_close(r);
	if (!r->dp) {
		/* Before opening: a change in between is then seen the next time. */
		r->pins = pins_stat(r);
		rc = r->io->open(r->paths, &r->dp, err);
		if (rc && rc != -ENOENT)
			return rc;
	}
	r->stale &= ~RECONCILE_MAPS;
	return 0;
}

static int devices_read(struct reconcile *r, struct err *err)
{
	struct addr_list addresses = { 0 };
	int rc;

	if (!r->dp || !(r->stale & RECONCILE_DEVICES))
		return 0;
	rc = r->io->refresh(r->dp, r->config, &addresses, err);
	if (rc)
		return rc;
	if (!addr_lists_equal(&addresses, &r->addresses))
		reconcile_forget(r);
	vec_free(&r->addresses);
	r->addresses = addresses;
	r->stale &= ~RECONCILE_DEVICES;
	return 0;
}

static int pods_attach(struct reconcile *r, struct err *err)
{
	int rc;

	if (!r->dp || !(r->stale & RECONCILE_PODS))
		return 0;
	rc = r->io->attach_pods(r->paths, err);
	if (rc && rc != -ENOENT)
		return rc;
	r->stale &= ~RECONCILE_PODS;
	/* lb_device has to know the new ones. */
	r->stale |= RECONCILE_DEVICES;
	return 0;
}

/* ----------------------------------------------------------------- writing -- */

static int plan_make(struct reconcile *r, struct desired *desired, struct plan *ret_plan,
		     struct err *err)
{
	int rc;

	if (!r->have_actual) {
		rc = r->io->snapshot(r->dp, &r->actual, err);
		if (rc)
			return rc;
		r->have_actual = true;
		actual_index(&r->actual);
	}
	if (r->reached)
		return plan_diff_change(desired, &r->change, &r->actual, ret_plan, err);
	return plan_diff(desired, &r->actual, ret_plan, err);
}

static int plan_run(struct reconcile *r, const struct plan *plan, struct lock_sync *lock,
		    struct err *err)
{
	int rc;

	if (!plan->n)
		return 0;
	rc = lock_sync_count(lock, err);
	if (rc)
		return rc;
	for (size_t i = 0; i < plan->n; i++)
		r->sweep_due = r->sweep_due || plan->ops[i].kind == PLAN_BACKEND_RETIRE;
	rc = r->io->apply(r->dp, plan, err);
	if (!rc)
		plan_simulate(&r->actual, plan);
	return rc;
}

static int maps_write_once(struct reconcile *r, struct desired *desired, struct lock_sync *lock,
			   size_t *ret_operations, struct err *err)
{
	struct plan plan = { 0 };
	int rc;

	rc = plan_make(r, desired, &plan, err);
	if (rc)
		return rc;
	rc = plan_run(r, &plan, lock, err);
	if (!rc) {
		*ret_operations = plan.n;
		r->writes = lock->writes;
		r->reached = true;
	}
	plan_done(&plan);
	return rc;
}

/* Whatever failed, the maps are not what the copy says: the second try reads them first. */
static int maps_write(struct reconcile *r, struct desired *desired, struct lock_sync *lock,
		      size_t *ret_operations, struct err *err)
{
	int rc;

	if (r->writes != lock->writes)
		actual_drop(r);
	rc = maps_write_once(r, desired, lock, ret_operations, err);
	if (!rc)
		return 0;
	actual_drop(r);
	rc = maps_write_once(r, desired, lock, ret_operations, err);
	if (rc)
		maps_close(r);
	return rc;
}

/* Not for every change: a sweep looks at all that is open on the node. */
static void sockets_end(struct reconcile *r)
{
	struct err err;

	if (!r->dp || !r->sweep_due)
		return;
	r->sweep_due = false;
	free(r->sweep_error);
	r->sweep_error = NULL;
	if (r->io->sweep(r->dp, &r->swept, &err))
		r->sweep_error = xstrdup(err.text);
}

/* ------------------------------------------------------------- one run -- */

static void desired_refresh(struct reconcile *r)
{
	touched_sort(&r->touched);
	desired_update(r->store, r->config, &r->addresses, &r->touched, &r->desired, &r->change);
	touched_clear(&r->touched);
}

static void desired_make(struct reconcile *r)
{
	if (!r->have_desired) {
		reconcile_forget(r);
		desired_resolve(r->store, r->config, &r->addresses, &r->desired);
		r->have_desired = true;
	} else if (touched_any(&r->touched)) {
		desired_refresh(r);
	} else {
		return;
	}
	if (r->names_served && r->config->dns.kernel)
		builtin_mark(&r->desired, r->config);
}

static void warnings_copy(const struct desired *desired, struct sync_result *result)
{
	result->warnings = xcalloc(desired->n_warnings, sizeof(*result->warnings));
	for (size_t i = 0; i < desired->n_warnings; i++)
		result->warnings[result->n_warnings++] = xstrdup(desired->warnings[i]);
}

static int desired_write(struct reconcile *r, struct lock_sync *lock, struct sync_result *result,
			 struct err *err)
{
	int rc = 0;

	desired_make(r);
	r->services = r->desired.n_objects;
	r->backends = r->desired.n_backends;
	if (r->dp)
		rc = maps_write(r, &r->desired, lock, &result->operations, err);
	if (r->resolved)
		r->resolved(r->resolved_arg, &r->desired);
	desired_change_done(&r->change);
	warnings_copy(&r->desired, result);
	return rc;
}

static void chooser_touch(void *arg, const struct object *service)
{
	struct reconcile *reconcile = arg;

	touched_endpoints(&reconcile->touched, service->ns, service->name);
}

void reconcile_touch(struct reconcile *reconcile, const struct object *object)
{
	reconcile->names_stale = true;
	if (!reconcile->have_desired)
		return;
	if (object->kind == K8S_SERVICE) {
		touched_endpoints(&reconcile->touched, object->ns, object->name);
		return;
	}
	if (!reconcile->selectors)
		reconcile->selectors = selectors_new(reconcile->store);
	selectors_each(reconcile->selectors, object, chooser_touch, reconcile);
}

/* Runs on after an error and keeps the first one. */
static int first_error(int first, int rc, const struct err *cause, struct err *err)
{
	if (first || !rc)
		return first;
	return err_set(err, rc, "%s", cause->text);
}

static int reconcile_locked(struct reconcile *r, struct lock_sync *lock, struct sync_result *result,
			    struct err *err)
{
	struct err cause = { "" };
	int rc;

	rc = first_error(0, objects_read(r, &cause), &cause, err);
	rc = first_error(rc, maps_open(r, &cause), &cause, err);
	names_add(r);
	rc = first_error(rc, pods_attach(r, &cause), &cause, err);
	rc = first_error(rc, devices_read(r, &cause), &cause, err);
	/*
	 * Without objects nothing is known that the maps should hold, without a reading of
	 * the devices no node port has an address: writing now would remove what is right.
	 */
	if (r->store && !(r->dp && r->stale & RECONCILE_DEVICES))
		rc = first_error(rc, desired_write(r, lock, result, &cause), &cause, err);
	if (!rc)
		sockets_end(r);
	result->attached = r->dp;
	return rc;
}

int reconcile_run(struct reconcile *reconcile, struct sync_result *ret_result, struct err *err)
{
	struct sync_result result = { 0 };
	struct lock_sync lock;
	int rc;

	reconcile->swept = 0;
	/*
	 * Held from before the objects are read: of two processes that sync, the one that
	 * writes the maps last has also read last.
	 */
	rc = lock_sync_take(reconcile->paths, reconcile->lock_wait_ms, &lock, err);
	if (rc)
		return rc;
	rc = reconcile_locked(reconcile, &lock, &result, err);
	lock_sync_release(&lock);
	if (rc) {
		sync_result_done(&result);
		return rc;
	}
	*ret_result = result;
	return 0;
}

bool reconcile_has_backend(const struct reconcile *reconcile, const struct lb_addr *addr)
{
	for (size_t i = 0; i < reconcile->actual.n_backends; i++) {
		const struct lb_backend *backend = &reconcile->actual.backends[i].value;

		if (!(backend->flags & (LB_BACKEND_DRAINING | LB_BACKEND_GONE)) &&
		    !addr_compare(&backend->addr, addr))
			return true;
	}
	return false;
}
