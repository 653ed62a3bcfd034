/* SPDX-License-Identifier: Apache-2.0 */
/* What credential plugins print. How they are run is test_source's business. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "user/api/plugin.h"
#include "user/util/cleanup.h"

#define V1 "client.authentication.k8s.io/v1"
#define CREDENTIAL(status) \
	"{\"kind\":\"ExecCredential\",\"apiVersion\":\"" V1 "\",\"status\":{" status "}}"

static void test_parse(void **state)
{
	static const struct {
		const char *text;
		const char *token, *certificate;
		time_t expires;
		const char *error;
	} rows[] = {
		{ CREDENTIAL("\"token\":\"t\""), "t", NULL, 0, NULL },
		{ CREDENTIAL("\"token\":\"t\",\"expirationTimestamp\":\"2026-01-02T03:04:05Z\""),
		  "t", NULL, 1767323045, NULL },
		{ CREDENTIAL("\"clientCertificateData\":\"c\",\"clientKeyData\":\"k\""), NULL, "c",
		  0, NULL },
		{ "secret", NULL, NULL, 0, "printed something else than an ExecCredential" },
		{ "{\"kind\":\"Pod\"}", NULL, NULL, 0,
		  "printed something else than an ExecCredential" },
		{ "{\"kind\":\"ExecCredential\",\"apiVersion\":\"" V1 "beta1\"}", NULL, NULL, 0,
		  "printed an ExecCredential of another version than " V1 },
		{ CREDENTIAL(""), NULL, NULL, 0,
		  "printed neither a token, nor a certificate and its key" },
		{ CREDENTIAL("\"clientCertificateData\":\"c\""), NULL, NULL, 0,
		  "printed neither a token, nor a certificate and its key" },
		{ CREDENTIAL("\"token\":\"t\",\"expirationTimestamp\":\"soon\""), NULL, NULL, 0,
		  "status.expirationTimestamp: is no time" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct plugin_answer answer = { 0 };
		struct err err = { "" };
		int rc = plugin_parse(rows[i].text, strlen(rows[i].text), V1, &answer, &err);

		if (!rc != !rows[i].error || (rc && strcmp(err.text, rows[i].error) != 0))
			fail_msg("row %zu: %s", i, err.text);
		if (rc)
			continue;
		assert_true(rows[i].token ? !strcmp(answer.token, rows[i].token) : !answer.token);
		assert_true(rows[i].certificate
				    ? !strcmp(answer.certificate.data, rows[i].certificate)
				    : !answer.certificate.data);
		assert_int_equal(answer.expires, rows[i].expires);
		plugin_answer_done(&answer);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
