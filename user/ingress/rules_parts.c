/* SPDX-License-Identifier: Apache-2.0 */
/* What rules refer to: Services, and Secrets with certificates or users. */
#include "user/ingress/rules_parts.h"

#include <arpa/inet.h>
#include <string.h>

#include "user/ingress/certificate.h"
#include "user/model/slices.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"

/* ------------------------------------------------------------------ servers -- */

static const struct service_port *port_find(const struct service *service,
					    const struct ingress_backend *backend)
{
	for (size_t i = 0; i < service->n_ports; i++) {
		const struct service_port *port = &service->ports[i];

		if (port->proto == IPPROTO_TCP &&
		    (backend->port_name ? !strcmp(port->name, backend->port_name)
					: port->port == backend->port))
			return port;
	}
	return NULL;
}

static void slice_servers(const struct endpoint_slice *slice, const char *port_name,
			  struct ingress_route *route)
{
	for (size_t p = 0; p < slice->n_ports; p++) {
		if (strcmp(slice->ports[p].name, port_name) != 0 || !slice->ports[p].port)
			continue;
		for (size_t e = 0; e < slice->n_endpoints && !slice->fqdn; e++) {
			struct ingress_server server = { slice->endpoints[e].addr,
							 htons(slice->ports[p].port),
							 slice->endpoints[e].weight };

			if (!server.weight)
				server.weight = 1;
			if (slice->endpoints[e].ready)
				vec_push(&route->servers, server);
		}
	}
}

/* Of one family, so that a pod with two addresses counts once. */
static void pods_find(const struct store *store, const struct object *service,
		      const struct service_port *port, struct ingress_route *route)
{
	struct store_view stored = store_slices(store, service->ns, service->name);
	struct object_list made;
	const struct object *first;

	slices_make(store, service, &made);
	first = stored.n ? stored.items[0] : made.n ? made.items[0] : NULL;
	for (size_t i = 0; i < stored.n + made.n; i++) {
		const struct object *slice =
			i < stored.n ? stored.items[i] : made.items[i - stored.n];

		if (slice->slice->v4 == first->slice->v4)
			slice_servers(slice->slice, port->name, route);
	}
	object_list_free(&made);
}

void servers_find(struct ingress_rules *rules, const struct store *store,
		  struct ingress_route *route)
{
	const struct object *ingress = route->ingress, *service;
	const struct ingress_backend *backend = route->backend;
	const struct service_port *port;

	if (!backend->service) {
		rules_problem(rules, ingress, INGRESS_RESOURCE,
			      "backends that are resources are not supported");
		return;
	}
	service = store_find(store, K8S_SERVICE, ingress->ns, backend->service);
	if (!service) {
		rules_problem(rules, ingress, INGRESS_SERVICE, "service %s/%s is not there",
			      ingress->ns, backend->service);
		return;
	}
	port = port_find(service->service, backend);
	if (!port) {
		rules_problem(rules, ingress, INGRESS_SERVICE, "service %s/%s has no such TCP port",
			      ingress->ns, backend->service);
		return;
	}
	route->listed = service->service->headless || route->options->cookie;
	pods_find(store, service, port, route);
	route->ready = route->servers.n;
	if (route->listed)
		return;
	vec_free(&route->servers);
	if (service->service->n_cluster_ips)
		vec_push(&route->servers,
			 ((struct ingress_server){ service->service->cluster_ips[0],
						   htons(port->port), 1 }));
	else
		rules_problem(rules, ingress, INGRESS_SERVICE, "service %s/%s has no cluster IP",
			      ingress->ns, backend->service);
}

/* ------------------------------------------------------------- certificates -- */

static void certificate_collect(struct ingress_rules *rules, const struct store *store,
				const struct object *ingress, const struct ingress_tls *tls)
{
	const struct object *secret = store_find(store, K8S_SECRET, ingress->ns, tls->secret);
	char *pem = NULL;
	struct err err;
	time_t end;

	if (!secret)
		rules_problem(rules, ingress, INGRESS_SECRET,
			      "secret %s/%s is not there; the default certificate is "
			      "shown",
			      ingress->ns, tls->secret);
	else if (certificate_remembered(rules->cache, secret, &pem, &end, &err))
		rules_problem(rules, ingress, INGRESS_SECRET,
			      "%s; the default certificate is shown", err.text);
	else
		vec_push(&rules->certificates,
			 ((struct ingress_certificate){ secret, pem, end, tls->hosts,
							tls->n_hosts }));
}

void certificates_collect(struct ingress_rules *rules, const struct store *store,
			  const struct object *ingress)
{
	for (size_t i = 0; i < ingress->ingress->n_tls; i++)
		if (ingress->ingress->tls[i].secret)
			certificate_collect(rules, store, ingress, &ingress->ingress->tls[i]);
}

/* -------------------------------------------------------------------- users -- */

/* HAProxy asks crypt(3), which knows neither Apache's MD5 nor plain SHA-1. */
static bool user_is_right(const char *line)
{
	static const char *const known[] = { "$1$", "$2a$", "$2b$", "$2y$",
					     "$5$", "$6$",  "$y$",  NULL };
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789./$=,_-@+";
	size_t name = strcspn(line, ":"), i = 0;

	if (!name || !line[name] || strspn(line, letters) < name)
		return false;
	line += name + 1;
	while (known[i] && strncmp(line, known[i], strlen(known[i])) != 0)
		i++;
	return known[i] && strspn(line, letters) == strlen(line);
}

static bool users_check(const char *text, char **ret_lines)
{
	cleanup_free char *copy = xstrdup(text);
	char *lines = xcalloc(1, strlen(text) + 2), *to = lines, *state = NULL;
	bool right = true;

	for (const char *line = strtok_r(copy, "\r\n", &state); line && right;
	     line = strtok_r(NULL, "\r\n", &state)) {
		right = user_is_right(line);
		to = stpcpy(stpcpy(to, line), "\n");
	}
	if (right && to > lines)
		*ret_lines = TAKE_PTR(lines);
	free(lines);
	return *ret_lines;
}

static bool users_known(const struct ingress_rules *rules, const struct object *secret)
{
	for (size_t i = 0; i < rules->users.n; i++)
		if (rules->users.items[i].secret == secret)
			return true;
	return false;
}

bool users_collect(struct ingress_rules *rules, const struct store *store,
		   const struct object *ingress, const struct ingress_options *options)
{
	const char *name = options->auth_secret;
	const struct object *secret = store_find(store, K8S_SECRET, ingress->ns, name);
	cleanup_free char *text = NULL;
	char *lines = NULL;
	size_t size;

	if (secret && users_known(rules, secret))
		return true;
	if (secret)
		text = secret_value(secret, "auth", &size);
	if (!text || !users_check(text, &lines)) {
		rules_problem(rules, ingress, INGRESS_SECRET, "secret %s/%s: %s; it answers 503",
			      ingress->ns, name,
			      text ? "auth must be lines NAME:HASH, of crypt(3) (htpasswd -B)"
				   : "is not there, or has no auth");
		return false;
	}
	vec_push(&rules->users, ((struct ingress_users){ secret, lines }));
	return true;
}
