/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Maglev: every member has a permutation of all slots, given by two hashes of its name:
 * offset, offset + skip, offset + 2 skip, … modulo the prime size. Members take turns, each
 * taking the first slot of its permutation that is still free, until none is left. So shares
 * differ by one slot at most, and a member that leaves moves little but its own slots.
 *
 * Weights: a member with the largest weight takes a turn in every round, one of half that
 * weight in every second round. All take one in the first round, so that every member has a
 * slot as long as there are enough.
 *
 * What it does badly: filling costs about size × ln(size) steps. Four steps of a walk are looked
 * at together: which one is free can hardly be predicted, and a guess that fails costs as much as
 * a dozen steps.
 */
#include "user/plan/maglev.h"

#include <string.h>

#include "user/util/vec.h"

#define SLOTS_A_MEMBER 100
#define STRIDE 4

/* Primes, each at most about a third larger than the one before. */
static const uint32_t sizes[] = {
	211,   307,   401,   503,   601,   701,	  809,	 907,	1009,
	1301,  1511,  2003,  2503,  3001,  4001,  5003,	 7001,	10007,
	13001, 16381, 20011, 25013, 32749, 40009, 50021, 65521, MAGLEV_MAX,
};

uint32_t maglev_size(size_t n)
{
	if (n <= 1)
		return (uint32_t)n;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		if (sizes[i] >= n * SLOTS_A_MEMBER)
			return sizes[i];
	}
	return sizes[sizeof(sizes) / sizeof(*sizes) - 1];
}

/*
 * The hash is part of what nodes agree on: splitmix64's finish over the three words of a
 * name, read as big-endian numbers, starting from a seed. Changing it moves every connection
 * that has no flow.
 */
static uint64_t mix(uint64_t hash)
{
	hash = (hash ^ hash >> 30) * 0xbf58476d1ce4e5b9ull;
	hash = (hash ^ hash >> 27) * 0x94d049bb133111ebull;
	return hash ^ hash >> 31;
}

static uint64_t big_endian(const void *bytes, size_t n)
{
	const unsigned char *byte = bytes;
	uint64_t value = 0;

	for (size_t i = 0; i < n; i++)
		value = value << 8 | byte[i];
	return value;
}

static uint64_t name_hash(const struct maglev_member *member, uint64_t seed)
{
	uint64_t hash = mix(seed ^ big_endian(&member->addr, 8));

	hash = mix(hash ^ big_endian((const char *)&member->addr + 8, 8));
	return mix(hash ^ (big_endian(&member->port, 2) << 8 | member->proto));
}

static int member_compare(const void *a, const void *b)
{
	const struct maglev_member *x = a, *y = b;
	int order = memcmp(&x->addr, &y->addr, sizeof(x->addr));

	if (!order)
		order = memcmp(&x->port, &y->port, sizeof(x->port));
	return order ? order : (int)x->proto - (int)y->proto;
}

/* A member's walk through its permutation. */
struct walk {
	uint32_t at;
	uint32_t steps[STRIDE + 1]; /* 0, skip, 2 skip, … modulo size */
	uint32_t credit;	    /* a turn costs the largest weight */
	uint32_t weight;
	uint32_t id;
};

/* x modulo size, for x below twice the size. */
static uint32_t wrap(uint32_t x, uint32_t size)
{
	uint32_t less = x - size;

	return less < x ? less : x;
}

static struct walk walk_begin(const struct maglev_member *member, uint32_t size)
{
	struct walk walk = {
		.at = (uint32_t)(name_hash(member, 0x6c62637400000001ull) % size),
		.weight = member->weight ? member->weight : 1,
		.id = member->id,
	};
	uint64_t skip = name_hash(member, 0x6c62637400000002ull) % (size - 1) + 1;

	for (int i = 1; i <= STRIDE; i++)
		walk.steps[i] = wrap(walk.steps[i - 1] + (uint32_t)skip, size);
	return walk;
}

static struct walk *walks_new(const struct maglev_member *members, size_t n, uint32_t size,
			      uint32_t *ret_price)
{
	struct maglev_member *sorted = xcalloc(n, sizeof(*sorted));
	struct walk *walks = xcalloc(n, sizeof(*walks));
	uint32_t price = 1;

	memcpy(sorted, members, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), member_compare);
	for (size_t i = 0; i < n; i++) {
		walks[i] = walk_begin(&sorted[i], size);
		if (walks[i].weight > price)
			price = walks[i].weight;
	}
	for (size_t i = 0; i < n; i++)
		walks[i].credit = price - walks[i].weight;
	free(sorted);
	*ret_price = price;
	return walks;
}

/* taken has a byte a slot. */
static uint32_t walk_take(struct walk *walk, uint8_t *taken, uint32_t size)
{
	uint32_t at[STRIDE], full;

	for (;; walk->at = wrap(walk->at + walk->steps[STRIDE], size)) {
		full = 0;
		for (int i = 0; i < STRIDE; i++) {
			at[i] = wrap(walk->at + walk->steps[i], size);
			full |= (uint32_t)taken[at[i]] << i;
		}
		if (full != (1u << STRIDE) - 1)
			break;
	}
	walk->at = at[__builtin_ctz(~full)];
	taken[walk->at] = 1;
	return walk->at;
}

void maglev_fill(const struct maglev_member *members, size_t n, uint32_t *slots, uint32_t size)
{
	struct walk *walks;
	uint8_t *taken;
	uint32_t price, done = 0;

	if (!n || !size)
		return;
	if (size == 1) {
		slots[0] = members[0].id;
		return;
	}
	walks = walks_new(members, n, size, &price);
	taken = xcalloc(size, sizeof(*taken));
	while (done < size) {
		for (size_t i = 0; i < n && done < size; i++) {
			walks[i].credit += walks[i].weight;
			if (walks[i].credit < price)
				continue;
			walks[i].credit -= price;
			slots[walk_take(&walks[i], taken, size)] = walks[i].id;
			done++;
		}
	}
	free(taken);
	free(walks);
}
