/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ingress, in networking.k8s.io/v1 and in the older forms, where a backend is {serviceName,
 * servicePort} and pathType may be missing. Its structure is checked first, and then read.
 */
#include <string.h>

#include "user/k8s/kinds.h"
#include "user/k8s/names.h"
#include "user/util/cleanup.h"
#include "user/util/tree.h"
#include "user/util/vec.h"

static void service_backend_check(const struct field *service)
{
	struct field name = field_get(service, "name");
	struct field port = field_get(service, "port");
	struct field port_name = field_get(&port, "name");
	struct field number = field_get(&port, "number");

	field_required(&name);
	field_name(&name, name_dns1035_label);
	field_name(&port_name, name_port);
	field_int(&number, 1, 65535, 0);
	if (!field_string(&port_name) && !number.json)
		field_fail(&port, "Required value: port name or number is required");
	if (field_string(&port_name) && number.json)
		field_fail(&port, "Invalid value: cannot set both port name & port number");
}

static void backend_check(const struct field *backend)
{
	struct field service = field_get(backend, "service");
	struct field resource = field_get(backend, "resource");

	if (field_map(&service) && field_map(&resource))
		field_fail(backend, "Invalid value: cannot set both resource and service backends");
	else if (service.json)
		service_backend_check(&service);
	else if (!field_map(&resource))
		field_fail(backend, "Required value: service or resource is required");
}

static void old_backend_check(const struct field *backend)
{
	struct field name = field_get(backend, "serviceName");
	struct field port = field_get(backend, "servicePort");
	struct field resource = field_get(backend, "resource");

	if (field_map(&resource))
		return;
	field_required(&name);
	field_name(&name, name_dns1035_label);
	field_required(&port);
	if (json_is_string(port.json))
		field_name(&port, name_port);
	else
		field_int(&port, 1, 65535, 0);
}

