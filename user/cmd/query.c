/* SPDX-License-Identifier: Apache-2.0 */
#include "user/cmd/query.h"

#include <string.h>
#include <time.h>

#include "user/cmd/print.h"
#include "user/util/cleanup.h"
#include "user/util/tree.h"

/* ----------------------------------------------------------------- find -- */

static void drop_unselected(const struct query *query, struct resources *resources, size_t from)
{
	size_t kept = from;

	for (size_t i = from; i < resources->n; i++)
		if (selector_matches(&query->selector, resources->items[i]))
			resources->items[kept++] = resources->items[i];
	resources->n = kept;
}

static struct query_group *group_of(struct query_result *result, enum k8s_kind kind)
{
	struct query_group *group;

	for (size_t i = 0; i < result->n; i++)
		if (result->items[i].kind == kind)
			return &result->items[i];
	group = vec_add(result);
	group->kind = kind;
	return group;
}

void query_run(const struct query *query, const struct store *store,
	       struct query_result *ret_result)
{
	const char *ns = query->cli->all_namespaces ? NULL : query->cli->ns;
	struct query_result result = { 0 };

	for (size_t i = 0; i < query->refs.n; i++) {
		const struct resource_ref *ref = &query->refs.items[i];
		struct query_group *group = group_of(&result, ref->kind);
		size_t from = group->resources.n;

		resources_add(&group->resources, store, ref->kind, ns, ref->name);
		if (ref->name && group->resources.n == from)
			vec_push(&result.missing, *ref);
		drop_unselected(query, &group->resources, from);
		result.objects += group->resources.n - from;
	}
	*ret_result = result;
}

void query_result_done(struct query_result *result)
{
	for (size_t i = 0; i < result->n; i++)
		resources_done(&result->items[i].resources);
	resource_refs_done(&result->missing);
	vec_free(result);
}

/* --------------------------------------------------------------- tables -- */

static bool shows_namespace(const struct query *query, enum k8s_kind kind)
{
	return query->cli->all_namespaces && k8s_kinds[kind].namespaced;
}

static void print_header(const struct query *query, enum k8s_kind kind, FILE *text)
{
	const struct printer *printer = &printers[kind];

	if (shows_namespace(query, kind))
		fputs("NAMESPACE\t", text);
	fputs(printer->columns, text);
	if (query->output == OUTPUT_WIDE)
		fputs(printer->wide_columns, text);
	if (query->show_labels)
		fputs("\tLABELS", text);
	fputc('\n', text);
}

static void print_row(const struct query *query, const struct print_context *context,
		      const struct object *object)
{
	char kind[RESOURCE_TEXT];

	if (shows_namespace(query, object->kind))
		fprintf(context->out, "%s\t", object->ns);
	/* Where kinds are mixed, the name says which it is. */
	if (query->refs.several_kinds)
		fprintf(context->out, "%s/", resource_singular(object->kind, kind));
	printers[object->kind].row(context, object);
	if (query->show_labels) {
		fputc('\t', context->out);
		print_labels(context->out, tree_get(object->json, "metadata.labels"));
	}
	fputc('\n', context->out);
}

void query_print_rows(const struct query *query, const struct store *store, enum k8s_kind kind,
		      const struct object *const *items, size_t n, bool header, struct table *table,
		      FILE *out)
{
	cleanup_free char *text = NULL;
	size_t size;
	struct print_context context = {
		.out = open_memstream(&text, &size),
		.store = store,
		.now = time(NULL),
		.wide = query->output == OUTPUT_WIDE,
	};

	if (header)
		print_header(query, kind, context.out);
	for (size_t i = 0; i < n; i++)
		print_row(query, &context, items[i]);
	fclose(context.out);
	table_print(table, out, text);
}

static void print_tables(const struct query *query, const struct store *store,
			 const struct query_result *result, FILE *out)
{
	bool first = true;

	for (size_t i = 0; i < result->n; i++) {
		const struct query_group *group = &result->items[i];
		struct table table = TABLE_GET;

		if (!group->resources.n)
			continue;
		if (!first)
			fputc('\n', out);
		first = false;
		query_print_rows(query, store, group->kind, group->resources.items,
				 group->resources.n, !query->no_headers, &table, out);
	}
}

/* -------------------------------------------------------------- objects -- */

static void print_objects(const struct query *query, const struct query_result *result, FILE *out)
{
	bool single = query->refs.n == 1 && query->refs.items[0].name;
	VEC(const struct object *) all = { 0 };

	for (size_t i = 0; i < result->n; i++)
		for (size_t j = 0; j < result->items[i].resources.n; j++)
			vec_push(&all, result->items[i].resources.items[j]);
	if (!single)
		output_list(out, query->output, all.items, all.n);
	else if (all.n)
		output_object(out, query->output, all.items[0]);
	vec_free(&all);
}

void query_print(const struct query *query, const struct store *store,
		 const struct query_result *result, FILE *out)
{
	if (query->output == OUTPUT_PLAIN || query->output == OUTPUT_WIDE)
		print_tables(query, store, result, out);
	else
		print_objects(query, result, out);
}

static bool is_namespaced(const struct query *query)
{
	for (size_t i = 0; i < query->refs.n; i++)
		if (k8s_kinds[query->refs.items[i].kind].namespaced)
			return true;
	return false;
}

void query_print_nothing(const struct query *query)
{
	if (is_namespaced(query) && !query->cli->all_namespaces)
		fprintf(stderr, "No resources found in %s namespace.\n", query->cli->ns);
	else
		fputs("No resources found\n", stderr);
}
