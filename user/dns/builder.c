/* SPDX-License-Identifier: Apache-2.0 */
#include "user/dns/builder.h"

#include <libknot/descriptor.h>
#include <libknot/rdataset.h>
#include <libknot/wire.h>
#include <string.h>

#include "user/dns/hash.h"
#include "user/util/vec.h"

#define SLOTS_MIN 256
#define SRV_WEIGHT 2 /* offset in the data */

/* -------------------------------------------------------------------- bytes -- */

static uint32_t bytes_add(struct bytes *bytes, const void *data, size_t size)
{
	size_t at = bytes->n;

	if (bytes->room - bytes->n < size) {
		bytes->room = (bytes->room + size) * 2;
		bytes->items = realloc(bytes->items, bytes->room);
		if (!bytes->items)
			abort();
	}
	memcpy(bytes->items + at, data, size);
	bytes->n += size;
	return (uint32_t)at;
}

/* -------------------------------------------------------------------- names -- */

static void slots_build(struct builder *b)
{
	struct zone *zone = b->zone;

	free(zone->slots);
	zone->slots = xcalloc((size_t)zone->mask + 1, sizeof(*zone->slots));
	for (uint32_t i = 0; i < b->names.n; i++) {
		const struct zone_name *name = &b->names.items[i];
		uint32_t slot = name_hash(b->pool.items + name->wire, name->size) & zone->mask;

		while (zone->slots[slot])
			slot = (slot + 1) & zone->mask;
		zone->slots[slot] = i + 1;
	}
}

void builder_init(struct builder *builder, struct zone *zone)
{
	*builder = (struct builder){ .zone = zone };
	zone->mask = SLOTS_MIN - 1;
	slots_build(builder);
}

uint32_t builder_name(struct builder *builder, const uint8_t *wire, size_t size)
{
	struct zone *zone = builder->zone;
	uint32_t slot = name_hash(wire, size) & zone->mask;
	struct zone_name *name;

	for (; zone->slots[slot]; slot = (slot + 1) & zone->mask) {
		name = &builder->names.items[zone->slots[slot] - 1];
		if (name->size == size && !memcmp(builder->pool.items + name->wire, wire, size))
			return zone->slots[slot] - 1;
	}
	name = vec_add(&builder->names);
	name->wire = bytes_add(&builder->pool, wire, size);
	name->size = (uint16_t)size;
	zone->slots[slot] = (uint32_t)builder->names.n;
	if (builder->names.n * 2 > zone->mask) {
		zone->mask = zone->mask * 4 + 3;
		slots_build(builder);
	}
	return (uint32_t)builder->names.n - 1;
}

void builder_record(struct builder *builder, uint32_t name, uint16_t type, uint32_t ttl,
		    const void *data, size_t length)
{
	vec_push(&builder->records,
		 ((struct record){ .name = name,
				   .type = type,
				   .length = (uint16_t)length,
				   .ttl = ttl,
				   .data = bytes_add(&builder->data, data, length) }));
}

/* --------------------------------------------------------------------- sets -- */

/* A record while those of one name are sorted. */
struct sorted {
	const struct record *record;
	const uint8_t *data;
};

static int sorted_compare(const void *a, const void *b)
{
	const struct sorted *x = a, *y = b;
	size_t common =
		x->record->length < y->record->length ? x->record->length : y->record->length;
	int order = (int)x->record->type - (int)y->record->type;

	if (!order)
		order = memcmp(x->data, y->data, common);
	return order ? order : (int)x->record->length - (int)y->record->length;
}

/* Aligned as knot_rdata_t wants it: an even offset. */
static void rdata_add(struct bytes *pool, const struct sorted *sorted)
{
	uint16_t length = sorted->record->length;

	bytes_add(pool, &length, sizeof(length));
	bytes_add(pool, sorted->data, length);
	if (length & 1)
		bytes_add(pool, "", 1);
}

/* All of one target share what there is. */
static void weights_set(const struct zone_set *set, struct bytes *pool)
{
	uint16_t weight = set->n < 100 ? 100 / set->n : 1;
	knot_rdata_t *rdata = (knot_rdata_t *)(void *)(pool->items + set->rdata);

	for (uint16_t i = 0; i < set->n; i++, rdata = knot_rdataset_next(rdata))
		knot_wire_write_u16(rdata->data + SRV_WEIGHT, weight);
}

/* The records of one name, sorted, into sets without duplicates. */
static void sets_add(struct builder *b, struct zone_name *name, const struct sorted *sorted,
		     size_t n)
{
	struct zone *zone = b->zone;
	struct zone_set *set = NULL;

	name->first = (uint32_t)zone->n_sets;
	for (size_t i = 0; i < n; i++) {
		if (i && !sorted_compare(&sorted[i - 1], &sorted[i]))
			continue;
		if (!set || set->type != sorted[i].record->type) {
			if (b->pool.n & 1)
				bytes_add(&b->pool, "", 1);
			set = &zone->sets[zone->n_sets++];
			*set = (struct zone_set){ .type = sorted[i].record->type,
						  .ttl = sorted[i].record->ttl,
						  .rdata = (uint32_t)b->pool.n };
			name->n_sets++;
		}
		if (set->n == UINT16_MAX)
			continue;
		rdata_add(&b->pool, &sorted[i]);
		set->n++;
		set->size = (uint32_t)b->pool.n - set->rdata;
	}
}

/* Counting sort by name: places[i]… are the records of name i. */
static uint32_t *places_count(const struct builder *b)
{
	uint32_t *places = xcalloc(b->names.n + 1, sizeof(*places));

	for (size_t i = 0; i < b->records.n; i++)
		places[b->records.items[i].name + 1]++;
	for (size_t i = 0; i < b->names.n; i++)
		places[i + 1] += places[i];
	return places;
}

static void sets_build(struct builder *b)
{
	uint32_t *places = places_count(b), *next = xcalloc(b->names.n + 1, sizeof(*next));
	struct sorted *sorted = xcalloc(b->records.n + 1, sizeof(*sorted));

	memcpy(next, places, (b->names.n + 1) * sizeof(*next));
	for (size_t i = 0; i < b->records.n; i++) {
		const struct record *record = &b->records.items[i];

		sorted[next[record->name]++] =
			(struct sorted){ record, b->data.items + record->data };
	}
	b->zone->sets = xcalloc(b->records.n + 1, sizeof(*b->zone->sets));
	for (size_t i = 0; i < b->names.n; i++) {
		size_t n = places[i + 1] - places[i];

		if (n > 1)
			qsort(sorted + places[i], n, sizeof(*sorted), sorted_compare);
		sets_add(b, &b->names.items[i], sorted + places[i], n);
	}
	for (size_t i = 0; i < b->zone->n_sets; i++) {
		if (b->zone->sets[i].type == KNOT_RRTYPE_SRV)
			weights_set(&b->zone->sets[i], &b->pool);
	}
	free(sorted);
	free(places);
	free(next);
}

void builder_finish(struct builder *builder)
{
	struct zone *zone = builder->zone;

	sets_build(builder);
	zone->names = builder->names.items;
	zone->n_names = builder->names.n;
	zone->pool = builder->pool.items;
	zone->pool_size = builder->pool.n;
	vec_free(&builder->records);
	vec_free(&builder->data);
}
