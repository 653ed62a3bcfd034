/* SPDX-License-Identifier: Apache-2.0 */
/* What a command that changes the state prints. */
#include <errno.h>
#include <string.h>

#include "user/cmd/change.h"
#include "user/cmd/resource.h"
#include "user/util/vec.h"

int dry_run_parse(const struct cli *cli, enum dry_run *ret_dry_run, struct err *err)
{
	const char *value = cli_option(cli, "dry-run");

	if (!value || !strcmp(value, "none"))
		*ret_dry_run = DRY_RUN_NONE;
	else if (!*value || !strcmp(value, "client"))
		*ret_dry_run = DRY_RUN_CLIENT;
	else if (!strcmp(value, "server"))
		*ret_dry_run = DRY_RUN_SERVER;
	else
		return err_set(err, -EINVAL,
			       "Invalid dry-run value (%s). Must be \"none\", \"server\", or "
			       "\"client\".",
			       value);
	return 0;
}

static const char *const suffixes[] = {
	[DRY_RUN_NONE] = "",
	[DRY_RUN_CLIENT] = " (dry run)",
	[DRY_RUN_SERVER] = " (server dry run)",
};

static void print_line(FILE *out, const struct change *change, const struct change_report *report)
{
	static const char *const verbs[] = {
		[CHANGE_CREATED] = "created",
		[CHANGE_CONFIGURED] = "configured",
		[CHANGE_UNCHANGED] = "unchanged",
		[CHANGE_DELETED] = "deleted",
	};
	const char *verb = report->verb ? report->verb : verbs[change->outcome];
	const char *suffix = suffixes[report->dry_run];
	char kind[RESOURCE_TEXT];

	resource_singular(change->kind, kind);
	if (report->output == OUTPUT_NAME)
		fprintf(out, "%s/%s\n", kind, change->name);
	else if (change->outcome == CHANGE_DELETED)
		fprintf(out, "%s \"%s\" deleted%s\n", kind, change->name, suffix);
	else
		fprintf(out, "%s/%s %s%s\n", kind, change->name, verb, suffix);
}

void changes_print(const struct changes *changes, FILE *out, const struct change_report *report)
{
	VEC(const struct object *) objects = { 0 };

	if (report->output == OUTPUT_PLAIN || report->output == OUTPUT_NAME) {
		for (size_t i = 0; i < changes->n; i++)
			print_line(out, &changes->items[i], report);
		return;
	}
	for (size_t i = 0; i < changes->n; i++)
		vec_push(&objects, change_object(changes, &changes->items[i]));
	if (objects.n == 1)
		output_object(out, report->output, objects.items[0]);
	else
		output_list(out, report->output, objects.items, objects.n);
	vec_free(&objects);
}

int changes_finish(struct changes *changes, const struct change_report *report)
{
	struct err err;

	if (report->dry_run != DRY_RUN_NONE) {
		changes_print(changes, stdout, report);
		if (report->output == OUTPUT_PLAIN)
			changes_print_plan(changes, stdout);
		return CLI_OK;
	}
	if (changes_commit(changes, &err))
		return cli_fail(&err);
	changes_print(changes, stdout, report);
	return changes_sync(changes->cli);
}
