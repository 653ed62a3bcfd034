/* SPDX-License-Identifier: Apache-2.0 */
/* What is done to a request between its route and the Service. */
#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>

#include "user/ingress/path.h"
#include "user/ingress/render_parts.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"

#define BURST_SECONDS 5 /* so many seconds' worth may come at once, as with ingress-nginx */
#define MINUTE_SECONDS 60
#define BODY_COUNTED 8192 /* bytes that surely fit beside the head */

struct backend {
	FILE *out;
	const char *name;
	const struct ingress_rules *rules;
	const struct ingress_route *route;
	const struct ingress_options *options;
};

static void networks_print(const struct backend *backend, const char *acl,
			   const struct prefix_list *list)
{
	char text[PREFIX_TEXT];

	for (size_t i = 0; i < list->n; i++)
		fprintf(backend->out, "\tacl %s src %s\n", acl,
			prefix_format(&list->items[i], text));
}

static void lists_print(const struct backend *backend)
{
	networks_print(backend, "denied", &backend->options->deny);
	networks_print(backend, "allowed", &backend->options->allow);
	if (backend->options->deny.n)
		fputs("\thttp-request deny deny_status 403 if denied\n", backend->out);
	if (backend->options->allow.n)
		fputs("\thttp-request deny deny_status 403 unless allowed\n", backend->out);
}

/* ------------------------------------------------------------------- limits -- */

static const struct limit {
	const char *table, *store, *fetch;
	size_t offset;
	unsigned int times; /* of the number that was given */
} limits[] = {
	{ "rps", "http_req_rate(5s)", "sc_http_req_rate",
	  offsetof(struct ingress_options, limit_rps), BURST_SECONDS },
	{ "rpm", "http_req_rate(60s)", "sc_http_req_rate",
	  offsetof(struct ingress_options, limit_rpm), 1 },
	{ "connections", "conn_cur", "sc_conn_cur",
	  offsetof(struct ingress_options, limit_connections), 1 },
};

static uint32_t limit_of(const struct backend *backend, const struct limit *limit)
{
	return *(const uint32_t *)((const char *)backend->options + limit->offset);
}

static void limits_print(const struct backend *backend)
{
	for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
		uint32_t most = limit_of(backend, &limits[i]);

		if (!most)
			continue;
		fprintf(backend->out, "\thttp-request track-sc%zu src table %s.%s\n", i,
			backend->name, limits[i].table);
		fprintf(backend->out, "\thttp-request deny deny_status 429 if { %s(%zu) gt %u }\n",
			limits[i].fetch, i, most * limits[i].times);
	}
}

static void tables_print(const struct backend *backend)
{
	for (size_t i = 0; i < ARRAY_LEN(limits); i++)
		if (limit_of(backend, &limits[i]))
			fprintf(backend->out,
				"\nbackend %s.%s\n"
				"\tstick-table type ipv6 size 100k expire %us store %s\n",
				backend->name, limits[i].table, 2 * MINUTE_SECONDS,
				limits[i].store);
}

/* --------------------------------------------------------------------- CORS -- */

static void origins_print(const struct backend *backend, const char *origins)
{
	cleanup_free char *copy = xstrdup(origins);
	char *state = NULL;

	for (const char *word = strtok_r(copy, ", ", &state); word;
	     word = strtok_r(NULL, ", ", &state)) {
		fputs("\tacl origin var(txn.origin) -m str -i ", backend->out);
		render_quoted(backend->out, word);
		fputc('\n', backend->out);
	}
}

/* Called for each header of an answer that a browser is to see. */
static void cors_headers(const struct backend *backend, bool any, bool preflight,
			 const char *before, const char *between)
{
	const struct ingress_cors *cors = &backend->options->cors;
	const struct {
		const char *name, *value;
		bool is;
	} headers[] = {
		{ "Access-Control-Allow-Methods", cors->methods, preflight },
		{ "Access-Control-Allow-Headers", cors->headers, preflight },
		{ "Access-Control-Expose-Headers", cors->expose, cors->expose },
		{ "Access-Control-Allow-Credentials", "true", cors->credentials },
		{ "Vary", "Origin", !any },
	};

	fprintf(backend->out, "%sAccess-Control-Allow-Origin %s%s", before,
		any ? "*" : "%[var(txn.origin)]", between);
	for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
		if (!headers[i].is)
			continue;
		fprintf(backend->out, "%s%s ", before, headers[i].name);
		render_format(backend->out, headers[i].value);
		fputs(between, backend->out);
	}
}

