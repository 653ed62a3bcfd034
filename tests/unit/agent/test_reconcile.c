/* SPDX-License-Identifier: Apache-2.0 */
/* The reconciler against maps of memory: what it reads when, writes when, and leaves alone. */
#include "tests/unit/agent/temp.h"

#include "user/agent/lock.h"
#include "user/agent/reconcile.h"
#include "user/k8s/decode.h"

/* --------------------------------------------------- a node of memory -- */

struct fake {
	/* what happens; -errno fails the next so many calls */
	bool attached;
	int load, open, attach_pods, refresh, snapshot, apply;
	unsigned int apply_failures;
	const char *objects[4];
	const char *address; /* of the only device */
	struct actual maps;
	/* what was done */
	struct {
		unsigned int load, open, close, attach_pods, refresh, snapshot, apply;
	} calls;
};

static struct fake fake;

/* Only ever pointed to. */
static char handle;

static int fake_load(const char *dir, struct object_list *list, struct err *err)
{
	(void)dir;
	fake.calls.load++;
	for (size_t i = 0; i < ARRAY_LEN(fake.objects) && fake.objects[i]; i++) {
		cleanup_json json_t *json = json_loads(fake.objects[i], 0, NULL);
		struct object *object;

		assert_non_null(json);
		if (object_decode(json, "default", &object, NULL, err))
			fail_msg("%s", err->text);
		vec_push(list, object);
	}
	return fake.load ? err_set(err, fake.load, "load") : 0;
}

static int fake_open(const struct paths *paths, struct datapath **ret, struct err *err)
{
	(void)paths;
	fake.calls.open++;
	if (fake.open)
		return err_set(err, fake.open, "open");
	if (!fake.attached)
		return err_set(err, -ENOENT, "nothing is attached");
	*ret = (struct datapath *)&handle;
	return 0;
}

static void fake_close(struct datapath *dp)
{
	assert_ptr_equal(dp, &handle);
	fake.calls.close++;
}

static int fake_attach_pods(const struct paths *paths, struct err *err)
{
	(void)paths;
	fake.calls.attach_pods++;
	return fake.attach_pods ? err_set(err, fake.attach_pods, "attach pods") : 0;
}

static int fake_refresh(struct datapath *dp, const struct config *config,
			struct addr_list *ret_addresses, struct err *err)
{
	(void)config;
	assert_ptr_equal(dp, &handle);
	fake.calls.refresh++;
	if (fake.refresh)
		return err_set(err, fake.refresh, "refresh");
	if (fake.address)
		assert_int_equal(addr_parse(fake.address, vec_add(ret_addresses)), 0);
	return 0;
}

static void *copy(const void *items, size_t n, size_t size)
{
	return n ? memcpy(xcalloc(n, size), items, n * size) : NULL;
}

static int fake_snapshot(struct datapath *dp, struct actual *ret_actual, struct err *err)
{
	const struct actual *maps = &fake.maps;
	struct actual actual = *maps;

	assert_ptr_equal(dp, &handle);
	fake.calls.snapshot++;
	if (fake.snapshot)
		return err_set(err, fake.snapshot, "snapshot");
	actual.services = copy(maps->services, maps->n_services, sizeof(*maps->services));
	actual.frontends = copy(maps->frontends, maps->n_frontends, sizeof(*maps->frontends));
	actual.backends = copy(maps->backends, maps->n_backends, sizeof(*maps->backends));
	actual.ranges = copy(maps->ranges, maps->n_ranges, sizeof(*maps->ranges));
	actual.slots = copy(maps->slots, maps->n_slots, sizeof(*maps->slots));
	*ret_actual = actual;
	return 0;
}

static int fake_apply(struct datapath *dp, const struct plan *plan, struct err *err)
{
	assert_ptr_equal(dp, &handle);
	fake.calls.apply++;
	if (fake.apply_failures) {
		fake.apply_failures--;
		return err_set(err, -EIO, "apply");
	}
	plan_simulate(&fake.maps, plan);
	return 0;
}

static const struct reconcile_io fake_io = {
	.load = fake_load,
	.open = fake_open,
	.close = fake_close,
	.attach_pods = fake_attach_pods,
	.refresh = fake_refresh,
	.snapshot = fake_snapshot,
	.apply = fake_apply,
};

#define SERVICE                                                                          \
	"{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"name\":\"kubia\"}," \
	"\"spec\":{\"type\":\"NodePort\",\"clusterIP\":\"10.96.0.7\","                   \
	"\"ports\":[{\"port\":80,\"targetPort\":8080,\"nodePort\":30123}]}}"
#define ENDPOINTS(address)                                                                 \
	"{\"apiVersion\":\"v1\",\"kind\":\"Endpoints\",\"metadata\":{\"name\":\"kubia\"}," \
	"\"subsets\":[{\"addresses\":[{\"ip\":\"" address "\"}],\"ports\":[{\"port\":8080}]}]}"

/* --------------------------------------------------------------- the stage -- */

struct stage {
	struct temp *temp;
	struct config config;
	struct reconcile reconcile;
	struct err err;
	struct sync_result result;
};

static void stage_open(struct stage *stage, void **state)
{
	*stage = (struct stage){ .temp = *state };
	fake = (struct fake){
		.attached = true,
		.objects = { SERVICE, ENDPOINTS("172.17.0.7") },
		.address = "192.0.2.1",
		.maps = { .slots = xcalloc(4096, sizeof(uint32_t)),
			  .n_slots = 4096,
			  .max_services = 64,
			  .max_frontends = 64,
			  .max_backends = 64,
			  .max_ranges = 64 },
	};
	assert_int_equal(config_load("/nowhere", false, &stage->config, NULL), 0);
	reconcile_init(&stage->reconcile, &stage->temp->paths, &stage->config, &fake_io, 0);
}

static void stage_close(struct stage *stage)
{
	reconcile_done(&stage->reconcile);
	sync_result_done(&stage->result);
	config_done(&stage->config);
	actual_done(&fake.maps);
}

static int run(struct stage *stage)
{
	sync_result_done(&stage->result);
	stage->err.text[0] = '\0';
	return reconcile_run(&stage->reconcile, &stage->result, &stage->err);
}

/* Is there a frontend with this address and port in the maps? */
static bool served(const char *address, uint16_t port)
{
	struct lb_addr addr;

	assert_int_equal(addr_parse(address, &addr), 0);
	for (size_t i = 0; i < fake.maps.n_frontends; i++) {
		const struct lb_frontend_key *key = &fake.maps.frontends[i].key;

		if (!addr_compare(&key->addr, &addr) && key->port == htons(port))
			return true;
	}
	return false;
}

/* --------------------------------------------------------------- the tests -- */

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
	temp_mkdir(stage.temp, "bpf/v1");
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
