/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/goal.h"

#include <error.h>
#include <getopt.h>
#include <sys/utsname.h>

#include "tests/bench/netns.h"
#include "user/util/cleanup.h"
#include "user/util/num.h"
#include "user/util/table.h"

void goals_options(int argc, char **argv, int operands, const char *usage, uint64_t most,
		   uint64_t *rounds, const char **ret_json)
{
	static const struct option options[] = { { "rounds", required_argument, NULL, 'r' },
						 { "json", required_argument, NULL, 'j' },
						 { NULL, 0, NULL, 0 } };
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'j')
			*ret_json = optarg;
		else if (option != 'r' || num_parse(optarg, 1, most, rounds))
			error(2, 0, "usage: %s", usage);
	}
	if (optind + operands != argc)
		error(2, 0, "usage: %s", usage);
}

static const char *goal_verdict(const struct goal *goal)
{
	return goal->measured <= goal->at_most ? "reached" : "not reached";
}

static void goals_print(const char *rows, const struct goal *goals, size_t n)
{
	cleanup_free char *text = NULL;
	struct table table = TABLE_GET;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	table_print(&table, stdout, rows);
	table = TABLE_GET;
	fputs("\nTO REACH\tAT MOST\tMEASURED\t\n", out);
	for (size_t i = 0; i < n; i++)
		fprintf(out, "%s\t%.3g\t%.3g\t%s\n", goals[i].what, goals[i].at_most,
			goals[i].measured, goal_verdict(&goals[i]));
	fclose(out);
	table_print(&table, stdout, text);
}

static void goals_save(const char *path, json_t *rows, const struct goal *goals, size_t n)
{
	cleanup_json json_t *all = NULL;
	json_t *list = json_array();
	struct utsname name;

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_pack("{s:s, s:f, s:f, s:b}", "goal", goals[i].what,
						      "at_most", goals[i].at_most, "measured",
						      goals[i].measured, "reached",
						      goals[i].measured <= goals[i].at_most));
	uname(&name);
	all = json_pack("{s:s, s:s, s:o, s:o}", "kernel", name.release, "machine", name.machine,
			"ways", rows, "goals", list);
	must(json_dump_file(all, path, JSON_INDENT(1) | JSON_REAL_PRECISION(5)), path);
}

void goals_report(const char *table, json_t *rows, const struct goal *goals, size_t n,
		  const char *path)
{
	goals_print(table, goals, n);
	if (path)
		goals_save(path, rows, goals, n);
	else
		json_decref(rows);
}
