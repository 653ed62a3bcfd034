/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates of Secrets that were read before. Reading one takes half a millisecond, and the
 * rules are made with each sync: with a thousand of them that would be half a second for a pod that
 * came.
 */
#ifndef INGRESS_CERTIFICATE_CACHE_H
#define INGRESS_CERTIFICATE_CACHE_H

#include <time.h>

#include "user/k8s/object.h"
#include "user/util/err.h"

struct certificate_entry {
	char *ns, *name;
	char *chain, *key; /* as they are in the Secret: another text is another certificate */
	char *pem;	   /* NULL: it is wrong, … */
	char *error;	   /* … for this reason */
	time_t end;
	bool used; /* since the last sweep */
};

struct certificate_cache {
	struct certificate_entry *items; /* sorted by namespace and name */
	size_t n, room;
};

/* certificate_of_secret and certificate_end, remembered; cache may be NULL. */
LB_CHECKED int certificate_remembered(struct certificate_cache *cache, const struct object *secret,
				      char **ret_pem, time_t *ret_end, struct err *err);

/* Forgets what nobody asked for since it was called last. */
void certificate_cache_sweep(struct certificate_cache *cache);
void certificate_cache_free(struct certificate_cache *cache);

#endif
