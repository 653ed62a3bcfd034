/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/model/world.h"

static struct object *secret(const char *ns, const char *name, const char *value)
{
	cleanup_free char *yaml =
		xasprintf("apiVersion: v1\nkind: Secret\nmetadata: {namespace: %s, "
			  "name: %s, labels: {value: '%s'}}\n",
			  ns, name, value);

	return world_object(yaml);
}

static void expect_order(const struct store *store, const char *ns, const char *expected)
{
	struct store_view view = store_list(store, K8S_SECRET, ns);
	char text[256] = "";
	size_t used = 0;

	for (size_t i = 0; i < view.n; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s/%s=%s",
					 i ? " " : "", view.items[i]->ns, view.items[i]->name,
					 object_label(view.items[i], "value"));
	assert_string_equal(text, expected);
}

static void test_put_keeps_order(void **state)
{
	struct store *store = store_new();

	(void)state;
	store_put(store, secret("b", "x", "1"));
	store_put(store, secret("a", "w", "2"));
	store_put(store, secret("c", "a", "3"));
	store_put(store, secret("b", "a", "4"));
	store_put(store, secret("b", "x", "5")); /* replaces the first */
	expect_order(store, NULL, "a/w=2 b/a=4 b/x=5 c/a=3");
	store_free(store);
}

static void test_namespaces(void **state)
{
	static const struct {
		const char *ns, *expected;
	} cases[] = {
		{ "a", "a/w=2" }, { "b", "b/a=4 b/x=1" }, { "c", "c/a=3" },
		{ "0", "" },	  { "bb", "" },		  { "z", "" },
	};
	struct store *store = store_new();

	(void)state;
	expect_order(store, "a", "");
	store_put(store, secret("b", "x", "1"));
	store_put(store, secret("a", "w", "2"));
	store_put(store, secret("c", "a", "3"));
	store_put(store, secret("b", "a", "4"));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		expect_order(store, cases[i].ns, cases[i].expected);
	store_free(store);
}

static void test_find_and_delete(void **state)
{
	struct store *store = store_new();

	(void)state;
	store_put(store, secret("b", "x", "1"));
	store_put(store, secret("b", "w", "2"));
	assert_non_null(store_find(store, K8S_SECRET, "b", "x"));
	assert_null(store_find(store, K8S_SECRET, "a", "x"));
	assert_null(store_find(store, K8S_SERVICE, "b", "x"));
	assert_true(store_delete(store, K8S_SECRET, "b", "x"));
	assert_false(store_delete(store, K8S_SECRET, "b", "x"));
	assert_null(store_find(store, K8S_SECRET, "b", "x"));
	expect_order(store, NULL, "b/w=2");
	store_free(store);
}

/* Of two objects with one name the later wins, within a list and against what is there. */
static void test_load(void **state)
{
	struct store *store = store_new();
	struct object_list list = { 0 };

	(void)state;
	store_put(store, secret("b", "x", "0"));
	vec_push(&list, secret("c", "z", "1"));
	vec_push(&list, secret("b", "x", "2"));
	vec_push(&list, secret("a", "z", "3"));
	vec_push(&list, secret("c", "z", "4"));
	store_load(store, &list);
	assert_int_equal(list.n, 0);
	assert_null(list.items);
	expect_order(store, NULL, "a/z=3 b/x=2 c/z=4");
	store_free(store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_put_keeps_order),
		cmocka_unit_test(test_namespaces),
		cmocka_unit_test(test_find_and_delete),
		cmocka_unit_test(test_load),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
