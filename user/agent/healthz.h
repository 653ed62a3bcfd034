/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /healthz and /livez, as kube-proxy answers them (KEP-3836): the first is for load balancers
 * that send to any Service by this node, the second for who would start the agent again.
 */
#ifndef AGENT_HEALTHZ_H
#define AGENT_HEALTHZ_H

#include <event2/event.h>
#include <time.h>

#include "user/k8s/config.h"
#include "user/k8s/object.h"

struct healthz_state {
	bool healthy;	/* the maps are what the objects say */
	bool eligible;	/* the node stays: see node_is_eligible */
	time_t updated; /* the last sync that succeeded; 0: none */
};

struct healthz;

/* state(arg) is asked for each answer. */
struct healthz *healthz_new(struct event_base *base, struct healthz_state (*state)(void *arg),
			    void *arg);
void healthz_free(struct healthz *healthz);

/*
 * Listens where the configuration says, else, in_cluster, at kube-proxy's port of all addresses.
 * Called now and then: an address that cannot be had yet is told of once, and tried again.
 */
void healthz_update(struct healthz *healthz, const struct health_config *config, bool in_cluster);

/* The answer of /healthz or /livez; text holds HEALTHZ_TEXT bytes. Returns the HTTP status. */
#define HEALTHZ_TEXT 160
int healthz_answer(const struct healthz_state *state, bool livez, time_t now, char *text);

/* Does nobody want to take this node away? NULL: a node that is not known stays. */
bool node_is_eligible(const struct object *node);

#endif
