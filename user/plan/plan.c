/* SPDX-License-Identifier: Apache-2.0 */
#include "user/plan/plan.h"

#include "user/plan/index.h"
#include "user/util/vec.h"

void plan_done(struct plan *plan)
{
	for (size_t i = 0; i < plan->n; i++) {
		struct plan_op *op = &plan->ops[i];

		if (op->kind == PLAN_MAGLEV_SET)
			free(op->maglev.members);
		if (op->kind == PLAN_SERVICE_SET || op->kind == PLAN_SERVICE_DELETE)
			free(op->service.name);
	}
	free(plan->ops);
	free(plan->names);
	*plan = (struct plan){ 0 };
}

void actual_index(struct actual *actual)
{
	if (!actual->index)
		actual->index = index_new(actual);
}

void actual_done(struct actual *actual)
{
	free(actual->services);
	free(actual->frontends);
	free(actual->backends);
	free(actual->ranges);
	if (!actual->slots_mapped)
		free(actual->slots);
	index_free(actual->index);
	*actual = (struct actual){ 0 };
}
