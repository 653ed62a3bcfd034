/* SPDX-License-Identifier: Apache-2.0 */
#include "user/ingress/options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "user/util/cleanup.h"
#include "user/util/num.h"
#include "user/util/tree.h"
#include "user/util/vec.h"

#define OWN "lbctl.io/"
#define ALIAS "nginx.ingress.kubernetes.io/"
#define SECONDS_MAX 86400
#define COUNT_MAX 100000000

/* A reader takes the value's text, and returns what is wrong with it, or NULL. */
struct reader {
	const char *name;  /* behind OWN; NULL: another row has it */
	const char *alias; /* behind ALIAS */
	const char *(*read)(const char *text, void *to);
	size_t offset; /* of what it is read into */
};

static const char *read_bool(const char *text, void *to)
{
	bool yes = !strcasecmp(text, "true");

	if (!yes && strcasecmp(text, "false") != 0)
		return "must be true or false";
	*(bool *)to = yes;
	return NULL;
}

/* As nginx has it. */
static const char *read_on(const char *text, void *to)
{
	*(bool *)to = !strcmp(text, "on");
	return strcmp(text, "on") != 0 && strcmp(text, "off") != 0 ? "must be on or off" : NULL;
}

static const char *read_clients(const char *text, void *to)
{
	static const char *const words[] = {
		[INGRESS_CLIENTS_ON] = "on",
		[INGRESS_CLIENTS_OPTIONAL] = "optional",
		[INGRESS_CLIENTS_OFF] = "off",
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (strcmp(text, words[i]) != 0)
			continue;
		*(enum ingress_clients *)to = (enum ingress_clients)i;
		return NULL;
	}
	return "must be on, optional or off";
}

static const char *read_count(const char *text, void *to)
{
	uint64_t value;

	if (num_parse(text, 0, COUNT_MAX, &value))
		return "must be a number up to 100000000";
	*(uint32_t *)to = (uint32_t)value;
	return NULL;
}

/* "60", or "60s" as nginx takes it, too. */
static const char *read_seconds(const char *text, void *to)
{
	cleanup_free char *copy = xstrdup(text);
	size_t length = strlen(copy);
	uint64_t value;

	if (length && copy[length - 1] == 's')
		copy[length - 1] = '\0';
	if (num_parse(copy, 1, SECONDS_MAX, &value))
		return "must be seconds, 1 to 86400";
	*(uint32_t *)to = (uint32_t)value;
	return NULL;
}

/* "8m", "1g", "500k", "1024"; 0: no limit. */
static const char *read_size(const char *text, void *to)
{
	static const char units[] = "kmg";
	cleanup_free char *copy = xstrdup(text);
	size_t length = strlen(copy);
	const char *unit = length ? strchr(units, copy[length - 1] | 0x20) : NULL;
	uint64_t value;

	if (unit)
		copy[length - 1] = '\0';
	if (num_parse(copy, 0, UINT32_MAX, &value))
		return "must be a size, as 8m";
	*(uint64_t *)to = value << (unit ? 10 * (unit - units + 1) : 0);
	return NULL;
}

/* What goes into HAProxy's configuration as it is: quoted there, but on one line. */
static bool text_is_plain(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == '\x7f')
			return false;
	return true;
}

static const char *read_text(const char *text, void *to)
{
	if (!*text || !text_is_plain(text))
		return "must be a text without control characters";
	*(const char **)to = text;
	return NULL;
}

