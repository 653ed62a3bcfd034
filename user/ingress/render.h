/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From rules to the files that HAProxy reads. Pure: the same rules give the same bytes.
 *
 *	haproxy.cfg      one frontend, a backend for each route
 *	hosts.map        host → number of its rules; wildcards.map the same behind the first label
 *	exact.map        number and path → route; prefix.map: number, path and "/", longest first
 *	regex.map        expressions of hosts that have some, and the prefixes of these hosts
 *	crt-list.txt     certificates by the names that clients ask for, the default first
 *	NAMESPACE_NAME.pem, default.pem
 *	NAMESPACE_NAME.ca.pem, .client.pem: whom to believe, and what to show pods
 *
 * Where one names another, RENDER_FOLDER stands for where they will lie.
 */
#ifndef INGRESS_RENDER_H
#define INGRESS_RENDER_H

#include "user/ingress/slots.h"

#define RENDER_FOLDER "@folder@"

struct ingress_file {
	char *name, *text;
};

struct ingress_files {
	struct ingress_file *items;
	size_t n, room;
};

struct ingress_listen {
	struct addr_list addresses; /* none: all that the node has */
	bool v4_only;		    /* the kernel has no IPv6 */
	uint16_t http_port, https_port;
};

/* default_pem: the certificate for who asks for a name that nobody has. */
void render_files(const struct ingress_rules *rules, const struct ingress_pools *pools,
		  const struct ingress_listen *listen, const char *default_pem,
		  struct ingress_files *ret_files);
void render_files_free(struct ingress_files *files);

/* "default:kubia:kubia-nodeport:0": Ingress, Service and number; the name of a route's backend; to
 * be freed. */
char *render_route_name(const struct ingress_rules *rules, size_t index);

#endif
