/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/cmd/fixture.h"

#define WORDS 8

static const struct row {
	const char *name;
	const char *argv[WORDS]; /* behind "lbctl" */
	int code;
	const char *error;   /* when code is not 0 */
	const char *command; /* or NULL: none */
	const char *args;    /* joined by blanks */
	const char *values;  /* "name=value name" */
	const char *ns;	     /* NULL: not given */
	bool all_namespaces, help;
} rows[] = {
	{ .name = "no words", .args = "", .values = "" },
	{ .name = "a command and its arguments",
	  .argv = { "get", "svc", "kubia" },
	  .command = "get",
	  .args = "svc kubia",
	  .values = "" },
	{ .name = "a long option with =",
	  .argv = { "get", "svc", "--output=json" },
	  .command = "get",
	  .args = "svc",
	  .values = "output=json" },
	{ .name = "a long option and its value apart",
	  .argv = { "get", "--output", "json", "svc" },
	  .command = "get",
	  .args = "svc",
	  .values = "output=json" },
	{ .name = "a letter, its value apart",
	  .argv = { "get", "-o", "json", "svc" },
	  .command = "get",
	  .args = "svc",
	  .values = "output=json" },
	{ .name = "a letter, its value at once",
	  .argv = { "get", "svc", "-ojson" },
	  .command = "get",
	  .args = "svc",
	  .values = "output=json" },
	{ .name = "a letter, its value behind =",
	  .argv = { "get", "svc", "-o=json" },
	  .command = "get",
	  .args = "svc",
	  .values = "output=json" },
	{ .name = "letters together",
	  .argv = { "get", "svc", "-Aw" },
	  .command = "get",
	  .args = "svc",
	  .values = "watch",
	  .all_namespaces = true },
	{ .name = "letters together, the last with a value",
	  .argv = { "get", "svc", "-Awn", "web" },
	  .command = "get",
	  .args = "svc",
	  .values = "watch",
	  .ns = "web",
	  .all_namespaces = true },
	{ .name = "global options before the command",
	  .argv = { "-n", "web", "get", "svc" },
	  .command = "get",
	  .args = "svc",
	  .values = "",
	  .ns = "web" },
	{ .name = "an option that repeats keeps its order",
	  .argv = { "apply", "-f", "a", "-fb", "--filename=c" },
	  .command = "apply",
	  .args = "",
	  .values = "filename=a filename=b filename=c" },
	{ .name = "a value may be a dash",
	  .argv = { "apply", "-f", "-" },
	  .command = "apply",
	  .args = "",
	  .values = "filename=-" },
	{ .name = "a value may look like an option",
	  .argv = { "get", "svc", "-l", "-x" },
	  .command = "get",
	  .args = "svc",
	  .values = "selector=-x" },
	{ .name = "an optional value is left out",
	  .argv = { "apply", "--dry-run", "-f", "a" },
	  .command = "apply",
	  .args = "",
	  .values = "dry-run= filename=a" },
	{ .name = "an optional value is given",
	  .argv = { "apply", "--dry-run=server", "-f", "a" },
	  .command = "apply",
	  .args = "",
	  .values = "dry-run=server filename=a" },
	{ .name = "a switch written out",
	  .argv = { "get", "svc", "--watch=true", "--show-labels=false" },
	  .command = "get",
	  .args = "svc",
	  .values = "watch" },
	{ .name = "-- ends the options",
	  .argv = { "get", "--", "svc", "-w" },
	  .command = "get",
	  .args = "svc -w",
	  .values = "" },
	{ .name = "--help asks for nothing else",
	  .argv = { "get", "--help" },
	  .command = "get",
	  .args = "",
	  .values = "",
	  .help = true },
	{ .name = "-h without a command",
	  .argv = { "-h" },
	  .args = "",
	  .values = "",
	  .help = true },
	{ .name = "no such command",
	  .argv = { "gte", "svc" },
	  .code = -EINVAL,
	  .error = "unknown command \"gte\": did you mean \"get\"?" },
	{ .name = "nothing like a command",
	  .argv = { "frobnicate" },
	  .code = -EINVAL,
	  .error = "unknown command \"frobnicate\"" },
	{ .name = "no such option",
	  .argv = { "get", "svc", "--outputs=json" },
	  .code = -EINVAL,
	  .error = "unknown option --outputs" },
	{ .name = "no such letter",
	  .argv = { "get", "svc", "-wz" },
	  .code = -EINVAL,
	  .error = "unknown option -z" },
	{ .name = "another command's option",
	  .argv = { "get", "svc", "--dry-run" },
	  .code = -EINVAL,
	  .error = "unknown option --dry-run" },
	{ .name = "a command's option before the command",
	  .argv = { "-o", "json", "get", "svc" },
	  .code = -EINVAL,
	  .error = "unknown option -o" },
	{ .name = "a value is missing",
	  .argv = { "get", "svc", "-o" },
	  .code = -EINVAL,
	  .error = "--output needs an argument: wide|json|yaml|name" },
	{ .name = "a switch takes no other value",
	  .argv = { "get", "svc", "--watch=yes" },
	  .code = -EINVAL,
	  .error = "--watch: \"yes\" is neither true nor false" },
	{ .name = "an empty namespace",
	  .argv = { "get", "svc", "--namespace=" },
	  .code = -EINVAL,
	  .error = "--namespace needs a name" },
	{ .name = "too few arguments",
	  .argv = { "get" },
	  .code = -EINVAL,
	  .error = "get needs (KIND[,KIND...] [NAME...] | KIND/NAME... | all)" },
	{ .name = "too many arguments",
	  .argv = { "version", "please" },
	  .code = -EINVAL,
	  .error = "version: unexpected argument \"please\"" },
};

