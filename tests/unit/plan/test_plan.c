/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/plan/maps.h"

#include <errno.h>
#include <time.h>

#include "user/util/cleanup.h"

#define ROOMY ((struct maps_size){ 64, 64, 64, 64, 1u << 16 })

/* default/kubia, port 80, with a frontend and pods 10.1.0.1 … 10.1.0.n, all of which exist. */
static struct desired kubia(unsigned int n)
{
	struct desired desired = { 0 };
	struct desired_service *service = want_service(&desired, "kubia", 80);

	want_frontend(service, "10.96.0.5", 80, 0);
	for (unsigned int i = 1; i <= n; i++) {
		char ip[16];

		snprintf(ip, sizeof(ip), "10.1.0.%u", i);
		want_backend(service, ip)->flags = LB_BACKEND_POD;
		want_pod(&desired, ip);
	}
	return desired;
}

/* Reaches the state and forgets plan and state. */
static void settle(struct actual *actual, struct desired desired)
{
	struct plan plan = reach(actual, &desired);

	plan_done(&plan);
	desired_done(&desired);
}

static const struct lb_frontend *held_frontend(const struct actual *actual, const char *ip)
{
	const struct lb_addr addr = address(ip);

	for (size_t i = 0; i < actual->n_frontends; i++) {
		if (!addr_compare(&actual->frontends[i].key.addr, &addr))
			return &actual->frontends[i].value;
	}
	return NULL;
}

static void expect_backend(const struct actual *actual, uint32_t id, uint32_t service,
			   uint8_t flags, uint32_t generation)
{
	const struct lb_backend *backend = held_backend(actual, id);

	assert_non_null(backend);
	assert_int_equal(backend->service, service);
	assert_int_equal(backend->flags, flags);
	assert_int_equal(backend->generation, generation);
}

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
				  "- backend 10.1.0.1:8080/TCP, draining\n"
				  "- backend 10.1.0.2:8080/TCP, gone\n"
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

/* --------------------------------------------------------------- backends -- */

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
	expect_backend(&actual, 3, 1, LB_BACKEND_POD | LB_BACKEND_GONE, 2);
	desired.services[0].n_backends = 1; /* the second is deselected … */
	settle(&actual, desired);
	expect_backend(&actual, 2, 1, LB_BACKEND_POD | LB_BACKEND_DRAINING, 2);
	settle(&actual, kubia(1)); /* … and ends later */
	expect_backend(&actual, 2, 1, LB_BACKEND_POD | LB_BACKEND_GONE, 3);
	settle(&actual, kubia(3)); /* a new pod has the address of the third */
	expect_backend(&actual, 3, 1, LB_BACKEND_POD, 3);
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

/* Freed slots first, then gone, then draining ones; never one that serves. */
static void test_slots_run_short(void **state)
{
	static const uint8_t draining = LB_BACKEND_DRAINING, gone = LB_BACKEND_GONE;
	const struct lb_backend states[] = {
		{ .service = 1, .flags = draining, .generation = 7 },
		{ .service = 1, .flags = gone, .generation = 8 },
		{ .service = 0, .flags = gone, .generation = 9 },
		{ .service = 1,
		  .flags = 0,
		  .generation = 10,
		  .weight = 1,
		  .port = htons(8080),
		  .proto = IPPROTO_TCP },
	};
	static const uint32_t order[] = { 5, 3, 2, 1 };
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

/* ----------------------------------------------------------------- tables -- */

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
		assert_int_equal(actual.n_ranges, 1);
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

/* ------------------------------------------------------------------- speed -- */

#define MANY 10000u

static void many(struct desired *desired)
{
	desired->services = xcalloc(MANY, sizeof(*desired->services));
	desired->n_services = MANY;
	for (uint32_t i = 0; i < MANY; i++) {
		struct desired_service *service = &desired->services[i];

		service->v4 = true;
		strcpy(service->name.namespace, "default");
		snprintf(service->name.name, sizeof(service->name.name), "s-%05u", i);
		service->name.port = htons(80);
		service->name.proto = IPPROTO_TCP;
		service->frontends = xcalloc(1, sizeof(*service->frontends));
		service->n_frontends = 1;
		service->frontends[0].key =
			(struct lb_frontend_key){ .addr = addr_from_v4(htonl(0x0a600000u + i)),
						  .port = htons(80),
						  .proto = IPPROTO_TCP };
		service->backends = xcalloc(10, sizeof(*service->backends));
		service->n_backends = 10;
		for (uint32_t j = 0; j < 10; j++)
			service->backends[j] = (struct desired_backend){
				.addr = addr_from_v4(htonl(0x0a010000u + i * 10 + j)),
				.port = htons(8080),
				.proto = IPPROTO_TCP,
				.weight = 1,
				.cluster = true,
			};
	}
}

static double milliseconds(void)
{
	return (double)clock() * 1e3 / CLOCKS_PER_SEC;
}

static void test_many(void **state)
{
	struct actual actual =
		maps_new((struct maps_size){ 65536, 131072, 131072, 65536, 1u << 24 });
	struct desired desired = { 0 };
	struct plan plan, again;
	double start;

	(void)state;
	many(&desired);
	start = milliseconds();
	assert_int_equal(plan_diff(&desired, &actual, &plan, NULL), 0);
	print_message("diff of 10,000 services of 10 backends against nothing: %.0f ms\n",
		      milliseconds() - start);
	start = milliseconds();
	plan_simulate(&actual, &plan);
	print_message("simulated: %.0f ms\n", milliseconds() - start);
	start = milliseconds();
	assert_int_equal(plan_diff(&desired, &actual, &again, NULL), 0);
	print_message("diff against the same: %.0f ms\n", milliseconds() - start);
	assert_int_equal(plan_count(&plan, PLAN_BACKEND_SET), MANY * 10);
	assert_int_equal(again.n, 0);
	plan_done(&plan);
	plan_done(&again);
	desired_done(&desired);
	actual_done(&actual);
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
		cmocka_unit_test(test_drains_and_comes_back),
		cmocka_unit_test(test_pod_is_gone),
		cmocka_unit_test(test_no_pod_is_never_gone),
		cmocka_unit_test(test_service_is_deleted),
		cmocka_unit_test(test_slots_run_short),
		cmocka_unit_test(test_doubled_backend),
		cmocka_unit_test(test_tables_are_kept),
		cmocka_unit_test(test_tables_change_places),
		cmocka_unit_test(test_weight_makes_a_new_table),
		cmocka_unit_test(test_local_tables),
		cmocka_unit_test(test_spoilt_table),
		cmocka_unit_test(test_no_frontend_no_table),
		cmocka_unit_test(test_frontend_moves),
		cmocka_unit_test(test_source_ranges),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
