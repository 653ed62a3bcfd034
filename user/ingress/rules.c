/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "user/ingress/path.h"
#include "user/ingress/rules_parts.h"
#include "user/util/cleanup.h"
#include "user/util/tree.h"
#include "user/util/vec.h"

const char *rules_reason_word(enum ingress_reason reason)
{
	static const char *const words[] = {
		[INGRESS_ANNOTATION] = "annotation", [INGRESS_PATH] = "path",
		[INGRESS_CONFLICT] = "conflict",     [INGRESS_SERVICE] = "service",
		[INGRESS_SECRET] = "secret",	     [INGRESS_RESOURCE] = "resource",
	};

	return words[reason];
}

void rules_problem(struct ingress_rules *rules, const struct object *object,
		   enum ingress_reason reason, const char *format, ...)
{
	struct ingress_problem *problem = vec_add(&rules->problems);
	char *text = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = xstrdup("");
	va_end(args);
	*problem = (struct ingress_problem){ object, reason, text };
}

/* ------------------------------------------------------------ which are ours -- */

static const char *created(const struct object *object)
{
	const char *text = tree_text(object->json, "metadata.creationTimestamp");

	return text ? text : "";
}

/* Timestamps of the API server compare as texts. */
static int compare_age(const void *a, const void *b)
{
	const struct object *x = *(const struct object *const *)a;
	const struct object *y = *(const struct object *const *)b;
	int order = strcmp(created(x), created(y));

	if (!order)
		order = strcmp(x->ns, y->ns);
	return order ? order : strcmp(x->name, y->name);
}

static void ours_collect(struct ingress_rules *rules, const struct store *store)
{
	struct store_view view = store_list(store, K8S_INGRESS, NULL);

	for (size_t i = 0; i < view.n; i++)
		if (rules_is_ours(store, view.items[i]))
			vec_push(&rules->ours, view.items[i]);
	if (rules->ours.n)
		qsort(rules->ours.items, rules->ours.n, sizeof(*rules->ours.items), compare_age);
	rules->options = xcalloc(rules->ours.n, sizeof(*rules->options));
	rules->refused = xcalloc(rules->ours.n, sizeof(*rules->refused));
	rules->upstream = xcalloc(rules->ours.n, sizeof(*rules->upstream));
	rules->clients = xcalloc(rules->ours.n, sizeof(*rules->clients));
}

struct telling {
	struct ingress_rules *rules;
	size_t index;
};

static void complaint_take(void *arg, bool refused, const char *text)
{
	const struct telling *telling = arg;
	struct ingress_rules *rules = telling->rules;

	rules_problem(rules, rules->ours.items[telling->index], INGRESS_ANNOTATION, "%s%s", text,
		      refused ? "; it answers 503" : "");
	rules->refused[telling->index] = rules->refused[telling->index] || refused;
}

/* ------------------------------------------------------------------- routes -- */

bool rules_host_matches(const char *host, const char *name)
{
	if (!*host)
		return true;
	if (strncmp(host, "*.", 2) != 0)
		return !strcmp(host, name);
	name += strcspn(name, ".");
	return !strcmp(host + 1, name);
}

/* TLS without hosts is for all that the Ingress has. */
static bool host_has_tls(const struct ingress *ingress, const char *host)
{
	for (size_t i = 0; i < ingress->n_tls; i++) {
		const struct ingress_tls *tls = &ingress->tls[i];

		if (!tls->n_hosts)
			return true;
		for (size_t k = 0; k < tls->n_hosts; k++)
			if (!strcmp(tls->hosts[k], host) || rules_host_matches(tls->hosts[k], host))
				return true;
	}
	return false;
}

/* As with ingress-nginx, a rewrite says that paths are expressions. */
static bool path_is_expression(const struct ingress_options *options,
			       const struct ingress_path *path)
{
	return path->specific && (options->use_regex || options->rewrite) &&
	       path_is_regex(path->path);
}

static size_t route_add(struct ingress_rules *rules, const struct store *store, size_t of,
			const struct ingress_path *path)
{
	const struct object *object = rules->ours.items[of];
	const struct ingress_options *options = &rules->options[of];
	struct ingress_route *route = vec_add(&rules->routes);
	size_t index = rules->routes.n - 1;

	*route = (struct ingress_route){
		.ingress = object,
		.backend = path ? &path->backend : &object->ingress->default_backend,
		.host = path ? path->host : "",
		.path = path ? path->path : NULL,
		.options = options,
		.upstream = rules->upstream[of],
		.clients = rules->clients[of],
		.regex = path && path_is_expression(options, path),
		.refused = rules->refused[of],
		.redirect =
			options->force_ssl_redirect || (options->ssl_redirect && path &&
							host_has_tls(object->ingress, path->host)),
		.main = index,
	};
	servers_find(rules, store, route);
	return index;
}

