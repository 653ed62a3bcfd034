/* SPDX-License-Identifier: Apache-2.0 */
/* The Kubernetes API as the source of objects, in place of the state's directory. */
#ifndef AGENT_APISOURCE_H
#define AGENT_APISOURCE_H

#include <jansson.h>

#include "user/agent/reconcile.h"
#include "user/api/source.h"

struct apisource;

/*
 * Feeds reconcile from now on. changed is called from the loop after objects have changed, and all
 * kinds are known; once for many changes that came together. Takes over what is in kubeconfig.
 */
struct apisource *apisource_open(struct event_base *base, struct kubeconfig *kubeconfig,
				 struct reconcile *reconcile, void (*changed)(void *arg),
				 void *arg);

/* NULL is fine, here and below. */
void apisource_close(struct apisource *api);

/* For requests of other parts of the agent. */
struct client *apisource_client(struct apisource *api);

/* One for each kind, for metrics; reports holds SOURCE_KINDS of them. Returns how many there are.
 */
size_t apisource_reports(const struct apisource *api, struct source_report *reports);

/* Where the objects are from, for `status`; null without an API server. */
json_t *apisource_json(const struct apisource *api);

#endif
