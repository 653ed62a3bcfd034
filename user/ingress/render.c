/* SPDX-License-Identifier: Apache-2.0 */
#include "user/ingress/render.h"

#include <arpa/inet.h>
#include <string.h>

#include "user/ingress/render_parts.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"

void render_quoted(FILE *out, const char *text)
{
	fputc('\'', out);
	for (; *text; text++) {
		if (*text == '\'')
			fputs("'\\''", out);
		else
			fputc(*text, out);
	}
	fputc('\'', out);
}

void render_format(FILE *out, const char *text)
{
	cleanup_free char *doubled = xcalloc(1, 2 * strlen(text) + 1);
	char *to = doubled;

	for (; *text; text++) {
		*to++ = *text;
		if (*text == '%')
			*to++ = '%';
	}
	render_quoted(out, doubled);
}

char *render_route_name(const struct ingress_rules *rules, size_t index)
{
	const struct ingress_route *route = &rules->routes.items[index];
	const char *service = route->backend->service ? route->backend->service : "";
	size_t number = 0;

	if (!route->path)
		return xasprintf("%s:%s:%s:default", route->ingress->ns, route->ingress->name,
				 service);
	while (number < index && rules->routes.items[index - number - 1].ingress == route->ingress)
		number++;
	return xasprintf("%s:%s:%s:%zu", route->ingress->ns, route->ingress->name, service, number);
}

size_t render_users(const struct ingress_rules *rules, const struct ingress_route *route)
{
	size_t i = 0;

	while (i < rules->users.n &&
	       (strcmp(rules->users.items[i].secret->ns, route->ingress->ns) != 0 ||
		strcmp(rules->users.items[i].secret->name, route->options->auth_secret) != 0))
		i++;
	return i;
}

/* ----------------------------------------------------------------- frontend -- */

static void bind_print(FILE *out, const char *address, const struct ingress_listen *listen,
		       const char *more, bool resume)
{
	fprintf(out, "\tbind %s:%u%s\n", address, listen->http_port, more);
	fprintf(out,
		"\tbind %s:%u%s ssl crt-list " RENDER_FOLDER "/crt-list.txt alpn h2,http/1.1%s\n",
		address, listen->https_port, more, resume ? "" : " no-tls-tickets");
}

static void binds_print(FILE *out, const struct ingress_listen *listen, bool resume)
{
	for (size_t i = 0; i < listen->addresses.n; i++) {
		const struct lb_addr *addr = &listen->addresses.items[i];
		char text[ADDR_TEXT];
		cleanup_free char *address =
			xasprintf(addr_is_v4(addr) ? "%s" : "[%s]", addr_format(addr, text));

		bind_print(out, address, listen, "", resume);
	}
	if (!listen->addresses.n)
		bind_print(out, "0.0.0.0", listen, "", resume);
	if (!listen->addresses.n && !listen->v4_only)
		bind_print(out, "[::]", listen, " v6only", resume);
}

/* From others a line of that protocol is a bad request. */
static void trusted_print(FILE *out, const struct prefix_list *trusted)
{
	char text[PREFIX_TEXT];

	for (size_t i = 0; i < trusted->n; i++)
		fprintf(out, "\tacl trusted src %s\n", prefix_format(&trusted->items[i], text));
	if (trusted->n)
		fputs("\ttcp-request connection expect-proxy layer4 if trusted\n", out);
}

static bool any_matches(const struct ingress_rules *rules, enum ingress_match match)
{
	for (size_t i = 0; i < rules->entries.n; i++)
		if (rules->entries.items[i].match == match)
			return true;
	return false;
}

static bool any_wildcard(const struct ingress_rules *rules)
{
	for (size_t i = 0; i < rules->entries.n; i++)
		if (*rules->entries.items[i].host == '*')
			return true;
	return false;
}

/*
 * Keys of the maps begin with the number of the host's rules, so that one tree has all hosts: "h3",
 * or "r3" where expressions have to be tried, one after the other. What no rule asks for is not
 * looked up: this is done for each request.
 */
