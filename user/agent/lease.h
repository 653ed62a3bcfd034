/* SPDX-License-Identifier: Apache-2.0 */
/* Takes part in the election for one Lease, over the API server: election.h with requests. */
#ifndef AGENT_LEASE_H
#define AGENT_LEASE_H

#include "user/api/client.h"

struct lease;

/*
 * Borrows client, and copies the rest. changed is called from the loop when it came to be held.
 * That it is not held any more nobody tells: who is about to act on it asks lease_is_held.
 */
struct lease *lease_open(struct event_base *base, struct client *client, const char *ns,
			 const char *name, const char *node_name, void (*changed)(void *arg),
			 void *arg);

/* Gives it up; waits for the server's answer, but not long. NULL is fine. */
void lease_close(struct lease *lease);

bool lease_is_held(const struct lease *lease);

/* Who holds it, "" while that is not known. */
const char *lease_holder(const struct lease *lease);

#endif
