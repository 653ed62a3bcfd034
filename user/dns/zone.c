/* SPDX-License-Identifier: Apache-2.0 */
#include "user/dns/zone.h"

#include <libknot/descriptor.h>
#include <libknot/wire.h>
#include <string.h>

#include "user/dns/builder.h"
#include "user/dns/hash.h"
#include "user/dns/records.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"

/* As CoreDNS has them. */
#define SOA_REFRESH 7200
#define SOA_RETRY 1800
#define SOA_EXPIRE 86400
#define SCHEMA_VERSION "\0051.1.0"

static size_t put_name(uint8_t *out, const struct name *name)
{
	memcpy(out, name->wire, name->size);
	return name->size;
}

/* The name server of an apex: ns.dns below it. */
static struct name ns_name(const struct name *apex)
{
	struct name dns = *apex, ns = *apex;

	(void)name_child("dns", 3, apex->wire, apex->size, &dns);
	(void)name_child("ns", 2, dns.wire, dns.size, &ns);
	return ns;
}

static void soa_add(struct builder *b, const struct name *apex)
{
	const uint32_t times[] = { b->zone->serial, SOA_REFRESH, SOA_RETRY, SOA_EXPIRE, ZONE_TTL };
	uint8_t data[2 * NAME_SIZE + sizeof(times)];
	struct name ns = ns_name(apex), mailbox = *apex;
	size_t size = put_name(data, &ns);

	(void)name_child("hostmaster", 10, apex->wire, apex->size, &mailbox);
	size += put_name(data + size, &mailbox);
	for (size_t i = 0; i < ARRAY_LEN(times); i++, size += 4)
		knot_wire_write_u32(data + size, times[i]);
	builder_record(b, builder_name(b, apex->wire, apex->size), KNOT_RRTYPE_SOA, ZONE_TTL, data,
		       size);
}

static void child_add(struct builder *b, const char *label, const struct name *parent)
{
	struct name name;

	if (name_child(label, strlen(label), parent->wire, parent->size, &name))
		builder_name(b, name.wire, name.size);
}

/* What every domain has, whatever its services are. */
static void domain_add(struct builder *b, const struct config *config)
{
	const struct name *apex = &b->zone->apex[ZONE_DOMAIN];
	struct name ns = ns_name(apex), version;
	uint32_t index;

	builder_record(b, builder_name(b, apex->wire, apex->size), KNOT_RRTYPE_NS, ZONE_TTL,
		       ns.wire, ns.size);
	child_add(b, "dns", apex);
	index = builder_name(b, ns.wire, ns.size);
	for (size_t i = 0; i < config->dns.addresses.n; i++)
		records_add_address(b, index, &config->dns.addresses.items[i]);
	if (name_child("dns-version", 11, apex->wire, apex->size, &version))
		builder_record(b, builder_name(b, version.wire, version.size), KNOT_RRTYPE_TXT,
			       ZONE_VERSION_TTL, SCHEMA_VERSION, sizeof(SCHEMA_VERSION) - 1);
	child_add(b, "svc", apex);
	child_add(b, "pod", apex);
}

static void networks_set(struct zone *zone, const struct config *config)
{
	size_t n = config->service_cidrs.n + config->pod_cidrs.n;

	zone->networks = xcalloc(n + 1, sizeof(*zone->networks));
	for (size_t i = 0; i < config->service_cidrs.n; i++)
		zone->networks[zone->n_networks++] = config->service_cidrs.items[i];
	for (size_t i = 0; i < config->pod_cidrs.n; i++)
		zone->networks[zone->n_networks++] = config->pod_cidrs.items[i];
}

static struct name name_of(const char *text)
{
	struct name name = { .wire = "", .size = 1 };

	(void)!name_parse(text, &name);
	return name;
}

struct zone *zone_new(const struct store *store, const struct config *config, uint32_t serial)
{
	struct zone *zone = xcalloc(1, sizeof(*zone));
	struct builder builder;

	zone->holders = 1;
	zone->serial = serial;
	zone->apex[ZONE_DOMAIN] = name_of(config->dns.domain);
	zone->apex[ZONE_IN_ADDR] = name_of("in-addr.arpa");
	zone->apex[ZONE_IP6] = name_of("ip6.arpa");
	networks_set(zone, config);
	builder_init(&builder, zone);
	for (size_t i = 0; i < ZONE_APEXES; i++)
		soa_add(&builder, &zone->apex[i]);
	domain_add(&builder, config);
	records_add(&builder, store);
	builder_finish(&builder);
	for (size_t i = 0; i < ZONE_APEXES; i++) {
		const struct name *apex = &zone->apex[i];

		zone->soa[i] = *zone_set_find(zone, zone_find(zone, apex->wire, apex->size),
					      KNOT_RRTYPE_SOA);
	}
	return zone;
}