/* Names of headers and cookies. */
static const char *read_token(const char *text, void *to)
{
	if (!*text || strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789-_.") != strlen(text))
		return "must be letters, digits, - _ and .";
	*(const char **)to = text;
	return NULL;
}

static const char *read_rewrite(const char *text, void *to)
{
	if (*text != '/' || strpbrk(text, " \t") || !text_is_plain(text))
		return "must be a path";
	*(const char **)to = text;
	return NULL;
}

static const char *read_protocol(const char *text, void *to)
{
	static const struct {
		const char *word;
		enum ingress_protocol protocol;
	} words[] = {
		{ "HTTP", INGRESS_HTTP }, { "HTTPS", INGRESS_HTTPS }, { "GRPC", INGRESS_H2C },
		{ "H2C", INGRESS_H2C },	  { "GRPCS", INGRESS_H2 },
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (strcasecmp(text, words[i].word) != 0)
			continue;
		*(enum ingress_protocol *)to = words[i].protocol;
		return NULL;
	}
	return "must be HTTP, HTTPS, GRPC, GRPCS or H2C";
}

const char *options_prefixes(const char *text, struct prefix_list *list)
{
	cleanup_free char *copy = xstrdup(text);
	char *state = NULL;

	for (const char *word = strtok_r(copy, ", ", &state); word;
	     word = strtok_r(NULL, ", ", &state)) {
		struct prefix prefix;
		struct lb_addr addr;

		if (!addr_parse(word, &addr))
			prefix = (struct prefix){ addr, addr_is_v4(&addr) ? 32 : 128,
						  addr_is_v4(&addr) };
		else if (prefix_parse(word, &prefix))
			return "must be addresses and networks, with commas between";
		vec_push(list, prefix);
	}
	return list->n ? NULL : "must name at least one network";
}

static const char *read_prefixes(const char *text, void *to)
{
	return options_prefixes(text, to);
}

static const char *read_affinity(const char *text, void *to)
{
	const char **cookie = to;

	if (strcmp(text, "cookie") != 0)
		return "must be cookie";
	if (!*cookie)
		*cookie = "INGRESSCOOKIE";
	return NULL;
}

static const char *read_auth_type(const char *text, void *to)
{
	(void)to;
	return strcmp(text, "basic") != 0 ? "must be basic" : NULL;
}

#define AT(member) offsetof(struct ingress_options, member)

static const struct reader readers[] = {
	{ "ssl-redirect", "ssl-redirect", read_bool, AT(ssl_redirect) },
	{ "force-ssl-redirect", "force-ssl-redirect", read_bool, AT(force_ssl_redirect) },
	{ "rewrite-target", "rewrite-target", read_rewrite, AT(rewrite) },
	{ "use-regex", "use-regex", read_bool, AT(use_regex) },
	{ "backend-protocol", "backend-protocol", read_protocol, AT(protocol) },
	{ "proxy-ssl-verify", "proxy-ssl-verify", read_on, AT(upstream.verify) },
	{ "proxy-ssl-secret", "proxy-ssl-secret", read_text, AT(upstream.secret) },
	{ "proxy-ssl-name", "proxy-ssl-name", read_token, AT(upstream.name) },
	{ "proxy-ssl-server-name", "proxy-ssl-server-name", read_on, AT(upstream.sni) },
	{ "auth-tls-secret", "auth-tls-secret", read_text, AT(clients_secret) },
	{ "auth-tls-verify-client", "auth-tls-verify-client", read_clients, AT(clients) },
	{ "connect-timeout", "proxy-connect-timeout", read_seconds, AT(connect_timeout) },
	{ "send-timeout", "proxy-send-timeout", read_seconds, AT(send_timeout) },
	{ "read-timeout", "proxy-read-timeout", read_seconds, AT(read_timeout) },
	{ "body-size", "proxy-body-size", read_size, AT(body_size) },
	{ NULL, "whitelist-source-range", read_prefixes, AT(allow) },
	{ "allow", "allowlist-source-range", read_prefixes, AT(allow) },
	{ "deny", "denylist-source-range", read_prefixes, AT(deny) },
	{ "limit-rps", "limit-rps", read_count, AT(limit_rps) },
	{ "limit-rpm", "limit-rpm", read_count, AT(limit_rpm) },
	{ "limit-connections", "limit-connections", read_count, AT(limit_connections) },
	{ "auth-type", "auth-type", read_auth_type, 0 },
	{ "auth-secret", "auth-secret", read_text, AT(auth_secret) },
	{ "auth-realm", "auth-realm", read_text, AT(auth_realm) },
	{ "session-cookie-name", "session-cookie-name", read_token, AT(cookie) },
	{ "affinity", "affinity", read_affinity, AT(cookie) },
	{ "canary", "canary", read_bool, AT(canary.on) },
	{ "canary-weight", "canary-weight", read_count, AT(canary.weight) },
	{ "canary-weight-total", "canary-weight-total", read_count, AT(canary.total) },
	{ "canary-by-header", "canary-by-header", read_token, AT(canary.header) },
	{ "canary-by-header-value", "canary-by-header-value", read_text, AT(canary.value) },
	{ "canary-by-cookie", "canary-by-cookie", read_token, AT(canary.cookie) },
	{ "cors", "enable-cors", read_bool, AT(cors.on) },
	{ "cors-allow-origin", "cors-allow-origin", read_text, AT(cors.origins) },
	{ "cors-allow-methods", "cors-allow-methods", read_text, AT(cors.methods) },
	{ "cors-allow-headers", "cors-allow-headers", read_text, AT(cors.headers) },
	{ "cors-expose-headers", "cors-expose-headers", read_text, AT(cors.expose) },
	{ "cors-allow-credentials", "cors-allow-credentials", read_bool, AT(cors.credentials) },
	{ "cors-max-age", "cors-max-age", read_count, AT(cors.max_age) },
};

/* Read elsewhere, or it changes nothing. */
static const char *const quiet[] = { "auth-secret-type", NULL };

/* Without these somebody would get in who should not. */
static const char *const guards[] = { "auth-url", "auth-tls-match-cn", "enable-modsecurity", NULL };

static void tell(const struct ingress_complaint *complaint, bool refused, const char *key,
		 const char *what)
{
	cleanup_free char *text = xasprintf("annotation %s: %s", key, what);

	complaint->tell(complaint->arg, refused, text);
}

static bool word_is_in(const char *word, const char *const *words)
{
	while (*words && strcmp(*words, word) != 0)
		words++;
	return *words;
}

static bool word_is_known(const char *word, bool alias)
{
	for (size_t i = 0; i < ARRAY_LEN(readers); i++) {
		const char *known = alias ? readers[i].alias : readers[i].name;

		if (known && !strcmp(known, word))
			return true;
	}
	return false;
}

/* A name that nothing here reads is said, so that nobody relies on it. */
static void unknown_tell(const struct object *ingress, const struct ingress_complaint *complaint)
{
	const json_t *annotations = tree_get(ingress->json, "metadata.annotations");
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)annotations, key, value) {
		bool alias = !strncmp(key, ALIAS, strlen(ALIAS));
		const char *word = key + (alias ? strlen(ALIAS) : strlen(OWN));

		if (!alias && strncmp(key, OWN, strlen(OWN)) != 0)
			continue;
		if (word_is_known(word, alias) || word_is_in(word, quiet))
			continue;
		if (!strcmp(key, OPTIONS_PROXY_FROM))
			tell(complaint, false, key, "is for an IngressClass");
		else if (strstr(word, "snippet"))
			tell(complaint, true, key, "snippets are never taken");
		else
			tell(complaint, word_is_in(word, guards), key, "is not supported");
	}
}

