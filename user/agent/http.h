/* SPDX-License-Identifier: Apache-2.0 */
/* The agent's HTTP servers, by libevent, and the gate that all their connections come through. */
#ifndef AGENT_HTTP_H
#define AGENT_HTTP_H

#include <event2/event.h>
#include <event2/http.h>

#include "user/k8s/config.h"

/*
 * evhttp lets in everybody who comes, and who says nothing stays for a while: they must not take
 * all descriptors, for the agent needs some to sync. When half of them are in use, nobody new is
 * let in for a second.
 */
struct http_gate {
	struct event_base *base;
	struct event *pause; /* pending: nobody is let in */
	struct {
		struct evhttp **items;
		size_t n, room;
	} servers;
};

void http_gate_open(struct http_gate *gate, struct event_base *base);

/* Its servers are gone by then. */
void http_gate_close(struct http_gate *gate);

/* To be given back by http_free. Requests and answers are small, and nobody may dawdle. */
struct evhttp *http_new(struct http_gate *gate, ev_uint16_t methods,
			void (*answer)(struct evhttp_request *request, void *arg), void *arg);
void http_free(struct http_gate *gate, struct evhttp *http);

/* The server listens there, too. IPv6 does not include IPv4. */
LB_CHECKED int http_listen(struct evhttp *http, const struct addr_port *at, struct err *err);

/* Sends an answer; its body, of size bytes, is left out where only the head is asked for. */
void http_answer(struct evhttp_request *request, int status, const char *reason, const char *body,
		 size_t size);

#endif