void zone_free(struct zone *zone)
{
	if (!zone || __atomic_sub_fetch(&zone->holders, 1, __ATOMIC_ACQ_REL))
		return;
	free(zone->networks);
	free(zone->names);
	free(zone->sets);
	free(zone->pool);
	free(zone->slots);
	free(zone);
}

struct zone *zone_share(struct zone *zone)
{
	__atomic_add_fetch(&zone->holders, 1, __ATOMIC_RELAXED);
	return zone;
}

/* Where the serial lies in the data of a SOA record: before four more numbers. */
static uint32_t serial_offset(const struct zone_set *soa)
{
	uint16_t length = (uint16_t)(soa->size - 2 - (soa->size & 1));

	return soa->rdata + 2 + length - 20;
}

void zone_serial_set(struct zone *zone, uint32_t serial)
{
	zone->serial = serial;
	for (size_t i = 0; i < ZONE_APEXES; i++)
		knot_wire_write_u32(zone->pool + serial_offset(&zone->soa[i]), serial);
}

bool zone_equal(const struct zone *a, const struct zone *b)
{
	cleanup_free uint8_t *pool = NULL;

	if (a->n_names != b->n_names || a->n_sets != b->n_sets || a->pool_size != b->pool_size ||
	    a->n_networks != b->n_networks ||
	    memcmp(a->names, b->names, a->n_names * sizeof(*a->names)) != 0 ||
	    memcmp(a->sets, b->sets, a->n_sets * sizeof(*a->sets)) != 0 ||
	    memcmp(a->apex[ZONE_DOMAIN].wire, b->apex[ZONE_DOMAIN].wire, a->apex->size) != 0)
		return false;
	for (size_t i = 0; i < a->n_networks; i++) {
		if (addr_compare(&a->networks[i].addr, &b->networks[i].addr) ||
		    a->networks[i].bits != b->networks[i].bits)
			return false;
	}
	pool = xmalloc(a->pool_size);
	memcpy(pool, a->pool, a->pool_size);
	for (size_t i = 0; i < ZONE_APEXES; i++)
		memcpy(pool + serial_offset(&a->soa[i]), b->pool + serial_offset(&b->soa[i]), 4);
	return !memcmp(pool, b->pool, a->pool_size);
}

const struct zone_name *zone_find(const struct zone *zone, const uint8_t *wire, size_t size)
{
	uint32_t slot = name_hash(wire, size) & zone->mask;

	for (; zone->slots[slot]; slot = (slot + 1) & zone->mask) {
		const struct zone_name *name = &zone->names[zone->slots[slot] - 1];

		if (name->size == size && !memcmp(zone_at(zone, name->wire), wire, size))
			return name;
	}
	return NULL;
}

const struct zone_set *zone_set_find(const struct zone *zone, const struct zone_name *name,
				     uint16_t type)
{
	for (size_t i = 0; i < name->n_sets; i++) {
		if (zone->sets[name->first + i].type == type)
			return &zone->sets[name->first + i];
	}
	return NULL;
}

/* Names of addresses that are the cluster's own are asked nowhere else, known or not. */
static bool owns_address(const struct zone *zone, const uint8_t *wire, size_t size)
{
	struct lb_addr addr;

	if (zone_find(zone, wire, size))
		return true;
	if (!name_reverse_parse(wire, size, &addr))
		return false;
	for (size_t i = 0; i < zone->n_networks; i++) {
		if (prefix_contains(&zone->networks[i], &addr))
			return true;
	}
	return false;
}

bool zone_authority(const struct zone *zone, const uint8_t *wire, size_t size,
		    enum zone_apex *ret_apex)
{
	for (enum zone_apex i = 0; i < ZONE_APEXES; i++) {
		const struct name *apex = &zone->apex[i];

		if (!name_in(wire, size, apex))
			continue;
		/* The apexes of the reverse tree belong to others. */
		if (i != ZONE_DOMAIN && (size == apex->size || !owns_address(zone, wire, size)))
			return false;
		*ret_apex = i;
		return true;
	}
	return false;
}