static void lookup_print(FILE *out, const struct ingress_rules *rules)
{
	bool wildcard = any_wildcard(rules), exact = any_matches(rules, INGRESS_EXACT);
	bool regex = any_matches(rules, INGRESS_REGEX);
	char all = rules_has_regex(rules, "") ? 'r' : 'h';
	cleanup_free char *otherwise = xasprintf(",%c0", all);

	fprintf(out,
		"\thttp-request set-var(txn.host) req.hdr(host),host_only,lower,rtrim(.)\n"
		"\thttp-request set-var(txn.rules) var(txn.host),map_str(" RENDER_FOLDER
		"/hosts.map%s)\n",
		wildcard ? "" : otherwise);
	if (wildcard)
		fprintf(out,
			"\thttp-request set-var(txn.rules) var(txn.host),regsub(^[^.]*,),"
			"map_str(" RENDER_FOLDER
			"/wildcards.map%s) unless { var(txn.rules) -m found }\n",
			otherwise);
	fputs("\thttp-request set-var(txn.path) path\n", out);
	if (exact)
		fputs("\thttp-request set-var(txn.route) var(txn.rules),concat(,txn.path),"
		      "map_str(" RENDER_FOLDER "/exact.map)\n",
		      out);
	if (regex)
		fputs("\thttp-request set-var(txn.route) var(txn.rules),concat(,txn.path),"
		      "map_reg(" RENDER_FOLDER "/regex.map) "
		      "if { var(txn.rules) -m beg r } !{ var(txn.route) -m found }\n",
		      out);
	fprintf(out,
		"\thttp-request set-var(txn.route) var(txn.rules),concat(,txn.path,/),"
		"map_beg(" RENDER_FOLDER "/prefix.map," RULES_NOBODY ")%s\n",
		exact || regex ? " unless { var(txn.route) -m found }" : "");
}

/* What a client says of these is nobody's word. */
static const char forwarded[] = "\thttp-request set-header X-Forwarded-For %[src]\n"
				"\thttp-request set-header X-Real-IP %[src]\n"
				"\thttp-request set-header X-Forwarded-Host %[req.hdr(host)]\n"
				"\thttp-request set-header X-Forwarded-Port %[dst_port]\n"
				"\thttp-request set-header X-Forwarded-Proto http if !{ ssl_fc }\n"
				"\thttp-request set-header X-Forwarded-Proto https if { ssl_fc }\n";

static void canary_print(FILE *out, const struct ingress_rules *rules, size_t index)
{
	const struct ingress_route *route = &rules->routes.items[index];
	const struct ingress_canary *canary = &route->options->canary;
	cleanup_free char *name = render_route_name(rules, index);
	cleanup_free char *main = render_route_name(rules, route->main);
	cleanup_free char *use =
		xasprintf("\tuse_backend %s if { var(txn.route) -m str %s }", name, main);
	cleanup_free char *never = xstrdup("");

	if (canary->header) {
		fprintf(out, "%s { req.hdr(%s) -m str ", use, canary->header);
		render_quoted(out, canary->value ? canary->value : "always");
		fputs(" }\n", out);
		if (!canary->value) {
			free(never);
			never = xasprintf(" !{ req.hdr(%s) -m str never }", canary->header);
		}
	}
	if (canary->cookie)
		fprintf(out, "%s { req.cook(%s) -m str always }%s\n", use, canary->cookie, never);
	if (canary->weight && canary->total && canary->cookie)
		fprintf(out, "%s { rand(%u) lt %u }%s !{ req.cook(%s) -m str never }\n", use,
			canary->total, canary->weight, never, canary->cookie);
	else if (canary->weight && canary->total)
		fprintf(out, "%s { rand(%u) lt %u }%s\n", use, canary->total, canary->weight,
			never);
}

