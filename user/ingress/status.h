/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the agent tells of the Ingresses that it serves, in run/ingress.json: where they are
 * reached, and what is wrong with them, as Event objects.
 *
 *	{"addresses": ["192.0.2.1"], "ingresses": ["default/kubia"], "error": null, "events": [...],
 *	 "added": ["192.0.2.1"]}
 */
#ifndef INGRESS_STATUS_H
#define INGRESS_STATUS_H

#include "user/ingress/rules.h"

struct ingress_state {
	const struct addr_list *addresses;
	const struct addr_list *added; /* of these: by the agent, to the loopback device */
	const char *error;	       /* or NULL */
};

/* before: the status so far, whose events keep their first time; or NULL. */
json_t *ingress_status_make(const struct ingress_rules *rules, const struct ingress_state *state,
			    const json_t *before, time_t now);

/* What a former agent added. */
void ingress_status_added(const json_t *status, struct addr_list *ret_added);

/* Written whole or not at all. */
LB_CHECKED int ingress_status_write(const char *run, const json_t *status, struct err *err);

/* Nobody serves any. */
void ingress_status_remove(const char *run);

/* NULL: there is none. */
json_t *ingress_status_read(const char *run);

/* Into status.loadBalancer of the objects in memory, where `get` finds it. */
void ingress_status_fill(const char *run, const struct store *store);

#endif
