/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Ingress controller in the agent: after each sync the rules are made anew; where they differ
 * HAProxy gets them. It runs while there is an Ingress that is ours.
 */
#ifndef AGENT_INGRESS_H
#define AGENT_INGRESS_H

#include <event2/event.h>

#include "user/agent/reconcile.h"
#include "user/ingress/counts.h"

struct ingress_control;

struct ingress_metrics {
	bool up; /* HAProxy runs */
	uint64_t reloads, errors;
	struct ingress_counts counts; /* owned */
	const struct ingress_facts *problems, *certificates;
};

/* changed: what there is to tell is other than before; an update tells it. */
struct ingress_control *ingress_control_open(struct event_base *base, const struct paths *paths,
					     void (*changed)(void *arg), void *arg);
void ingress_control_close(struct ingress_control *control);

/* Asks HAProxy; false: there is no Ingress that is ours. counts are the caller's to free. */
bool ingress_control_metrics(struct ingress_control *control, struct ingress_metrics *ret_metrics);

/* After a sync. */
void ingress_control_update(struct ingress_control *control, const struct reconcile *reconcile);

#endif
