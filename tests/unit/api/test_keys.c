/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/api/keys.h"

static void note(void *arg, const char *ns, const char *name)
{
	fprintf(arg, "%s/%s ", ns, name);
}

static void check_gone(struct keys *keys, const char *want)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	keys_list_end(keys, note, out);
	fclose(out);
	assert_string_equal(text, want);
	free(text);
}

static void test_versions(void **state)
{
	struct keys keys = { 0 };

	(void)state;
	assert_true(keys_see(&keys, "default", "a", "5"));
	assert_false(keys_see(&keys, "default", "a", "5"));
	assert_true(keys_see(&keys, "default", "a", "6"));
	assert_true(keys_see(&keys, "other", "a", "6"));
	assert_true(keys_remove(&keys, "default", "a"));
	assert_false(keys_remove(&keys, "default", "a"));
	assert_true(keys_see(&keys, "default", "a", "6"));
	assert_int_equal(keys.n, 2);
	keys_done(&keys);
}

static void test_listings(void **state)
{
	struct keys keys = { 0 };

	(void)state;
	keys_list_begin(&keys);
	keys_see(&keys, "default", "a", "1");
	keys_see(&keys, "", "b", "1");
	check_gone(&keys, "");
	/* A list that broke off, and the whole one after it. */
	keys_list_begin(&keys);
	keys_list_begin(&keys);
	keys_see(&keys, "default", "a", "1");
	check_gone(&keys, "/b ");
	keys_list_begin(&keys);
	check_gone(&keys, "default/a ");
	assert_int_equal(keys.n, 0);
	keys_done(&keys);
}

/* Removing must not hide what came after in the same run of slots. */
static void test_many(void **state)
{
	struct keys keys = { 0 };
	char name[16];

	(void)state;
	for (unsigned int i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		assert_true(keys_see(&keys, "ns", name, "1"));
	}
	for (unsigned int i = 0; i < 5000; i += 3) {
		snprintf(name, sizeof(name), "n%u", i);
		assert_true(keys_remove(&keys, "ns", name));
	}
	for (unsigned int i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		assert_int_equal(keys_see(&keys, "ns", name, "1"), i % 3 == 0);
	}
	assert_int_equal(keys.n, 5000);
	keys_done(&keys);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_listings),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
