/* SPDX-License-Identifier: Apache-2.0 */
/* Upstreams' replies as long as they may be kept; the ones not asked for longest go first. */
#ifndef DNS_CACHE_H
#define DNS_CACHE_H

#include "user/dns/name.h"

#define CACHE_ENTRIES 4096
#define CACHE_TTL_MAX 300
/* A name that somebody is about to make must not be unknown for long. */
#define CACHE_NEGATIVE_MAX 30

/* What is asked for. */
struct question {
	struct name name; /* lower case */
	uint16_t type;
	bool dnssec;
};

struct cache;

struct cache *cache_new(void);
void cache_free(struct cache *cache);

/* Keeps a reply if it may be kept at all. now in seconds. */
void cache_put(struct cache *cache, const struct question *question, const uint8_t *reply,
	       size_t size, uint64_t now);

/* A reply that still holds, valid until the next put, and its age in seconds; NULL: none. */
const uint8_t *cache_get(struct cache *cache, const struct question *question, uint64_t now,
			 size_t *ret_size, uint32_t *ret_age);

bool question_equal(const struct question *a, const struct question *b);
uint32_t question_hash(const struct question *question);

#endif