static void cors_print(const struct backend *backend)
{
	const struct ingress_cors *cors = &backend->options->cors;
	bool any = !strcmp(cors->origins, "*");
	const char *origin = any ? "{ var(txn.origin) -m found }" : "origin";
	cleanup_free char *end = xasprintf(" if %s\n", origin);

	if (!cors->on)
		return;
	fputs("\thttp-request set-var(txn.origin) req.hdr(origin)\n", backend->out);
	if (!any)
		origins_print(backend, cors->origins);
	fputs("\thttp-request return status 204", backend->out);
	cors_headers(backend, any, true, " hdr ", "");
	fprintf(backend->out, " hdr Access-Control-Max-Age %u if METH_OPTIONS %s\n", cors->max_age,
		origin);
	cors_headers(backend, any, false, "\thttp-response set-header ", end);
}

/* ------------------------------------------------------------------ rewrite -- */

void render_regex(FILE *out, const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		/* A quote would end the word. */
		if (isalnum((unsigned char)text[i]) || strchr("/-_~", text[i]))
			fputc(text[i], out);
		else
			fprintf(out, "\\x%02x", (unsigned char)text[i]);
	}
}

/*
 * $1 to $9 are groups of the path. Of a path that says "below /x" only the rest has anything to
 * say; of a plain one nothing.
 */
static char *rewrite_text(const char *target, bool regex, unsigned int rest)
{
	char *text = xcalloc(1, 2 * strlen(target) + 1), *to = text;

	for (; *target; target++) {
		if (*target == '$' && isdigit((unsigned char)target[1])) {
			target++;
			if (regex)
				to += sprintf(to, "\\%c", *target);
			else if (rest && *target == (char)('0' + rest))
				to = stpcpy(to, "\\2");
		} else if (*target == '\\') {
			to = stpcpy(to, "\\\\");
		} else {
			*to++ = *target;
		}
	}
	return text;
}

static void rewrite_print(const struct backend *backend)
{
	const char *path = backend->route->path ? backend->route->path : "/";
	bool regex = backend->route->regex;
	cleanup_free char *whole = xasprintf("^(?i:%s)", path), *text = NULL;
	unsigned int rest = 0;
	size_t length = regex ? 0 : path_pattern(path, &rest);

	if (!backend->options->rewrite)
		return;
	text = rewrite_text(backend->options->rewrite, regex, rest);
	fputs("\thttp-request replace-path ", backend->out);
	if (regex) {
		render_quoted(backend->out, whole);
	} else {
		fputs("'^", backend->out);
		if (rest)
			render_regex(backend->out, path, path_prefix_length(path, length));
		fputs(rest ? "(/|$)(.*)$'" : ".*$'", backend->out);
	}
	fputc(' ', backend->out);
	render_format(backend->out, text);
	fputc('\n', backend->out);
}

/* ------------------------------------------------------------------ servers -- */

static void timeouts_print(const struct backend *backend)
{
	const struct ingress_options *options = backend->options;
	uint32_t longest = options->send_timeout > options->read_timeout ? options->send_timeout
									 : options->read_timeout;

	if (options->connect_timeout)
		fprintf(backend->out, "\ttimeout connect %us\n", options->connect_timeout);
	if (longest)
		fprintf(backend->out, "\ttimeout server %us\n\ttimeout tunnel %us\n", longest,
			longest);
}

static void server_print(const struct backend *backend, size_t number, const char *address,
			 const char *more)
{
	fprintf(backend->out, "\tserver s%zu %s", number, address);
	render_upstream(backend->out, backend->rules, backend->route);
	fprintf(backend->out, "%s\n", more);
}

