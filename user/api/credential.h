/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who the agent says it is: a token, a token in a file that changes, a certificate, or what a
 * program says. Secrets stay in memory.
 */
#ifndef API_CREDENTIAL_H
#define API_CREDENTIAL_H

#include <event2/event.h>

#include "user/k8s/kubeconfig.h"

/* Borrowed, until the loop goes on. */
struct credential_view {
	const char *token;				/* or NULL */
	const struct kubeconfig_pem *certificate, *key; /* or NULL */
};

struct credential;

/*
 * Borrows kubeconfig. changed is called from the loop when a program that was asked has ended, well
 * or not: credential_get then knows more.
 */
struct credential *credential_new(struct event_base *base, const struct kubeconfig *kubeconfig,
				  void (*changed)(void *arg), void *arg);
void credential_free(struct credential *credential);

/* -EAGAIN: a program has been asked, changed is called later. Others: why there is none. */
LB_CHECKED int credential_get(struct credential *credential, struct credential_view *ret_view,
			      struct err *err);

/* The server does not take it (any more). Returns whether the next one may be another. */
bool credential_reject(struct credential *credential);

#endif
