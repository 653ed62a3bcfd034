/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the agent tells of the Ingresses that it serves, in run/ingress.json: where they are
 *reached, and what is wrong with them, as Event objects.
 *
 *	{"addresses": ["192.0.2.1"], "ingresses": ["default/kubia"], "error": null, "events": [...]}
 */
#ifndef INGRESS_STATUS_H
#define INGRESS_STATUS_H

#include "user/ingress/rules.h"

/* before: the status so far, whose events keep their first time; or NULL. */
json_t *ingress_status_make(const struct ingress_rules *rules, const struct addr_list *addresses,
			    const char *error, const json_t *before, time_t now);

/* Written whole or not at all. */
LB_CHECKED int ingress_status_write(const char *run, const json_t *status, struct err *err);

/* Nobody serves any. */
void ingress_status_remove(const char *run);

/* NULL: there is none. */
json_t *ingress_status_read(const char *run);

/* Into status.loadBalancer of the objects in memory, where `get` finds it. */
void ingress_status_fill(const char *run, const struct store *store);

#endif