static char *joined_args(const struct cli *cli)
{
	char *text = xstrdup("");

	for (size_t i = 0; i < cli->n_args; i++) {
		char *longer = xasprintf("%s%s%s", text, i ? " " : "", cli->args[i]);

		free(text);
		text = longer;
	}
	return text;
}

static char *joined_values(const struct cli *cli)
{
	char *text = xstrdup("");

	for (size_t i = 0; i < cli->n_values; i++) {
		const struct cli_value *value = &cli->values[i];
		char *longer = xasprintf("%s%s%s%s%s", text, i ? " " : "", value->name,
					 value->value ? "=" : "", value->value ? value->value : "");

		free(text);
		text = longer;
	}
	return text;
}

static void check_row(void **state)
{
	const struct row *row = *state;
	char *argv[WORDS + 2] = { (char *)"lbctl" };
	int argc = 1;
	struct cli cli;
	struct err err;

	for (; row->argv[argc - 1]; argc++)
		argv[argc] = (char *)row->argv[argc - 1];
	assert_int_equal(cli_parse(argc, argv, &cli, &err), row->code);
	if (row->code) {
		assert_string_equal(err.text, row->error);
	} else {
		cleanup_free char *args = joined_args(&cli);
		cleanup_free char *values = joined_values(&cli);

		if (row->command)
			assert_string_equal(cli.command->name, row->command);
		else
			assert_null(cli.command);
		assert_string_equal(args, row->args);
		assert_string_equal(values, row->values);
		assert_string_equal(cli.ns, row->ns ? row->ns : "default");
		assert_int_equal(cli.ns_given, row->ns != NULL);
		assert_int_equal(cli.all_namespaces, row->all_namespaces);
		assert_int_equal(cli.help, row->help);
	}
	cli_done(&cli);
}

static void check_accessors(void **state)
{
	const struct cli_value values[] = { { "a", "1" }, { "b", NULL }, { "a", "2" } };
	const struct cli cli = { .values = values, .n_values = ARRAY_LEN(values) };
	size_t i = 0;

	(void)state;
	assert_string_equal(cli_option(&cli, "a"), "2");
	assert_null(cli_option(&cli, "c"));
	assert_true(cli_switch(&cli, "b"));
	assert_false(cli_switch(&cli, "c"));
	assert_string_equal(cli_next(&cli, "a", &i), "1");
	assert_string_equal(cli_next(&cli, "a", &i), "2");
	assert_null(cli_next(&cli, "a", &i));
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_LEN(rows) + 1];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		tests[i] = (struct CMUnitTest){ .name = rows[i].name,
						.test_func = check_row,
						.initial_state = (void *)&rows[i] };
	tests[ARRAY_LEN(rows)] = (struct CMUnitTest)cmocka_unit_test(check_accessors);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
