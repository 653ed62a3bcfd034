/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frontends before it is known who gets them: every service port claims the addresses it
 * wants to answer on, and the claims are settled once all are there. Inside of resolve.
 */
#ifndef MODEL_CLAIMS_H
#define MODEL_CLAIMS_H

#include "user/model/resolve.h"

struct claim {
	struct lb_frontend_key key;
	enum frontend_kind kind;
	uint32_t flags;
	uint32_t service; /* index into desired.services */
	const struct object *owner;
	const char *created; /* of the owner; "" when unknown */
	bool idle;	     /* of echo: the service has no endpoint, so that another goes first */
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
	struct claim_list claims;
	struct warning_list *warnings;
};

void claimer_init(struct claimer *claimer, const struct config *config,
		  const struct addr_list *node_addresses, struct warning_list *warnings);
void claimer_done(struct claimer *claimer);

/* Warns, once a service, of addresses that it names and that are the node's own. */
void claims_check(struct claimer *claimer, const struct object *service);

/* Adds the claims of one port of a service in one family. */
void claims_add(struct claimer *claimer, const struct object *service, const char *created,
		const struct service_port *port, bool v4, uint32_t index);

/*
 * Gives each address to the oldest service that claims it, warns the others, and fills in the
 * frontends of the services.
 */
void claims_settle(struct claimer *claimer, struct desired_service *services, size_t n);

#endif