static void entry_add(struct ingress_rules *rules, const struct ingress_path *path, size_t route)
{
	enum ingress_match match = INGRESS_PREFIX;
	size_t length = strlen(path->path);
	unsigned int rest;

	if (rules->routes.items[route].regex) {
		match = INGRESS_REGEX;
	} else if (path->type == INGRESS_PATH_EXACT) {
		match = INGRESS_EXACT;
	} else {
		length = path_pattern(path->path, &rest);
		length = path_prefix_length(path->path, length);
	}
	vec_push(&rules->entries, ((struct ingress_entry){
					  .host = path->host,
					  .path = xasprintf("%.*s", (int)length, path->path),
					  .match = match,
					  .route = route,
				  }));
}

static void ingress_collect(struct ingress_rules *rules, const struct store *store, size_t of)
{
	struct telling telling = { rules, of };
	struct ingress_complaint complaint = { complaint_take, &telling };
	const struct object *object = rules->ours.items[of];
	const struct ingress *ingress = object->ingress;

	options_read(object, &complaint, &rules->options[of]);
	if (!authorities_collect(rules, store, object, &rules->options[of], &rules->upstream[of],
				 &rules->clients[of]))
		rules->refused[of] = true;
	if (rules->options[of].auth_secret &&
	    !users_collect(rules, store, object, &rules->options[of]))
		rules->refused[of] = true;
	for (size_t i = 0; i < ingress->n_paths; i++) {
		const struct ingress_path *path = &ingress->paths[i];
		const char *wrong =
			path_wrong(path->path, path_is_expression(&rules->options[of], path));

		if (wrong)
			rules_problem(rules, object, INGRESS_PATH, "path %s %s", path->path, wrong);
		else
			entry_add(rules, path, route_add(rules, store, of, path));
	}
	certificates_collect(rules, store, object);
}

/* ------------------------------------------------------------------ merging -- */

static int compare_key(const struct ingress_entry *x, const struct ingress_entry *y)
{
	int order = strcmp(x->host, y->host);

	if (!order)
		order = (int)x->match - (int)y->match;
	return order ? order : strcmp(x->path, y->path);
}

/* Routes were made from the oldest Ingress on: the first of equals is the one that counts. */
static int compare_entry(const void *a, const void *b)
{
	const struct ingress_entry *x = a, *y = b;
	int order = compare_key(x, y);

	return order ? order : (x->route > y->route) - (x->route < y->route);
}

static void entries_sort(struct ingress_rules *rules)
{
	if (rules->entries.n)
		qsort(rules->entries.items, rules->entries.n, sizeof(*rules->entries.items),
		      compare_entry);
}

static bool entry_is_canary(const struct ingress_rules *rules, const struct ingress_entry *entry)
{
	return rules->routes.items[entry->route].options->canary.on;
}

static void loser_tell(struct ingress_rules *rules, const struct ingress_entry *loser,
		       const struct ingress_entry *winner)
{
	const struct object *ingress = rules->routes.items[loser->route].ingress;
	const char *host = *loser->host ? loser->host : "*";

	if (winner)
		rules_problem(rules, ingress, INGRESS_CONFLICT,
			      "%s%s belongs to ingress %s/%s, which is older", host,
			      *loser->path ? loser->path : "/",
			      rules->routes.items[winner->route].ingress->ns,
			      rules->routes.items[winner->route].ingress->name);
	else
		rules_problem(rules, ingress, INGRESS_CONFLICT,
			      "%s%s: a canary, and no other ingress has it", host,
			      *loser->path ? loser->path : "/");
}

/* Of entries with the same key: the oldest that is no canary stays. */
static void equals_settle(struct ingress_rules *rules, struct ingress_entry *first, size_t n,
			  struct ingress_entry *to, size_t *used)
{
	struct ingress_entry *winner = NULL;

	for (size_t i = 0; i < n && !winner; i++)
		if (!entry_is_canary(rules, &first[i]))
			winner = &first[i];
	for (size_t i = 0; i < n; i++) {
		if (&first[i] == winner)
			continue;
		if (winner && entry_is_canary(rules, &first[i]))
			rules->routes.items[first[i].route].main = winner->route;
		else
			loser_tell(rules, &first[i], winner);
		free(TAKE_PTR(first[i].path));
	}
	if (winner)
		to[(*used)++] = *winner;
}

