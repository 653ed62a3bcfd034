/* SPDX-License-Identifier: Apache-2.0 */
/* When the reconciler looks for sockets of backends that left. */
#include "tests/unit/agent/memory.h"

/* Sockets are looked through where backends may have gone, and not for every change. */
static void test_sweeps(void **state)
{
	struct stage stage;

	stage_open(&stage, state);
	assert_int_equal(run(&stage), 0);
	/* Another address of the node: frontends change, backends do not. */
	fake.address = "192.0.2.9";
	stage.reconcile.stale |= RECONCILE_DEVICES;
	assert_int_equal(run(&stage), 0);
	assert_true(stage.result.operations > 0);
	assert_int_equal(fake.calls.sweep, 0);
	fake.objects[1] = ENDPOINTS("172.17.0.8");
	stage.reconcile.stale |= RECONCILE_STATE;
	assert_int_equal(run(&stage), 0);
	assert_int_equal(fake.calls.sweep, 1);
	assert_int_equal(stage.reconcile.swept, 2);
	assert_int_equal(run(&stage), 0);
	assert_int_equal(fake.calls.sweep, 1);
	assert_int_equal(stage.reconcile.swept, 0);
	/* Whoever else wrote the maps may have left them to this process. */
	stage.reconcile.sweep_due = true;
	assert_int_equal(run(&stage), 0);
	assert_int_equal(stage.result.operations, 0);
	assert_int_equal(fake.calls.sweep, 2);
	stage_close(&stage);
}

static void test_failed_sweep_fails_nothing(void **state)
{
	struct stage stage;

	stage_open(&stage, state);
	fake.sweep = -EOPNOTSUPP;
	stage.reconcile.sweep_due = true;
	assert_int_equal(run(&stage), 0);
	assert_true(served("10.96.0.7", 80));
	assert_string_equal(stage.reconcile.sweep_error, "sweep");
	assert_int_equal(stage.reconcile.swept, 0);
	fake.sweep = 0;
	stage.reconcile.sweep_due = true;
	assert_int_equal(run(&stage), 0);
	assert_null(stage.reconcile.sweep_error);
	stage_close(&stage);
}

static void test_sweep_waits_for_the_maps(void **state)
{
	struct stage stage;

	stage_open(&stage, state);
	assert_int_equal(run(&stage), 0);
	fake.objects[1] = ENDPOINTS("172.17.0.8");
	fake.apply_failures = 2;
	stage.reconcile.stale |= RECONCILE_STATE;
	assert_int_not_equal(run(&stage), 0);
	assert_int_equal(fake.calls.sweep, 0);
	assert_int_equal(run(&stage), 0);
	assert_int_equal(fake.calls.sweep, 1);
	stage_close(&stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		temp_test(test_sweeps),
		temp_test(test_failed_sweep_fails_nothing),
		temp_test(test_sweep_waits_for_the_maps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
