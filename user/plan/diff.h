/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of plan_diff share. Inside of plan. */
#ifndef PLAN_DIFF_H
#define PLAN_DIFF_H

#include "user/plan/index.h"
#include "user/util/vec.h"

#define PLAN_KINDS (PLAN_SERVICE_DELETE + 1)

struct diff {
	const struct desired *desired;
	const struct desired_change *change; /* NULL: everything may differ */
	const struct actual *actual;
	const struct plan_index *index;
	struct err *err;

	/* Operations by kind: the kinds are numbered in the order they are run. */
	struct plan phases[PLAN_KINDS];

	/* The desired services that are looked at, see diff_service. */
	size_t n;
	/* By place among them: */
	uint32_t *service_ids;
	bool *service_known;   /* the id is in the maps */
	size_t *first_backend; /* its backends' place in backend_ids and fresh */
	struct lb_range *cluster, *local;
	uint32_t *n_cluster; /* members of the cluster's set */

	uint32_t *backend_ids; /* of their backends, service by service */
	bool *fresh;	       /* tables that hold the backend are out of date */
	bool *leaves;	       /* by service id: no desired service has it */
};

static inline const struct desired_service *diff_service(const struct diff *diff, size_t place)
{
	return &diff->desired->services[diff->change ? diff->change->services[place] : place];
}

struct plan_op *diff_add(struct diff *diff, enum plan_kind kind);

/* Each fills in what the next ones need. */
LB_CHECKED int diff_services(struct diff *diff);
LB_CHECKED int diff_backends(struct diff *diff);
LB_CHECKED int diff_tables(struct diff *diff);
LB_CHECKED int diff_frontends(struct diff *diff);
LB_CHECKED int diff_ranges(struct diff *diff);

#endif
