/* SPDX-License-Identifier: Apache-2.0 */
/* What the packet programs know of names: lb_dns and lb_dns_meta. */
#ifndef DATAPATH_NAMES_H
#define DATAPATH_NAMES_H

#include "lb/dns.h"
#include "user/datapath/datapath.h"

struct datapath_names {
	const struct lb_dns_key *keys;
	const struct lb_dns *values; /* side by side */
	size_t n;
	struct lb_dns_meta meta;
	/* Whether a key is one of keys: what is not goes out of the map. */
	bool (*has)(void *arg, const struct lb_dns_key *key);
	void *arg;
};

/* Whether the maps say this already, apart from being complete. */
bool datapath_names_are(struct datapath *dp, const struct lb_dns_meta *meta);

/*
 * New names come first, then old ones go, then the rest counts. A map that is too small holds
 * what fits, and is not called complete.
 */
LB_CHECKED int datapath_set_names(struct datapath *dp, const struct datapath_names *names,
				  struct err *err);

/* Calls visit for each name, in no order, until it returns non-zero. */
LB_CHECKED int datapath_each_name(struct datapath *dp,
				  int (*visit)(void *arg, const struct lb_dns_key *key,
					       const struct lb_dns *value),
				  void *arg, struct err *err);

#endif
