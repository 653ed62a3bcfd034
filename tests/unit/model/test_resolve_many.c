/* SPDX-License-Identifier: Apache-2.0 */
/* 10,000 services of 10 pods. */
#include "tests/unit/model/world.h"

#include <time.h>

#include "user/model/resolve.h"

#define MANY 10000

static struct object *made(json_t *json)
{
	struct object *object;
	struct err err = { "" };

	if (object_decode(json, "default", &object, NULL, &err))
		fail_msg("%s", err.text);
	json_decref(json);
	return object;
}

static struct object *many_service(unsigned int i)
{
	char name[16], ip[32];

	snprintf(name, sizeof(name), "s-%05u", i);
	snprintf(ip, sizeof(ip), "10.%u.%u.%u", 96 + i / 65536, i / 256 % 256, i % 256);
	return made(json_pack("{s:s, s:s, s:{s:s}, s:{s:s, s:{s:s}, s:[{s:i}]}}", "apiVersion",
			      "v1", "kind", "Service", "metadata", "name", name, "spec",
			      "clusterIP", ip, "selector", "app", name, "ports", "port", 80));
}

static struct object *many_pod(unsigned int i)
{
	char name[24], app[16], ip[32];

	snprintf(app, sizeof(app), "s-%05u", i / 10);
	snprintf(name, sizeof(name), "%s-%u", app, i % 10);
	snprintf(ip, sizeof(ip), "10.%u.%u.%u", 1 + i / 65536, i / 256 % 256, i % 256);
	return made(json_pack("{s:s, s:s, s:{s:s, s:{s:s}}, s:{s:[{s:s, s:s}]}, s:{s:s, s:s}}",
			      "apiVersion", "v1", "kind", "Pod", "metadata", "name", name, "labels",
			      "app", app, "spec", "containers", "name", "c", "image", "i", "status",
			      "podIP", ip, "phase", "Running"));
}

static double milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now); /* others use the machine too */
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void test_many(void **state)
{
	struct config config = { 0 };
	struct node_view node = { .name = "here" };
	struct store *store = store_new();
	struct object_list list = { 0 };
	struct desired desired;
	double start;

	(void)state;
	for (unsigned int i = 0; i < MANY; i++)
		vec_push(&list, many_service(i));
	for (unsigned int i = 0; i < MANY * 10; i++)
		vec_push(&list, many_pod(i));
	start = milliseconds();
	store_load(store, &list);
	print_message("loading 110,000 objects: %.0f ms\n", milliseconds() - start);
	resolve(store, &config, &node, &desired); /* the first time the heap is tidied up, too */
	desired_done(&desired);
	start = milliseconds();
	resolve(store, &config, &node, &desired);
	print_message("resolving 10,000 services of 10 pods: %.0f ms\n", milliseconds() - start);
	assert_int_equal(desired.n_services, MANY);
	for (size_t i = 0; i < desired.n_services; i++)
		assert_int_equal(desired.services[i].n_backends, 10);
	desired_done(&desired);
	store_free(store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
