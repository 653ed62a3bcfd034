/* SPDX-License-Identifier: Apache-2.0 */
#include "user/cmd/events.h"
#include "user/cmd/query.h"

#include <string.h>

#include "user/cmd/dns.h"
#include "user/ingress/status.h"

#define OUTPUTS "wide|json|yaml|name"

static const struct option get_options[] = {
	{ "output", 'o', OUTPUTS, "more columns, or the objects themselves" },
	{ "selector", 'l', "SELECTOR",
	  "only objects whose labels match: a=b,c!=d,e in (f,g),h,!i" },
	{ "watch", 'w', NULL, "go on and print objects as they change" },
	{ "show-labels", 0, NULL, "add a column of labels" },
	{ "no-headers", 0, NULL, "leave the names of the columns out" },
	{ 0 },
};

static int get_once(const struct query *query)
{
	struct query_result result;
	int exit_code = CLI_OK;
	struct store *store;
	struct err err;

	if (resource_store_load(query->cli, &store, &err))
		return cli_fail(&err);
	if (resource_kinds_check(store, &query->refs, &err)) {
		store_free(store);
		return cli_fail(&err);
	}
	ingress_status_fill(query->cli->paths.run, store);
	query_run(query, store, &result);
	query_print(query, store, &result, stdout);
	fflush(stdout);
	for (size_t i = 0; i < result.missing.n; i++)
		exit_code = resource_not_found(result.missing.items[i].kind,
					       result.missing.items[i].name);
	if (!result.objects && !result.missing.n &&
	    (query->output == OUTPUT_PLAIN || query->output == OUTPUT_WIDE))
		query_print_nothing(query);
	query_result_done(&result);
	store_free(store);
	return exit_code;
}

static const char *check_usage(const struct query *query)
{
	const struct cli *cli = query->cli;

	for (size_t i = 0; i < query->refs.n; i++) {
		if (!query->refs.items[i].name)
			continue;
		if (cli->all_namespaces)
			return "a resource cannot be retrieved by name across all namespaces";
		if (query->selector.n)
			return "name cannot be provided when a selector is specified";
	}
	if (cli_switch(cli, "watch") && query->refs.several_kinds)
		return "you may only specify a single resource type with --watch";
	return NULL;
}

static int get_run(struct cli *cli)
{
	struct query query = {
		.cli = cli,
		.show_labels = cli_switch(cli, "show-labels"),
		.no_headers = cli_switch(cli, "no-headers"),
	};
	const char *problem;
	struct err err;
	int code;

	/* Records are no objects: they follow from those. */
	if (cli->n_args == 1 && !strcmp(cli->args[0], "dns"))
		return get_dns(cli, !query.no_headers);
	if (output_parse(cli, OUTPUTS, &query.output, &err) ||
	    selector_parse(cli_option(cli, "selector"), &query.selector, &err))
		return cli_usage(cli, "%s", err.text);
	if (events_asked(cli)) {
		code = events_get(cli, query.output);
		selector_done(&query.selector);
		return code;
	}
	code = resource_refs_parse(cli->args, cli->n_args, &query.refs, &err);
	problem = code ? NULL : check_usage(&query);
	if (code)
		code = resource_refs_fail(cli, code, &err);
	else if (problem)
		code = cli_usage(cli, "%s", problem);
	else if (cli_switch(cli, "watch"))
		code = query_watch(&query);
	else
		code = get_once(&query);
	resource_refs_done(&query.refs);
	selector_done(&query.selector);
	return code;
}

const struct command cmd_get = {
	.name = "get",
	.args = "(KIND[,KIND...] [NAME...] | KIND/NAME... | all)",
	.summary = "List objects",
	.details =
		"KIND is svc, endpoints (ep), endpointslices, pods (po), nodes (no), namespaces "
		"(ns),\n"
		"secrets, ingress (ing), events (ev), or all for pods and services. Endpoints and "
		"EndpointSlices\n"
		"include those that lbctl makes from a Service's selector and its pods. \"lbctl "
		"show\"\n"
		"prints what the kernel's maps hold.\n"
		"\n"
		"Examples:\n"
		"  lbctl get svc\n"
		"  lbctl get svc kubia -o yaml\n"
		"  lbctl get svc,endpoints -A -o wide\n"
		"  lbctl get pods -l 'app=kubia,tier notin (test)' -w\n",
	.options = get_options,
	.min_args = 1,
	.max_args = -1,
	.run = get_run,
};
