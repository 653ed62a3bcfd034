/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates and keys in PEM. What they hold never gets into an error. */
#ifndef INGRESS_CERTIFICATE_H
#define INGRESS_CERTIFICATE_H

#include <stddef.h>
#include <time.h>

#include "user/k8s/object.h"
#include "user/util/err.h"

#define CERTIFICATE_DEFAULT_NAME "lbctl default certificate"

/* The bytes of data[key] of a Secret, NUL-terminated; NULL: it has no such key. */
char *secret_value(const struct object *secret, const char *key, size_t *ret_size);

/*
 * Is this a chain of certificates, and the key that belongs to its first one? -EINVAL, and why
 * not. ret_pem: chain and key as HAProxy reads them.
 */
LB_CHECKED int certificate_check(const char *chain, const char *key, char **ret_pem,
				 struct err *err);

/* The same of a Secret of type kubernetes.io/tls. */
LB_CHECKED int certificate_of_secret(const struct object *secret, char **ret_pem, struct err *err);

/* Are these certificates of authorities (ca.crt), and nothing else? */
LB_CHECKED int certificate_check_chain(const char *chain, struct err *err);

/* The names that the first certificate is for: "CN=kubia.example.com"; to be freed. */
char *certificate_subject(const char *pem);

/* When the first certificate ends; 0: it cannot be read. */
time_t certificate_end(const char *pem);

/* A new key and a certificate signed by itself, which says that it is the default. */
LB_CHECKED int certificate_self_signed(char **ret_pem, struct err *err);

#endif
