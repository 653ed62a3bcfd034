/* SPDX-License-Identifier: Apache-2.0 */
/* A zone as the packet programs want it: its names with their addresses. */
#ifndef DNS_TABLE_H
#define DNS_TABLE_H

#include "lb/dns.h"
#include "user/dns/zone.h"

struct table_entries {
	struct lb_dns_key *keys; /* sorted as the zone's names are */
	struct lb_dns *values;
	size_t n;
	struct lb_dns_meta meta;
};

/*
 * Names too long for the programs are left out: they are left to the server as well. recursion:
 * answers say that other names are looked up, too.
 */
void table_make(const struct zone *zone, bool recursion, struct table_entries *ret_table);
void table_done(struct table_entries *table);

/* Whether a key is of the zone. */
bool table_has(const struct zone *zone, const struct lb_dns_key *key);

#endif
