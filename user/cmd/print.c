/* SPDX-License-Identifier: Apache-2.0 */
#include "user/cmd/print.h"

#include <string.h>

#include "user/cmd/change.h"
#include "user/util/age.h"
#include "user/util/cleanup.h"
#include "user/util/tree.h"
#include "user/util/vec.h"

#define SHORT_LIST_MAX 3
#define LOAD_BALANCER_MAX 16
#define ANNOTATION_MAX 140 /* a longer one starts on a line of its own, and is cut there */

/* The columns of kubectl, to the letter. */
const struct printer printers[K8S_KINDS] = {
	[K8S_NAMESPACE] = { "NAME\tSTATUS\tAGE", "", print_namespace, describe_namespace },
	[K8S_NODE] = { "NAME\tSTATUS\tROLES\tAGE\tVERSION",
		       "\tINTERNAL-IP\tEXTERNAL-IP\tOS-IMAGE\tKERNEL-VERSION\tCONTAINER-RUNTIME",
		       print_node, describe_node },
	[K8S_POD] = { "NAME\tREADY\tSTATUS\tRESTARTS\tAGE",
		      "\tIP\tNODE\tNOMINATED NODE\tREADINESS GATES\tLAST FAILURE", print_pod,
		      describe_pod },
	[K8S_SERVICE] = { "NAME\tTYPE\tCLUSTER-IP\tEXTERNAL-IP\tPORT(S)\tAGE", "\tSELECTOR",
			  print_service, describe_service },
	[K8S_ENDPOINTS] = { "NAME\tENDPOINTS\tAGE", "", print_endpoints, describe_endpoints },
	[K8S_ENDPOINT_SLICE] = { "NAME\tADDRESSTYPE\tPORTS\tENDPOINTS\tAGE", "",
				 print_endpoint_slice, describe_endpoint_slice },
	[K8S_INGRESS] = { "NAME\tCLASS\tHOSTS\tADDRESS\tPORTS\tAGE", "", print_ingress,
			  describe_ingress },
	[K8S_SECRET] = { "NAME\tTYPE\tDATA\tAGE", "", print_secret, describe_secret },
	[K8S_INGRESS_CLASS] = { "NAME\tCONTROLLER\tPARAMETERS\tAGE", "", print_ingress_class,
				describe_ingress_class },
};

void print_age(const struct print_context *context, const struct object *object)
{
	char text[AGE_TEXT];

	fputs(age_since(tree_text(object->json, "metadata.creationTimestamp"), context->now, text),
	      context->out);
}

void print_labels(FILE *out, const json_t *labels)
{
	size_t n;
	cleanup_free const char **keys = tree_keys(labels, &n);

	if (!n)
		fputs("<none>", out);
	for (size_t i = 0; i < n; i++)
		fprintf(out, "%s%s=%s", i ? "," : "", keys[i],
			print_or(json_string_value(json_object_get(labels, keys[i])), ""));
}

size_t print_joined(FILE *out, const json_t *strings, const char *separator)
{
	size_t n = json_array_size(strings);

	for (size_t i = 0; i < n; i++)
		fprintf(out, "%s%s", i ? separator : "",
			print_or(json_string_value(json_array_get(strings, i)), ""));
	return n;
}

const char *print_or(const char *text, const char *other)
{
	return text && *text ? text : other;
}

static int compare_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static char *load_balancer_text(const struct object *object)
{
	json_t *ingress = tree_get(object->json, "status.loadBalancer.ingress");
	VEC(const char *) names = { 0 };
	char *text = NULL;
	size_t size, i;
	FILE *out = open_memstream(&text, &size);
	json_t *item;

	json_array_foreach (ingress, i, item) {
		const char *name = print_or(tree_text(item, "ip"), tree_text(item, "hostname"));

		if (name)
			vec_push(&names, name);
	}
	if (names.n)
		qsort(names.items, names.n, sizeof(*names.items), compare_text);
	for (i = 0; i < names.n; i++)
		if (!i || strcmp(names.items[i], names.items[i - 1]) != 0)
			fprintf(out, "%s%s", i ? "," : "", names.items[i]);
	vec_free(&names);
	fclose(out);
	return text;
}

bool print_load_balancer(FILE *out, const struct object *object, bool wide)
{
	cleanup_free char *text = load_balancer_text(object);

	if (!wide && strlen(text) > LOAD_BALANCER_MAX)
		fprintf(out, "%.*s...", LOAD_BALANCER_MAX - 3, text);
	else
		fputs(text, out);
	return *text;
}

void short_list_add(struct short_list *list, const char *text)
{
	if (list->n < SHORT_LIST_MAX)
		fprintf(list->out, "%s%s", list->n ? "," : "", text);
	list->n++;
}

void short_list_end(const struct short_list *list)
{
	if (list->n > SHORT_LIST_MAX)
		fprintf(list->out, " + %zu more...", list->n - SHORT_LIST_MAX);
}

/* ------------------------------------------------------------- describe -- */

void describe_name(FILE *out, const struct object *object)
{
	fprintf(out, "Name:\t%s\n", object->name);
	if (*object->ns)
		fprintf(out, "Namespace:\t%s\n", object->ns);
}

void describe_labels(FILE *out, const char *title, const json_t *labels)
{
	size_t n;
	cleanup_free const char **keys = tree_keys(labels, &n);

	fprintf(out, "%s:\t", title);
	if (!n)
		fputs("<none>\n", out);
	for (size_t i = 0; i < n; i++)
		fprintf(out, "%s%s=%s\n", i ? "\t" : "", keys[i],
			print_or(json_string_value(json_object_get(labels, keys[i])), ""));
}

static void describe_lines(FILE *out, const char *text, size_t length)
{
	const char *end = text + length;

	for (;;) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		size_t n = (size_t)((newline ? newline : end) - text);
		bool cut = n > ANNOTATION_MAX - 2;

		fprintf(out, "\t  %.*s%s\n", (int)(cut ? ANNOTATION_MAX - 2 : n), text,
			cut ? "..." : "");
		if (!newline)
			return;
		text = newline + 1;
	}
}

static void describe_annotation(FILE *out, const char *key, const char *value)
{
	size_t length = strlen(value);

	if (length && value[length - 1] == '\n')
		length--;
	if (length + strlen(key) + 2 > ANNOTATION_MAX || memchr(value, '\n', length)) {
		fprintf(out, "%s:\n", key);
		describe_lines(out, value, length);
	} else {
		fprintf(out, "%s: %.*s\n", key, (int)length, value);
	}
}

void describe_annotations(FILE *out, const struct object *object)
{
	const json_t *annotations = tree_get(object->json, "metadata.annotations");
	size_t n, shown = 0;
	cleanup_free const char **keys = tree_keys(annotations, &n);

	fputs("Annotations:\t", out);
	for (size_t i = 0; i < n; i++) {
		/* As long as the object itself, and of interest to apply only. */
		if (!strcmp(keys[i], CHANGE_LAST_APPLIED))
			continue;
		if (shown++)
			fputc('\t', out);
		describe_annotation(
			out, keys[i],
			print_or(json_string_value(json_object_get(annotations, keys[i])), ""));
	}
	if (!shown)
		fputs("<none>\n", out);
}
