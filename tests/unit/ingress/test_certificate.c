/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates and keys, right and wrong; and what HAProxy's master answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "user/ingress/certificate.h"
#include "user/ingress/master.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"

/* Two pairs, each cut in its certificate and its key. */
static char *chains[2], *keys[2];

static int pairs_make(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(chains); i++) {
		char *pem, *key;
		struct err err;

		if (certificate_self_signed(&pem, &err))
			return -1;
		key = strstr(pem, "-----BEGIN PRIVATE KEY");
		keys[i] = xstrdup(key);
		*key = '\0';
		chains[i] = pem;
	}
	return 0;
}

static int pairs_free(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(chains); i++) {
		free(chains[i]);
		free(keys[i]);
	}
	return 0;
}

static void test_pairs(void **state)
{
	cleanup_free char *two = xasprintf("%s%s", chains[0], chains[1]);
	cleanup_free char *cut = xasprintf("%s%.100s", chains[0], chains[1]);
	const struct {
		const char *name, *chain, *key, *error;
	} cases[] = {
		{ "a pair", chains[0], keys[0], NULL },
		{ "a chain", two, keys[0], NULL },
		{ "another's key", chains[0], keys[1],
		  "tls.key does not belong to the certificate" },
		{ "no certificate", "", keys[0], "tls.crt: no certificates in PEM" },
		{ "a key as certificate", keys[0], keys[0], "tls.crt: no certificates in PEM" },
		{ "a chain that broke off", cut, keys[0], "tls.crt: no certificates in PEM" },
		{ "no key", chains[0], "nothing",
		  "tls.key: no private key in PEM without a password" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cleanup_free char *pem = NULL;
		struct err err = { "" };
		int code = certificate_check(cases[i].chain, cases[i].key, &pem, &err);

		print_message("%s\n", cases[i].name);
		assert_int_equal(code != 0, cases[i].error != NULL);
		if (cases[i].error)
			assert_string_equal(err.text, cases[i].error);
		else
			assert_non_null(strstr(pem, "PRIVATE KEY"));
	}
}

static void test_subject(void **state)
{
	cleanup_free char *subject = certificate_subject(chains[0]);

	(void)state;
	assert_string_equal(subject, "CN=" CERTIFICATE_DEFAULT_NAME);
}

static void test_worker(void **state)
{
	static const struct {
		const char *text;
		pid_t worker;
	} cases[] = {
		{ "", 0 },
		{ "#<PID> <type> <reloads> <uptime> <version>\n"
		  "10     master 0 0d00h00m01s 2.6\n# workers\n"
		  "11     worker 0 0d00h00m01s 2.6\n# programs\n\n",
		  11 },
		{ "10 master 2 0d00h00m01s 2.6\n# workers\n13 worker 0 0d 2.6\n"
		  "# old workers\n12 worker 1 0d 2.6\n11 worker 2 0d 2.6\n",
		  13 },
		{ "10 master 2 0d00h00m01s 2.6\n# workers\n# old workers\n12 worker 1 0d 2.6\n",
		  0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(master_worker(cases[i].text), cases[i].worker);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_subject),
		cmocka_unit_test(test_worker),
	};

	return cmocka_run_group_tests(tests, pairs_make, pairs_free);
}
