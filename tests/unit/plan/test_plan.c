/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/plan/maps.h"

#include <errno.h>

#include "user/util/cleanup.h"

/* ------------------------------------------------------------- the whole -- */

static char *plan_text(const struct plan *plan)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	plan_print(out, plan);
	fclose(out);
	return text;
}

static void test_from_nothing(void **state)
{
	struct actual actual = maps_new(ROOMY);
	struct desired desired = kubia(2);
	struct plan plan = reach(&actual, &desired);
	cleanup_free char *text = plan_text(&plan);

	(void)state;
	assert_string_equal(text, "+ service default/kubia 80/TCP IPv4\n"
				  "+ backend 10.1.0.1:8080/TCP of default/kubia\n"
				  "+ backend 10.1.0.2:8080/TCP of default/kubia\n"
				  "+ table of default/kubia: 2 backends in 211 slots\n"
				  "+ frontend 10.96.0.5:80/TCP → default/kubia 2 backends\n");
	expect_backend(&actual, 1, 1, LB_BACKEND_POD, 1);
	expect_backend(&actual, 2, 1, LB_BACKEND_POD, 1);
	assert_int_equal(actual.services[0].id, 1);
	plan_done(&plan);
	desired_done(&desired);
	actual_done(&actual);
}

static void test_to_nothing(void **state)
{
	struct actual actual = maps_new(ROOMY);
	struct desired desired = kubia(2), nothing = { 0 };
	struct plan plan;
	cleanup_free char *text = NULL;

	(void)state;
	desired.services[0].frontends[0].flags = LB_FRONTEND_SOURCE_RANGES;
	desired.services[0].source_ranges = xcalloc(1, sizeof(struct prefix));
	desired.services[0].n_source_ranges = 1;
	assert_int_equal(prefix_parse("10.0.0.0/8", desired.services[0].source_ranges), 0);
	settle(&actual, desired);
	want_pod(&nothing, "10.1.0.1");
	plan = reach(&actual, &nothing);
	text = plan_text(&plan);
	assert_string_equal(text, "- frontend 10.96.0.5:80/TCP → default/kubia\n"
				  "- source range 10.0.0.0/8 of default/kubia\n"
				  "- backend 10.1.0.1:8080/TCP of default/kubia, draining\n"
				  "- backend 10.1.0.2:8080/TCP of default/kubia, gone\n"
				  "- service default/kubia 80/TCP IPv4\n");
	plan_done(&plan);
	desired_done(&nothing);
	actual_done(&actual);
}

static void test_change(void **state)
{
	struct actual actual = maps_new(ROOMY);
	struct desired desired = kubia(1);
	struct plan plan;
	cleanup_free char *text = NULL;

	(void)state;
	settle(&actual, kubia(1));
	strcpy(desired.services[0].name.port_name, "http");
	desired.services[0].name.affinity = 60;
	desired.services[0].backends[0].flags |= LB_BACKEND_TERMINATING;
	plan = reach(&actual, &desired);
	text = plan_text(&plan);
	assert_string_equal(text, "~ service default/kubia:http 80/TCP IPv4\n"
				  "~ backend 10.1.0.1:8080/TCP of default/kubia:http, terminating\n"
				  "~ frontend 10.96.0.5:80/TCP → default/kubia:http 1 backend\n");
	assert_int_equal(held_frontend(&actual, "10.96.0.5")->affinity, 60);
	expect_backend(&actual, 1, 1, LB_BACKEND_POD | LB_BACKEND_TERMINATING, 1);
	plan_done(&plan);
	desired_done(&desired);
	actual_done(&actual);
}

/* ------------------------------------------------------------ service ids -- */

static void test_families_have_their_own_id(void **state)
{
	struct actual actual = maps_new(ROOMY);
	struct desired desired = { 0 };
	struct desired_service *service = want_service(&desired, "kubia", 80);
	struct plan plan;

	(void)state;
	want_frontend(service, "10.96.0.5", 80, 0);
	service = want_service(&desired, "kubia", 80);
	service->v4 = false;
	service->name.flags = LB_NAME_IPV6;
	want_frontend(service, "fd00::5", 80, 0);
	plan = reach(&actual, &desired);
	assert_int_equal(held_frontend(&actual, "10.96.0.5")->service, 1);
	assert_int_equal(held_frontend(&actual, "fd00::5")->service, 2);
	plan_done(&plan);
	desired_done(&desired);
	actual_done(&actual);
}

/* The id of a deleted service is free again only when nothing carries it any more. */
static void test_id_reuse(void **state)
{
	struct actual actual = maps_new(ROOMY);
	struct desired other = { 0 };

	(void)state;
	settle(&actual, kubia(1));
	want_frontend(want_service(&other, "bar", 80), "10.96.0.6", 80, 0);
	settle(&actual, other);
	assert_int_equal(actual.n_services, 1);
	assert_int_equal(actual.services[0].id, 2);
	settle(&actual, kubia(1));
	assert_int_equal(actual.services[0].id, 1);
	actual_done(&actual);
}

/* A backend whose service the maps do not know came from a plan that was cut off. */
static void test_backend_of_nobody(void **state)
{
	struct actual actual = maps_new(ROOMY);
	struct desired desired = kubia(1);

	(void)state;
	actual.backends = xcalloc(1, sizeof(*actual.backends));
	actual.n_backends = 1;
	actual.backends[0] = (struct actual_backend){
		.id = 3,
		.value = { .addr = address("10.1.0.9"), .service = 1, .generation = 4 },
	};
	settle(&actual, desired);
	assert_int_equal(actual.services[0].id, 2);
	expect_backend(&actual, 3, 0, LB_BACKEND_DRAINING, 5);
	actual_done(&actual);
}

