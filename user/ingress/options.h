/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What annotations ask for, read into one struct. Own names are lbctl.io/NAME; the name that
 * ingress-nginx has for the same thing is read where ours is not given. docs/ingress.md is the
 * table for people.
 */
#ifndef INGRESS_OPTIONS_H
#define INGRESS_OPTIONS_H

#include "user/k8s/config.h"
#include "user/k8s/object.h"

#define OPTIONS_PROXY_FROM "lbctl.io/proxy-protocol-from" /* of an IngressClass */

enum ingress_protocol {
	INGRESS_HTTP,
	INGRESS_HTTPS,
	INGRESS_H2C, /* GRPC, too */
	INGRESS_H2,  /* GRPCS */
};

enum ingress_clients {
	INGRESS_CLIENTS_ON,
	INGRESS_CLIENTS_OPTIONAL,
	INGRESS_CLIENTS_OFF,
};

/* Between HAProxy and the pods. Names of Secrets may have the namespace before them. */
struct ingress_upstream {
	bool verify, sni;
	const char *secret, *name; /* or NULL */
};

struct ingress_cors {
	bool on;
	bool credentials;
	const char *origins; /* "*", or a list with commas */
	const char *methods, *headers, *expose;
	uint32_t max_age;
};

struct ingress_canary {
	bool on;
	uint32_t weight, total;
	const char *header, *value, *cookie; /* or NULL */
};

/* Texts are borrowed from the object. Numbers are 0 where nothing was asked. */
struct ingress_options {
	bool ssl_redirect, force_ssl_redirect;
	const char *rewrite;
	bool use_regex;
	enum ingress_protocol protocol;
	uint32_t connect_timeout, send_timeout, read_timeout; /* seconds */
	uint64_t body_size;				      /* bytes */
	struct prefix_list allow, deny;
	uint32_t limit_rps, limit_rpm, limit_connections;
	const char *auth_secret, *auth_realm;
	struct ingress_upstream upstream;
	enum ingress_clients clients; /* what is asked of them … */
	const char *clients_secret;   /* … by these authorities; NULL: nothing */
	const char *cookie;	      /* affinity by a cookie of this name, or NULL */
	struct ingress_canary canary;
	struct ingress_cors cors;
};

/* Called with each thing that is wrong; refused: nothing may be served without it. */
struct ingress_complaint {
	void (*tell)(void *arg, bool refused, const char *text);
	void *arg;
};

void options_read(const struct object *ingress, const struct ingress_complaint *complaint,
		  struct ingress_options *ret_options);
/* Adds "10.0.0.0/8, 192.0.2.7" to list; returns what is wrong with it, or NULL. */
const char *options_prefixes(const char *text, struct prefix_list *list);

void options_done(struct ingress_options *options);

#endif