static void slots_print(const struct backend *backend, const struct ingress_pool *pool)
{
	char text[ADDR_PORT_TEXT];

	for (size_t i = 0; i < pool->n; i++) {
		const struct ingress_server *server = &pool->items[i].server;
		cleanup_free char *weight =
			server->weight == 1 ? NULL : xasprintf(" weight %u", server->weight);

		if (pool->items[i].used)
			server_print(backend, i + 1,
				     addr_port_format(&server->addr, server->port, text),
				     weight ? weight : "");
		else
			server_print(backend, i + 1, "0.0.0.0:0", " disabled");
	}
}

/*
 * A Service's own address is there twice: a connection that was refused, since its pod has just
 * gone, is tried again at once, where HAProxy would give a single server a second to recover.
 */
static void servers_print(const struct backend *backend, const struct ingress_pools *pools)
{
	const struct ingress_route *route = backend->route;
	char text[ADDR_PORT_TEXT];

	if (route->options->cookie)
		fprintf(backend->out,
			"\tcookie %s insert indirect nocache httponly dynamic\n"
			"\tdynamic-cookie-key lbctl\n",
			route->options->cookie);
	if (route->listed) {
		slots_print(backend, pools_find(pools, backend->name));
		return;
	}
	for (size_t i = 1; i <= 2; i++)
		server_print(backend, i,
			     addr_port_format(&route->servers.items[0].addr,
					      route->servers.items[0].port, text),
			     "");
}

/*
 * A body whose length is not said can only be counted as far as it fits into HAProxy's buffer. One
 * that goes on beyond that is refused with 411, as RFC 9110 15.5.12 has it. gRPC streams bodies
 * that may last: there the length counts alone.
 */
static void body_print(const struct backend *backend)
{
	unsigned long long most = backend->options->body_size;
	bool grpc = backend->options->protocol == INGRESS_H2C ||
		    backend->options->protocol == INGRESS_H2;

	if (!most)
		return;
	fprintf(backend->out, "\thttp-request deny deny_status 413 if { req.body_size gt %llu }\n",
		most);
	if (grpc)
		return;
	fprintf(backend->out,
		"\tacl sized req.hdr(content-length) -m found\n"
		"\thttp-request wait-for-body time 30s at-least %llu unless sized || METH_CONNECT\n"
		"\thttp-request deny deny_status 413 if !sized { req.body_len gt %llu }\n"
		"\thttp-request return status 411 if !sized { req.body_len ge %d }\n",
		most < BODY_COUNTED ? most + 1 : BODY_COUNTED, most, BODY_COUNTED);
}

static void guards_print(const struct backend *backend, const struct ingress_listen *listen)
{
	cleanup_free char *port =
		listen->https_port == 443 ? xstrdup("") : xasprintf(":%u", listen->https_port);

	if (backend->route->redirect)
		fprintf(backend->out,
			"\thttp-request redirect code 308 location "
			"https://%%[var(txn.host)]%s%%[pathq] unless { ssl_fc }\n",
			port);
	lists_print(backend);
	render_clients(backend->out, backend->route);
	limits_print(backend);
	cors_print(backend);
	if (backend->options->auth_secret) {
		fputs("\thttp-request auth realm ", backend->out);
		render_quoted(backend->out, backend->options->auth_realm);
		fprintf(backend->out, " unless { http_auth(users-%zu) }\n",
			render_users(backend->rules, backend->route));
	}
	body_print(backend);
}

void render_backend(FILE *out, const struct ingress_rules *rules, const struct ingress_pools *pools,
		    const struct ingress_listen *listen, size_t index)
{
	const struct ingress_route *route = &rules->routes.items[index];
	cleanup_free char *name = render_route_name(rules, index);
	struct backend backend = { out, name, rules, route, route->options };
	bool dead = route->refused || (!route->listed && !route->servers.n);

	fprintf(out, "\nbackend %s\n", name);
	if (dead) {
		fputs("\thttp-request return status 503\n", out);
		return;
	}
	guards_print(&backend, listen);
	rewrite_print(&backend);
	timeouts_print(&backend);
	servers_print(&backend, pools);
	tables_print(&backend);
}
