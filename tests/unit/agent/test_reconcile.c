/* SPDX-License-Identifier: Apache-2.0 */
/* The reconciler against maps of memory: what it reads when, writes when, and leaves alone. */
#include "tests/unit/agent/memory.h"

static void test_writes_once(void **state)
{
	struct stage stage;

	stage_open(&stage, state);
	assert_int_equal(run(&stage), 0);
	assert_true(stage.result.attached);
	assert_true(stage.result.operations > 0);
	assert_true(served("10.96.0.7", 80));
	assert_true(served("192.0.2.1", 30123));
	assert_int_equal(stage.reconcile.services, 1);
	assert_int_equal(stage.reconcile.backends, 1);
	assert_int_equal(run(&stage), 0);
	assert_int_equal(stage.result.operations, 0);
	assert_int_equal(fake.calls.apply, 1);
	/* Nothing was stale the second time. */
	assert_int_equal(fake.calls.load, 1);
	assert_int_equal(fake.calls.open, 1);
	assert_int_equal(fake.calls.refresh, 1);
	assert_int_equal(fake.calls.snapshot, 1);
	stage_close(&stage);
	assert_int_equal(fake.calls.close, 1);
}

static void test_not_attached(void **state)
{
	struct stage stage;

	stage_open(&stage, state);
	fake.attached = false;
	assert_int_equal(run(&stage), 0);
	assert_false(stage.result.attached);
	assert_int_equal(stage.reconcile.services, 1);
	assert_int_equal(fake.calls.snapshot + fake.calls.apply + fake.calls.attach_pods, 0);
	/* Attached later: noticed without being told. */
	fake.attached = true;
	assert_int_equal(run(&stage), 0);
	assert_true(stage.result.attached);
	assert_true(served("10.96.0.7", 80));
	stage_close(&stage);
}

static void test_change_reads_no_maps(void **state)
{
	struct stage stage;

	stage_open(&stage, state);
	assert_int_equal(run(&stage), 0);
	fake.objects[1] = ENDPOINTS("172.17.0.8");
	stage.reconcile.stale |= RECONCILE_STATE;
	assert_int_equal(run(&stage), 0);
	assert_true(stage.result.operations > 0);
	assert_int_equal(fake.calls.apply, 2);
	assert_int_equal(fake.calls.snapshot, 1);
	stage_close(&stage);
}

static void test_address_change(void **state)
{
	struct stage stage;

	stage_open(&stage, state);
	assert_int_equal(run(&stage), 0);
	fake.address = "192.0.2.9";
	stage.reconcile.stale |= RECONCILE_DEVICES;
	assert_int_equal(run(&stage), 0);
	assert_false(served("192.0.2.1", 30123));
	assert_true(served("192.0.2.9", 30123));
	assert_int_equal(fake.calls.load, 1);
	stage_close(&stage);
}

static void test_configured_addresses_win(void **state)
{
	struct stage stage;

	stage_open(&stage, state);
	assert_int_equal(addr_parse("198.51.100.5", vec_add(&stage.config.node_addresses)), 0);
	assert_int_equal(run(&stage), 0);
	assert_true(served("198.51.100.5", 30123));
	assert_false(served("192.0.2.1", 30123));
	stage_close(&stage);
}

static void test_failed_apply_is_tried_again(void **state)
{
	struct stage stage;

	stage_open(&stage, state);
	fake.apply_failures = 1;
	assert_int_equal(run(&stage), 0);
	assert_true(served("10.96.0.7", 80));
	assert_int_equal(fake.calls.apply, 2);
	assert_int_equal(fake.calls.snapshot, 2);
	stage_close(&stage);
}

static void test_twice_failed_apply(void **state)
{
	struct stage stage;

	stage_open(&stage, state);
	fake.apply_failures = 2;
	assert_int_equal(run(&stage), -EIO);
	assert_string_equal(stage.err.text, "apply");
	assert_int_equal(fake.calls.close, 1);
	assert_int_equal(run(&stage), 0);
	assert_true(served("10.96.0.7", 80));
	assert_int_equal(fake.calls.open, 2);
	stage_close(&stage);
}

/* An unreadable state says nothing about what the maps should hold. */
static void test_unreadable_state_removes_nothing(void **state)
{
	struct stage stage;

	stage_open(&stage, state);
	assert_int_equal(run(&stage), 0);
	reconcile_done(&stage.reconcile);
	reconcile_init(&stage.reconcile, &stage.temp->paths, &stage.config, &fake_io, 0);
	fake.objects[0] = NULL;
	fake.load = -EINVAL;
	assert_int_equal(run(&stage), -EINVAL);
	assert_string_equal(stage.err.text, "load");
	assert_int_equal(fake.calls.apply, 1);
	assert_true(served("10.96.0.7", 80));
	stage_close(&stage);
}

