/* SPDX-License-Identifier: Apache-2.0 */
/* The servers that are asked for names outside of the cluster, and how they fare. */
#ifndef DNS_UPSTREAM_H
#define DNS_UPSTREAM_H

#include <netinet/in.h>

#include "user/k8s/config.h"
#include "user/util/err.h"

#define UPSTREAM_FAILURES 3 /* in a row: it is left alone for a while */
#define UPSTREAM_PAUSE 5    /* seconds */

struct upstream {
	struct addr_port server;
	unsigned int failures;
	uint64_t retry_at; /* seconds; only when all others are worse before that */
};

struct upstreams {
	struct upstream *items;
	size_t n, room;
};

/*
 * Those of the configuration, else the nameservers of file (/etc/resolv.conf). Servers that
 * are this one itself are left out: queries would go round in circles.
 */
void upstreams_init(struct upstreams *upstreams, const struct dns_config *config, const char *file,
		    const struct addr_port_list *own);
void upstreams_done(struct upstreams *upstreams);

/* The next to try: the first healthy one that is not in the mask tried; NULL: none is left. */
struct upstream *upstream_pick(struct upstreams *upstreams, uint32_t tried, uint64_t now);

void upstream_answered(struct upstream *upstream);
void upstream_failed(struct upstream *upstream, uint64_t now);

/* The address as the socket calls want it. */
socklen_t addr_port_sockaddr(const struct addr_port *server, struct sockaddr_storage *ret);

#endif
