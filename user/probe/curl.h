/* SPDX-License-Identifier: Apache-2.0 */
/* libcurl's transfers in libevent's loop, tamed for probes: one connection each, bounded answers.
 */
#ifndef PROBE_CURL_H
#define PROBE_CURL_H

#include <curl/curl.h>
#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>

struct curl_loop;

struct curl_loop *curl_loop_open(struct event_base *base);
void curl_loop_close(struct curl_loop *loop);

struct transfer_result {
	bool failed;	      /* no answer, or one that broke off */
	const char *text;     /* then: why, as the kubelet words it */
	long status;	      /* of the answer */
	const char *redirect; /* absolute; NULL: the answer names no other place */
	const char *body;     /* the first RUN_BODY bytes, and a NUL */
	size_t body_size;
	const char *header; /* the header that transfer_want asked for, or NULL */
};

struct transfer;

/* done is called once, from the loop; the transfer lives on until it is freed. */
struct transfer *transfer_new(struct curl_loop *loop, const char *url,
			      void (*done)(void *arg, const struct transfer_result *result),
			      void *arg);

/* The header line as libcurl wants it: "Name: value", "Name;" (empty), "Name:" (none). */
void transfer_header(struct transfer *transfer, const char *line);
void transfer_connect_only(struct transfer *transfer);

/* HTTP/2 without asking first, and data to POST, which is copied. */
void transfer_post_h2(struct transfer *transfer, const void *data, size_t size);

/* Keep the value of this header or trailer. */
void transfer_want(struct transfer *transfer, const char *name);

void transfer_start(struct transfer *transfer);

/* Goes on at another place, with the same headers; from within done. */
void transfer_restart(struct transfer *transfer, const char *url);

/* NULL is fine. May be called at any time, also from within done. */
void transfer_free(struct transfer *transfer);

/* Do two URLs name the same host? */
bool transfer_same_host(const char *a, const char *b);

#endif
