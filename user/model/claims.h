/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frontends before it is known who gets them: every service port claims the addresses it
 * wants to answer on, and the claims are settled once all are there. They are kept in order,
 * so that it is known who comes next when a service goes. Inside of resolve.
 */
#ifndef MODEL_CLAIMS_H
#define MODEL_CLAIMS_H

#include "user/model/resolve.h"

struct claim {
	struct lb_frontend_key key;
	enum frontend_kind kind;
	uint32_t flags;
	uint32_t part;	/* which of its owner's ports and families */
	uint32_t entry; /* index into desired.services; while all are resolved, and no longer */
	const struct object *owner;
	const char *created; /* of the owner; "" when unknown */
	bool idle;	     /* of echo: the part has no endpoint, so that another goes first */
};

/* A Service has a part for each port in each family. */
struct service_part {
	const struct service_port *port;
	bool v4;
};

struct claim_list {
	struct claim *items;
	size_t n, room;
};

struct warning_list {
	char **items;
	size_t n, room;
};

/* What does not change from one service to the next. */
struct claimer {
	const struct config *config;
	const struct addr_list *node_addresses; /* all of them, sorted */
	struct addr_list node_port_addresses;	/* those that answer on node ports */
	struct warning_list *warnings;
};

void claimer_init(struct claimer *claimer, const struct config *config,
		  const struct addr_list *node_addresses, struct warning_list *warnings);
void claimer_done(struct claimer *claimer);

/* Warns, once a service, of addresses that it names and that are the node's own. */
void claims_check(const struct claimer *claimer, const struct object *service);

/*
 * Adds the claims of one part of a service. Each begins as told: owner, created, part, entry, and
 * idle where the part has no endpoint.
 */
void claims_add(const struct claimer *claimer, const struct service_part *part,
		const struct claim *begin, struct claim_list *claims);

/* By key, and of one key by who goes first. */
void claims_sort(struct claim_list *claims);

/* Takes `gone` out of claims and `added` in; all are sorted. */
void claims_replace(struct claim_list *claims, const struct claim_list *gone,
		    const struct claim_list *added);

/* The claims of one key, the winner first; returns how many. */
size_t claims_of_key(const struct claim_list *claims, const struct lb_frontend_key *key,
		     const struct claim **ret_claims);

/* Warns all whose address another service has. */
void claims_warn(const struct claimer *claimer, const struct claim_list *claims);

/* Gives the frontends to the services: claims are sorted, their entries are right. */
void claims_settle(const struct claim_list *claims, struct desired_service *services, size_t n);

#endif
