/* SPDX-License-Identifier: Apache-2.0 */
/* Whose certificates are believed: those of pods, and those of clients. */
#include <string.h>

#include "user/ingress/certificate.h"
#include "user/ingress/rules_parts.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"

const struct ingress_authority *rules_authority(const struct ingress_rules *rules,
						const struct object *secret)
{
	for (size_t i = 0; i < rules->authorities.n; i++)
		if (rules->authorities.items[i].secret == secret)
			return &rules->authorities.items[i];
	return NULL;
}

const struct object *rules_clients(const struct ingress_rules *rules, const char *host)
{
	for (size_t i = 0; i < rules->routes.n; i++)
		if (rules->routes.items[i].clients && !strcmp(rules->routes.items[i].host, host))
			return rules->routes.items[i].clients;
	return NULL;
}

/*
 * "NAME", or "NAMESPACE/NAME" as ingress-nginx has it, of the same namespace: who may write an
 * Ingress may not by that use the Secrets of others.
 */
static const struct object *secret_find(const struct store *store, const struct object *ingress,
					const char *text)
{
	const char *slash = strchr(text, '/');

	if (slash && ((size_t)(slash - text) != strlen(ingress->ns) ||
		      strncmp(text, ingress->ns, strlen(ingress->ns)) != 0))
		return NULL;
	return store_find(store, K8S_SECRET, ingress->ns, slash ? slash + 1 : text);
}

/* What is in the Secret has to be right, if it is there: HAProxy reads all files or none. */
static int authority_read(const struct object *secret, struct ingress_authority *ret_authority,
			  struct err *err)
{
	size_t size;
	cleanup_free char *ca = secret_value(secret, "ca.crt", &size);
	cleanup_free char *chain = secret_value(secret, "tls.crt", &size);
	char *pem = NULL;
	int code = ca ? certificate_check_chain(ca, err) : 0;

	if (!code && chain)
		code = certificate_of_secret(secret, &pem, err);
	if (code)
		return code;
	*ret_authority = (struct ingress_authority){ secret, TAKE_PTR(ca), pem };
	return 0;
}

static const struct ingress_authority *authority_of(struct ingress_rules *rules,
						    const struct store *store,
						    const struct object *ingress, const char *name)
{
	const struct object *secret = secret_find(store, ingress, name);
	struct ingress_authority authority;
	struct err err;

	if (!secret) {
		rules_problem(rules, ingress, INGRESS_SECRET,
			      "secret %s is not there, in namespace %s; it answers 503", name,
			      ingress->ns);
		return NULL;
	}
	if (rules_authority(rules, secret))
		return rules_authority(rules, secret);
	if (authority_read(secret, &authority, &err)) {
		rules_problem(rules, ingress, INGRESS_SECRET, "secret %s: %s; it answers 503", name,
			      err.text);
		return NULL;
	}
	vec_push(&rules->authorities, authority);
	return &rules->authorities.items[rules->authorities.n - 1];
}

static bool upstream_collect(struct ingress_rules *rules, const struct store *store,
			     const struct object *ingress, const struct ingress_options *options,
			     const struct object **ret_secret)
{
	const struct ingress_upstream *upstream = &options->upstream;
	const struct ingress_authority *authority = NULL;

	if (upstream->secret)
		authority = authority_of(rules, store, ingress, upstream->secret);
	if (upstream->secret && !authority)
		return false;
	if (upstream->verify && !(authority && authority->ca)) {
		rules_problem(
			rules, ingress, INGRESS_SECRET,
			"proxy-ssl-verify needs a proxy-ssl-secret with ca.crt; it answers 503");
		return false;
	}
	*ret_secret = authority ? authority->secret : NULL;
	return true;
}

/* A host's clients are asked for one kind of certificate, in the handshake: the oldest says which.
 */
static bool hosts_are_free(struct ingress_rules *rules, const struct object *ingress,
			   const struct object *secret)
{
	const struct ingress *typed = ingress->ingress;
	bool whole = typed->has_default;

	for (size_t i = 0; i < typed->n_paths; i++) {
		const struct object *other = rules_clients(rules, typed->paths[i].host);

		whole = whole || !*typed->paths[i].host;
		if (!other || other == secret)
			continue;
		rules_problem(rules, ingress, INGRESS_CONFLICT,
			      "clients of %s are verified by secret %s, as an older ingress says; "
			      "it answers 503",
			      typed->paths[i].host, other->name);
		return false;
	}
	if (whole)
		rules_problem(rules, ingress, INGRESS_ANNOTATION,
			      "auth-tls-secret needs rules with a host each, and no default "
			      "backend; it answers 503");
	return !whole;
}

static bool clients_collect(struct ingress_rules *rules, const struct store *store,
			    const struct object *ingress, const struct ingress_options *options,
			    const struct object **ret_secret)
{
	const struct ingress_authority *authority;

	if (!options->clients_secret || options->clients == INGRESS_CLIENTS_OFF)
		return true;
	authority = authority_of(rules, store, ingress, options->clients_secret);
	if (!authority)
		return false;
	if (!authority->ca) {
		rules_problem(rules, ingress, INGRESS_SECRET,
			      "secret %s has no ca.crt; it answers 503", options->clients_secret);
		return false;
	}
	if (!hosts_are_free(rules, ingress, authority->secret))
		return false;
	*ret_secret = authority->secret;
	return true;
}

bool authorities_collect(struct ingress_rules *rules, const struct store *store,
			 const struct object *ingress, const struct ingress_options *options,
			 const struct object **ret_upstream, const struct object **ret_clients)
{
	bool upstream = upstream_collect(rules, store, ingress, options, ret_upstream);

	return clients_collect(rules, store, ingress, options, ret_clients) && upstream;
}
