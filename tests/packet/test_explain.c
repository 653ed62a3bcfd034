/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of Service traffic, case by case: tests/model/cases/ has small clusters, questions and
 * the answers that Kubernetes' users expect. Each goes through all of lbctl and the real programs
 * in dry run; through the independent model, which must agree; and once more through the programs
 * without dry run, with frames at XDP and TC and with sockets, which must do what was foretold.
 *
 *	== a title
 *	svc s ClusterIP V 80/TCP>8080
 *	ep s L1
 *	? L9 tcp V:80 = L1
 *
 * An answer is pass, drop, reject, or the candidates, m: masqueraded.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "tests/model/asker.h"
#include "tests/packet/real.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"

#define CASES "tests/model/cases/*.txt"
#define LEAST_CASES 250

struct row {
	struct world *world; /* shared by the rows below one title */
	struct world_question question;
	char *expected;
};

static struct {
	struct asker *asker;
	const struct world *taken;
	VEC(struct CMUnitTest) tests;
} table;

/* ------------------------------------------------------------------ a case -- */

/* "forward s L1l R1lm" → "L1 R1m", as tables have it. */
static void shorten(const char *answer, char *text)
{
	cleanup_free char *copy = xstrdup(answer);
	char *rest = copy, *word = strsep(&rest, " ");

	*text = '\0';
	if (strcmp(word, "forward") != 0) {
		strcpy(text, word);
		return;
	}
	(void)strsep(&rest, " "); /* the service */
	while ((word = strsep(&rest, " "))) {
		size_t length = strlen(word);
		bool masquerade = word[length - 1] == 'm';

		length -= masquerade;
		length -= word[length - 1] == 'l' && length > 1;
		sprintf(text + strlen(text), "%s%.*s%s", *text ? " " : "", (int)length, word,
			masquerade ? "m" : "");
	}
}

static void run_case(void **state)
{
	const struct row *row = *state;
	static struct model_answer answer;
	char ours[ANSWER_TEXT], model[ANSWER_TEXT], brief[ANSWER_TEXT];
	struct err err = { "" };

	if (table.taken != row->world) {
		if (asker_take(table.asker, row->world, &err))
			fail_msg("%s", err.text);
		table.taken = row->world;
	}
	if (asker_ask(table.asker, &row->question, ours, &err))
		fail_msg("%s", err.text);
	shorten(ours, brief);
	assert_string_equal(brief, row->expected);
	model_ask(row->world, &row->question, &answer);
	model_text(&answer, model);
	assert_string_equal(ours, model);
}

/* --------------------------------------------------------------- the files -- */

static void trim(char *text)
{
	size_t length = strlen(text);

	while (length && strchr(" \t\n", text[length - 1]))
		text[--length] = '\0';
}

static void bad_line(const char *file, unsigned int number, const char *why)
{
	fprintf(stderr, "%s:%u: %s\n", file, number, why);
	exit(1);
}

static const char *row_add(struct world *world, const char *title, char *line)
{
	char *equals = strstr(line, " = ");
	struct row *row = xcalloc(1, sizeof(*row));
	const char *why;

	if (!equals)
		return "a question has an answer: ? FROM PROTOCOL TO = ANSWER";
	*equals = '\0';
	row->world = world;
	row->expected = xstrdup(equals + 3);
	why = question_parse(line, &row->question);
	vec_push(&table.tests, ((struct CMUnitTest){ .name = xasprintf("%s: %s", title, line),
						     .test_func = run_case,
						     .initial_state = row }));
	return why;
}

static void file_read(const char *file)
{
	cleanup_fclose FILE *in = fopen(file, "re");
	char line[512], title[512] = "";
	struct world *world = NULL;
	unsigned int number = 0;

	while (in && fgets(line, sizeof(line), in)) {
		const char *why = NULL;

		number++;
		trim(line);
		if (!strncmp(line, "==", 2)) {
			snprintf(title, sizeof(title), "%s", line + 3);
			world = xcalloc(1, sizeof(*world));
			world_init(world);
		} else if (*line && *line != '#') {
			if (!world)
				why = "a title comes first";
			else if (!strncmp(line, "? ", 2))
				why = row_add(world, title, line + 2);
			else
				why = world_parse(world, line);
		}
		if (why)
			bad_line(file, number, why);
	}
}

static void test_there_are_many(void **state)
{
	(void)state;
	assert_in_range(table.tests.n, LEAST_CASES, 100000);
}

int main(void)
{
	const struct asker_check check = { .run = real_check };
	glob_t files;
	int failed;

	if (glob(CASES, 0, NULL, &files))
		bad_line(CASES, 0, "no tables: run it from the root of the sources");
	for (size_t i = 0; i < files.gl_pathc; i++)
		file_read(files.gl_pathv[i]);
	globfree(&files);
	vec_push(&table.tests, ((struct CMUnitTest)cmocka_unit_test(test_there_are_many)));
	real_init();
	table.asker = asker_new(&check);
	failed = _cmocka_run_group_tests("explain", table.tests.items, table.tests.n, NULL, NULL);
	real_done();
	asker_free(table.asker);
	return failed;
}
