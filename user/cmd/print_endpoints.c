/* SPDX-License-Identifier: Apache-2.0 */
/* Endpoints and EndpointSlices. */
#include <arpa/inet.h>
#include <string.h>

#include "user/cmd/print.h"
#include "user/util/cleanup.h"
#include "user/util/proto.h"
#include "user/util/tree.h"

void print_service_endpoints(FILE *out, const struct object_list *slices,
			     const struct service_port *port)
{
	struct short_list list = { .out = out };

	if (!slices->n)
		fputs("<none>", out);
	for (size_t i = 0; i < slices->n; i++) {
		const struct endpoint_slice *slice = slices->items[i]->slice;

		for (size_t p = 0; p < slice->n_ports; p++) {
			if (strcmp(slice->ports[p].name, port->name) != 0)
				continue;
			for (size_t e = 0; e < slice->n_endpoints; e++) {
				char text[ADDR_PORT_TEXT];

				if (slice->endpoints[e].ready && !slice->fqdn)
					short_list_add(&list,
						       addr_port_format(&slice->endpoints[e].addr,
									htons(slice->ports[p].port),
									text));
			}
		}
	}
	short_list_end(&list);
}

/* ------------------------------------------------------------ Endpoints -- */

/* kubectl lists a subset port by port. */
static void list_subset(struct short_list *list, const struct endpoints_subset *subset)
{
	char text[ADDR_PORT_TEXT];

	for (size_t p = 0; p < subset->n_ports; p++) {
		for (size_t e = 0; e < subset->n_endpoints; e++) {
			const struct endpoint *endpoint = &subset->endpoints[e];

			if (endpoint->ready)
				short_list_add(list, addr_port_format(&endpoint->addr,
								      htons(subset->ports[p].port),
								      text));
		}
	}
	for (size_t e = 0; !subset->n_ports && e < subset->n_endpoints; e++)
		if (subset->endpoints[e].ready)
			short_list_add(list, addr_format(&subset->endpoints[e].addr, text));
}

void print_endpoints(const struct print_context *context, const struct object *object)
{
	const struct endpoints *endpoints = object->endpoints;
	struct short_list list = { .out = context->out };

	fprintf(context->out, "%s\t", object->name);
	if (!endpoints->n_subsets)
		fputs("<none>", context->out);
	for (size_t i = 0; i < endpoints->n_subsets; i++)
		list_subset(&list, &endpoints->subsets[i]);
	short_list_end(&list);
	fputc('\t', context->out);
	print_age(context, object);
}

static void describe_subset_addresses(FILE *out, const char *title,
				      const struct endpoints_subset *subset, bool ready)
{
	char text[ADDR_TEXT];
	size_t n = 0;

	fprintf(out, "  %s:\t", title);
	for (size_t i = 0; i < subset->n_endpoints; i++)
		if (subset->endpoints[i].ready == ready)
			fprintf(out, "%s%s", n++ ? "," : "",
				addr_format(&subset->endpoints[i].addr, text));
	fprintf(out, "%s\n", n ? "" : "<none>");
}

static void describe_subset(FILE *out, const struct endpoints_subset *subset)
{
	describe_subset_addresses(out, "Addresses", subset, true);
	describe_subset_addresses(out, "NotReadyAddresses", subset, false);
	if (subset->n_ports)
		fputs("  Ports:\n    Name\tPort\tProtocol\n    ----\t----\t--------\n", out);
	for (size_t i = 0; i < subset->n_ports; i++)
		fprintf(out, "    %s\t%u\t%s\n", print_or(subset->ports[i].name, "<unset>"),
			subset->ports[i].port, proto_text(subset->ports[i].proto));
	fputc('\n', out);
}

void describe_endpoints(const struct print_context *context, const struct object *object)
{
	FILE *out = context->out;

	describe_name(out, object);
	describe_labels(out, "Labels", tree_get(object->json, "metadata.labels"));
	describe_annotations(out, object);
	fputs("Subsets:\n", out);
	for (size_t i = 0; i < object->endpoints->n_subsets; i++)
		describe_subset(out, &object->endpoints->subsets[i]);
	describe_events(context, object);
}

/* --------------------------------------------------------------- slices -- */

