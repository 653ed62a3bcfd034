/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates and keys, right and wrong; and what HAProxy's master answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>
#include <time.h>

#include "user/ingress/certificate.h"
#include "user/ingress/certificate_cache.h"
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

static char *text_of(BIO *bio)
{
	char *text, *copy;
	long size = BIO_get_mem_data(bio, &text);

	copy = xasprintf("%.*s", (int)size, text);
	BIO_free(bio);
	return copy;
}

/* RSA with 1024 bits; returns a chain of a good certificate and this one. */
static char *weak_make(char **ret_chain, char **ret_key)
{
	EVP_PKEY *key = EVP_RSA_gen(1024);
	X509 *certificate = X509_new();
	BIO *chain = BIO_new(BIO_s_mem()), *private_key = BIO_new(BIO_s_mem());

	X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
	X509_set_pubkey(certificate, key);
	assert_true(X509_sign(certificate, key, EVP_sha256()));
	assert_true(PEM_write_bio_X509(chain, certificate));
	assert_true(PEM_write_bio_PrivateKey(private_key, key, NULL, NULL, 0, NULL, NULL));
	*ret_chain = text_of(chain);
	*ret_key = text_of(private_key);
	X509_free(certificate);
	EVP_PKEY_free(key);
	return xasprintf("%s%s", chains[0], *ret_chain);
}

static void test_pairs(void **state)
{
	cleanup_free char *two = xasprintf("%s%s", chains[0], chains[1]);
	cleanup_free char *weak_chain = NULL, *weak_key = NULL;
	cleanup_free char *weak = weak_make(&weak_chain, &weak_key);
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
		{ "a key that is too short", weak_chain, weak_key,
		  "tls.crt: the key or the signature is too weak for OpenSSL" },
		{ "a chain with a key that is too short", weak, keys[0],
		  "tls.crt: the key or the signature is too weak for OpenSSL" },
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

/* A Secret with these texts. */
static void secret_fill(struct object *secret, const char *chain, const char *key)
{
	secret->ns = "default";
	secret->name = "s";
	json_decref(secret->json);
	secret->json = json_pack("{s:{s:s, s:s}}", "data", "tls.crt", chain, "tls.key", key);
}

static char *base64(const char *text)
{
	char *to = xcalloc(1, 2 * strlen(text) + 4);

	EVP_EncodeBlock((unsigned char *)to, (const unsigned char *)text, (int)strlen(text));
	return to;
}

/* What was read once comes again, until the Secret is another, or nobody asks for it. */
static void test_remembered(void **state)
{
	cleanup_free char *chain = base64(chains[0]), *key = base64(keys[0]);
	cleanup_free char *other = base64(keys[1]), *pem = NULL, *again = NULL;
	struct certificate_cache cache = { 0 };
	struct object secret = { 0 };
	struct err err;
	time_t end = 0;

	(void)state;
	secret_fill(&secret, chain, key);
	assert_int_equal(certificate_remembered(&cache, &secret, &pem, &end, &err), 0);
	assert_true(end > time(NULL));
	assert_int_equal(certificate_remembered(&cache, &secret, &again, &end, &err), 0);
	assert_string_equal(pem, again);
	assert_int_equal(cache.n, 1);
	secret_fill(&secret, chain, other);
	assert_int_not_equal(certificate_remembered(&cache, &secret, &pem, &end, &err), 0);
	assert_non_null(strstr(err.text, "does not belong"));
	certificate_cache_sweep(&cache);
	assert_int_equal(cache.n, 1);
	certificate_cache_sweep(&cache);
	assert_int_equal(cache.n, 0);
	certificate_cache_free(&cache);
	json_decref(secret.json);
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
		cmocka_unit_test(test_remembered),
		cmocka_unit_test(test_worker),
	};

	return cmocka_run_group_tests(tests, pairs_make, pairs_free);
}
