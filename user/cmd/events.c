/* SPDX-License-Identifier: Apache-2.0 */
#include "user/cmd/events.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "user/cmd/print.h"
#include "user/ingress/status.h"
#include "user/probe/events.h"
#include "user/util/age.h"
#include "user/util/cleanup.h"
#include "user/util/table.h"
#include "user/util/tree.h"

bool events_asked(const struct cli *cli)
{
	static const char *const words[] = { "events", "event", "ev" };

	for (size_t i = 0; cli->n_args && i < ARRAY_LEN(words); i++) {
		if (!strcasecmp(cli->args[0], words[i]))
			return true;
	}
	return false;
}

static const char *text_of(const json_t *event, const char *path)
{
	return print_or(tree_text(event, path), "");
}

/* "4s", "4s (x10 over 30s)" */
static void print_last_seen(FILE *out, const json_t *event, time_t now)
{
	char last[AGE_TEXT], first[AGE_TEXT];

	age_since(tree_text(event, "lastTimestamp"), now, last);
	if (tree_int(event, "count") > 1)
		fprintf(out, "%s (x%lld over %s)", last, tree_int(event, "count"),
			age_since(tree_text(event, "firstTimestamp"), now, first));
	else
		fputs(last, out);
}

static void print_object(FILE *out, const json_t *event)
{
	for (const char *c = text_of(event, "involvedObject.kind"); *c; c++)
		fputc(tolower((unsigned char)*c), out);
	fprintf(out, "/%s", text_of(event, "involvedObject.name"));
}

static void print_event(const struct print_context *context, const json_t *event)
{
	char first[AGE_TEXT];
	FILE *out = context->out;

	print_last_seen(out, event, context->now);
	fprintf(out, "\t%s\t%s\t", text_of(event, "type"), text_of(event, "reason"));
	print_object(out, event);
	if (context->wide)
		fprintf(out, "\t%s\t%s", text_of(event, "involvedObject.fieldPath"),
			text_of(event, "source.component"));
	fprintf(out, "\t%s", text_of(event, "message"));
	if (context->wide)
		fprintf(out, "\t%s\t%lld\t%s",
			age_since(tree_text(event, "firstTimestamp"), context->now, first),
			tree_int(event, "count"), text_of(event, "metadata.name"));
	fputc('\n', out);
}

static void print_table(const struct cli *cli, enum output output, const json_t *events)
{
	cleanup_free char *text = NULL;
	struct table table = TABLE_GET;
	const json_t *event;
	size_t size, i;
	struct print_context context = { .out = open_memstream(&text, &size),
					 .now = time(NULL),
					 .wide = output == OUTPUT_WIDE };

	if (!cli_switch(cli, "no-headers"))
		fprintf(context.out, "%sLAST SEEN\tTYPE\tREASON\tOBJECT%s\tMESSAGE%s\n",
			cli->all_namespaces ? "NAMESPACE\t" : "",
			context.wide ? "\tSUBOBJECT\tSOURCE" : "",
			context.wide ? "\tFIRST SEEN\tCOUNT\tNAME" : "");
	json_array_foreach ((json_t *)events, i, event) {
		if (cli->all_namespaces)
			fprintf(context.out, "%s\t", text_of(event, "metadata.namespace"));
		print_event(&context, event);
	}
	fclose(context.out);
	table_print(&table, stdout, text);
}

static bool event_is_wanted(const struct cli *cli, const json_t *event)
{
	const char *name = text_of(event, "metadata.name");

	if (!cli->all_namespaces && strcmp(text_of(event, "metadata.namespace"), cli->ns) != 0)
		return false;
	for (size_t i = 1; i < cli->n_args; i++) {
		if (!strcmp(cli->args[i], name))
			return true;
	}
	return cli->n_args == 1;
}

static void print_all(const struct cli *cli, enum output output, json_t *events)
{
	cleanup_json json_t *list = NULL;
	const json_t *event;
	size_t i;

	if (output == OUTPUT_PLAIN || output == OUTPUT_WIDE) {
		print_table(cli, output, events);
	} else if (output == OUTPUT_NAME) {
		json_array_foreach (events, i, event)
			printf("event/%s\n", text_of(event, "metadata.name"));
	} else {
		list = json_pack("{s:s, s:s, s:{s:s}, s:O}", "apiVersion", "v1", "kind", "List",
				 "metadata", "resourceVersion", "", "items", events);
		output_json(stdout, output, list);
	}
}

json_t *events_all(const char *run)
{
	cleanup_json json_t *status = ingress_status_read(run);
	json_t *all = events_read(run);

	if (status)
		json_array_extend(all, json_object_get(status, "events"));
	return all;
}

int events_get(const struct cli *cli, enum output output)
{
	cleanup_json json_t *all = NULL, *events = json_array();
	bool table = output == OUTPUT_PLAIN || output == OUTPUT_WIDE;
	json_t *event;
	size_t i;

	if (cli_switch(cli, "watch") || cli_option(cli, "selector"))
		return cli_usage(cli, "events are neither watched nor selected");
	all = events_all(cli->paths.run);
	json_array_foreach (all, i, event) {
		if (event_is_wanted(cli, event))
			json_array_append(events, event);
	}
	if (json_array_size(events) || !table)
		print_all(cli, output, events);
	else if (cli->all_namespaces)
		fputs("No resources found\n", stderr);
	else
		fprintf(stderr, "No resources found in %s namespace.\n", cli->ns);
	return CLI_OK;
}

/* -------------------------------------------------------------- describe -- */

static bool event_is_about(const json_t *event, const struct object *object)
{
	return !strcmp(text_of(event, "involvedObject.kind"), k8s_kinds[object->kind].kind) &&
	       !strcmp(text_of(event, "involvedObject.namespace"), object->ns) &&
	       !strcmp(text_of(event, "involvedObject.name"), object->name);
}

void describe_events(const struct print_context *context, const struct object *object)
{
	FILE *out = context->out;
	const json_t *event;
	size_t i, n = 0;

	json_array_foreach ((json_t *)context->events, i, event) {
		if (!event_is_about(event, object))
			continue;
		if (!n++)
			fputs("Events:\n  Type\tReason\tAge\tFrom\tMessage\n"
			      "  ----\t------\t----\t----\t-------\n",
			      out);
		fprintf(out, "  %s\t%s\t", text_of(event, "type"), text_of(event, "reason"));
		print_last_seen(out, event, context->now);
		fprintf(out, "\t%s\t%s\n", text_of(event, "source.component"),
			text_of(event, "message"));
	}
	if (!n)
		fputs("Events:\t<none>\n", out);
}
