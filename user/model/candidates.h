/* SPDX-License-Identifier: Apache-2.0 */
/* Which endpoints of a service port are used, and by whom. Inside of resolve. */
#ifndef MODEL_CANDIDATES_H
#define MODEL_CANDIDATES_H

#include "user/model/resolve.h"

struct candidate {
	const struct endpoint *endpoint;
	uint16_t port;	/* host order */
	uint32_t order; /* of two with one address the earlier one counts */
};

struct candidate_list {
	struct candidate *items;
	size_t n, room;
};

/* The node that endpoints are looked at from. */
struct viewpoint {
	const char *node;		   /* or NULL */
	const char *zone;		   /* or NULL */
	const struct addr_list *addresses; /* sorted */
};

/*
 * Sorts and dedupes the candidates and fills in the service's backends: the ready ones, or
 * where there is none those that still serve on their way out, decided for all endpoints
 * and for the node's own apart (KEP-1669). Hints narrow the first set only.
 */
void candidates_choose(struct candidate_list *candidates, const struct viewpoint *view,
		       uint8_t proto, struct desired_service *service);

#endif