static void frontend_print(FILE *out, const struct ingress_rules *rules,
			   const struct ingress_listen *listen)
{
	fputs("\nfrontend ingress\n", out);
	binds_print(out, listen, !render_any_clients(rules));
	trusted_print(out, &rules->trusted);
	lookup_print(out, rules);
	fputs(forwarded, out);
	for (size_t i = 0; i < rules->routes.n; i++)
		if (rules->routes.items[i].main != i)
			canary_print(out, rules, i);
	fputs("\tuse_backend %[var(txn.route)]\n"
	      "\nbackend " RULES_NOBODY "\n"
	      "\thttp-request return status 404 content-type text/plain string "
	      "\"default backend - 404\\n\"\n",
	      out);
}

static void users_print(FILE *out, const struct ingress_rules *rules)
{
	for (size_t i = 0; i < rules->users.n; i++) {
		cleanup_free char *copy = xstrdup(rules->users.items[i].text);
		char *state = NULL;

		fprintf(out, "\nuserlist users-%zu\n", i);
		for (char *line = strtok_r(copy, "\n", &state); line;
		     line = strtok_r(NULL, "\n", &state)) {
			char *hash = strchr(line, ':');

			*hash++ = '\0';
			fprintf(out, "\tuser %s password '%s'\n", line, hash);
		}
	}
}

static void config_print(FILE *out, const struct ingress_rules *rules,
			 const struct ingress_pools *pools, const struct ingress_listen *listen)
{
	/* A session that is resumed is not verified again, whichever host it was begun with. */
	fprintf(out, "global\n\tssl-default-bind-options ssl-min-ver TLSv1.2\n%s",
		render_any_clients(rules) ? "\ttune.ssl.cachesize 0\n" : "");
	fputs("\ndefaults\n"
	      "\tmode http\n"
	      "\tretries 2\n"
	      "\toption redispatch 1\n"
	      "\ttimeout connect 5s\n"
	      "\ttimeout client 60s\n"
	      "\ttimeout server 60s\n"
	      "\ttimeout http-request 30s\n"
	      "\ttimeout http-keep-alive 75s\n"
	      "\ttimeout tunnel 1h\n",
	      out);
	users_print(out, rules);
	frontend_print(out, rules, listen);
	for (size_t i = 0; i < rules->routes.n; i++)
		render_backend(out, rules, pools, listen, i);
}

/* --------------------------------------------------------------------- maps -- */

struct maps {
	FILE *hosts, *wildcards, *exact, *prefix, *regex;
};

struct sorted {
	const struct ingress_entry *entry;
	size_t length;
};

/* The longest first: the first that matches counts. */
static int compare_length(const void *a, const void *b)
{
	const struct sorted *x = a, *y = b;

	if (x->length == y->length)
		return (x->entry > y->entry) - (x->entry < y->entry);
	return x->length < y->length ? 1 : -1;
}

/* Expressions of one host, and its prefixes as such. */
static void regex_host_print(FILE *out, const struct ingress_rules *rules,
			     const struct ingress_entry *entries, size_t n, size_t number)
{
	VEC(struct sorted) sorted = { 0 };

	for (size_t i = 0; i < n; i++)
		if (entries[i].match != INGRESS_EXACT)
			vec_push(&sorted, ((struct sorted){ &entries[i],
							    rules_length(rules, &entries[i]) }));
	if (sorted.n)
		qsort(sorted.items, sorted.n, sizeof(*sorted.items), compare_length);
	for (size_t i = 0; i < sorted.n; i++) {
		const struct ingress_entry *entry = sorted.items[i].entry;
		cleanup_free char *name = render_route_name(rules, entry->route);

		fprintf(out, "^r%zu", number);
		if (entry->match == INGRESS_REGEX) {
			fprintf(out, "(?i:%s)", entry->path);
		} else {
			render_regex(out, entry->path, strlen(entry->path));
			fputs("(/|$)", out);
		}
		fprintf(out, " %s\n", name);
	}
	vec_free(&sorted);
}

