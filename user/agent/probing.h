/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The prober in the agent: it follows the objects that the reconciler reads, its verdicts go into
 * them, and what they change is synced at once.
 */
#ifndef AGENT_PROBING_H
#define AGENT_PROBING_H

#include <event2/event.h>

#include "user/agent/reconcile.h"
#include "user/probe/prober.h"

struct probing;

/* sync(arg) is called from the loop when the reconciler's objects say something else than before.
 */
struct probing *probing_open(struct event_base *base, const struct paths *paths,
			     const struct config *config, struct reconcile *reconcile,
			     void (*sync)(void *arg), void *arg);
void probing_close(struct probing *probing);

json_t *probing_json(const struct probing *probing);
void probing_results(const struct probing *probing, struct prober_result_list *ret_results);

#endif
