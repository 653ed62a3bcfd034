/* SPDX-License-Identifier: Apache-2.0 */
#include "user/datapath/verify.h"

#include "user/cmd/command.h"
#include "user/cmd/output.h"

#define OUTPUTS "json|yaml"

static const struct option verify_options[] = {
	{ "output", 'o', OUTPUTS, "what was found as data" },
	{ 0 },
};

static void print_data(enum output output, const struct verify_violations *found,
		       const struct verify_counts *counts)
{
	json_t *list = json_array(), *json;

	for (size_t i = 0; i < found->n; i++)
		json_array_append_new(list, json_string(found->items[i]));
	json = json_pack("{s:o, s:I, s:I, s:I, s:I, s:I, s:I}", "violations", list, "services",
			 (json_int_t)counts->services, "frontends", (json_int_t)counts->frontends,
			 "backends", (json_int_t)counts->backends, "slots",
			 (json_int_t)counts->slots, "affinities", (json_int_t)counts->affinities,
			 "flows", (json_int_t)counts->flows);
	output_json(stdout, output, json);
	json_decref(json);
}

static void print_text(const struct verify_violations *found, const struct verify_counts *counts)
{
	for (size_t i = 0; i < found->n; i++)
		printf("%s\n", found->items[i]);
	printf("%s: %zu services, %zu frontends, %zu backends, %zu slots, %zu affinities, "
	       "%zu flows\n",
	       found->n ? "Violations found" : "All invariants hold", counts->services,
	       counts->frontends, counts->backends, counts->slots, counts->affinities,
	       counts->flows);
}

static int verify_run(struct cli *cli)
{
	struct verify_violations found;
	struct verify_counts counts;
	enum output output;
	struct datapath *dp;
	struct err err;
	int r, code;

	if (output_parse(cli, OUTPUTS, &output, &err))
		return cli_usage(cli, "%s", err.text);
	if (datapath_open(&cli->paths, &dp, &err))
		return cli_fail(&err);
	r = datapath_verify(dp, &found, &counts, &err);
	datapath_close(dp);
	if (r)
		return cli_fail(&err);
	if (output == OUTPUT_PLAIN)
		print_text(&found, &counts);
	else
		print_data(output, &found, &counts);
	code = found.n ? CLI_FOUND : CLI_OK;
	verify_violations_done(&found);
	return code;
}

const struct command cmd_verify = {
	.name = "verify",
	.args = "",
	.summary = "Check the invariants of all maps, while they are in use",
	.details =
		"Every slot of a frontend's range must name a live backend of that service, in\n"
		"the right scope; ranges must be whole and apart; affinities and flows must name\n"
		"backends that are known; frontends must have the name they are of.\n"
		"\n"
		"What a second look still finds is a violation: it is printed, and the exit\n"
		"status is 3.\n"
		"\n"
		"  lbctl verify\n"
		"  lbctl verify -o json",
	.options = verify_options,
	.run = verify_run,
};
