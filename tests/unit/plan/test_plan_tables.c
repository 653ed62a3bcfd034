/* SPDX-License-Identifier: Apache-2.0 */
/* Maglev tables: kept, moved, needed or not. */
#include "tests/unit/plan/maps.h"

#include "user/util/cleanup.h"

static void test_tables_are_kept(void **state)
{
	struct actual actual = maps_new(ROOMY);
	struct desired desired = kubia(3);
	struct plan plan;

	(void)state;
	settle(&actual, kubia(3));
	want_frontend(&desired.services[0], "203.0.113.1", 80, LB_FRONTEND_EXTERNAL);
	plan = reach(&actual, &desired);
	assert_int_equal(plan.n, 1);
	assert_int_equal(plan.ops[0].kind, PLAN_FRONTEND_SET);
	assert_memory_equal(&held_frontend(&actual, "203.0.113.1")->cluster,
			    &held_frontend(&actual, "10.96.0.5")->cluster, sizeof(struct lb_range));
	plan_done(&plan);
	desired_done(&desired);
	actual_done(&actual);
}

/* A new table lies beside the old one, whose space is free for the next. */
static void test_tables_change_places(void **state)
{
	struct actual actual = maps_new(ROOMY);

	(void)state;
	settle(&actual, kubia(2));
	assert_int_equal(held_frontend(&actual, "10.96.0.5")->cluster.base, 0);
	settle(&actual, kubia(3));
	assert_int_equal(held_frontend(&actual, "10.96.0.5")->cluster.base, 211);
	settle(&actual, kubia(2));
	assert_int_equal(held_frontend(&actual, "10.96.0.5")->cluster.base, 0);
	settle(&actual, kubia(0));
	assert_int_equal(held_frontend(&actual, "10.96.0.5")->cluster.len, 0);
	actual_done(&actual);
}

static void test_weight_makes_a_new_table(void **state)
{
	struct actual actual = maps_new(ROOMY);
	struct desired desired = kubia(2);
	struct plan plan;

	(void)state;
	settle(&actual, kubia(2));
	desired.services[0].backends[1].weight = 3;
	plan = reach(&actual, &desired);
	assert_int_equal(plan_count(&plan, PLAN_BACKEND_SET), 1);
	assert_int_equal(plan_count(&plan, PLAN_MAGLEV_SET), 1);
	assert_int_equal(plan_count(&plan, PLAN_FRONTEND_SET), 1);
	expect_backend(&actual, 2, 1, LB_BACKEND_POD, 1);
	plan_done(&plan);
	desired_done(&desired);
	actual_done(&actual);
}

/* The node's own set has a table where a frontend needs it and it is another set. */
static void test_local_tables(void **state)
{
	static const struct {
		const char *name;
		uint32_t flags;
		bool local[3];
		size_t tables;
		uint32_t cluster, own;
	} rows[] = {
		{ "no policy", 0, { true, false, false }, 1, 307, 0 },
		{ "one of three", LB_FRONTEND_LOCAL, { true, false, false }, 2, 307, 1 },
		{ "two of three", LB_FRONTEND_LOCAL, { true, false, true }, 2, 307, 211 },
		{ "all", LB_FRONTEND_LOCAL, { true, true, true }, 1, 307, 307 },
		{ "none", LB_FRONTEND_LOCAL, { false, false, false }, 1, 307, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct actual actual = maps_new(ROOMY);
		struct desired desired = kubia(3);
		const struct lb_frontend *frontend;
		struct plan plan;

		desired.services[0].frontends[0].flags = rows[i].flags;
		for (size_t j = 0; j < 3; j++)
			desired.services[0].backends[j].local = rows[i].local[j];
		plan = reach(&actual, &desired);
		frontend = held_frontend(&actual, "10.96.0.5");
		if (plan_count(&plan, PLAN_MAGLEV_SET) != rows[i].tables ||
		    frontend->cluster.len != rows[i].cluster || frontend->local.len != rows[i].own)
			fail_msg("%s: %zu tables, %u and %u slots", rows[i].name,
				 plan_count(&plan, PLAN_MAGLEV_SET), frontend->cluster.len,
				 frontend->local.len);
		plan_done(&plan);
		desired_done(&desired);
		actual_done(&actual);
	}
}

/* Members of a table that was spoilt, by whatever, are put right. */
static void test_spoilt_table(void **state)
{
	struct actual actual = maps_new(ROOMY);
	struct desired desired = kubia(2);
	struct plan plan;

	(void)state;
	settle(&actual, kubia(2));
	for (uint32_t i = 0; i < 211; i++)
		actual.slots[i] = 1;
	plan = reach(&actual, &desired);
	assert_int_equal(plan_count(&plan, PLAN_MAGLEV_SET), 1);
	plan_done(&plan);
	desired_done(&desired);
	actual_done(&actual);
}

static void test_no_frontend_no_table(void **state)
{
	struct actual actual = maps_new(ROOMY);
	struct desired desired = kubia(2);
	struct plan plan;

	(void)state;
	desired.services[0].n_frontends = 0;
	plan = reach(&actual, &desired);
	assert_int_equal(plan_count(&plan, PLAN_MAGLEV_SET), 0);
	assert_int_equal(plan_count(&plan, PLAN_BACKEND_SET), 2);
	plan_done(&plan);
	desired_done(&desired);
	actual_done(&actual);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tables_are_kept),
		cmocka_unit_test(test_tables_change_places),
		cmocka_unit_test(test_weight_makes_a_new_table),
		cmocka_unit_test(test_local_tables),
		cmocka_unit_test(test_spoilt_table),
		cmocka_unit_test(test_no_frontend_no_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