static void host_print(const struct ingress_rules *rules, const struct ingress_entry *entries,
		       size_t n, size_t number, const struct maps *maps)
{
	const char *host = entries->host;
	bool regex = false, wildcard = *host == '*';
	char kind;

	for (size_t i = 0; i < n; i++)
		regex = regex || entries[i].match == INGRESS_REGEX;
	kind = regex ? 'r' : 'h';
	if (*host)
		fprintf(wildcard ? maps->wildcards : maps->hosts, "%s %c%zu\n", host + wildcard,
			kind, number);
	for (size_t i = 0; i < n; i++) {
		cleanup_free char *name = render_route_name(rules, entries[i].route);

		if (entries[i].match == INGRESS_EXACT)
			fprintf(maps->exact, "%c%zu%s %s\n", kind, number, entries[i].path, name);
		else if (!regex)
			fprintf(maps->prefix, "h%zu%s/ %s\n", number, entries[i].path, name);
	}
	if (regex)
		regex_host_print(maps->regex, rules, entries, n, number);
}

/* Number 0 is that of the rules without a host, which are sorted first. */
static void maps_print(const struct ingress_rules *rules, const struct maps *maps)
{
	const struct ingress_entry *entries = rules->entries.items;
	size_t number = 0, n;

	for (size_t i = 0; i < rules->entries.n; i += n) {
		for (n = 1;
		     i + n < rules->entries.n && !strcmp(entries[i].host, entries[i + n].host);)
			n++;
		host_print(rules, &entries[i], n, *entries[i].host ? ++number : 0, maps);
	}
}

/* -------------------------------------------------------------------- files -- */

static void file_add(struct ingress_files *files, char *name, const char *text)
{
	for (size_t i = 0; i < files->n; i++) {
		if (strcmp(files->items[i].name, name) != 0)
			continue;
		free(name); /* a Secret that two Ingresses name */
		return;
	}
	vec_push(files, ((struct ingress_file){ name, xstrdup(text) }));
}

static void authority_add(struct ingress_files *files, const struct ingress_authority *authority)
{
	const struct object *secret = authority->secret;

	if (authority->ca)
		file_add(files, xasprintf("%s_%s.ca.pem", secret->ns, secret->name), authority->ca);
	if (authority->pem)
		file_add(files, xasprintf("%s_%s.client.pem", secret->ns, secret->name),
			 authority->pem);
}

static const char *const names[] = { "haproxy.cfg", "hosts.map", "wildcards.map", "exact.map",
				     "prefix.map",  "regex.map", "crt-list.txt" };

void render_files(const struct ingress_rules *rules, const struct ingress_pools *pools,
		  const struct ingress_listen *listen, const char *default_pem,
		  struct ingress_files *ret_files)
{
	struct ingress_files files = { 0 };
	FILE *out[ARRAY_LEN(names)];
	size_t sizes[ARRAY_LEN(names)];

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		vec_push(&files, ((struct ingress_file){ xstrdup(names[i]), NULL }));
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		out[i] = open_memstream(&files.items[i].text, &sizes[i]);
	config_print(out[0], rules, pools, listen);
	maps_print(rules, &(struct maps){ out[1], out[2], out[3], out[4], out[5] });
	render_crt_list(out[6], rules);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		fclose(out[i]);
	file_add(&files, xstrdup("default.pem"), default_pem);
	for (size_t i = 0; i < rules->certificates.n; i++)
		file_add(&files,
			 xasprintf("%s_%s.pem", rules->certificates.items[i].secret->ns,
				   rules->certificates.items[i].secret->name),
			 rules->certificates.items[i].pem);
	for (size_t i = 0; i < rules->authorities.n; i++)
		authority_add(&files, &rules->authorities.items[i]);
	*ret_files = files;
}

void render_files_free(struct ingress_files *files)
{
	for (size_t i = 0; i < files->n; i++) {
		free(files->items[i].name);
		free(files->items[i].text);
	}
	vec_free(files);
}
