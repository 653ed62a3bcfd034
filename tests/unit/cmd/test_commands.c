/* SPDX-License-Identifier: Apache-2.0 */
/* Walks over the whole table of commands: what all of them owe to whoever types them. */
#include <ctype.h>

#include "tests/unit/cmd/fixture.h"

static void check_options(const struct option *options, const char *help)
{
	for (const struct option *o = options; o && o->name; o++) {
		cleanup_free char *text = xasprintf("--%s", o->name);

		if (!strstr(help, text) || !strstr(help, o->help))
			fail_msg("the help does not explain %s", text);
		for (const struct option *other = o + 1; other->name; other++)
			if (!strcmp(o->name, other->name) ||
			    (o->letter && o->letter == other->letter))
				fail_msg("%s is there twice", text);
		for (const struct option *global = cli_global_options; global->name; global++)
			if (o != global && (!strcmp(o->name, global->name) ||
					    (o->letter && o->letter == global->letter)))
				fail_msg("%s hides a global option", text);
	}
}

static void check_command(void **state)
{
	const struct command *command = *state;
	cleanup_free char *line = xasprintf("lbctl %s --help", command->name);
	cleanup_free char *unknown = xasprintf("lbctl %s --no-such-option", command->name);
	cleanup_free char *example = xasprintf("\n  lbctl %s", command->name);
	struct run run = run_line(line);

	assert_non_null(command->run);
	assert_ptr_equal(command_find(command->name), command);
	assert_true(isupper((unsigned char)command->summary[0]));
	assert_true(command->summary[strlen(command->summary) - 1] != '.');
	assert_non_null(strstr(command->details, example));
	assert_true(command->max_args < 0 || command->min_args <= command->max_args);
	assert_int_equal(run.code, CLI_OK);
	assert_string_equal(run.err, "");
	assert_non_null(strstr(run.out, command->summary));
	assert_non_null(strstr(run.out, command->details));
	check_options(command->options, run.out);
	check_options(cli_global_options, run.out);
	run_done(&run);
	run = run_line(unknown);
	assert_int_equal(run.code, CLI_USAGE);
	assert_string_equal(run.out, "");
	assert_non_null(strstr(run.err, "unknown option --no-such-option"));
	run_done(&run);
}

static void check_list(void **state)
{
	static const char *const lines[] = { "lbctl", "lbctl help", "lbctl --help", "lbctl -h" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		struct run run = run_line(lines[i]);

		assert_int_equal(run.code, CLI_OK);
		for (const struct command *const *c = commands; *c; c++)
			if (!strstr(run.out, (*c)->summary))
				fail_msg("%s: %s is missing", lines[i], (*c)->name);
		run_done(&run);
	}
}

static void check_help_of(void **state)
{
	struct run of = run_line("lbctl help get"), with = run_line("lbctl get --help");
	struct run none = run_line("lbctl help nothing");

	(void)state;
	assert_string_equal(of.out, with.out);
	assert_int_equal(of.code, CLI_OK);
	assert_int_equal(none.code, CLI_USAGE);
	run_done(&of);
	run_done(&with);
	run_done(&none);
}

int main(void)
{
	VEC(struct CMUnitTest) tests = { 0 };
	int failed;

	for (const struct command *const *c = commands; *c; c++)
		vec_push(&tests, ((struct CMUnitTest){ .name = (*c)->name,
						       .test_func = check_command,
						       .initial_state = (void *)*c }));
	vec_push(&tests, (struct CMUnitTest)cmocka_unit_test(check_list));
	vec_push(&tests, (struct CMUnitTest)cmocka_unit_test(check_help_of));
	failed = _cmocka_run_group_tests("commands", tests.items, tests.n, NULL, NULL);
	vec_free(&tests);
	return failed;
}
