/* SPDX-License-Identifier: Apache-2.0 */
#include "user/dns/cache.h"

#include <libknot/libknot.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "user/dns/hash.h"
#include "user/util/vec.h"

#define BUCKETS 4096
#define REPLY_MAX 4096 /* larger ones are rare, and asked for again */

struct entry {
	struct question question;
	uint8_t *reply;
	size_t size;
	uint64_t stored, expires;
	LIST_ENTRY(entry) bucket;
	TAILQ_ENTRY(entry) used;
};

LIST_HEAD(entry_list, entry);
TAILQ_HEAD(entry_queue, entry);

struct cache {
	struct entry_list buckets[BUCKETS];
	struct entry_queue used; /* the last one asked for first */
	size_t n;
};

bool question_equal(const struct question *a, const struct question *b)
{
	return a->type == b->type && a->dnssec == b->dnssec && a->name.size == b->name.size &&
	       !memcmp(a->name.wire, b->name.wire, a->name.size);
}

uint32_t question_hash(const struct question *question)
{
	return name_hash(question->name.wire, question->name.size) ^ question->type;
}

struct cache *cache_new(void)
{
	struct cache *cache = xcalloc(1, sizeof(*cache));

	TAILQ_INIT(&cache->used);
	return cache;
}

static void entry_remove(struct cache *cache, struct entry *entry)
{
	LIST_REMOVE(entry, bucket);
	TAILQ_REMOVE(&cache->used, entry, used);
	cache->n--;
	free(entry->reply);
	free(entry);
}

void cache_free(struct cache *cache)
{
	if (!cache)
		return;
	while (!TAILQ_EMPTY(&cache->used))
		entry_remove(cache, TAILQ_FIRST(&cache->used));
	free(cache);
}

static struct entry *entry_find(struct cache *cache, const struct question *question)
{
	struct entry *entry;

	LIST_FOREACH(entry, &cache->buckets[question_hash(question) % BUCKETS], bucket)
	{
		if (question_equal(&entry->question, question))
			return entry;
	}
	return NULL;
}

static uint32_t section_ttl(const knot_pktsection_t *section, uint32_t ttl)
{
	for (uint16_t i = 0; i < section->count; i++) {
		if (knot_pkt_rr(section, i)->ttl < ttl)
			ttl = knot_pkt_rr(section, i)->ttl;
	}
	return ttl;
}

/* RFC 2308: as long as the SOA record says, and not at all without one. */
static uint32_t negative_ttl(const knot_pktsection_t *authority)
{
	for (uint16_t i = 0; i < authority->count; i++) {
		const knot_rrset_t *rr = knot_pkt_rr(authority, i);
		uint32_t minimum;

		if (rr->type != KNOT_RRTYPE_SOA)
			continue;
		minimum = knot_soa_minimum(rr->rrs.rdata);
		minimum = rr->ttl < minimum ? rr->ttl : minimum;
		return minimum < CACHE_NEGATIVE_MAX ? minimum : CACHE_NEGATIVE_MAX;
	}
	return 0;
}

/* Seconds that a reply may be kept; 0: not at all. */
static uint32_t reply_ttl(const uint8_t *reply, size_t size)
{
	uint8_t rcode = knot_wire_get_rcode(reply);
	uint32_t ttl = 0;
	knot_pkt_t *packet;

	if ((rcode != KNOT_RCODE_NOERROR && rcode != KNOT_RCODE_NXDOMAIN) ||
	    knot_wire_get_tc(reply))
		return 0;
	packet = knot_pkt_new((void *)(uintptr_t)reply, (uint16_t)size, NULL);
	if (packet && knot_pkt_parse(packet, KNOT_PF_KEEPWIRE) == KNOT_EOK) {
		const knot_pktsection_t *answer = knot_pkt_section(packet, KNOT_ANSWER);
		const knot_pktsection_t *authority = knot_pkt_section(packet, KNOT_AUTHORITY);

		ttl = section_ttl(answer, CACHE_TTL_MAX);
		if (rcode == KNOT_RCODE_NXDOMAIN || !answer->count) {
			uint32_t negative = negative_ttl(authority);

			ttl = negative < ttl ? negative : ttl;
		}
	}
	knot_pkt_free(packet);
	return ttl;
}

void cache_put(struct cache *cache, const struct question *question, const uint8_t *reply,
	       size_t size, uint64_t now)
{
	struct entry *entry = entry_find(cache, question);
	uint32_t ttl = size <= REPLY_MAX ? reply_ttl(reply, size) : 0;

	if (entry)
		entry_remove(cache, entry);
	if (!ttl)
		return;
	if (cache->n == CACHE_ENTRIES)
		entry_remove(cache, TAILQ_LAST(&cache->used, entry_queue));
	entry = xcalloc(1, sizeof(*entry));
	*entry = (struct entry){ .question = *question,
				 .reply = xmalloc(size),
				 .size = size,
				 .stored = now,
				 .expires = now + ttl };
	memcpy(entry->reply, reply, size);
	LIST_INSERT_HEAD(&cache->buckets[question_hash(question) % BUCKETS], entry, bucket);
	TAILQ_INSERT_HEAD(&cache->used, entry, used);
	cache->n++;
}

const uint8_t *cache_get(struct cache *cache, const struct question *question, uint64_t now,
			 size_t *ret_size, uint32_t *ret_age)
{
	struct entry *entry = entry_find(cache, question);

	if (!entry)
		return NULL;
	if (now >= entry->expires) {
		entry_remove(cache, entry);
		return NULL;
	}
	TAILQ_REMOVE(&cache->used, entry, used);
	TAILQ_INSERT_HEAD(&cache->used, entry, used);
	*ret_size = entry->size;
	*ret_age = (uint32_t)(now - entry->stored);
	return entry->reply;
}
