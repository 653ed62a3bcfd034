/* SPDX-License-Identifier: Apache-2.0 */
/* This node as resolve sees it: name and zone from the configuration or its Node object. */
#ifndef AGENT_DESIRED_H
#define AGENT_DESIRED_H

#include "user/model/resolve.h"

/* addresses: those of the attached devices; nodeAddresses of the configuration win. */
void desired_resolve(const struct store *store, const struct config *config,
		     const struct addr_list *addresses, struct desired *ret_desired);

/* The same for some Services whose endpoints alone have changed, see resolve_again. */
void desired_resolve_again(const struct store *store, const struct config *config,
			   const struct addr_list *addresses, const struct pod_index *pods,
			   const struct object *const *services, size_t n, struct desired *desired);

#endif
