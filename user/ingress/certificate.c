/* SPDX-License-Identifier: Apache-2.0 */
#include "user/ingress/certificate.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <string.h>

#include "user/util/base64.h"
#include "user/util/cleanup.h"
#include "user/util/tree.h"
#include "user/util/vec.h"

#define DEFAULT_SECONDS (3650l * 86400)

static void bio_freep(BIO **bio)
{
	BIO_free(*bio);
}

static void x509_freep(X509 **certificate)
{
	X509_free(*certificate);
}

static void key_freep(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
}

static void context_freep(SSL_CTX **context)
{
	SSL_CTX_free(*context);
}

#define cleanup_context __attribute__((cleanup(context_freep)))
#define cleanup_bio __attribute__((cleanup(bio_freep)))
#define cleanup_x509 __attribute__((cleanup(x509_freep)))
#define cleanup_key __attribute__((cleanup(key_freep)))

char *secret_value(const struct object *secret, const char *key, size_t *ret_size)
{
	const json_t *data = json_object_get(secret->json, "data");
	const char *text = json_string_value(json_object_get(data, key));

	return text ? base64_decode(text, ret_size) : NULL;
}

/* Nobody is there to type a password. */
static int no_password(char *buffer, int size, int writing, void *arg)
{
	(void)buffer;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

static X509 *certificate_read(const char *pem)
{
	cleanup_bio BIO *bio = BIO_new_mem_buf(pem, -1);

	return PEM_read_bio_X509(bio, NULL, no_password, NULL);
}

static EVP_PKEY *key_read(const char *pem)
{
	cleanup_bio BIO *bio = BIO_new_mem_buf(pem, -1);

	return PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
}

/* HAProxy reads all that is in the file: so all of it has to be readable. */
static bool chain_is_whole(const char *pem)
{
	static const char begin[] = "-----BEGIN ";
	cleanup_bio BIO *bio = BIO_new_mem_buf(pem, -1);
	size_t wanted = 0, found = 0;
	X509 *certificate;

	for (const char *at = strstr(pem, begin); at; at = strstr(at + 1, begin))
		wanted++;
	while ((certificate = PEM_read_bio_X509(bio, NULL, no_password, NULL))) {
		X509_free(certificate);
		found++;
	}
	return found && found == wanted;
}

/*
 * Would a server be allowed to show it? HAProxy asks the same library, and refuses all files for
 * one certificate with a key that is too short (RSA below 2048 bits, as Debian has it).
 */
static bool chain_is_allowed(X509 *first, EVP_PKEY *private_key, const char *pem)
{
	cleanup_context SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	cleanup_bio BIO *bio = BIO_new_mem_buf(pem, -1);
	bool allowed = SSL_CTX_use_certificate(context, first) == 1 &&
		       SSL_CTX_use_PrivateKey(context, private_key) == 1;
	X509 *certificate = PEM_read_bio_X509(bio, NULL, no_password, NULL);

	/* The first is that one. */
	while (certificate) {
		X509_free(certificate);
		certificate = PEM_read_bio_X509(bio, NULL, no_password, NULL);
		allowed = allowed &&
			  (!certificate || SSL_CTX_add1_chain_cert(context, certificate) == 1);
	}
	return allowed;
}

int certificate_check(const char *chain, const char *key, char **ret_pem, struct err *err)
{
	cleanup_x509 X509 *first = certificate_read(chain);
	cleanup_key EVP_PKEY *private_key = key_read(key);

	if (!first || !chain_is_whole(chain))
		return err_set(err, -EINVAL, "tls.crt: no certificates in PEM");
	if (!private_key)
		return err_set(err, -EINVAL, "tls.key: no private key in PEM without a password");
	if (!X509_check_private_key(first, private_key))
		return err_set(err, -EINVAL, "tls.key does not belong to the certificate");
	if (!chain_is_allowed(first, private_key, chain))
		return err_set(err, -EINVAL,
			       "tls.crt: the key or the signature is too weak for OpenSSL");
	*ret_pem = xasprintf("%s\n%s\n", chain, key);
	return 0;
}

int certificate_check_chain(const char *chain, struct err *err)
{
	if (!chain_is_whole(chain))
		return err_set(err, -EINVAL, "ca.crt: no certificates in PEM");
	return 0;
}

int certificate_of_secret(const struct object *secret, char **ret_pem, struct err *err)
{
	size_t size;
	cleanup_free char *chain = secret_value(secret, "tls.crt", &size);
	cleanup_free char *key = secret_value(secret, "tls.key", &size);
	int code;

	if (!chain || !key)
		return err_set(err, -EINVAL, "secret %s/%s has no tls.crt and tls.key", secret->ns,
			       secret->name);
	code = certificate_check(chain, key, ret_pem, err);
	if (code)
		return err_wrap(err, code, "secret %s/%s", secret->ns, secret->name);
	return 0;
}

char *certificate_subject(const char *pem)
{
	cleanup_x509 X509 *certificate = certificate_read(pem);
	cleanup_bio BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long size;

	if (!certificate)
		return xstrdup("");
	X509_NAME_print_ex(bio, X509_get_subject_name(certificate), 0,
			   XN_FLAG_ONELINE & ~XN_FLAG_SPC_EQ);
	size = BIO_get_mem_data(bio, &text);
	return xasprintf("%.*s", (int)size, text);
}

time_t certificate_end(const char *pem)
{
	cleanup_x509 X509 *certificate = certificate_read(pem);
	struct tm end = { 0 };

	if (!certificate || !ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &end))
		return 0;
	return timegm(&end);
}

static X509 *self_sign(EVP_PKEY *key)
{
	X509 *certificate = X509_new();
	X509_NAME *name = X509_get_subject_name(certificate);
	const unsigned char *text = (const unsigned char *)CERTIFICATE_DEFAULT_NAME;

	X509_set_version(certificate, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
	X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
	X509_gmtime_adj(X509_getm_notAfter(certificate), DEFAULT_SECONDS);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, text, -1, -1, 0);
	X509_set_issuer_name(certificate, name);
	X509_set_pubkey(certificate, key);
	if (X509_sign(certificate, key, EVP_sha256()))
		return certificate;
	X509_free(certificate);
	return NULL;
}

int certificate_self_signed(char **ret_pem, struct err *err)
{
	cleanup_key EVP_PKEY *key = EVP_EC_gen("P-256");
	cleanup_x509 X509 *certificate = key ? self_sign(key) : NULL;
	cleanup_bio BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long size;

	if (!certificate || !PEM_write_bio_X509(bio, certificate) ||
	    !PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL))
		return err_set(err, -EIO, "no default certificate could be made");
	size = BIO_get_mem_data(bio, &text);
	*ret_pem = xasprintf("%.*s", (int)size, text);
	return 0;
}
