/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "user/util/cleanup.h"
#include "user/util/tree.h"

static json_t *example(void)
{
	json_t *json = json_loads("{\"spec\": {\"type\": \"NodePort\", \"n\": 7, \"list\": [1]},"
				  " \"a\": null}",
				  0, NULL);

	assert_non_null(json);
	return json;
}

static void check_get(void **state)
{
	cleanup_json json_t *json = example();

	(void)state;
	assert_string_equal(tree_text(json, "spec.type"), "NodePort");
	assert_int_equal(tree_int(json, "spec.n"), 7);
	assert_null(tree_text(json, "spec.n"));
	assert_int_equal(tree_int(json, "spec.type"), 0);
	assert_null(tree_get(json, "spec.absent.deeper"));
	assert_null(tree_get(json, "spec.type.deeper"));
	assert_null(tree_get(NULL, "spec"));
	assert_true(json_is_null(tree_get(json, "a")));
}

static void check_set_and_delete(void **state)
{
	cleanup_json json_t *json = example();

	(void)state;
	tree_set(json, "spec.type", json_string("ClusterIP"));
	tree_set(json, "status.loadBalancer.ip", json_string("1.2.3.4"));
	tree_set(json, "a.b", json_true());
	tree_delete(json, "spec.list");
	tree_delete(json, "nothing.there");
	assert_string_equal(tree_text(json, "spec.type"), "ClusterIP");
	assert_string_equal(tree_text(json, "status.loadBalancer.ip"), "1.2.3.4");
	assert_true(json_is_true(tree_get(json, "a.b")));
	assert_null(tree_get(json, "spec.list"));
}

static void check_sorted(void **state)
{
	cleanup_json json_t *json = json_loads(
		"{\"z\": 1, \"a\": [{\"y\": 2, \"x\": [true, null]}], \"m\": {}}", 0, NULL);
	cleanup_json json_t *sorted = tree_sorted(json);
	cleanup_free char *text = json_dumps(sorted, JSON_COMPACT);

	(void)state;
	assert_string_equal(text, "{\"a\":[{\"x\":[true,null],\"y\":2}],\"m\":{},\"z\":1}");
	assert_true(json_equal(json, sorted));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check_get),
		cmocka_unit_test(check_set_and_delete),
		cmocka_unit_test(check_sorted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
