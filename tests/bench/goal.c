/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/goal.h"

#include <sys/utsname.h>

#include "tests/bench/netns.h"
#include "user/util/cleanup.h"
#include "user/util/table.h"

static const char *goal_verdict(const struct goal *goal)
{
	return goal->measured <= goal->at_most ? "reached" : "not reached";
}

void goals_print(const char *rows, const struct goal *goals, size_t n)
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

void goals_save(const char *path, json_t *rows, const struct goal *goals, size_t n)
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
