/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "user/util/cleanup.h"
#include "user/util/table.h"

static const struct row {
	const char *name;
	struct table rules;
	const char *text, *want;
} rows[] = {
	{ "nothing", { .min_width = 6, .pad = 3 }, "", "" },
	{ "one cell has no column", { .min_width = 6, .pad = 3 }, "a\n", "a\n" },
	{ "get: at least six wide", { .min_width = 6, .pad = 3 }, "a\tb\n", "a     b\n" },
	{ "get: three blanks after the widest",
	  { .min_width = 6, .pad = 3 },
	  "NAME\tAGE\nkubernetes\t1d\n",
	  "NAME         AGE\nkubernetes   1d\n" },
	{ "an empty cell is a column too",
	  { .min_width = 6, .pad = 3 },
	  "NAME\tENDPOINTS\tAGE\nx\t\t1s\n",
	  "NAME   ENDPOINTS   AGE\nx                  1s\n" },
	{ "describe: two blanks",
	  { .pad = 2 },
	  "Name:\tx\nLabels:\ty\n",
	  "Name:    x\nLabels:  y\n" },
	{ "describe: a line without tabs ends the column",
	  { .pad = 2 },
	  "A:\tx\nplain\nLonger:\ty\n",
	  "A:  x\nplain\nLonger:  y\n" },
	{ "describe: a third column only where lines are neighbours",
	  { .pad = 2 },
	  "Port:\t<unset>\t80/TCP\nTargetPort:\t8080/TCP\n",
	  "Port:        <unset>  80/TCP\nTargetPort:  8080/TCP\n" },
	{ "describe: a first cell may be empty",
	  { .pad = 2 },
	  "Labels:\ta=b\n\tc=d\n",
	  "Labels:  a=b\n         c=d\n" },
	{ "characters count, not bytes", { .pad = 2 }, "ä\tx\nbb\ty\n", "ä   x\nbb  y\n" },
	{ "control characters do not reach the terminal",
	  { .pad = 2 },
	  "a\033[2J\tx\n",
	  "a^[[2J  x\n" },
	{ "without a newline at the end", { .pad = 2 }, "a\tb", "a  b\n" },
};

static void check_row(void **state)
{
	const struct row *row = *state;
	struct table table = row->rules;
	cleanup_free char *got = NULL;
	size_t size;
	FILE *out = open_memstream(&got, &size);

	table_print(&table, out, row->text);
	fclose(out);
	assert_string_equal(got, row->want);
}

/* A watched table does not wobble: later rows are as wide as the first ones. */
static void check_remember(void **state)
{
	struct table table = TABLE_GET;
	cleanup_free char *got = NULL;
	size_t size;
	FILE *out = open_memstream(&got, &size);

	(void)state;
	table_print(&table, out, "kubernetes\tx\n");
	table_print(&table, out, "a\tx\n");
	table_print(&table, out, "longer-than-that\tx\n");
	fclose(out);
	assert_string_equal(got, "kubernetes   x\na            x\nlonger-than-that   x\n");
}

/* More cells than columns are printed all the same. */
static void check_many_cells(void **state)
{
	struct table table = TABLE_DESCRIBE;
	char text[256] = "";
	cleanup_free char *got = NULL;
	size_t size, used = 0;
	FILE *out = open_memstream(&got, &size);

	(void)state;
	for (int i = 0; i < TABLE_COLUMNS + 4; i++)
		used += (size_t)sprintf(text + used, "%sx", i ? "\t" : "");
	table_print(&table, out, text);
	fclose(out);
	/* Three characters a column, two for the others, one for the last cell, the newline. */
	assert_int_equal(size, 3 * TABLE_COLUMNS + 2 * 3 + 1 + 1);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_LEN(rows) + 2];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		tests[i] = (struct CMUnitTest){ .name = rows[i].name,
						.test_func = check_row,
						.initial_state = (void *)&rows[i] };
	tests[ARRAY_LEN(rows)] = (struct CMUnitTest)cmocka_unit_test(check_remember);
	tests[ARRAY_LEN(rows) + 1] = (struct CMUnitTest)cmocka_unit_test(check_many_cells);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
