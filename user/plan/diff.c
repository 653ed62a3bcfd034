/* SPDX-License-Identifier: Apache-2.0 */
#include "user/plan/diff.h"

#include <errno.h>
#include <string.h>

struct plan_op *diff_add(struct diff *diff, enum plan_kind kind)
{
	struct plan *phase = &diff->phases[kind];
	struct plan_op *op;

	phase->ops = vec_grow(phase->ops, phase->n, &phase->room, sizeof(*phase->ops));
	op = &phase->ops[phase->n++];
	*op = (struct plan_op){ .kind = kind };
	return op;
}

static void diff_init(struct diff *diff)
{
	const struct actual *actual = diff->actual;
	size_t n = diff->change ? diff->change->n_services : diff->desired->n_services;
	size_t n_backends = 0;

	diff->n = n;
	diff->service_ids = xcalloc(n, sizeof(*diff->service_ids));
	diff->service_known = xcalloc(n, sizeof(*diff->service_known));
	diff->first_backend = xcalloc(n, sizeof(*diff->first_backend));
	diff->cluster = xcalloc(n, sizeof(*diff->cluster));
	diff->local = xcalloc(n, sizeof(*diff->local));
	diff->n_cluster = xcalloc(n, sizeof(*diff->n_cluster));
	for (size_t i = 0; i < n; i++) {
		diff->first_backend[i] = n_backends;
		n_backends += diff_service(diff, i)->n_backends;
	}
	diff->backend_ids = xcalloc(n_backends, sizeof(*diff->backend_ids));
	diff->fresh = xcalloc(n_backends, sizeof(*diff->fresh));
	diff->leaves = xcalloc(actual->max_services, sizeof(*diff->leaves));
	if (!diff->change)
		memset(diff->leaves, true, actual->max_services * sizeof(*diff->leaves));
}

static void diff_done(struct diff *diff)
{
	for (size_t i = 0; i < PLAN_KINDS; i++)
		plan_done(&diff->phases[i]);
	free(diff->service_ids);
	free(diff->service_known);
	free(diff->first_backend);
	free(diff->cluster);
	free(diff->local);
	free(diff->n_cluster);
	free(diff->backend_ids);
	free(diff->fresh);
	free(diff->leaves);
}

static int name_compare(const void *a, const void *b)
{
	const struct actual_service *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

/* The names of old and new services, so that a plan can be printed by itself. */
static void plan_name(struct plan *plan, const struct diff *diff)
{
	const struct plan *deletes = &diff->phases[PLAN_SERVICE_DELETE];

	plan->names = xcalloc(diff->n + deletes->n, sizeof(*plan->names));
	for (size_t i = 0; i < diff->n; i++)
		plan->names[plan->n_names++] =
			(struct actual_service){ .id = diff->service_ids[i],
						 .name = diff_service(diff, i)->name };
	for (size_t i = 0; i < deletes->n; i++)
		plan->names[plan->n_names++] =
			(struct actual_service){ .id = deletes->ops[i].service.id,
						 .name = *deletes->ops[i].service.name };
	qsort(plan->names, plan->n_names, sizeof(*plan->names), name_compare);
}

static void plan_assemble(struct diff *diff, struct plan *ret_plan)
{
	struct plan plan = { 0 };
	size_t at = 0;

	for (size_t i = 0; i < PLAN_KINDS; i++)
		plan.n += diff->phases[i].n;
	plan.room = plan.n;
	if (plan.n) {
		plan.ops = xcalloc(plan.n, sizeof(*plan.ops));
		plan_name(&plan, diff);
	}
	for (size_t i = 0; i < PLAN_KINDS; i++) {
		struct plan *phase = &diff->phases[i];

		if (phase->n)
			memcpy(&plan.ops[at], phase->ops, phase->n * sizeof(*plan.ops));
		at += phase->n;
		phase->n = 0; /* what the operations own has moved */
	}
	*ret_plan = plan;
}

static int diff_run(struct diff *diff, struct plan *ret_plan)
{
	int rc;

	diff_init(diff);
	rc = diff_services(diff);
	if (!rc)
		rc = diff_backends(diff);
	if (!rc)
		rc = diff_tables(diff);
	if (!rc)
		rc = diff_ranges(diff);
	if (!rc)
		rc = diff_frontends(diff);
	if (!rc)
		plan_assemble(diff, ret_plan);
	diff_done(diff);
	return rc;
}

int plan_diff(const struct desired *desired, const struct actual *actual, struct plan *ret_plan,
	      struct err *err)
{
	struct plan_index *own = actual->index ? NULL : index_new(actual);
	struct diff diff = {
		.desired = desired, .actual = actual, .index = own ? own : actual->index, .err = err
	};
	int rc = diff_run(&diff, ret_plan);

	index_free(own);
	return rc;
}

int plan_diff_change(const struct desired *desired, const struct desired_change *change,
		     const struct actual *actual, struct plan *ret_plan, struct err *err)
{
	struct diff diff = { .desired = desired,
			     .change = change,
			     .actual = actual,
			     .index = actual->index,
			     .err = err };

	return diff_run(&diff, ret_plan);
}
