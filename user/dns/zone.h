/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The records of a cluster, by the specification of Kubernetes' DNS (schema 1.1.0), as CoreDNS
 * has them where that says nothing. Pure: made from objects, never changed, built anew when
 * they change.
 *
 *	kubia.default.svc.cluster.local.            A, AAAA      cluster IPs
 *	_http._tcp.kubia.default.svc.cluster.local. SRV          named ports
 *	172-17-0-7.kubia.default.svc.cluster.local. A            a ready endpoint
 *	7.0.17.172.in-addr.arpa.                    PTR          the same, backwards
 *	headless.default.svc.cluster.local.         A, AAAA      all ready endpoints
 *	alias.default.svc.cluster.local.            CNAME        ExternalName
 *	cluster.local.                              SOA, NS
 *	dns-version.cluster.local.                  TXT "1.1.0"
 *
 * A name between these and the domain exists, too, without records.
 */
#ifndef DNS_ZONE_H
#define DNS_ZONE_H

#include "user/dns/name.h"
#include "user/k8s/config.h"
#include "user/model/store.h"

#define ZONE_TTL 5
#define ZONE_VERSION_TTL 28800

/* The records of one name and type. */
struct zone_set {
	uint16_t type;
	uint16_t n;
	uint32_t ttl;
	uint32_t rdata; /* in the pool: libknot's knot_rdata_t, side by side */
	uint32_t size;
};

struct zone_name {
	uint32_t wire; /* in the pool */
	uint16_t size;
	uint16_t n_sets; /* 0: an empty non-terminal */
	uint32_t first;	 /* of its sets, which are sorted by type */
};

enum zone_apex {
	ZONE_DOMAIN,
	ZONE_IN_ADDR,
	ZONE_IP6,
	ZONE_APEXES,
};

struct zone {
	unsigned int holders;
	struct name apex[ZONE_APEXES];
	struct zone_set soa[ZONE_APEXES];
	uint32_t serial;
	struct prefix *networks; /* whose reverse names are all known here */
	size_t n_networks;
	struct zone_name *names;
	size_t n_names;
	struct zone_set *sets;
	size_t n_sets;
	uint8_t *pool;
	size_t pool_size;
	uint32_t *slots; /* hash table: index + 1 into names, 0: free */
	uint32_t mask;
};

/* serial is that of the SOA record. */
struct zone *zone_new(const struct store *store, const struct config *config, uint32_t serial);
void zone_free(struct zone *zone);

/* Another serial, while nobody else holds the zone. */
void zone_serial_set(struct zone *zone, uint32_t serial);

/* A second holder of the same zone, perhaps in another thread; each one frees it. */
struct zone *zone_share(struct zone *zone);

/* Do two zones hold the same records, but for the serial? */
bool zone_equal(const struct zone *a, const struct zone *b);

/* The name, in lower case, or NULL. */
const struct zone_name *zone_find(const struct zone *zone, const uint8_t *wire, size_t size);

/* The records of a type, or NULL. */
const struct zone_set *zone_set_find(const struct zone *zone, const struct zone_name *name,
				     uint16_t type);

/* The apex that answers for a name in lower case; false: others have to. */
bool zone_authority(const struct zone *zone, const uint8_t *wire, size_t size,
		    enum zone_apex *ret_apex);

static inline const uint8_t *zone_at(const struct zone *zone, uint32_t offset)
{
	return zone->pool + offset;
}

#endif
