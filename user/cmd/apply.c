/* SPDX-License-Identifier: Apache-2.0 */
/* apply and create: manifests into the state, and on into the datapath. */
#include <errno.h>

#include "user/cmd/change.h"
#include "user/cmd/create_secret.h"
#include "user/cmd/input.h"

#define OUTPUTS "name|json|yaml"

static const struct option apply_options[] = {
	INPUT_OPTION,
	DRY_RUN_OPTION,
	{ "output", 'o', OUTPUTS, "print the objects instead of what happened to them" },
	{ 0 },
};

static const struct option create_options[] = {
	INPUT_OPTION,
	{ "cert", 0, "FILE", "certificates in PEM, the server's own first (secret tls)" },
	{ "key", 0, "FILE", "its private key in PEM (secret tls)" },
	DRY_RUN_OPTION,
	{ "output", 'o', OUTPUTS, "print the objects instead of what happened to them" },
	{ 0 },
};

struct job {
	struct cli *cli;
	int (*change)(struct changes *changes, const struct object *given, struct err *err);
	struct change_report report;
	struct object_list list;
};

/* Every object that fails is told; any failure means that nothing is changed. */
static int prepare(const struct job *job, struct changes *changes)
{
	int exit_code = CLI_OK;

	for (size_t i = 0; i < job->list.n; i++) {
		struct err err;
		int code = job->change(changes, job->list.items[i], &err);

		if (code == -EEXIST)
			exit_code = cli_server_error("AlreadyExists", "%s", err.text);
		else if (code)
			exit_code = cli_fail(&err);
	}
	return exit_code;
}

static int job_do(const struct job *job)
{
	struct changes changes;
	struct err err;
	int exit_code;

	if (changes_begin(job->cli, job->report.dry_run == DRY_RUN_NONE, &changes, &err))
		return cli_fail(&err);
	exit_code = prepare(job, &changes);
	if (exit_code == CLI_OK)
		exit_code = changes_finish(&changes, &job->report);
	changes_done(&changes);
	return exit_code;
}

static int job_run(struct job *job)
{
	struct cli *cli = job->cli;
	struct err err;
	int exit_code;

	if (!cli_option(cli, "filename"))
		return cli_usage(cli, "must specify -f");
	if (output_parse(cli, OUTPUTS, &job->report.output, &err) ||
	    dry_run_parse(cli, &job->report.dry_run, &err))
		return cli_usage(cli, "%s", err.text);
	if (input_read(cli, &job->list, &err))
		return cli_fail(&err);
	exit_code = job_do(job);
	object_list_free(&job->list);
	return exit_code;
}

static int apply_run(struct cli *cli)
{
	struct job job = { .cli = cli, .change = changes_apply };

	return job_run(&job);
}

static int create_run(struct cli *cli)
{
	struct job job = { .cli = cli, .change = changes_create, .report.verb = "created" };

	if (cli->n_args)
		return create_secret(cli);
	return job_run(&job);
}

const struct command cmd_apply = {
	.name = "apply",
	.args = "",
	.summary = "Create objects or change them to what manifests say",
	.details =
		"Fields that the manifest does not name keep what lbctl filled in; fields that it\n"
		"named when it was last applied, and names no more, are removed. If one object is\n"
		"refused, nothing is changed. Where programs are attached, the kernel's maps\n"
		"follow at once.\n"
		"\n"
		"Examples:\n"
		"  lbctl apply -f kubia-svc.yaml\n"
		"  lbctl apply -f manifests/ -f extra.json\n"
		"  lbctl get svc kubia -o yaml | lbctl apply -f -\n"
		"  lbctl apply -f kubia-svc.yaml --dry-run=client\n",
	.options = apply_options,
	.run = apply_run,
};

const struct command cmd_create = {
	.name = "create",
	.args = "[secret tls NAME]",
	.summary = "Create objects that do not exist yet",
	.details = "If one of the objects exists, nothing is created.\n"
		   "\n"
		   "Examples:\n"
		   "  lbctl create -f kubia-svc.yaml\n"
		   "  lbctl create -n test -f - <kubia-svc.yaml\n"
		   "  lbctl create secret tls tls-secret --cert tls.cert --key tls.key\n",
	.options = create_options,
	.max_args = 3,
	.run = create_run,
};