static void entries_merge(struct ingress_rules *rules)
{
	struct ingress_entry *items = rules->entries.items;
	size_t used = 0, n;

	entries_sort(rules);
	for (size_t i = 0; i < rules->entries.n; i += n) {
		for (n = 1; i + n < rules->entries.n && !compare_key(&items[i], &items[i + n]);)
			n++;
		equals_settle(rules, &items[i], n, items, &used);
	}
	rules->entries.n = used;
}

/* ---------------------------------------------------------- default backends -- */

/* Of the oldest Ingress that has rules for the host and a default backend; or of any. */
static const size_t *default_of(const struct ingress_rules *rules, const size_t *defaults,
				const char *host)
{
	const size_t *any = NULL;

	for (size_t of = 0; of < rules->ours.n; of++) {
		const struct ingress *ingress = rules->ours.items[of]->ingress;

		if (!ingress->has_default || rules->options[of].canary.on)
			continue;
		any = any ? any : &defaults[of];
		for (size_t i = 0; i < ingress->n_paths; i++)
			if (!strcmp(ingress->paths[i].host, host))
				return &defaults[of];
	}
	return any;
}

static void default_add(struct ingress_rules *rules, const size_t *defaults, const char *host)
{
	const size_t *route = default_of(rules, defaults, host);

	if (route)
		vec_push(&rules->entries,
			 ((struct ingress_entry){ host, xstrdup(""), INGRESS_PREFIX, *route }));
}

/* A default backend is what has the prefix "/" of a host where no rule has it. */
static void defaults_add(struct ingress_rules *rules, const struct store *store)
{
	cleanup_free size_t *defaults = xcalloc(rules->ours.n, sizeof(*defaults));
	size_t n = rules->entries.n, i = 0;
	bool all_hosts = false;

	for (size_t of = 0; of < rules->ours.n; of++)
		if (rules->ours.items[of]->ingress->has_default)
			defaults[of] = route_add(rules, store, of, NULL);
	while (i < n) {
		const char *host = rules->entries.items[i].host;
		bool has = false;

		for (; i < n && !strcmp(rules->entries.items[i].host, host); i++)
			has = has || (rules->entries.items[i].match == INGRESS_PREFIX &&
				      !*rules->entries.items[i].path);
		if (!has)
			default_add(rules, defaults, host);
		all_hosts = all_hosts || !*host;
	}
	if (!all_hosts)
		default_add(rules, defaults, "");
	entries_sort(rules);
}

void rules_make(const struct store *store, struct certificate_cache *cache,
		struct ingress_rules *ret_rules)
{
	struct ingress_rules rules = { .cache = cache };

	ours_collect(&rules, store);
	trusted_collect(&rules, store);
	for (size_t i = 0; i < rules.ours.n; i++)
		ingress_collect(&rules, store, i);
	entries_merge(&rules);
	defaults_add(&rules, store);
	if (cache)
		certificate_cache_sweep(cache);
	*ret_rules = rules;
}

void rules_done(struct ingress_rules *rules)
{
	for (size_t i = 0; i < rules->ours.n; i++)
		options_done(&rules->options[i]);
	for (size_t i = 0; i < rules->routes.n; i++)
		vec_free(&rules->routes.items[i].servers);
	for (size_t i = 0; i < rules->entries.n; i++)
		free(rules->entries.items[i].path);
	for (size_t i = 0; i < rules->certificates.n; i++)
		free(rules->certificates.items[i].pem);
	for (size_t i = 0; i < rules->authorities.n; i++) {
		free(rules->authorities.items[i].ca);
		free(rules->authorities.items[i].pem);
	}
	for (size_t i = 0; i < rules->users.n; i++)
		free(rules->users.items[i].text);
	for (size_t i = 0; i < rules->problems.n; i++)
		free(rules->problems.items[i].text);
	free(rules->options);
	free(rules->refused);
	free(rules->upstream);
	free(rules->clients);
	vec_free(&rules->trusted);
	vec_free(&rules->ours);
	vec_free(&rules->routes);
	vec_free(&rules->entries);
	vec_free(&rules->certificates);
	vec_free(&rules->authorities);
	vec_free(&rules->users);
	vec_free(&rules->problems);
}
