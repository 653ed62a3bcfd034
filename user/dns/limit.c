/* SPDX-License-Identifier: Apache-2.0 */
#include "user/dns/limit.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "user/dns/hash.h"
#include "user/util/vec.h"

#define SLOTS 8192
#define TOKEN 1000 /* tokens are counted in thousandths: one a millisecond at 1/s */

struct bucket {
	uint8_t network[7]; /* of the client: 24 bits of IPv4, 56 of IPv6 */
	bool v4, slip;
	uint32_t tokens;
	uint64_t when;
};

struct limit {
	uint8_t seed[8]; /* nobody can aim at another network's slot */
	struct bucket buckets[SLOTS];
};

struct limit *limit_new(void)
{
	struct limit *limit = xcalloc(1, sizeof(*limit));

	/* Without randomness slots can be guessed, which costs fairness only. */
	if (getrandom(limit->seed, sizeof(limit->seed), 0) < 0)
		memset(limit->seed, 0, sizeof(limit->seed));
	return limit;
}

void limit_free(struct limit *limit)
{
	free(limit);
}

static struct bucket *bucket_of(struct limit *limit, const struct lb_addr *client, uint64_t now)
{
	bool v4 = addr_is_v4(client);
	const uint8_t *bytes = (const uint8_t *)client->word;
	uint8_t key[16] = { 0 };
	struct bucket *bucket;

	memcpy(key, limit->seed, 8);
	memcpy(key + 8, v4 ? bytes + 12 : bytes, v4 ? 3 : 7);
	key[15] = v4;
	bucket = &limit->buckets[name_hash(key, sizeof(key)) % SLOTS];
	if (memcmp(bucket->network, key + 8, sizeof(bucket->network)) != 0 || bucket->v4 != v4 ||
	    !bucket->when) {
		*bucket = (struct bucket){ .v4 = v4, .tokens = LIMIT_RATE * TOKEN, .when = now };
		memcpy(bucket->network, key + 8, sizeof(bucket->network));
	}
	return bucket;
}

enum limit_verdict limit_check(struct limit *limit, const struct lb_addr *client, uint64_t now)
{
	struct bucket *bucket = bucket_of(limit, client, now);
	uint64_t gained = (now - bucket->when) * LIMIT_RATE;

	bucket->when = now;
	bucket->tokens = gained + bucket->tokens > LIMIT_RATE * TOKEN
				 ? LIMIT_RATE * TOKEN
				 : (uint32_t)(bucket->tokens + gained);
	if (bucket->tokens >= TOKEN) {
		bucket->tokens -= TOKEN;
		return LIMIT_ANSWER;
	}
	bucket->slip = !bucket->slip;
	return bucket->slip ? LIMIT_TRUNCATE : LIMIT_DROP;
}
