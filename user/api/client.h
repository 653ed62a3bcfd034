/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests to an API server, in the agent's loop: HTTP/2 over one connection where the server has
 * it, else HTTP/1.1; TLS, proxies, and who we are, as the kubeconfig says. A request that is
 * answered by 401 is repeated once, with a token that was read anew.
 */
#ifndef API_CLIENT_H
#define API_CLIENT_H

#include <event2/event.h>

#include "user/api/result.h"
#include "user/k8s/kubeconfig.h"

struct client;

/* Takes over what is in kubeconfig. */
struct client *client_open(struct event_base *base, struct kubeconfig *kubeconfig);

/* Its calls are freed by then. */
void client_close(struct client *client);

/* The server's URL, and where that is from: for people. */
const char *client_server(const struct client *client);
const char *client_source(const struct client *client);

struct call_options {
	const char *method; /* NULL: GET */
	const char *path;   /* and query; as all that is here, copied */
	/* What is sent; NULL: nothing. A text of type, NULL: application/json. */
	const char *body, *type;
	int64_t silence;       /* milliseconds without a byte that end it; 0: CALL_SILENCE */
	bool other_connection; /* the one there is may be dead */
	/* For each piece of an answer with a status of 2xx, which is then not kept. Not 0: stop. */
	int (*data)(void *arg, const char *data, size_t size, struct err *err);
	/* Once, from the loop; may free the call. */
	void (*done)(void *arg, const struct api_result *result);
	void *arg;
};

#define CALL_SILENCE 30000
#define CALL_BODY (8u << 20) /* of an answer that is kept */

struct call;

/* Never calls back before it has returned. */
struct call *call_start(struct client *client, const struct call_options *options);

/* Ends it, if it still runs, without a word. NULL is fine. Not from within data. */
void call_free(struct call *call);

#endif
