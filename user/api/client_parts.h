/* SPDX-License-Identifier: Apache-2.0 */
/* The pieces that a client is put together from. Inside of client. */
#ifndef API_CLIENT_PARTS_H
#define API_CLIENT_PARTS_H

#include <stdio.h>

#include "user/api/client.h"
#include "user/api/credential.h"
#include "user/util/multi.h"

struct client {
	struct kubeconfig kubeconfig;
	struct multi multi;
	struct credential *credential;
	struct call *calls;
};

struct call {
	struct client *client;
	struct call *next;
	CURL *easy;
	struct event *timer;
	bool waiting;  /* for a credential */
	bool running;  /* libcurl has it */
	bool repeated; /* after 401 */
	char *url;
	struct curl_slist *headers, *connect_to;
	int64_t began, heard, silence;
	int (*data)(void *arg, const char *data, size_t size, struct err *err);
	void (*done)(void *arg, const struct api_result *result);
	void *arg;
	int stopped; /* by data, or because the answer was too long */
	struct err why;
	FILE *body_file;
	char *body;
	size_t body_size;
	char curl_text[CURL_ERROR_SIZE];
	char reason[32]; /* of the Status that refused */
	struct err text; /* what people are told */
};

/* All options that do not change from one try to the next. */
void call_prepare(struct call *call, const struct call_options *options);

/* Token or certificate, as they are now. */
void call_identify(struct call *call, const struct credential_view *view);

/* What libcurl's end of it means. Strings live in the call. */
void call_result(struct call *call, CURLcode code, struct api_result *ret_result);

#endif
