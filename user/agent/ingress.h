/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Ingress controller in the agent: after each sync the rules are made anew; where they differ
 * HAProxy gets them. It runs while there is an Ingress that is ours.
 */
#ifndef AGENT_INGRESS_H
#define AGENT_INGRESS_H

#include <event2/event.h>

#include "user/agent/reconcile.h"

struct ingress_control;

struct ingress_control *ingress_control_open(struct event_base *base, const struct paths *paths);
void ingress_control_close(struct ingress_control *control);

/* After a sync. */
void ingress_control_update(struct ingress_control *control, const struct reconcile *reconcile);

#endif
