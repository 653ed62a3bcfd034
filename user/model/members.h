/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pods a Service selects, as endpoints: what EndpointSlices, Endpoints and the datapath
 * are all made from. Pure.
 */
#ifndef MODEL_MEMBERS_H
#define MODEL_MEMBERS_H

#include "user/model/store.h"

#define LABEL_HEADLESS "service.kubernetes.io/headless"

struct member {
	const struct object *pod;
	struct endpoint endpoint; /* strings are borrowed from the store */
};

struct member_list {
	struct member *items;
	size_t n, room;
};

/* The families a Service serves, its first one first; returns how many. */
size_t service_families(const struct service *service, bool ret_v4[2]);

/*
 * The pods that the selector chooses and that have an address of the family, in the order of
 * their names; ended ones left out. None without a selector. vec_free the list.
 */
void members_select(const struct store *store, const struct object *service, bool v4,
		    struct member_list *ret_members);

/* Does the selector choose this pod, wherever it is and whatever its state? */
bool members_chosen(const struct object *service, const struct object *pod);

/* The number a service port leads to in this pod; 0: it has no port of that name. */
uint16_t member_port(const struct pod *pod, const struct service_port *port);

/*
 * The Endpoints object whose addresses stand for a service without selector (in a cluster:
 * without slices); NULL when there is none, or its skip-mirror label forbids it.
 */
const struct object *endpoints_to_mirror(const struct store *store, const struct object *service);

#endif