static void option_read(const struct object *ingress, const struct reader *reader,
			const struct ingress_complaint *complaint, struct ingress_options *options)
{
	cleanup_free char *own = xasprintf(OWN "%s", reader->name ? reader->name : "");
	cleanup_free char *alias = xasprintf(ALIAS "%s", reader->alias);
	const char *text = reader->name ? object_annotation(ingress, own) : NULL, *key = own;
	const char *wrong;

	if (!text) {
		text = object_annotation(ingress, alias);
		key = alias;
	}
	if (!text)
		return;
	wrong = reader->read(text, (char *)options + reader->offset);
	if (wrong)
		tell(complaint, true, key, wrong);
}

void options_read(const struct object *ingress, const struct ingress_complaint *complaint,
		  struct ingress_options *ret_options)
{
	*ret_options = (struct ingress_options){
		.ssl_redirect = true,
		.auth_realm = "Authentication Required",
		.canary.total = 100,
		.cors = { .credentials = true,
			  .origins = "*",
			  .methods = "GET, PUT, POST, DELETE, PATCH, OPTIONS",
			  .headers = "DNT,Keep-Alive,User-Agent,X-Requested-With,If-Modified-Since,"
				     "Cache-Control,Content-Type,Range,Authorization",
			  .max_age = 1728000 },
	};
	for (size_t i = 0; i < ARRAY_LEN(readers); i++)
		option_read(ingress, &readers[i], complaint, ret_options);
	/* The name of a cookie alone asks for nothing. */
	if (!object_annotation(ingress, OWN "affinity") &&
	    !object_annotation(ingress, ALIAS "affinity"))
		ret_options->cookie = NULL;
	unknown_tell(ingress, complaint);
}

void options_done(struct ingress_options *options)
{
	vec_free(&options->allow);
	vec_free(&options->deny);
}
