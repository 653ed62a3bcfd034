/* SPDX-License-Identifier: Apache-2.0 */
/* What resolving all Services and some of them again have in common. Inside of resolve. */
#ifndef MODEL_RESOLVER_H
#define MODEL_RESOLVER_H

#include "user/model/candidates.h"
#include "user/model/claims.h"
#include "user/model/members.h"
#include "user/util/vec.h"

struct resolver {
	const struct store *store;
	const struct config *config;
	struct addr_list addresses; /* of the node, sorted */
	struct viewpoint view;
	struct warning_list warnings;
	struct claimer claimer;
	struct {
		struct desired_service *items; /* resolved so far, without frontends */
		size_t n, room;
	} services;
	/* Scratch: */
	struct {
		struct service_part *items;
		size_t n, room;
	} parts;
	struct candidate_list candidates;
};

/* It must not be moved afterwards. Services and warnings are the caller's in the end. */
void resolver_init(struct resolver *resolver, const struct store *store,
		   const struct config *config, const struct node_view *node);
void resolver_done(struct resolver *resolver);

/* Appends the Service's parts to services; returns how many. None: it is not served. */
size_t resolver_service(struct resolver *resolver, const struct object *object);

/* Adds what a Service claims whose parts are these. */
void resolver_claims(struct resolver *resolver, const struct object *object,
		     const struct desired_service *entries, struct claim_list *claims);

void resolver_warn(struct resolver *resolver, const struct claim_list *claims);

void desired_service_done(struct desired_service *service);

#endif
