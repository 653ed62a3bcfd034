/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All Ingresses that are ours, merged into one set of rules: which host and path leads to which
 * route, and which certificate is for which name. Pure. The oldest Ingress wins a conflict; what
 * is wrong with one is told and leaves the others alone.
 */
#ifndef INGRESS_RULES_H
#define INGRESS_RULES_H

#include "user/ingress/certificate_cache.h"
#include "user/ingress/options.h"
#include "user/model/store.h"

#define INGRESS_CLASS "lbctl"
#define INGRESS_CONTROLLER "lbctl.io/ingress"
#define RULES_NOBODY "nobody" /* the backend of requests that no rule is for */

struct ingress_server {
	struct lb_addr addr;
	__be16 port;
	uint16_t weight; /* of new connections, beside the others */
};

/* Where a route's requests go, and what is done to them on the way. */
struct ingress_route {
	const struct object *ingress;
	const struct ingress_backend *backend;
	const char *host; /* "" for all */
	const char *path; /* of the rule; NULL: a default backend */
	const struct ingress_options *options;
	bool regex;    /* the path is an expression, which begins at the path's first byte */
	bool refused;  /* answers 503: something that guards it is wrong */
	bool redirect; /* from http to https */
	const struct object *upstream; /* its authority is who pods are verified by; or NULL */
	const struct object *clients;  /* and clients; or NULL */
	bool listed; /* servers are pods; otherwise one is the Service's own address */
	struct {
		struct ingress_server *items;
		size_t n, room;
	} servers;
	size_t ready; /* endpoints that are, listed or not */
	size_t main;  /* of a canary: the index of the route it stands in for; else its own */
};

enum ingress_match { INGRESS_EXACT, INGRESS_REGEX, INGRESS_PREFIX };

struct ingress_entry {
	const char *host;
	char *path; /* owned; of a prefix without its last slash: "" is all */
	enum ingress_match match;
	size_t route;
};

struct ingress_certificate {
	const struct object *secret;
	char *pem; /* owned */
	time_t end;
	const char **hosts;
	size_t n_hosts; /* 0: the names in the certificate */
};

enum ingress_reason {
	INGRESS_ANNOTATION, /* cannot be read, or is not supported */
	INGRESS_PATH,	    /* cannot be a rule's */
	INGRESS_CONFLICT,   /* an older Ingress has it */
	INGRESS_SERVICE,    /* or its port is not there */
	INGRESS_SECRET,	    /* is not there, or not what it should be */
	INGRESS_RESOURCE,   /* backends that are no Services */
};

/* What a Secret has for the verification of others, and for ourselves as a client. */
struct ingress_authority {
	const struct object *secret;
	char *ca;  /* owned; NULL: none */
	char *pem; /* owned; certificate and key; NULL: none */
};

struct ingress_problem {
	const struct object *object; /* an Ingress or an IngressClass */
	enum ingress_reason reason;
	char *text; /* owned */
};

/* Users and their hashed passwords, of one Secret. */
struct ingress_users {
	const struct object *secret;
	char *text; /* "name:hash" lines, all found right; owned */
};

struct ingress_rules {
	struct certificate_cache *cache; /* while they are made */
	struct {
		const struct object **items; /* oldest first */
		size_t n, room;
	} ours;
	struct prefix_list trusted;	 /* who says by the PROXY protocol for whom he asks */
	struct ingress_options *options; /* one of each of ours */
	bool *refused;			 /* the same */
	const struct object **upstream, **clients; /* the same; or NULL: what routes have */
	struct {
		struct ingress_route *items;
		size_t n, room;
	} routes;
	struct {
		struct ingress_entry *items; /* sorted by host, match, path */
		size_t n, room;
	} entries;
	struct {
		struct ingress_certificate *items;
		size_t n, room;
	} certificates;
	struct {
		struct ingress_users *items;
		size_t n, room;
	} users;
	struct {
		struct ingress_authority *items;
		size_t n, room;
	} authorities;
	struct {
		struct ingress_problem *items;
		size_t n, room;
	} problems;
};

/* As a label. */
const char *rules_reason_word(enum ingress_reason reason);

/* Borrows from the store. cache: of the rules before, or NULL. */
void rules_make(const struct store *store, struct certificate_cache *cache,
		struct ingress_rules *ret_rules);
void rules_done(struct ingress_rules *rules);

/* Is it an Ingress that lbctl serves? */
bool rules_is_ours(const struct store *store, const struct object *ingress);

/*
 * The entry that a request for this host and path meets, or NULL. The same choice as HAProxy makes
 * with the maps that are rendered from the rules. host: lower case, without a port.
 */
const struct ingress_entry *rules_find(const struct ingress_rules *rules, const char *host,
				       const char *path);

/* Has this host expressions? They and its prefixes are then tried one after the other, … */
bool rules_has_regex(const struct ingress_rules *rules, const char *host);
/* … in the order of this, the longest first: of the path as it was written. */
size_t rules_length(const struct ingress_rules *rules, const struct ingress_entry *entry);

/* The certificate that a client is shown who asks for this name; NULL: the default one. */
const struct ingress_certificate *rules_certificate(const struct ingress_rules *rules,
						    const char *host);

/* Of this Secret; NULL: no rule uses it as one. */
const struct ingress_authority *rules_authority(const struct ingress_rules *rules,
						const struct object *secret);

/* The Secret with the authorities that clients of this host of the rules have to show; or NULL. */
const struct object *rules_clients(const struct ingress_rules *rules, const char *host);

/* Does host, "" or a name or "*.name", stand for this name? */
bool rules_host_matches(const char *host, const char *name);

#endif
