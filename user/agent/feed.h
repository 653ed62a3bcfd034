/* SPDX-License-Identifier: Apache-2.0 */
/* What reconcile.c asks of the objects that a source brought. Inside of reconcile. */
#ifndef AGENT_FEED_H
#define AGENT_FEED_H

#include "user/agent/reconcile.h"

/* -EAGAIN, naming the kinds that were not listed yet; else the fed store is the store. */
LB_CHECKED int feed_read(struct reconcile *reconcile, struct err *err);

/* The desired state is to be resolved anew as a whole. */
void reconcile_forget(struct reconcile *reconcile);

#endif
