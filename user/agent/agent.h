/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon: keeps the maps at what the objects say, until SIGTERM or SIGINT. SIGHUP reads
 * the configuration anew. It may die at any time: the datapath goes on by itself, and the
 * next start changes only what changed meanwhile.
 */
#ifndef AGENT_AGENT_H
#define AGENT_AGENT_H

#include <stdio.h>

#include "user/k8s/config.h"
#include "user/k8s/kubeconfig.h"
#include "user/util/err.h"
#include "user/util/paths.h"

/*
 * Returns 0 after a signal told it to end. -EBUSY: the instance has an agent already. kubeconfig:
 * the API server that has the objects, taken over; NULL: the state's directory has them. record:
 * where the server's events go, too (user/k8s/record.h), or NULL.
 */
LB_CHECKED int agent_run(const struct paths *paths, const struct config *config,
			 struct kubeconfig *kubeconfig, FILE *record, struct err *err);

#endif
