/* SPDX-License-Identifier: Apache-2.0 */
/* A zone while it is built: names once each, records in the order they come. Inside of zone. */
#ifndef DNS_BUILDER_H
#define DNS_BUILDER_H

#include "user/dns/zone.h"

struct record {
	uint32_t name; /* index */
	uint16_t type;
	uint16_t length; /* of the data */
	uint32_t ttl;
	uint32_t data; /* in the builder's pool */
};

struct bytes {
	uint8_t *items;
	size_t n, room;
};

struct builder {
	struct zone *zone;
	struct {
		struct zone_name *items;
		size_t n, room;
	} names;
	struct {
		struct record *items;
		size_t n, room;
	} records;
	struct bytes pool; /* names */
	struct bytes data; /* of records */
};

void builder_init(struct builder *builder, struct zone *zone);

/* The name's index; it is added when it is not there yet. */
uint32_t builder_name(struct builder *builder, const uint8_t *wire, size_t size);

void builder_record(struct builder *builder, uint32_t name, uint16_t type, uint32_t ttl,
		    const void *data, size_t length);

/* Groups the records into sets and moves everything into the zone. */
void builder_finish(struct builder *builder);

#endif
