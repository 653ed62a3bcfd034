/* SPDX-License-Identifier: Apache-2.0 */
/* 10,000 services of 10 backends. */
#include "tests/unit/plan/maps.h"

#include <time.h>

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
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
