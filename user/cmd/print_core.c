/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes, Namespaces, Secrets. */
#include <string.h>

#include "user/cmd/print.h"
#include "user/util/cleanup.h"
#include "user/util/tree.h"

#define ROLE_PREFIX "node-role.kubernetes.io/"

/* ----------------------------------------------------------------- Node -- */

static const char *node_status(const struct object *object)
{
	json_t *conditions = tree_get(object->json, "status.conditions"), *condition;
	bool off = json_is_true(tree_get(object->json, "spec.unschedulable"));
	size_t i;

	json_array_foreach (conditions, i, condition) {
		if (strcmp(print_or(tree_text(condition, "type"), ""), "Ready") != 0)
			continue;
		if (!strcmp(print_or(tree_text(condition, "status"), ""), "True"))
			return off ? "Ready,SchedulingDisabled" : "Ready";
		return off ? "NotReady,SchedulingDisabled" : "NotReady";
	}
	return off ? "Unknown,SchedulingDisabled" : "Unknown";
}

static void print_roles(FILE *out, const struct object *object)
{
	size_t n, shown = 0;
	cleanup_free const char **keys = tree_keys(tree_get(object->json, "metadata.labels"), &n);

	for (size_t i = 0; i < n; i++) {
		const char *role = keys[i] + strlen(ROLE_PREFIX);

		if (!strncmp(keys[i], ROLE_PREFIX, strlen(ROLE_PREFIX)) && *role)
			fprintf(out, "%s%s", shown++ ? "," : "", role);
	}
	if (!shown)
		fputs("<none>", out);
}

static const char *node_address(const struct object *object, const char *type)
{
	json_t *addresses = tree_get(object->json, "status.addresses"), *address;
	size_t i;

	json_array_foreach (addresses, i, address)
		if (!strcmp(print_or(tree_text(address, "type"), ""), type))
			return print_or(tree_text(address, "address"), "<none>");
	return "<none>";
}

void print_node(const struct print_context *context, const struct object *object)
{
	const json_t *info = tree_get(object->json, "status.nodeInfo");
	FILE *out = context->out;

	fprintf(out, "%s\t%s\t", object->name, node_status(object));
	print_roles(out, object);
	fputc('\t', out);
	print_age(context, object);
	fprintf(out, "\t%s", print_or(tree_text(info, "kubeletVersion"), ""));
	if (context->wide)
		fprintf(out, "\t%s\t%s\t%s\t%s\t%s", node_address(object, "InternalIP"),
			node_address(object, "ExternalIP"),
			print_or(tree_text(info, "osImage"), "<unknown>"),
			print_or(tree_text(info, "kernelVersion"), "<unknown>"),
			print_or(tree_text(info, "containerRuntimeVersion"), "<unknown>"));
}

void describe_node(const struct print_context *context, const struct object *object)
{
	json_t *addresses = tree_get(object->json, "status.addresses"), *address;
	FILE *out = context->out;
	const char *cidr = tree_text(object->json, "spec.podCIDR");
	size_t i;

	describe_name(out, object);
	fputs("Roles:\t", out);
	print_roles(out, object);
	fputc('\n', out);
	describe_labels(out, "Labels", tree_get(object->json, "metadata.labels"));
	describe_annotations(out, object);
	fprintf(out, "CreationTimestamp:\t%s\nUnschedulable:\t%s\nAddresses:\n",
		print_or(tree_text(object->json, "metadata.creationTimestamp"), "<unknown>"),
		json_is_true(tree_get(object->json, "spec.unschedulable")) ? "true" : "false");
	json_array_foreach (addresses, i, address)
		fprintf(out, "  %s:\t%s\n", print_or(tree_text(address, "type"), ""),
			print_or(tree_text(address, "address"), ""));
	if (cidr)
		fprintf(out, "PodCIDR:\t%s\n", cidr);
	describe_events(context, object);
}

/* ------------------------------------------------------------ Namespace -- */

static const char *namespace_status(const struct object *object)
{
	return print_or(tree_text(object->json, "status.phase"), "Active");
}

void print_namespace(const struct print_context *context, const struct object *object)
{
	fprintf(context->out, "%s\t%s\t", object->name, namespace_status(object));
	print_age(context, object);
}

void describe_namespace(const struct print_context *context, const struct object *object)
{
	FILE *out = context->out;

	describe_name(out, object);
	describe_labels(out, "Labels", tree_get(object->json, "metadata.labels"));
	describe_annotations(out, object);
	fprintf(out, "Status:\t%s\n\nNo resource quota.\n\nNo LimitRange resource.\n",
		namespace_status(object));
}

/* --------------------------------------------------------------- Secret -- */

void print_secret(const struct print_context *context, const struct object *object)
{
	fprintf(context->out, "%s\t%s\t%zu\t", object->name,
		print_or(tree_text(object->json, "type"), "Opaque"),
		json_object_size(tree_get(object->json, "data")));
	print_age(context, object);
}

/* Bytes that base64 text stands for. */
static size_t decoded_size(const char *text)
{
	size_t n = 0;

	for (; *text && *text != '='; text++)
		n += *text != '\n' && *text != '\r';
	return n * 3 / 4;
}

/* Sizes only: what is described may be read over a shoulder. */
void describe_secret(const struct print_context *context, const struct object *object)
{
	const json_t *data = tree_get(object->json, "data");
	size_t n;
	cleanup_free const char **keys = tree_keys(data, &n);
	FILE *out = context->out;

	describe_name(out, object);
	describe_labels(out, "Labels", tree_get(object->json, "metadata.labels"));
	describe_annotations(out, object);
	fprintf(out, "\nType:\t%s\n\nData\n====\n",
		print_or(tree_text(object->json, "type"), "Opaque"));
	for (size_t i = 0; i < n; i++)
		fprintf(out, "%s:\t%zu bytes\n", keys[i],
			decoded_size(
				print_or(json_string_value(json_object_get(data, keys[i])), "")));
}
