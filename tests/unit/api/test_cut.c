/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "user/api/cut.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"

#define M "\"managedFields\":[{\"a\":[1,\"]}\\\"\"]}]"

static void test_rows(void **state)
{
	static const struct {
		const char *name, *text, *want;
	} rows[] = {
		{ "none", "{\"a\":1}", "{\"a\":1}" },
		{ "first", "{" M ",\"b\":2}", "{\"b\":2}" },
		{ "last", "{\"a\":1," M "}", "{\"a\":1}" },
		{ "between", "{\"a\":1," M ",\"b\":2}", "{\"a\":1,\"b\":2}" },
		{ "alone", "{" M "}", "{}" },
		{ "empty", "{\"managedFields\":[],\"b\":2}", "{\"b\":2}" },
		{ "twice", "[{" M "},{\"x\":{" M ",\"y\":1}}]", "[{},{\"x\":{\"y\":1}}]" },
		{ "inside of a string", "{\"a\":\"{\\\"managedFields\\\":[1]}\"}",
		  "{\"a\":\"{\\\"managedFields\\\":[1]}\"}" },
		{ "no list", "{\"managedFields\":7}", "{\"managedFields\":7}" },
		{ "without end", "{\"managedFields\":[{", "{\"managedFields\":[{" },
		{ "a string without end", "{\"managedFields\":[\"\\", "{\"managedFields\":[\"\\" },
		{ "nothing", "", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t size = strlen(rows[i].text), n;
		/* No byte more than there is: AddressSanitizer looks. */
		cleanup_free char *text = xmalloc(size), *to = xmalloc(size);

		memcpy(text, rows[i].text, size);
		n = cut_managed_fields(text, size, to);
		if (n != strlen(rows[i].want) || memcmp(to, rows[i].want, n) != 0)
			fail_msg("%s: %.*s", rows[i].name, (int)n, to);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
