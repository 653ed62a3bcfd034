/* SPDX-License-Identifier: Apache-2.0 */
/* This node as resolve sees it: name and zone from the configuration or its Node object. */
#ifndef AGENT_DESIRED_H
#define AGENT_DESIRED_H

#include "user/agent/touched.h"

/* addresses: those of the attached devices; nodeAddresses of the configuration win. */
void desired_resolve(const struct store *store, const struct config *config,
		     const struct addr_list *addresses, struct desired *ret_desired);

/* The same where only this has changed since, see resolve_update. touched is sorted. */
void desired_update(const struct store *store, const struct config *config,
		    const struct addr_list *addresses, const struct touched *touched,
		    struct desired *desired, struct desired_change *ret_change);

#endif
