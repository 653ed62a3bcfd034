/* SPDX-License-Identifier: Apache-2.0 */
/* What `apply` makes of a manifest and the stored object: kubectl's three-way merge. Pure. */
#ifndef CMD_MERGE_H
#define CMD_MERGE_H

#include "user/k8s/object.h"
#include "user/util/err.h"

/*
 * The stored object with the fields of given set, and those removed that original (what was
 * applied last; may be NULL) had and given has not. Fields that others filled in stay. Lists are
 * replaced, but for those whose items have a name to go by. A new tree.
 */
json_t *merge_three_way(enum k8s_kind kind, const json_t *original, const json_t *given,
			const json_t *stored);

/*
 * A Service that changed its type, traffic policy or families loses what was allocated for the
 * old one, as the API server does it: cluster IPs, node ports, the health-check node port. What
 * differs from the stored object was asked for and is left for validation to judge; what is
 * merely asked for no more, allocation keeps. A cluster IP may not change.
 */
LB_CHECKED int merge_service(json_t *merged, const json_t *stored, struct err *err);

#endif
