/* SPDX-License-Identifier: Apache-2.0 */
/* The programs' names: new ones in, old ones out, and when there are more than fit. */
#include "tests/net/datapath/sandbox.h"

#include "user/datapath/handle.h"
#include "user/datapath/names.h"

static struct datapath *dp;

static int attached_up(void **state)
{
	if (sandbox_up(state))
		return -1;
	RUN("ip link add eth0 type veth peer name peer0");
	OK(sandbox_attach("eth0", ATTACH_TC, NULL, "none"));
	OK(datapath_open(&box.paths, &dp, &box.err));
	return 0;
}

static int attached_down(void **state)
{
	datapath_close(dp);
	return sandbox_down(state);
}

/* Names are numbers here; those from first on, n of them, are wanted. */
struct wanted {
	uint32_t first, n;
};

static bool wanted_has(void *arg, const struct lb_dns_key *key)
{
	const struct wanted *wanted = arg;
	uint32_t number;

	memcpy(&number, key->name, sizeof(number));
	return number - wanted->first < wanted->n;
}

static struct lb_dns_meta meta_of(uint8_t serial)
{
	return (struct lb_dns_meta){ .domain_size = 15, .complete = 1, .soa = { serial } };
}

static void names_set(struct wanted wanted, uint8_t serial)
{
	struct lb_dns_key *keys = xcalloc(wanted.n + 1, sizeof(*keys));
	struct lb_dns *values = xcalloc(wanted.n + 1, sizeof(*values));
	struct datapath_names names = { .keys = keys,
					.values = values,
					.n = wanted.n,
					.meta = meta_of(serial),
					.has = wanted_has,
					.arg = &wanted };

	for (uint32_t i = 0; i < wanted.n; i++) {
		uint32_t number = wanted.first + i;

		memcpy(keys[i].name, &number, sizeof(number));
		values[i].n_a = serial;
	}
	OK(datapath_set_names(dp, &names, &box.err));
	free(keys);
	free(values);
}

/* n_a of a name; -1: it is not there. */
static int name_get(uint32_t number)
{
	struct lb_dns_key key = { 0 };
	struct lb_dns value;

	memcpy(key.name, &number, sizeof(number));
	return bpf_map_lookup_elem(dp->map[MAP_DNS], &key, &value) ? -1 : value.n_a;
}

static struct lb_dns_meta meta_get(void)
{
	const uint32_t zero = 0;
	struct lb_dns_meta meta;

	assert_int_equal(bpf_map_lookup_elem(dp->map[MAP_DNS_META], &zero, &meta), 0);
	return meta;
}

static void come_and_go(void **state)
{
	struct lb_dns_meta first = meta_of(1), second = meta_of(2);

	(void)state;
	assert_false(datapath_names_are(dp, &first));
	names_set((struct wanted){ 10, 3 }, 1);
	assert_true(datapath_names_are(dp, &first));
	assert_false(datapath_names_are(dp, &second));
	names_set((struct wanted){ 11, 3 }, 2);
	assert_true(datapath_names_are(dp, &second));
	assert_int_equal(name_get(10), -1);
	for (uint32_t number = 11; number < 14; number++)
		assert_int_equal(name_get(number), 2);
	names_set((struct wanted){ 0, 0 }, 3);
	assert_int_equal(name_get(12), -1);
	assert_int_equal(meta_get().complete, 1);
}

/* What does not fit is for the server, so nothing may be denied. */
static void too_many(void **state)
{
	struct lb_dns_meta meta = meta_of(4);

	(void)state;
	names_set((struct wanted){ 0, LB_MAX_DNS + 1000 }, 4);
	assert_int_equal(meta_get().complete, 0);
	assert_int_equal(name_get(5), 4);
	assert_true(datapath_names_are(dp, &meta));
	names_set((struct wanted){ 0, 10 }, 5);
	assert_int_equal(meta_get().complete, 1);
	assert_int_equal(name_get(9), 5);
	assert_int_equal(name_get(10), -1);
}

/* Two sets that fit one by one, though not both at once. */
static void a_large_set_gives_way(void **state)
{
	const uint32_t many = LB_MAX_DNS / 4 * 3;

	(void)state;
	names_set((struct wanted){ 0, many }, 6);
	assert_int_equal(meta_get().complete, 1);
	names_set((struct wanted){ many, many }, 7);
	assert_int_equal(meta_get().complete, 1);
	assert_int_equal(name_get(0), -1);
	assert_int_equal(name_get(many), 7);
	assert_int_equal(name_get(2 * many - 1), 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(come_and_go),
		cmocka_unit_test(too_many),
		cmocka_unit_test(a_large_set_gives_way),
	};

	return cmocka_run_group_tests(tests, attached_up, attached_down);
}
