/* SPDX-License-Identifier: Apache-2.0 */
/* A zone as the packet programs want it: its names with their addresses. */
#ifndef DNS_TABLE_H
#define DNS_TABLE_H

#include "lb/dns.h"
#include "user/dns/zone.h"

struct table_entries {
	struct lb_dns_key *keys;
	struct lb_dns *values; /* side by side */
	size_t n;
};

/* Names too long for the programs are left out: the programs leave them to the server as well. */
void table_make(const struct zone *zone, struct table_entries *ret_table);
void table_done(struct table_entries *table);

/* recursion: answers say that other names are looked up, too. */
struct lb_dns_meta table_meta(const struct zone *zone, bool recursion);

/* Whether a key is of the zone. */
bool table_has(const struct zone *zone, const struct lb_dns_key *key);

#endif
