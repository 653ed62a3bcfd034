/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <time.h>

#include "user/cmd/events.h"
#include "user/cmd/print.h"
#include "user/cmd/query.h"
#include "user/ingress/status.h"
#include "user/util/cleanup.h"
#include "user/util/table.h"

static const struct option describe_options[] = {
	{ "selector", 'l', "SELECTOR", "only objects whose labels match" },
	{ 0 },
};

struct describing {
	const struct query *query;
	const struct store *store;
	const json_t *events;
	bool any; /* was described already */
};

static void describe_one(struct describing *describing, const struct object *object)
{
	struct table table = TABLE_DESCRIBE;
	cleanup_free char *text = NULL;
	size_t size;
	struct print_context context = {
		.out = open_memstream(&text, &size),
		.store = describing->store,
		.now = time(NULL),
		.events = describing->events,
	};

	printers[object->kind].describe(&context, object);
	fclose(context.out);
	if (describing->any)
		fputs("\n\n", stdout);
	describing->any = true;
	table_print(&table, stdout, text);
}

/* A name that is not there may be the start of names that are: `describe pod kubia-`. */
static size_t describe_prefix(struct describing *describing, const struct resource_ref *ref)
{
	struct resources all = { 0 };
	size_t n = 0;

	resources_add(&all, describing->store, ref->kind, describing->query->cli->ns, NULL);
	for (size_t i = 0; i < all.n; i++) {
		if (strncmp(all.items[i]->name, ref->name, strlen(ref->name)) != 0)
			continue;
		describe_one(describing, all.items[i]);
		n++;
	}
	resources_done(&all);
	return n;
}

static int describe_result(struct describing *describing, const struct query_result *result)
{
	int exit_code = CLI_OK;

	for (size_t i = 0; i < result->n; i++) {
		const struct resources *resources = &result->items[i].resources;

		for (size_t j = 0; j < resources->n; j++)
			describe_one(describing, resources->items[j]);
	}
	for (size_t i = 0; i < result->missing.n; i++) {
		const struct resource_ref *ref = &result->missing.items[i];

		if (describe_prefix(describing, ref))
			continue;
		fflush(stdout);
		exit_code = resource_not_found(ref->kind, ref->name);
	}
	if (!describing->any && exit_code == CLI_OK)
		query_print_nothing(describing->query);
	return exit_code;
}

static int describe_query(const struct query *query)
{
	cleanup_json json_t *events = events_all(query->cli->paths.run);
	struct describing describing = { .query = query, .events = events };
	struct query_result result;
	struct store *store;
	struct err err;
	int exit_code;

	if (resource_store_load(query->cli, &store, &err))
		return cli_fail(&err);
	if (resource_kinds_check(store, &query->refs, &err)) {
		store_free(store);
		return cli_fail(&err);
	}
	ingress_status_fill(query->cli->paths.run, store);
	query_run(query, store, &result);
	describing.store = store;
	exit_code = describe_result(&describing, &result);
	query_result_done(&result);
	store_free(store);
	return exit_code;
}

static int describe_run(struct cli *cli)
{
	struct query query = { .cli = cli };
	struct err err;
	int code;

	if (selector_parse(cli_option(cli, "selector"), &query.selector, &err))
		return cli_usage(cli, "%s", err.text);
	code = resource_refs_parse(cli->args, cli->n_args, &query.refs, &err);
	if (code)
		code = resource_refs_fail(cli, code, &err);
	else
		code = describe_query(&query);
	resource_refs_done(&query.refs);
	selector_done(&query.selector);
	return code;
}

const struct command cmd_describe = {
	.name = "describe",
	.args = "(KIND [NAME...] | KIND/NAME...)",
	.summary = "Show objects in detail, with what belongs to them",
	.details = "A Service is shown with the endpoints of each port. A NAME may be the start of "
		   "names.\n"
		   "\n"
		   "Examples:\n"
		   "  lbctl describe svc kubia\n"
		   "  lbctl describe ingress/kubia\n"
		   "  lbctl describe pods -l app=kubia\n",
	.options = describe_options,
	.min_args = 1,
	.max_args = -1,
	.run = describe_run,
};
