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
 * What it does badly: filling costs about size × ln(size) steps. Some steps of a walk are looked at
 * together, the more the fewer slots are free: which one is free can hardly be predicted, and a
 * guess that fails costs as much as a dozen steps.
 */
#include "user/plan/maglev.h"

#include <endian.h>
#include <stdbool.h>
#include <string.h>

#include "user/util/vec.h"

#define SLOTS_A_MEMBER 100
#define STRIDE_MAX 16

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

static uint64_t big_endian(const void *bytes)
{
	uint64_t value;

	memcpy(&value, bytes, sizeof(value));
	return be64toh(value);
}

static uint64_t name_hash(const struct maglev_member *member, uint64_t seed)
{
	uint64_t hash = mix(seed ^ big_endian(&member->addr));

	hash = mix(hash ^ big_endian((const char *)&member->addr + 8));
	return mix(hash ^ ((uint64_t)be16toh(member->port) << 8 | member->proto));
}

static int member_compare(const void *a, const void *b)
{
	const struct maglev_member *x = a, *y = b;
	int order = memcmp(&x->addr, &y->addr, sizeof(x->addr));

	if (!order)
		order = memcmp(&x->port, &y->port, sizeof(x->port));
	return order ? order : (int)x->proto - (int)y->proto;
}

/* They mostly are. */
static bool members_are_sorted(const struct maglev_member *members, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		if (member_compare(&members[i - 1], &members[i]) > 0)
			return false;
	}
	return true;
}

/* A member's walk through its permutation. */
struct walk {
	size_t at;		    /* the slot it took last; first, the one before its first */
	uint32_t steps[STRIDE_MAX]; /* skip, 2 skip, … modulo size */
	uint32_t credit;	    /* a turn costs the largest weight */
	uint32_t weight;
	uint32_t id;
};

struct fill {
	struct walk *walks;
	size_t n, next; /* whose turn is next */
	uint32_t price;
	size_t size;
	uint8_t *taken; /* a byte a slot, all of them twice: a step from a slot needs no modulo */
	uint32_t *slots;
};

/* x modulo size, for x below twice the size. */
static size_t wrap(size_t x, size_t size)
{
	size_t less = x - size;

	return less < x ? less : x;
}

static void walk_begin(struct walk *walk, const struct maglev_member *member, uint32_t size)
{
	uint64_t offset = name_hash(member, 0x6c62637400000001ull) % size;
	uint64_t skip = name_hash(member, 0x6c62637400000002ull) % (size - 1) + 1;

	walk->at = wrap(offset + size - skip, size);
	for (int i = 0; i < STRIDE_MAX; i++)
		walk->steps[i] = (uint32_t)wrap((i ? walk->steps[i - 1] : 0) + skip, size);
	walk->weight = member->weight ? member->weight : 1;
	walk->id = member->id;
}

static void fill_begin(struct fill *fill, const struct maglev_member *members)
{
	struct maglev_member *sorted = NULL;

	if (!members_are_sorted(members, fill->n)) {
		sorted = xcalloc(fill->n, sizeof(*sorted));
		memcpy(sorted, members, fill->n * sizeof(*sorted));
		qsort(sorted, fill->n, sizeof(*sorted), member_compare);
		members = sorted;
	}
	for (size_t i = 0; i < fill->n; i++) {
		walk_begin(&fill->walks[i], &members[i], (uint32_t)fill->size);
		if (fill->walks[i].weight > fill->price)
			fill->price = fill->walks[i].weight;
	}
	for (size_t i = 0; i < fill->n; i++)
		fill->walks[i].credit = fill->price - fill->walks[i].weight;
	free(sorted);
}

static inline struct walk *fill_turn(struct fill *fill)
{
	for (;;) {
		struct walk *walk = &fill->walks[fill->next];

		fill->next = fill->next + 1 < fill->n ? fill->next + 1 : 0;
		walk->credit += walk->weight;
		if (walk->credit >= fill->price) {
			walk->credit -= fill->price;
			return walk;
		}
	}
}

/* The last of the steps looked at is the lowest bit. */
static inline uint32_t steps_free(const uint8_t *from, const struct walk *walk, int stride)
{
	uint32_t full = 0;

#pragma GCC unroll 16
	for (int i = 0; i < stride; i++)
		full = full << 1 | from[walk->steps[i]];
	return full ^ ((1u << stride) - 1);
}

/* Turns until no more than `left` slots are free; returns how many are. */
static inline __attribute__((always_inline)) size_t fill_take(struct fill *fill, size_t free,
							      size_t left, int stride)
{
	size_t size = fill->size;
	uint8_t *taken = fill->taken;
	uint32_t *slots = fill->slots;

	for (; free > left; free--) {
		struct walk *walk = fill_turn(fill);
		size_t at = walk->at;
		uint32_t steps;

		while (!(steps = steps_free(&taken[at], walk, stride)))
			at = wrap(at + walk->steps[stride - 1], size);
		at = wrap(at + walk->steps[stride - 32 + __builtin_clz(steps)], size);
		walk->at = at;
		slots[at] = walk->id;
		taken[at] = 1;
		taken[at + size] = 1;
	}
	return free;
}

void maglev_fill(const struct maglev_member *members, size_t n, uint32_t *slots, uint32_t size)
{
	struct fill fill = { .n = n, .size = size, .slots = slots };
	size_t free_slots = size;

	if (!n || !size)
		return;
	if (size == 1) {
		slots[0] = members[0].id;
		return;
	}
	fill.walks = xcalloc(n, sizeof(*fill.walks));
	fill.taken = xcalloc(size, 2 * sizeof(*fill.taken));
	fill_begin(&fill, members);
	free_slots = fill_take(&fill, free_slots, size / 3, 4);
	free_slots = fill_take(&fill, free_slots, size / 8, 8);
	fill_take(&fill, free_slots, 0, STRIDE_MAX);
	free(fill.taken);
	free(fill.walks);
}
