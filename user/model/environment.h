/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The variables by which a container finds services, as the kubelet makes them. Pure.
 *
 *	KUBIA_SERVICE_HOST=10.96.0.5   KUBIA_PORT_80_TCP=tcp://10.96.0.5:80   …
 */
#ifndef MODEL_ENVIRONMENT_H
#define MODEL_ENVIRONMENT_H

#include "user/model/store.h"

struct variable {
	char *name, *value;
};

struct environment {
	struct variable *items;
	size_t n, room;
};

/*
 * What a container that starts now in namespace ns is given: for every Service there with a cluster
 * IP, and for default/kubernetes unless the namespace has a Service of that name. Services by name,
 * ports in their order. Where two Services give one variable (a and a-service both give
 * A_SERVICE_PORT) the later one's value counts, at the place of the first.
 */
void environment_make(const struct store *store, const char *ns, struct environment *ret_env);
void environment_done(struct environment *env);

#endif
