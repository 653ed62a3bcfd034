/* SPDX-License-Identifier: Apache-2.0 */
/* The forms of names, at their borders. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <string.h>

#include "user/k8s/names.h"
#include "user/util/cleanup.h"

#define A10 "aaaaaaaaaa"
#define A63 A10 A10 A10 A10 A10 A10 "aaa"
#define D253 A63 "." A63 "." A63 "." A10 A10 A10 A10 A10 A10 "a"

static const struct {
	const char *(*check)(const char *text);
	const char *text;
	bool good;
} cases[] = {
	{ name_dns1123_label, "a", true },
	{ name_dns1123_label, "0-a", true },
	{ name_dns1123_label, A63, true },
	{ name_dns1123_label, A63 "a", false },
	{ name_dns1123_label, "", false },
	{ name_dns1123_label, "a.b", false },
	{ name_dns1123_label, "-a", false },
	{ name_dns1123_label, "a-", false },
	{ name_dns1123_label, "A", false },
	{ name_dns1123_label, "a_b", false },
	{ name_dns1123_label, "\xc3\xa9", false },
	{ name_dns1123_subdomain, "a.b-c.0", true },
	{ name_dns1123_subdomain, D253, true },
	{ name_dns1123_subdomain, D253 "a", false },
	{ name_dns1123_subdomain, "a..b", false },
	{ name_dns1123_subdomain, ".a", false },
	{ name_dns1123_subdomain, "a.", false },
	{ name_dns1123_subdomain, "a.-b", false },
	{ name_dns1123_subdomain, "", false },
	{ name_dns1123_subdomain, "../a", false },
	{ name_dns1035_label, "a0", true },
	{ name_dns1035_label, "0a", false },
	{ name_dns1035_label, A63, true },
	{ name_dns1035_label, A63 "a", false },
	{ name_dns1035_label, "a-", false },
	{ name_port, "http", true },
	{ name_port, "8080-a", true },
	{ name_port, "8080", false },
	{ name_port, "a--b", false },
	{ name_port, "-a", false },
	{ name_port, "a-", false },
	{ name_port, "", false },
	{ name_port, "aaaaaaaaaaaaaaa", true },
	{ name_port, "aaaaaaaaaaaaaaaa", false },
	{ name_port, "HTTP", false },
	{ name_qualified, "app", true },
	{ name_qualified, "App_1.x-y", true },
	{ name_qualified, "app.kubernetes.io/name", true },
	{ name_qualified, "/name", false },
	{ name_qualified, "a/", false },
	{ name_qualified, "a/b/c", false },
	{ name_qualified, "A/b", false },
	{ name_qualified, "", false },
	{ name_qualified, D253 "/" A63, true },
	{ name_qualified, D253 "a/a", false },
	{ name_qualified, "a/" A63 "a", false },
	{ name_label_value, "", true },
	{ name_label_value, "My_value.1", true },
	{ name_label_value, "a b", false },
	{ name_label_value, "-a", false },
	{ name_label_value, A63 "a", false },
	{ name_config_key, "tls.crt", true },
	{ name_config_key, "_A-1", true },
	{ name_config_key, ".a", true },
	{ name_config_key, ".", false },
	{ name_config_key, "..a", false },
	{ name_config_key, "a/b", false },
	{ name_config_key, "", false },
};

static void test_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (!cases[i].check(cases[i].text) != cases[i].good)
			fail_msg("row %zu: \"%s\"", i, cases[i].text);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_names) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