/* A port's number, its name where it has none, "*" for every port. */
static void slice_port_text(const json_t *port, char *text, size_t size)
{
	long long number = tree_int(port, "port");

	if (number)
		snprintf(text, size, "%lld", number);
	else
		snprintf(text, size, "%s", print_or(tree_text(port, "name"), "*"));
}

static void print_slice_ports(FILE *out, const json_t *ports)
{
	struct short_list list = { .out = out };
	json_t *port;
	size_t i;

	if (!json_array_size(ports))
		fputs("<unset>", out);
	json_array_foreach ((json_t *)ports, i, port) {
		char text[64];

		slice_port_text(port, text, sizeof(text));
		short_list_add(&list, text);
	}
	short_list_end(&list);
}

static void print_slice_addresses(FILE *out, const json_t *endpoints)
{
	struct short_list list = { .out = out };
	json_t *endpoint, *address;
	size_t i, j;

	if (!json_array_size(endpoints))
		fputs("<unset>", out);
	json_array_foreach ((json_t *)endpoints, i, endpoint)
		json_array_foreach (tree_get(endpoint, "addresses"), j, address)
			short_list_add(&list, print_or(json_string_value(address), ""));
	short_list_end(&list);
}

void print_endpoint_slice(const struct print_context *context, const struct object *object)
{
	FILE *out = context->out;

	fprintf(out, "%s\t%s\t", object->name,
		print_or(tree_text(object->json, "addressType"), "<unset>"));
	print_slice_ports(out, tree_get(object->json, "ports"));
	fputc('\t', out);
	print_slice_addresses(out, tree_get(object->json, "endpoints"));
	fputc('\t', out);
	print_age(context, object);
}

static void describe_slice_ports(FILE *out, const json_t *ports)
{
	json_t *port;
	size_t i;

	if (!json_array_size(ports)) {
		fputs("Ports: <unset>\n", out);
		return;
	}
	fputs("Ports:\n  Name\tPort\tProtocol\n  ----\t----\t--------\n", out);
	json_array_foreach ((json_t *)ports, i, port) {
		long long number = tree_int(port, "port");

		fprintf(out, "  %s\t", print_or(tree_text(port, "name"), "<unset>"));
		if (number)
			fprintf(out, "%lld", number);
		else
			fputs("<unset>", out);
		fprintf(out, "\t%s\n", print_or(tree_text(port, "protocol"), "TCP"));
	}
}

static const char *condition_text(const json_t *endpoint, const char *path)
{
	const json_t *condition = tree_get(endpoint, path);

	if (!json_is_boolean(condition))
		return "<unset>";
	return json_is_true(condition) ? "true" : "false";
}

static void describe_slice_endpoint(FILE *out, const json_t *endpoint)
{
	const json_t *target = tree_get(endpoint, "targetRef");

	fputs("  - Addresses:\t", out);
	print_joined(out, tree_get(endpoint, "addresses"), ", ");
	fprintf(out, "\n    Conditions:\n      Ready:\t%s\n",
		condition_text(endpoint, "conditions.ready"));
	fprintf(out, "    Hostname:\t%s\n", print_or(tree_text(endpoint, "hostname"), "<unset>"));
	if (target)
		fprintf(out, "    TargetRef:\t%s/%s\n", print_or(tree_text(target, "kind"), ""),
			print_or(tree_text(target, "name"), ""));
	fprintf(out, "    NodeName:\t%s\n", print_or(tree_text(endpoint, "nodeName"), "<unset>"));
	fprintf(out, "    Zone:\t%s\n", print_or(tree_text(endpoint, "zone"), "<unset>"));
}

void describe_endpoint_slice(const struct print_context *context, const struct object *object)
{
	const json_t *endpoints = tree_get(object->json, "endpoints");
	FILE *out = context->out;
	json_t *endpoint;
	size_t i;

	describe_name(out, object);
	describe_labels(out, "Labels", tree_get(object->json, "metadata.labels"));
	describe_annotations(out, object);
	fprintf(out, "AddressType:\t%s\n", print_or(tree_text(object->json, "addressType"), ""));
	describe_slice_ports(out, tree_get(object->json, "ports"));
	fputs(json_array_size(endpoints) ? "Endpoints:\n" : "Endpoints: <none>\n", out);
	json_array_foreach ((json_t *)endpoints, i, endpoint)
		describe_slice_endpoint(out, endpoint);
	describe_events(context, object);
}
