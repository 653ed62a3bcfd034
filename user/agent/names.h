/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's DNS: which addresses it answers at, and what. The cluster's DNS address is served
 * as long as a datapath is attached and nobody else's Service has it; dns.listen always.
 */
#ifndef AGENT_NAMES_H
#define AGENT_NAMES_H

#include "user/datapath/datapath.h"
#include "user/dns/server.h"

struct names {
	struct dns_server *server; /* NULL: nobody asks here */
	struct addr_port_list listening;
	struct addr_list added; /* to the loopback device */
	struct zone *zone;	/* what the server has */
	char *error;		/* why it does not serve, told once */
	char *kernel_error;	/* why the programs do not answer */
};

/*
 * After a sync. stale: the store or the configuration has changed since the last one. dp: the
 * cluster's DNS address is to be served, too; NULL: it is not ours.
 */
void names_update(struct names *names, const struct config *config, const struct store *store,
		  bool stale, struct datapath *dp);

/* Ends the server. The next update starts it anew, with a configuration that may be another. */
void names_close(struct names *names);
void names_done(struct names *names);

#endif
