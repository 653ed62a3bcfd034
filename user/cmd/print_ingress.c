/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "user/cmd/print.h"
#include "user/model/slices.h"
#include "user/util/tree.h"

static const char *class_name(const struct object *object)
{
	const char *name = tree_text(object->json, "spec.ingressClassName");

	return name ? name : object_annotation(object, "kubernetes.io/ingress.class");
}

static void print_hosts(FILE *out, const json_t *rules)
{
	struct short_list list = { .out = out };
	json_t *rule;
	size_t i;

	json_array_foreach ((json_t *)rules, i, rule) {
		const char *host = tree_text(rule, "host");

		if (host && *host)
			short_list_add(&list, host);
	}
	if (!list.n)
		fputc('*', out);
	short_list_end(&list);
}

void print_ingress(const struct print_context *context, const struct object *object)
{
	FILE *out = context->out;
	bool tls = json_array_size(tree_get(object->json, "spec.tls"));

	fprintf(out, "%s\t%s\t", object->name, print_or(class_name(object), "<none>"));
	print_hosts(out, tree_get(object->json, "spec.rules"));
	fputc('\t', out);
	print_load_balancer(out, object, context->wide);
	fprintf(out, "\t%s\t", tls ? "80, 443" : "80");
	print_age(context, object);
}

/* ------------------------------------------------------------- describe -- */

/* The port of a service that a backend names, by name or number; NULL: there is none. */
static const struct service_port *find_port(const struct service *service, const char *name,
					    long long number)
{
	for (size_t i = 0; i < service->n_ports; i++) {
		const struct service_port *port = &service->ports[i];

		if (name ? !strcmp(port->name, name) : port->port == number)
			return port;
	}
	return NULL;
}

static void describe_backend_endpoints(const struct print_context *context,
				       const struct object *ingress, const char *service_name,
				       const char *port_name, long long number)
{
	const struct object *service =
		store_find(context->store, K8S_SERVICE, ingress->ns, service_name);
	struct object_list slices = { 0 };
	const struct service_port *port;

	if (!service) {
		fprintf(context->out, "<error: services \"%s\" not found>", service_name);
		return;
	}
	port = find_port(service->service, port_name, number);
	if (!port)
		return;
	slices_of_service(context->store, service, &slices);
	print_service_endpoints(context->out, &slices, port);
	object_list_free(&slices);
}

/* networking.k8s.io/v1 {service: {name, port}}, and the older {serviceName, servicePort}. */
static void describe_backend(const struct print_context *context, const struct object *ingress,
			     const json_t *backend)
{
	const json_t *old_port = tree_get(backend, "servicePort");
	const char *service = tree_text(backend, "service.name");
	const char *name = tree_text(backend, "service.port.name");
	long long number = tree_int(backend, "service.port.number");

	if (!service && !old_port) {
		fprintf(context->out, "APIGroup: %s, Kind: %s, Name: %s",
			print_or(tree_text(backend, "resource.apiGroup"), "<none>"),
			print_or(tree_text(backend, "resource.kind"), ""),
			print_or(tree_text(backend, "resource.name"), ""));
		return;
	}
	if (!service) {
		service = print_or(tree_text(backend, "serviceName"), "");
		name = json_string_value(old_port);
		number = json_integer_value(old_port);
	}
	fprintf(context->out, "%s:", service);
	if (name)
		fputs(name, context->out);
	else
		fprintf(context->out, "%lld", number);
	fputs(" (", context->out);
	describe_backend_endpoints(context, ingress, service, name, number);
	fputc(')', context->out);
}

static void describe_default(const struct print_context *context, const struct object *object)
{
	const json_t *backend = tree_get(object->json, "spec.defaultBackend");

	if (!backend)
		backend = tree_get(object->json, "spec.backend");
	if (backend)
		describe_backend(context, object, backend);
	else
		fputs("<default>", context->out);
}

static void describe_tls(FILE *out, const json_t *tls)
{
	json_t *item;
	size_t i;

	if (json_array_size(tls))
		fputs("TLS:\n", out);
	json_array_foreach ((json_t *)tls, i, item) {
		const char *secret = tree_text(item, "secretName");

		if (secret && *secret)
			fprintf(out, "  %s terminates ", secret);
		else
			fputs("  SNI routes ", out);
		print_joined(out, tree_get(item, "hosts"), ",");
		fputc('\n', out);
	}
}

static void describe_rules(const struct print_context *context, const struct object *object)
{
	FILE *out = context->out;
	json_t *rules = tree_get(object->json, "spec.rules"), *rule, *path;
	size_t i, j, shown = 0;

	fputs("Rules:\n  Host\tPath\tBackends\n  ----\t----\t--------\n", out);
	json_array_foreach (rules, i, rule) {
		json_t *paths = tree_get(rule, "http.paths");

		if (!paths)
			continue;
		shown++;
		fprintf(out, "  %s\t\n", print_or(tree_text(rule, "host"), "*"));
		json_array_foreach (paths, j, path) {
			fprintf(out, "    \t%s \t", print_or(tree_text(path, "path"), ""));
			describe_backend(context, object, tree_get(path, "backend"));
			fputc('\n', out);
		}
	}
	if (!shown) {
		fputs("  *\t*\t", out);
		describe_default(context, object);
		fputc('\n', out);
	}
}

void describe_ingress(const struct print_context *context, const struct object *object)
{
	FILE *out = context->out;

	fprintf(out, "Name:\t%s\n", object->name);
	describe_labels(out, "Labels", tree_get(object->json, "metadata.labels"));
	fprintf(out, "Namespace:\t%s\nAddress:\t", object->ns);
	print_load_balancer(out, object, true);
	fprintf(out, "\nIngress Class:\t%s\nDefault backend:\t",
		print_or(class_name(object), "<none>"));
	describe_default(context, object);
	fputc('\n', out);
	describe_tls(out, tree_get(object->json, "spec.tls"));
	describe_rules(context, object);
	describe_annotations(out, object);
	describe_events(context, object);
}

/* ------------------------------------------------------------------- classes -- */

/* "Kind.group/name" */
static void print_parameters(FILE *out, const json_t *parameters)
{
	const char *group = tree_text(parameters, "apiGroup");

	if (parameters)
		fprintf(out, "%s%s%s/%s", print_or(tree_text(parameters, "kind"), ""),
			group ? "." : "", print_or(group, ""),
			print_or(tree_text(parameters, "name"), ""));
	else
		fputs("<none>", out);
}

void print_ingress_class(const struct print_context *context, const struct object *object)
{
	fprintf(context->out, "%s\t%s\t", object->name,
		print_or(tree_text(object->json, "spec.controller"), ""));
	print_parameters(context->out, tree_get(object->json, "spec.parameters"));
	fputc('\t', context->out);
	print_age(context, object);
}

void describe_ingress_class(const struct print_context *context, const struct object *object)
{
	FILE *out = context->out;

	describe_name(out, object);
	describe_labels(out, "Labels", tree_get(object->json, "metadata.labels"));
	describe_annotations(out, object);
	fprintf(out, "Controller:\t%s\n", print_or(tree_text(object->json, "spec.controller"), ""));
	if (tree_get(object->json, "spec.parameters")) {
		fputs("Parameters:\t", out);
		print_parameters(out, tree_get(object->json, "spec.parameters"));
		fputc('\n', out);
	}
	describe_events(context, object);
}
