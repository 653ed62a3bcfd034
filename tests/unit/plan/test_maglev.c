/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "user/plan/maglev.h"
#include "user/util/addr.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"

static struct maglev_member *members_new(size_t n)
{
	struct maglev_member *members = xcalloc(n, sizeof(*members));

	for (size_t i = 0; i < n; i++)
		members[i] = (struct maglev_member){
			.addr = addr_from_v4(htonl(0x0a010000u + (uint32_t)i)),
			.port = htons(8080),
			.proto = IPPROTO_TCP,
			.weight = 1,
			.id = (uint32_t)i + 1,
		};
	return members;
}

static uint32_t *table_new(const struct maglev_member *members, size_t n)
{
	uint32_t size = maglev_size(n);
	uint32_t *slots = xcalloc(size, sizeof(*slots));

	maglev_fill(members, n, slots, size);
	return slots;
}

/* Slots by id; ids are 1…n. */
static uint32_t *shares_new(const uint32_t *slots, uint32_t size, size_t n)
{
	uint32_t *shares = xcalloc(n + 1, sizeof(*shares));

	for (uint32_t i = 0; i < size; i++) {
		assert_in_range(slots[i], 1, n);
		shares[slots[i]]++;
	}
	return shares;
}

static void test_size(void **state)
{
	static const struct {
		size_t n;
		uint32_t size;
	} rows[] = {
		{ 0, 0 },     { 1, 1 },	      { 2, 211 },     { 3, 307 },     { 10, 1009 },
		{ 11, 1301 }, { 100, 10007 }, { 655, 65521 }, { 656, 65537 }, { 60000, 65537 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(maglev_size(rows[i].n), rows[i].size);
}

/* Skips only walk over all slots of a table whose size is a prime. */
static void test_sizes_are_primes(void **state)
{
	(void)state;
	for (size_t n = 2; n < 1000; n++) {
		uint32_t size = maglev_size(n);

		assert_true(size >= n * 100 || size == 65537);
		for (uint32_t divisor = 2; divisor * divisor <= size; divisor++)
			assert_int_not_equal(size % divisor, 0);
	}
}

static void test_shares_differ_by_one(void **state)
{
	static const size_t counts[] = { 1, 2, 3, 10, 100, 655, 2000 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
		size_t n = counts[i];
		uint32_t size = maglev_size(n);
		cleanup_free struct maglev_member *members = members_new(n);
		cleanup_free uint32_t *slots = table_new(members, n);
		cleanup_free uint32_t *shares = shares_new(slots, size, n);

		for (size_t id = 1; id <= n; id++)
			assert_in_range(shares[id], size / n, (size + n - 1) / n);
	}
}

static void test_order_does_not_matter(void **state)
{
	enum { N = 17 };
	cleanup_free struct maglev_member *members = members_new(N);
	cleanup_free uint32_t *slots = table_new(members, N), *other = NULL;
	uint64_t random = 88172645463325252ull;

	(void)state;
	for (size_t i = N - 1; i > 0; i--) {
		struct maglev_member member = members[i];
		size_t j;

		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		j = random % (i + 1);
		members[i] = members[j];
		members[j] = member;
	}
	other = table_new(members, N);
	assert_memory_equal(slots, other, maglev_size(N) * sizeof(*slots));
}

/* Ids differ from node to node: they say what a slot holds, never which slots a member gets. */
static void test_ids_do_not_matter(void **state)
{
	enum { N = 5 };
	cleanup_free struct maglev_member *members = members_new(N);
	cleanup_free uint32_t *slots = table_new(members, N), *other = NULL;

	(void)state;
	for (size_t i = 0; i < N; i++)
		members[i].id = 100 - members[i].id;
	other = table_new(members, N);
	for (uint32_t i = 0; i < maglev_size(N); i++)
		assert_int_equal(other[i], 100 - slots[i]);
}

/* The port and the protocol are part of the name. */
static void test_names(void **state)
{
	enum { N = 5 };
	cleanup_free struct maglev_member *members = members_new(N);
	cleanup_free uint32_t *slots = table_new(members, N), *ports = NULL, *protos = NULL;
	size_t bytes = maglev_size(N) * sizeof(*slots);

	(void)state;
	members[2].port = htons(8081);
	ports = table_new(members, N);
	assert_memory_not_equal(slots, ports, bytes);
	members[2].port = htons(8080);
	members[2].proto = IPPROTO_UDP;
	protos = table_new(members, N);
	assert_memory_not_equal(slots, protos, bytes);
}

/*
 * One of n leaves, and beside its own slots few others move. The sizes are kept equal, since a
 * table of another size is another table.
 */
static void test_little_moves(void **state)
{
	static const struct {
		size_t n;
		uint32_t size;
		uint32_t most; /* per mille of the slots that the others keep */
	} rows[] = { { 3, 307, 60 }, { 10, 1009, 60 }, { 100, 10007, 60 }, { 100, 65537, 25 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t n = rows[i].n;
		uint32_t size = rows[i].size, moved = 0, kept = 0;
		cleanup_free struct maglev_member *members = members_new(n);
		cleanup_free uint32_t *before = xcalloc(size, sizeof(*before));
		cleanup_free uint32_t *after = xcalloc(size, sizeof(*after));

		maglev_fill(members, n, before, size);
		maglev_fill(members, n - 1, after, size);
		for (uint32_t slot = 0; slot < size; slot++) {
			if (before[slot] == n)
				continue;
			kept++;
			moved += before[slot] != after[slot];
		}
		print_message("%zu members, %u slots: %u of %u others' slots moved\n", n, size,
			      moved, kept);
		assert_true(moved * 1000ull <= (uint64_t)kept * rows[i].most);
	}
}

static void test_weights(void **state)
{
	enum { N = 4 };
	static const uint16_t weights[N] = { 1, 2, 4, 1 };
	cleanup_free struct maglev_member *members = members_new(N);
	cleanup_free uint32_t *slots = NULL, *shares = NULL;

	(void)state;
	for (size_t i = 0; i < N; i++)
		members[i].weight = weights[i];
	slots = table_new(members, N);
	shares = shares_new(slots, maglev_size(N), N);
	for (size_t i = 0; i < N; i++) {
		uint32_t fair = maglev_size(N) * weights[i] / 8;

		assert_in_range(shares[i + 1], fair - 2, fair + 2);
	}
}

/* However small, a weight is worth a slot. */
static void test_small_weight(void **state)
{
	cleanup_free struct maglev_member *members = members_new(2);
	cleanup_free uint32_t *slots = NULL, *shares = NULL;

	(void)state;
	members[0].weight = 65535;
	slots = table_new(members, 2);
	shares = shares_new(slots, maglev_size(2), 2);
	assert_int_equal(shares[2], 1);
}

/* The table that all nodes of all versions agree on: changing it breaks their agreement. */
static void test_fixed(void **state)
{
	cleanup_free struct maglev_member *members = members_new(3);
	cleanup_free uint32_t *slots = table_new(members, 3);
	uint32_t hash = 0x811c9dc5u;

	(void)state;
	for (uint32_t i = 0; i < maglev_size(3); i++)
		hash = (hash ^ slots[i]) * 0x01000193u;
	assert_int_equal(hash, 0x4cc9dbdeu);
}

/* ------------------------------------------------- as the paper has it -- */

static uint64_t plain_mix(uint64_t hash)
{
	hash = (hash ^ hash >> 30) * 0xbf58476d1ce4e5b9ull;
	hash = (hash ^ hash >> 27) * 0x94d049bb133111ebull;
	return hash ^ hash >> 31;
}

/* All IPv4 here: the first eight bytes of an address are zero. */
static uint64_t plain_hash(const struct maglev_member *member, uint64_t seed)
{
	uint64_t low = 0xffffull << 32 | ntohl(member->addr.word[3]);

	return plain_mix(plain_mix(plain_mix(seed) ^ low) ^
			 ((uint64_t)ntohs(member->port) << 8 | member->proto));
}

/* Step by step; members are sorted. */
static void plain_fill(const struct maglev_member *members, size_t n, uint32_t *slots,
		       uint32_t size)
{
	cleanup_free uint64_t *steps = xcalloc(n, sizeof(*steps));
	uint32_t most = 0, done = 0;

	memset(slots, 0, size * sizeof(*slots));
	for (size_t i = 0; i < n; i++)
		most = members[i].weight > most ? members[i].weight : most;
	for (uint64_t round = 0; done < size; round++) {
		for (size_t i = 0; i < n && done < size; i++) {
			uint64_t offset = plain_hash(&members[i], 0x6c62637400000001ull);
			uint64_t skip =
				plain_hash(&members[i], 0x6c62637400000002ull) % (size - 1) + 1;
			uint64_t at;

			/* In the first round, and whenever as many rounds have earned another turn.
			 */
			if (round && round * members[i].weight / most ==
					     (round - 1) * members[i].weight / most)
				continue;
			do
				at = (offset % size + steps[i]++ * skip) % size;
			while (slots[at]);
			slots[at] = members[i].id;
			done++;
		}
	}
}

static void test_plain(void **state)
{
	static const size_t counts[] = { 2, 3, 7, 10, 31, 100, 330, 700 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(counts) * 2; i++) {
		size_t n = counts[i / 2];
		uint32_t size = maglev_size(n);
		cleanup_free struct maglev_member *members = members_new(n);
		cleanup_free uint32_t *plain = xcalloc(size, sizeof(*plain));
		cleanup_free uint32_t *slots = NULL;

		for (size_t j = 0; j < n && i % 2; j++)
			members[j].weight = (uint16_t)(j * j % 7 + 1);
		plain_fill(members, n, plain, size);
		slots = table_new(members, n);
		assert_memory_equal(slots, plain, size * sizeof(*slots));
	}
}

static void test_time(void **state)
{
	cleanup_free struct maglev_member *members = members_new(10);
	cleanup_free uint32_t *slots = table_new(members, 10);
	clock_t start = clock();

	(void)state;
	for (uint32_t i = 0; i < 1000; i++) {
		members[0].port = htons((uint16_t)i);
		maglev_fill(members, 10, slots, maglev_size(10));
	}
	print_message("a table of 10 members: %.1f us\n",
		      (double)(clock() - start) * 1e6 / CLOCKS_PER_SEC / 1000);
	assert_in_range(slots[0], 1, 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_sizes_are_primes),
		cmocka_unit_test(test_shares_differ_by_one),
		cmocka_unit_test(test_order_does_not_matter),
		cmocka_unit_test(test_ids_do_not_matter),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_little_moves),
		cmocka_unit_test(test_weights),
		cmocka_unit_test(test_small_weight),
		cmocka_unit_test(test_fixed),
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