/* What a path may not have, since proxies disagree about what it means. */
static void path_text_check(const struct field *path)
{
	static const char *const bad[] = { "//", "/./", "/../", "%2f", "%2F" };
	static const char *const bad_ends[] = { "/..", "/." };
	const char *text = field_string(path);

	if (!text || *text != '/') {
		field_invalid(path, "must be an absolute path");
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (strstr(text, bad[i]))
			field_invalid(path, "must not contain '%s'", bad[i]);
	for (size_t i = 0; i < ARRAY_LEN(bad_ends); i++) {
		size_t length = strlen(bad_ends[i]);

		if (strlen(text) >= length && !strcmp(text + strlen(text) - length, bad_ends[i]))
			field_invalid(path, "cannot end with '%s'", bad_ends[i]);
	}
}

static void path_check(const struct field *item, bool old)
{
	static const char *const types[] = { "Exact", "ImplementationSpecific", "Prefix", NULL };
	struct field path = field_get(item, "path");
	struct field type = field_get(item, "pathType");
	struct field backend = field_get(item, "backend");
	const char *type_text = field_word(&type, types);
	const char *text = field_string(&path);

	if (!type.json && !old)
		field_fail(&type, "Required value: pathType must be specified");
	if (type_text && strcmp(type_text, "ImplementationSpecific") != 0)
		path_text_check(&path);
	else if (text && *text != '/')
		field_invalid(&path, "must be an absolute path");
	field_required(&backend);
	if (old)
		old_backend_check(&backend);
	else
		backend_check(&backend);
}

static void host_check(const struct field *host)
{
	const char *text = field_string(host);
	struct lb_addr addr;
	const char *reason;

	if (!text)
		return;
	if (!addr_parse(text, &addr)) {
		field_invalid(host, "must be a DNS name, not an IP address");
		return;
	}
	reason = name_dns1123_subdomain(strncmp(text, "*.", 2) ? text : text + 2);
	if (reason)
		field_invalid(host, "%s", reason);
}

static void rules_check(const struct field *rules, bool old)
{
	for (size_t i = 0; i < field_items(rules); i++) {
		struct field item = field_at(rules, i);
		struct field host = field_get(&item, "host");
		struct field http = field_get(&item, "http");
		struct field paths = field_get(&http, "paths");
		size_t n = field_items(&paths);

		host_check(&host);
		if (http.json && !n)
			field_fail(&paths, "Required value");
		for (size_t k = 0; k < n; k++) {
			struct field path = field_at(&paths, k);

			path_check(&path, old);
		}
	}
}

static void tls_check(const struct field *tls)
{
	for (size_t i = 0; i < field_items(tls); i++) {
		struct field item = field_at(tls, i);
		struct field secret = field_get(&item, "secretName");
		struct field hosts = field_get(&item, "hosts");

		field_name(&secret, name_dns1123_subdomain);
		for (size_t k = 0; k < field_items(&hosts); k++) {
			struct field host = field_at(&hosts, k);

			host_check(&host);
		}
	}
}

static void spec_check(const struct field *root, bool old)
{
	struct field spec = field_get(root, "spec");
	struct field backend = field_get(&spec, old ? "backend" : "defaultBackend");
	struct field rules = field_get(&spec, "rules");
	struct field tls = field_get(&spec, "tls");
	struct field class = field_get(&spec, "ingressClassName");

	if (!backend.json && !field_items(&rules))
		field_fail(&spec, "Invalid value: either `%s` or `rules` must be specified",
			   backend.key);
	if (backend.json && old)
		old_backend_check(&backend);
	else if (backend.json)
		backend_check(&backend);
	rules_check(&rules, old);
	tls_check(&tls);
	field_name(&class, name_dns1123_subdomain);
}

/* ---------------------------------------------------- what was found right -- */

static struct ingress_backend backend_read(const json_t *backend)
{
	const json_t *old_port = json_object_get(backend, "servicePort");
	const char *old_service = tree_text(backend, "serviceName");

	if (old_service)
		return (struct ingress_backend){
			.service = old_service,
			.port_name = json_string_value(old_port),
			.port = (uint16_t)json_integer_value(old_port),
		};
	return (struct ingress_backend){
		.service = tree_text(backend, "service.name"),
		.port_name = tree_text(backend, "service.port.name"),
		.port = (uint16_t)tree_int(backend, "service.port.number"),
	};
}

static struct ingress_path path_read(const char *host, const json_t *item)
{
	const char *path = tree_text(item, "path");
	const char *type = tree_text(item, "pathType");
	bool exact = type && !strcmp(type, "Exact");

	return (struct ingress_path){
		.host = host ? host : "",
		.path = path && *path ? path : "/",
		.type = exact ? INGRESS_PATH_EXACT : INGRESS_PATH_PREFIX,
		.specific = !type || !strcmp(type, "ImplementationSpecific"),
		.backend = backend_read(json_object_get(item, "backend")),
	};
}

static void rules_read(const json_t *rules, struct ingress *ingress)
{
	VEC(struct ingress_path) paths = { 0 };
	json_t *rule, *item;
	size_t i, j;

	json_array_foreach ((json_t *)rules, i, rule) {
		json_array_foreach (tree_get(rule, "http.paths"), j, item)
			vec_push(&paths, path_read(tree_text(rule, "host"), item));
	}
	ingress->paths = paths.items;
	ingress->n_paths = paths.n;
}

static void tls_read(const json_t *tls, struct ingress *ingress)
{
	ingress->n_tls = json_array_size(tls);
	ingress->tls = xcalloc(ingress->n_tls, sizeof(*ingress->tls));
	for (size_t i = 0; i < ingress->n_tls; i++) {
		const json_t *item = json_array_get(tls, i);
		const json_t *hosts = json_object_get(item, "hosts");
		struct ingress_tls *to = &ingress->tls[i];

		to->secret = tree_text(item, "secretName");
		if (to->secret && !*to->secret)
			to->secret = NULL;
		to->n_hosts = json_array_size(hosts);
		to->hosts = xcalloc(to->n_hosts, sizeof(*to->hosts));
		for (size_t k = 0; k < to->n_hosts; k++)
			to->hosts[k] = json_string_value(json_array_get(hosts, k));
	}
}

struct ingress *ingress_decode(const struct field *root)
{
	struct field version = field_get(root, "apiVersion");
	bool old = strcmp(field_string(&version), "networking.k8s.io/v1") != 0;
	struct ingress *ingress = xcalloc(1, sizeof(*ingress));
	const json_t *spec = json_object_get(root->json, "spec");
	const json_t *backend = json_object_get(spec, old ? "backend" : "defaultBackend");
	const json_t *annotations = tree_get(root->json, "metadata.annotations");

	spec_check(root, old);
	if (root->reading->code)
		return ingress;
	ingress->class = tree_text(spec, "ingressClassName");
	if (!ingress->class)
		ingress->class = json_string_value(
			json_object_get(annotations, "kubernetes.io/ingress.class"));
	ingress->has_default = json_is_object(backend);
	if (ingress->has_default)
		ingress->default_backend = backend_read(backend);
	rules_read(json_object_get(spec, "rules"), ingress);
	tls_read(json_object_get(spec, "tls"), ingress);
	return ingress;
}

void ingress_free(struct ingress *ingress)
{
	if (!ingress)
		return;
	for (size_t i = 0; i < ingress->n_tls; i++)
		free(ingress->tls[i].hosts);
	free(ingress->tls);
	free(ingress->paths);
	free(ingress);
}

void ingress_class_check(const struct field *root)
{
	struct field spec = field_get(root, "spec");
	struct field controller = field_get(&spec, "controller");
	struct field parameters = field_get(&spec, "parameters");

	field_required(&controller);
	field_string(&controller);
	field_map(&parameters);
}
