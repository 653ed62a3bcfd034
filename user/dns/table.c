/* SPDX-License-Identifier: Apache-2.0 */
#include "user/dns/table.h"

#include <arpa/inet.h>
#include <libknot/descriptor.h>
#include <libknot/wire.h>
#include <string.h>

#include "user/util/vec.h"

static void addresses_copy(const struct zone *zone, const struct zone_set *set, void *to,
			   size_t size, size_t limit, uint8_t *ret_n)
{
	const uint8_t *rdata;

	if (!set)
		return;
	if (set->n > limit) {
		*ret_n = LB_DNS_MANY;
		return;
	}
	rdata = zone_at(zone, set->rdata);
	/* Each with its length in front; both are even. */
	for (uint16_t i = 0; i < set->n; i++)
		memcpy((uint8_t *)to + i * size, rdata + i * (size + 2) + 2, size);
	*ret_n = (uint8_t)set->n;
}

static struct lb_dns value_of(const struct zone *zone, const struct zone_name *name)
{
	struct lb_dns value = { 0 };

	if (zone_set_find(zone, name, KNOT_RRTYPE_CNAME))
		value.flags = LB_DNS_USER;
	addresses_copy(zone, zone_set_find(zone, name, KNOT_RRTYPE_A), value.a, 4, LB_DNS_A,
		       &value.n_a);
	addresses_copy(zone, zone_set_find(zone, name, KNOT_RRTYPE_AAAA), value.aaaa, 16,
		       LB_DNS_AAAA, &value.n_aaaa);
	return value;
}

/* The record from its owner on, with holes where pointers to the domain belong. */
static void soa_fill(const struct zone *zone, uint8_t *soa)
{
	static const char server[] = "\2ns\3dns", mailbox[] = "\12hostmaster";
	const struct zone_set *set = &zone->soa[ZONE_DOMAIN];
	const uint8_t *data = zone_at(zone, set->rdata) + 2;

	knot_wire_write_u16(soa + 2, KNOT_RRTYPE_SOA);
	knot_wire_write_u16(soa + 4, KNOT_CLASS_IN);
	knot_wire_write_u32(soa + 6, set->ttl);
	knot_wire_write_u16(soa + 10, LB_DNS_SOA_SIZE - 12);
	memcpy(soa + 12, server, sizeof(server) - 1);
	memcpy(soa + LB_DNS_SOA_SERVER + 2, mailbox, sizeof(mailbox) - 1);
	data += name_size(data);
	data += name_size(data);
	memcpy(soa + LB_DNS_SOA_MAILBOX + 2, data, 20);
}

struct lb_dns_meta table_meta(const struct zone *zone, bool recursion)
{
	const struct name *domain = &zone->apex[ZONE_DOMAIN];
	struct lb_dns_meta meta = { 0 };

	if (domain->size > LB_DNS_DOMAIN)
		return meta;
	memcpy(meta.domain, domain->wire, domain->size);
	meta.domain_size = (uint8_t)domain->size;
	soa_fill(zone, meta.soa);
	meta.ttl = htonl(ZONE_TTL);
	meta.complete = 1;
	meta.recursion = recursion;
	return meta;
}

void table_make(const struct zone *zone, struct table_entries *ret_table)
{
	struct table_entries table = {
		.keys = xcalloc(zone->n_names + 1, sizeof(*table.keys)),
		.values = xcalloc(zone->n_names + 1, sizeof(*table.values)),
	};

	for (size_t i = 0; i < zone->n_names; i++) {
		const struct zone_name *name = &zone->names[i];
		const uint8_t *wire = zone_at(zone, name->wire);

		if (name->size > LB_DNS_NAME ||
		    !name_in(wire, name->size, &zone->apex[ZONE_DOMAIN]))
			continue;
		memcpy(table.keys[table.n].name, wire, name->size);
		table.values[table.n++] = value_of(zone, name);
	}
	*ret_table = table;
}

void table_done(struct table_entries *table)
{
	free(table->keys);
	free(table->values);
	*table = (struct table_entries){ 0 };
}

bool table_has(const struct zone *zone, const struct lb_dns_key *key)
{
	size_t size = 0;

	while (size < sizeof(key->name) && key->name[size])
		size += 1u + key->name[size];
	return size < sizeof(key->name) && zone_find(zone, key->name, size + 1);
}
