/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "user/cmd/change.h"
#include "user/cmd/input.h"
#include "user/cmd/resource.h"
#include "user/cmd/selector.h"

static const struct option delete_options[] = {
	INPUT_OPTION,
	{ "selector", 'l', "SELECTOR", "delete the objects whose labels match" },
	{ "all", 0, NULL, "delete all objects of the kind" },
	{ "ignore-not-found", 0, NULL, "what is not there counts as deleted" },
	DRY_RUN_OPTION,
	{ "output", 'o', "name", "print KIND/NAME only" },
	{ 0 },
};

struct deletion {
	struct cli *cli;
	struct changes changes;
	struct selector selector;
	struct change_report report;
	int exit_code;
};

static void delete_one(struct deletion *deletion, enum k8s_kind kind, const char *ns,
		       const char *name)
{
	if (changes_delete(&deletion->changes, kind, ns, name) &&
	    !cli_switch(deletion->cli, "ignore-not-found"))
		deletion->exit_code = resource_not_found(kind, name);
}

/* All stored objects of a kind that the selector lets through. */
static void delete_all(struct deletion *deletion, enum k8s_kind kind)
{
	const char *ns = deletion->cli->all_namespaces || !k8s_kinds[kind].namespaced
				 ? NULL
				 : deletion->cli->ns;
	struct store_view view = store_list(deletion->changes.store, kind, ns);
	VEC(const struct object *) chosen = { 0 };

	/* The view does not outlive the first deletion. */
	for (size_t i = 0; i < view.n; i++)
		if (selector_matches(&deletion->selector, view.items[i]))
			vec_push(&chosen, view.items[i]);
	for (size_t i = 0; i < chosen.n; i++)
		delete_one(deletion, kind, chosen.items[i]->ns, chosen.items[i]->name);
	vec_free(&chosen);
}

static void delete_refs(struct deletion *deletion, const struct resource_refs *refs)
{
	for (size_t i = 0; i < refs->n; i++) {
		const struct resource_ref *ref = &refs->items[i];

		if (ref->name)
			delete_one(deletion, ref->kind, deletion->cli->ns, ref->name);
		else
			delete_all(deletion, ref->kind);
	}
}

/* What was found is deleted, even when something else was not there, as kubectl does. */
static int delete_found(struct deletion *deletion, const struct resource_refs *refs,
			const struct object_list *list)
{
	struct err err;
	int code;

	if (changes_begin(deletion->cli, deletion->report.dry_run == DRY_RUN_NONE,
			  &deletion->changes, &err))
		return cli_fail(&err);
	delete_refs(deletion, refs);
	for (size_t i = 0; i < list->n; i++)
		delete_one(deletion, list->items[i]->kind, list->items[i]->ns,
			   list->items[i]->name);
	if (deletion->changes.n) {
		code = changes_finish(&deletion->changes, &deletion->report);
		if (code != CLI_OK)
			deletion->exit_code = code;
	} else if (deletion->exit_code == CLI_OK) {
		printf("No resources found\n");
	}
	changes_done(&deletion->changes);
	return deletion->exit_code;
}

static const char *check_usage(const struct cli *cli, const struct resource_refs *refs)
{
	bool selector = cli_option(cli, "selector");
	bool all = cli_switch(cli, "all");

	if (cli_option(cli, "filename"))
		return cli->n_args || selector || all
			       ? "-f goes without a resource type, -l and --all"
			       : NULL;
	if (selector && all)
		return "setting 'all' parameter but found a non empty selector";
	for (size_t i = 0; i < refs->n; i++) {
		bool named = refs->items[i].name;

		if (named && (selector || all))
			return "name cannot be provided when a selector or --all is specified";
		if (named && cli->all_namespaces)
			return "a resource cannot be deleted by name across all namespaces";
		if (!named && !selector && !all)
			return "resource(s) were provided, but no name was specified";
	}
	return NULL;
}

static int delete_run(struct cli *cli)
{
	struct deletion deletion = { .cli = cli };
	struct resource_refs refs = { 0 };
	struct object_list list = { 0 };
	const char *problem;
	int code, exit_code;
	struct err err;

	if (!cli_option(cli, "filename") && !cli->n_args)
		return cli_usage(cli, "needs -f, or a resource type and a name");
	if (output_parse(cli, "name", &deletion.report.output, &err) ||
	    dry_run_parse(cli, &deletion.report.dry_run, &err))
		return cli_usage(cli, "%s", err.text);
	code = cli->n_args ? resource_refs_parse(cli->args, cli->n_args, &refs, &err) : 0;
	if (code)
		return resource_refs_fail(cli, code, &err);
	problem = check_usage(cli, &refs);
	if (problem)
		exit_code = cli_usage(cli, "%s", problem);
	else if (selector_parse(cli_option(cli, "selector"), &deletion.selector, &err))
		exit_code = cli_usage(cli, "%s", err.text);
	else if (cli_option(cli, "filename") && input_read(cli, &list, &err))
		exit_code = cli_fail(&err);
	else
		exit_code = delete_found(&deletion, &refs, &list);
	selector_done(&deletion.selector);
	object_list_free(&list);
	resource_refs_done(&refs);
	return exit_code;
}

const struct command cmd_delete = {
	.name = "delete",
	.args = "(-f FILE | KIND NAME... | KIND/NAME... | KIND -l SELECTOR | KIND --all)",
	.summary = "Delete objects",
	.details =
		"New connections find a deleted Service gone at once. Endpoints that lbctl made\n"
		"itself go with their Service; only stored objects can be deleted.\n"
		"\n"
		"Examples:\n"
		"  lbctl delete svc kubia\n"
		"  lbctl delete service/kubia endpoints/kubia\n"
		"  lbctl delete -f kubia-svc.yaml --ignore-not-found\n"
		"  lbctl delete pod -l app=kubia\n"
		"  lbctl delete svc --all -n test\n",
	.options = delete_options,
	.max_args = -1,
	.run = delete_run,
};
