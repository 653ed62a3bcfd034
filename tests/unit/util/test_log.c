/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "user/util/cleanup.h"
#include "user/util/log.h"
#include "user/util/vec.h"

struct log_case {
	const char *name;
	void (*log)(const char *format, ...);
	bool journal;
	const char *text;
	const char *line;
};

static const struct log_case cases[] = {
	{ "news", log_info, false, "attached", "attached\n" },
	{ "a warning", log_warn, false, "late", "warning: late\n" },
	{ "an error", log_error, false, "failed", "error: failed\n" },
	{ "news in a journal", log_info, true, "attached", "<6>attached\n" },
	{ "a warning in a journal", log_warn, true, "late", "<4>late\n" },
	{ "an error in a journal", log_error, true, "failed", "<3>failed\n" },
	{ "one line whatever comes", log_info, true, "a\nb\r\x1b[2J\x7f", "<6>a b  [2J \n" },
	{ "UTF-8 stays", log_info, false, "n\xc3\xa4mlich", "n\xc3\xa4mlich\n" },
};

/* What is written to standard error while a case runs. */
static void log_capture(const struct log_case *c, char *text, size_t size)
{
	cleanup_close int old = dup(STDERR_FILENO);
	cleanup_fclose FILE *file = tmpfile();
	cleanup_free char *stream = NULL;
	struct stat st;
	ssize_t n;

	assert_non_null(file);
	assert_int_equal(fstat(fileno(file), &st), 0);
	/* Without a journal the variable names another file, as a redirected child sees it. */
	stream = xasprintf("%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino + !c->journal);
	setenv("JOURNAL_STREAM", stream, 1);
	dup2(fileno(file), STDERR_FILENO);
	c->log("%s", c->text);
	dup2(old, STDERR_FILENO);
	n = pread(fileno(file), text, size - 1, 0);
	assert_true(n >= 0);
	text[n] = '\0';
}

static void test_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[256];

		log_capture(&cases[i], text, sizeof(text));
		if (strcmp(text, cases[i].line) != 0)
			fail_msg("%s: %s", cases[i].name, text);
	}
}

static void test_long_lines_are_cut(void **state)
{
	char longer[5000], text[6000];
	struct log_case c = { .log = log_info, .text = longer };

	(void)state;
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	log_capture(&c, text, sizeof(text));
	assert_true(strlen(text) > 500 && strlen(text) < 2000);
	assert_int_equal(text[strlen(text) - 1], '\n');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_long_lines_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