static void test_unreadable_state_later(void **state)
{
	struct stage stage;

	stage_open(&stage, state);
	assert_int_equal(run(&stage), 0);
	fake.load = -EINVAL;
	fake.address = "192.0.2.9";
	stage.reconcile.stale |= RECONCILE_STATE | RECONCILE_DEVICES;
	assert_int_equal(run(&stage), -EINVAL);
	assert_true(served("192.0.2.9", 30123));
	assert_true(served("10.96.0.7", 80));
	/* Repaired: it is read without anybody asking again. */
	fake.load = 0;
	fake.objects[0] = NULL;
	assert_int_equal(run(&stage), 0);
	assert_false(served("10.96.0.7", 80));
	stage_close(&stage);
}

static void test_pods_fail_services_work(void **state)
{
	struct stage stage;

	stage_open(&stage, state);
	fake.attach_pods = -EPERM;
	assert_int_equal(run(&stage), -EPERM);
	assert_string_equal(stage.err.text, "attach pods");
	assert_true(served("10.96.0.7", 80));
	fake.attach_pods = 0;
	assert_int_equal(run(&stage), 0);
	assert_int_equal(fake.calls.attach_pods, 2);
	stage_close(&stage);
}

/* Without addresses every node port would be taken out. */
static void test_unknown_addresses_remove_nothing(void **state)
{
	struct stage stage;

	stage_open(&stage, state);
	assert_int_equal(run(&stage), 0);
	fake.refresh = -EIO;
	stage.reconcile.stale = RECONCILE_ALL;
	assert_int_equal(run(&stage), -EIO);
	assert_true(served("192.0.2.1", 30123));
	assert_int_equal(fake.calls.apply, 1);
	stage_close(&stage);
}

static void test_maps_edited_by_others_heal(void **state)
{
	struct stage stage;

	stage_open(&stage, state);
	assert_int_equal(run(&stage), 0);
	fake.maps.n_frontends = 0;
	stage.reconcile.stale |= RECONCILE_MAPS;
	assert_int_equal(run(&stage), 0);
	assert_true(served("10.96.0.7", 80));
	stage_close(&stage);
}

/* Another process of this instance has written: the copy is old, and the count tells. */
static void test_other_writers_are_noticed(void **state)
{
	struct lock_sync lock;
	struct stage stage;

	stage_open(&stage, state);
	assert_int_equal(run(&stage), 0);
	assert_int_equal(lock_sync_take(&stage.temp->paths, 0, &lock, NULL), 0);
	assert_int_equal(lock_sync_count(&lock, NULL), 0);
	fake.maps.n_frontends = 0;
	lock_sync_release(&lock);
	assert_int_equal(run(&stage), 0);
	assert_int_equal(fake.calls.snapshot, 2);
	assert_true(served("10.96.0.7", 80));
	stage_close(&stage);
}

static void test_busy_lock(void **state)
{
	struct lock_sync lock;
	struct stage stage;

	stage_open(&stage, state);
	assert_int_equal(lock_sync_take(&stage.temp->paths, 0, &lock, NULL), 0);
	assert_int_equal(run(&stage), -EBUSY);
	assert_int_equal(fake.calls.load, 0);
	lock_sync_release(&lock);
	assert_int_equal(run(&stage), 0);
	stage_close(&stage);
}

/* Detached and attached behind our back. */
static void test_new_pins_are_opened(void **state)
{
	struct stage stage;

	stage_open(&stage, state);
	assert_int_equal(run(&stage), 0);
	temp_mkdir(stage.temp, "bpf");
	temp_mkdir(stage.temp, "bpf/v2");
	fake.maps.n_frontends = 0;
	assert_int_equal(run(&stage), 0);
	assert_int_equal(fake.calls.open, 2);
	assert_true(served("10.96.0.7", 80));
	stage_close(&stage);
}

static void test_detached(void **state)
{
	struct stage stage;

	stage_open(&stage, state);
	assert_int_equal(run(&stage), 0);
	fake.attached = false;
	stage.reconcile.stale |= RECONCILE_MAPS;
	assert_int_equal(run(&stage), 0);
	assert_false(stage.result.attached);
	assert_int_equal(fake.calls.close, 1);
	stage_close(&stage);
	assert_int_equal(fake.calls.close, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		temp_test(test_writes_once),
		temp_test(test_not_attached),
		temp_test(test_change_reads_no_maps),
		temp_test(test_address_change),
		temp_test(test_configured_addresses_win),
		temp_test(test_failed_apply_is_tried_again),
		temp_test(test_twice_failed_apply),
		temp_test(test_unreadable_state_removes_nothing),
		temp_test(test_unreadable_state_later),
		temp_test(test_pods_fail_services_work),
		temp_test(test_unknown_addresses_remove_nothing),
		temp_test(test_maps_edited_by_others_heal),
		temp_test(test_other_writers_are_noticed),
		temp_test(test_busy_lock),
		temp_test(test_new_pins_are_opened),
		temp_test(test_detached),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
