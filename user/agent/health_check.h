/* SPDX-License-Identifier: Apache-2.0 */
/*
 * healthCheckNodePort: how a load balancer outside learns which nodes have ready endpoints of a
 * Service with externalTrafficPolicy Local. What is asked and answered; pure. An answer:
 *
 *	HTTP/1.1 200 OK
 *	Content-Type: application/json
 *	X-Content-Type-Options: nosniff
 *	X-Load-Balancing-Endpoint-Weight: 2
 *
 *	{ "service": …, "localEndpoints": 2, "serviceProxyHealthy": true }
 */
#ifndef AGENT_HEALTH_CHECK_H
#define AGENT_HEALTH_CHECK_H

#include "user/model/resolve.h"

/* One Service with a health port. */
struct health_check {
	char namespace[64], name[64];
	uint16_t port;	   /* host order */
	bool served[2];	   /* in IPv4, in IPv6 */
	uint32_t ready[2]; /* endpoints on this node; one on its way out is none of them */
};

struct health_check_list {
	struct health_check *items; /* sorted by namespace and name */
	size_t n, room;
};

/* desired was resolved from store. Services that are not in the datapath have no health port. */
void health_checks_collect(const struct store *store, const struct desired *desired,
			   struct health_check_list *ret_list);

/*
 * Where health ports listen: at every address, or where node ports are limited by
 * nodePortAddresses, at those of the node's addresses.
 */
void health_addresses(const struct config *config, const struct addr_list *node,
		      struct addr_list *ret_list);

#define HEALTH_BODY 320

struct health_answer {
	int status;
	uint32_t weight; /* what a load balancer may weigh this node by */
	char body[HEALTH_BODY];
};

/*
 * v4: the family that was asked over. A Service of one family answers for it over either; of two,
 * each for itself, since the endpoints of one are of no use to the other. healthy: the maps are
 * what they should be.
 */
void health_check_answer(const struct health_check *check, bool v4, bool healthy,
			 struct health_answer *ret_answer);

#endif