/* ------------------------------------------------- frontends and ranges -- */

static void test_frontend_moves(void **state)
{
	struct actual actual = maps_new(ROOMY);
	struct desired desired = { 0 };
	struct plan plan;

	(void)state;
	settle(&actual, kubia(1));
	want_frontend(want_service(&desired, "bar", 80), "10.96.0.5", 80, 0);
	want_service(&desired, "kubia", 80);
	plan = reach(&actual, &desired);
	assert_int_equal(plan_count(&plan, PLAN_FRONTEND_SET), 1);
	assert_int_equal(plan_count(&plan, PLAN_FRONTEND_DELETE), 0);
	assert_int_equal(held_frontend(&actual, "10.96.0.5")->service, 2);
	plan_done(&plan);
	desired_done(&desired);
	actual_done(&actual);
}

static void test_source_ranges(void **state)
{
	static const struct {
		const char *prefix;
		bool v4;
		uint32_t prefixlen;
		const char *addr;
	} rows[] = {
		{ "10.0.0.0/8", true, 32 + 96 + 8, "10.0.0.0" },
		{ "0.0.0.0/0", true, 32 + 96, "0.0.0.0" },
		{ "192.0.2.7/32", true, 32 + 128, "192.0.2.7" },
		{ "fd00::/8", false, 32 + 8, "fd00::" },
		{ "::/0", false, 32, "::" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct actual actual = maps_new(ROOMY);
		struct desired desired = kubia(0);
		struct desired_service *service = &desired.services[0];
		const struct lb_addr addr = address(rows[i].addr);
		struct plan plan;

		service->frontends[0].flags = LB_FRONTEND_SOURCE_RANGES;
		service->n_source_ranges = 2; /* one that is given twice counts once */
		service->source_ranges = xcalloc(2, sizeof(struct prefix));
		for (size_t j = 0; j < 2; j++)
			assert_int_equal(prefix_parse(rows[i].prefix, &service->source_ranges[j]),
					 0);
		plan = reach(&actual, &desired);
		if (actual.n_ranges != 1 || !actual.ranges) {
			fail_msg("%s: %zu ranges", rows[i].prefix, actual.n_ranges);
			return;
		}
		assert_int_equal(actual.ranges[0].key.prefixlen, rows[i].prefixlen);
		assert_int_equal(actual.ranges[0].key.service, 1);
		assert_memory_equal(&actual.ranges[0].key.addr, &addr, sizeof(addr));
		plan_done(&plan);

		service->frontends[0].flags = 0; /* no address is guarded any more */
		plan = reach(&actual, &desired);
		assert_int_equal(actual.n_ranges, 0);
		plan_done(&plan);
		desired_done(&desired);
		actual_done(&actual);
	}
}

/* ------------------------------------------------------------------- room -- */

static void test_room(void **state)
{
	static const struct {
		struct maps_size size;
		const char *error; /* NULL: it fits */
	} rows[] = {
		{ { 3, 2, 5, 1, 518 }, NULL },
		{ { 2, 2, 5, 1, 518 }, "lb_name: room for 2 service ports, 2 are needed" },
		{ { 3, 1, 5, 1, 518 }, "lb_frontend: room for 1, 2 are needed" },
		{ { 3, 2, 4, 1, 518 }, "lb_backend: room for 3, more are needed" },
		{ { 3, 2, 5, 0, 518 }, "lb_source_range: room for 0, 1 are needed" },
		{ { 3, 2, 5, 1, 307 },
		  "lb_maglev: no room for a table of 307 slots among 307: the "
		  "old tables stay until the new ones are in use" },
	};
	struct desired desired = { 0 };
	struct desired_service *service = want_service(&desired, "bar", 80);

	(void)state;
	want_frontend(service, "10.96.0.6", 80, LB_FRONTEND_SOURCE_RANGES);
	want_backend(service, "10.2.0.1");
	service->source_ranges = xcalloc(1, sizeof(struct prefix));
	service->n_source_ranges = 1;
	service = want_service(&desired, "kubia", 80);
	want_frontend(service, "10.96.0.5", 80, 0);
	want_backend(service, "10.1.0.1");
	want_backend(service, "10.1.0.2");
	want_backend(service, "10.1.0.3");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct actual actual = maps_new(rows[i].size);
		struct plan plan = { .n = 77 };
		struct err err = { "" };
		int rc = plan_diff(&desired, &actual, &plan, &err);

		assert_string_equal(err.text, rows[i].error ? rows[i].error : "");
		assert_int_equal(rc, rows[i].error ? -ENOSPC : 0);
		if (rc)
			assert_int_equal(plan.n, 77);
		else
			plan_done(&plan);
		actual_done(&actual);
	}
	desired_done(&desired);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_from_nothing),
		cmocka_unit_test(test_to_nothing),
		cmocka_unit_test(test_change),
		cmocka_unit_test(test_families_have_their_own_id),
		cmocka_unit_test(test_id_reuse),
		cmocka_unit_test(test_backend_of_nobody),
		cmocka_unit_test(test_frontend_moves),
		cmocka_unit_test(test_source_ranges),
		cmocka_unit_test(test_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
