/* SPDX-License-Identifier: Apache-2.0 */
/* Backends come, drain, come back, end, and give up their slots. */
#include "tests/unit/plan/maps.h"

#include <errno.h>

#include "user/util/cleanup.h"

static void test_drains_and_comes_back(void **state)
{
	struct actual actual = maps_new(ROOMY);
	struct desired desired = kubia(2);

	(void)state;
	settle(&actual, kubia(2));
	desired.services[0].n_backends = 1; /* deselected: the pod is still there */
	settle(&actual, desired);
	expect_backend(&actual, 2, 1, LB_BACKEND_POD | LB_BACKEND_DRAINING, 2);
	settle(&actual, kubia(2));
	expect_backend(&actual, 2, 1, LB_BACKEND_POD, 3);
	expect_backend(&actual, 1, 1, LB_BACKEND_POD, 1);
	actual_done(&actual);
}

static void test_pod_is_gone(void **state)
{
	struct actual actual = maps_new(ROOMY);
	struct desired desired = kubia(2);

	(void)state;
	settle(&actual, kubia(3));
	settle(&actual, kubia(2)); /* the third is gone */
	expect_backend(&actual, 3, 0, LB_BACKEND_POD | LB_BACKEND_GONE, 2);
	desired.services[0].n_backends = 1; /* the second is deselected … */
	settle(&actual, desired);
	expect_backend(&actual, 2, 1, LB_BACKEND_POD | LB_BACKEND_DRAINING, 2);
	settle(&actual, kubia(1)); /* … and ends later */
	expect_backend(&actual, 2, 0, LB_BACKEND_POD | LB_BACKEND_GONE, 3);
	settle(&actual, kubia(3)); /* new pods of the same addresses are other backends */
	expect_backend(&actual, 4, 1, LB_BACKEND_POD, 1);
	expect_backend(&actual, 5, 1, LB_BACKEND_POD, 1);
	expect_backend(&actual, 2, 0, LB_BACKEND_POD | LB_BACKEND_GONE, 3);
	actual_done(&actual);
}

/* Nobody can tell whether an address that is no pod's still exists. */
static void test_no_pod_is_never_gone(void **state)
{
	struct actual actual = maps_new(ROOMY);
	struct desired desired = kubia(1);

	(void)state;
	desired.services[0].backends[0].flags = 0;
	settle(&actual, desired);
	settle(&actual, kubia(0));
	expect_backend(&actual, 1, 1, LB_BACKEND_DRAINING, 2);
	actual_done(&actual);
}

/* The slots of a deleted service are freed, and go on to tell its connections what to do. */
static void test_service_is_deleted(void **state)
{
	struct actual actual = maps_new(ROOMY);
	struct desired pods = { 0 };

	(void)state;
	settle(&actual, kubia(2));
	want_pod(&pods, "10.1.0.1");
	settle(&actual, pods);
	expect_backend(&actual, 1, 0, LB_BACKEND_POD | LB_BACKEND_DRAINING, 2);
	expect_backend(&actual, 2, 0, LB_BACKEND_POD | LB_BACKEND_GONE, 2);
	settle(&actual, (struct desired){ 0 });
	expect_backend(&actual, 1, 0, LB_BACKEND_POD | LB_BACKEND_GONE, 3);
	settle(&actual, kubia(2)); /* new slots as long as there are some */
	expect_backend(&actual, 3, 1, LB_BACKEND_POD, 1);
	expect_backend(&actual, 4, 1, LB_BACKEND_POD, 1);
	actual_done(&actual);
}

/* Freed slots first, then draining ones; never one that serves. */
static void test_slots_run_short(void **state)
{
	static const uint8_t draining = LB_BACKEND_DRAINING, gone = LB_BACKEND_GONE;
	const struct lb_backend states[] = {
		{ .service = 1, .flags = draining, .generation = 7 },
		{ .service = 1, .flags = draining, .generation = 8 },
		{ .service = 0, .flags = gone, .generation = 9 },
		{ .service = 1,
		  .flags = 0,
		  .generation = 10,
		  .weight = 1,
		  .port = htons(8080),
		  .proto = IPPROTO_TCP },
	};
	static const uint32_t order[] = { 5, 3, 1, 2 };
	struct actual actual = maps_new((struct maps_size){ 64, 64, 6, 64, 1u << 16 });
	struct desired desired = { 0 };
	struct desired_service *service = want_service(&desired, "kubia", 80);
	struct plan plan;

	(void)state;
	actual.services = xcalloc(1, sizeof(*actual.services));
	actual.n_services = 1;
	actual.services[0] = (struct actual_service){ .id = 1, .name = service->name };
	actual.backends = xcalloc(ARRAY_LEN(states), sizeof(*actual.backends));
	actual.n_backends = ARRAY_LEN(states);
	for (uint32_t i = 0; i < ARRAY_LEN(states); i++) {
		actual.backends[i] = (struct actual_backend){ .id = i + 1, .value = states[i] };
		actual.backends[i].value.addr = address("10.9.0.1");
		actual.backends[i].value.addr.word[3] += htonl(i);
	}
	for (uint32_t i = 0; i < ARRAY_LEN(order); i++) {
		char ip[16];

		snprintf(ip, sizeof(ip), "10.1.0.%u", i + 1);
		want_backend(service, ip);
	}
	want_backend(service, "10.9.0.4");
	assert_int_equal(plan_diff(&desired, &actual, &plan, NULL), 0);
	assert_int_equal(plan.n, ARRAY_LEN(order));
	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		const struct plan_op *op = &plan.ops[i];
		uint32_t id = op->backend.id, last = ntohl(op->backend.value.addr.word[3]) & 0xff;

		assert_int_equal(op->kind, PLAN_BACKEND_SET);
		assert_int_equal(id, order[last - 1]);
		assert_int_equal(op->backend.value.generation, id == 5 ? 1 : 7 + id);
	}
	plan_done(&plan);
	want_backend(service, "10.9.0.5");
	assert_int_equal(plan_diff(&desired, &actual, &plan, NULL), -ENOSPC);
	desired_done(&desired);
	actual_done(&actual);
}

/* Of two slots for one place, which no plan of ours makes, the one that serves is kept. */
static void test_doubled_backend(void **state)
{
	struct actual actual = maps_new(ROOMY);
	struct actual_backend *first;

	(void)state;
	settle(&actual, kubia(1));
	actual.backends = reallocarray(actual.backends, 2, sizeof(*actual.backends));
	assert_non_null(actual.backends);
	first = &actual.backends[0];
	first[1] = first[0];
	first[1].id = 2;
	first[0].value.flags |= LB_BACKEND_DRAINING;
	actual.n_backends = 2;
	for (uint32_t i = 0; i < held_frontend(&actual, "10.96.0.5")->cluster.len; i++)
		actual.slots[i] = 2;
	settle(&actual, kubia(1));
	expect_backend(&actual, 1, 1, LB_BACKEND_POD | LB_BACKEND_DRAINING, 1);
	expect_backend(&actual, 2, 1, LB_BACKEND_POD, 1);
	actual_done(&actual);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_drains_and_comes_back),
		cmocka_unit_test(test_pod_is_gone),
		cmocka_unit_test(test_no_pod_is_never_gone),
		cmocka_unit_test(test_service_is_deleted),
		cmocka_unit_test(test_slots_run_short),
		cmocka_unit_test(test_doubled_backend),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
