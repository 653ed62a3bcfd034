/* SPDX-License-Identifier: Apache-2.0 */
/*
 * read → store → resolve → diff → apply, once. Commands call sync_now after they changed
 * the state: when the agent runs it does the work, otherwise this process does.
 */
#ifndef AGENT_SYNC_H
#define AGENT_SYNC_H

#include <stdbool.h>

#include "user/datapath/datapath.h"
#include "user/model/store.h"

struct sync_result {
	bool attached; /* false: no datapath, nothing to do */
	bool by_agent;
	size_t operations; /* of the plan */
	char **warnings;   /* owned, of resolve */
	size_t n_warnings;
};

LB_CHECKED int sync_now(const struct paths *paths, const struct config *config,
			struct sync_result *ret_result, struct err *err);
void sync_result_done(struct sync_result *result);

/* The same after `attach` and `detach`: an agent is told to open the pins anew, too. */
LB_CHECKED int sync_reload(const struct paths *paths, const struct config *config,
			   struct sync_result *ret_result, struct err *err);

/*
 * The pure half, for `apply --dry-run` and `diff`: what a store would change in the maps. names: an
 * agent serves names, whose Service is added to the store as the agent adds it.
 */
LB_CHECKED int sync_plan(struct datapath *dp, struct store *store, const struct config *config,
			 bool names, struct plan *ret_plan, struct err *err);

#endif
