/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The DNS server: a thread of its own, so that names are answered also while the agent is busy
 * with the maps. It gets a new zone whenever records changed.
 */
#ifndef DNS_SERVER_H
#define DNS_SERVER_H

#include "user/dns/counts.h"
#include "user/dns/zone.h"
#include "user/util/err.h"

struct dns_server;

/*
 * Opens the sockets and starts the thread. Names of the cluster fail until it gets a zone. own:
 * all addresses that this node's DNS answers at, never to be asked as upstreams.
 */
LB_CHECKED int dns_server_open(const struct config *config, const struct addr_port_list *listen,
			       const struct addr_port_list *own, struct dns_server **ret,
			       struct err *err);

/* Takes the zone over. */
void dns_server_set_zone(struct dns_server *server, struct zone *zone);

/* Whether other names than the cluster's are asked upstream. */
bool dns_server_forwards(const struct dns_server *server);

/* Since it was opened. */
struct dns_counts dns_server_counts(const struct dns_server *server);

/* Ends the thread; clients that wait get a failure. */
void dns_server_close(struct dns_server *server);

#endif
