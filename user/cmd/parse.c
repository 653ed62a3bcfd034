/* SPDX-License-Identifier: Apache-2.0 */
/* The command line → struct cli. Spelling follows kubectl's (pflag). */
#include <errno.h>
#include <string.h>

#include "user/cmd/command.h"
#include "user/util/text.h"
#include "user/util/vec.h"

struct parser {
	struct cli *cli;
	struct err *err;
	char *const *next; /* the next word of argv, which ends with NULL */
	VEC(const char *) args;
	VEC(struct cli_value) values;
};

static const struct option *options_find(const struct option *options, const char *name,
					 size_t length, char letter)
{
	for (; options && options->name; options++) {
		if (name ? strlen(options->name) == length && !memcmp(options->name, name, length)
			 : options->letter == letter)
			return options;
	}
	return NULL;
}

/* By name, or by letter when name is NULL. */
static const struct option *find_option(const struct parser *parser, const char *name,
					size_t length, char letter)
{
	const struct command *command = parser->cli->command;
	const struct option *option = NULL;

	if (command)
		option = options_find(command->options, name, length, letter);
	if (!option)
		option = options_find(cli_global_options, name, length, letter);
	return option;
}

static bool is_optional(const struct option *option)
{
	return option->argument && option->argument[0] == '[';
}

static int store_value(struct parser *parser, const struct option *option, const char *value)
{
	struct cli *cli = parser->cli;

	if (!strcmp(option->name, "help")) {
		cli->help = true;
	} else if (!strcmp(option->name, "root")) {
		cli->root = value;
	} else if (!strcmp(option->name, "config")) {
		cli->config_file = value;
	} else if (!strcmp(option->name, "namespace")) {
		if (!value || !*value)
			return err_set(parser->err, -EINVAL, "--namespace needs a name");
		cli->ns = value;
		cli->ns_given = true;
	} else if (!strcmp(option->name, "all-namespaces")) {
		cli->all_namespaces = true;
	} else {
		vec_push(&parser->values, ((struct cli_value){ option->name, value }));
	}
	return 0;
}

/* Switches may be written out: --watch=true, --watch=false. */
static int store_switch(struct parser *parser, const struct option *option, const char *value)
{
	if (!value || !strcmp(value, "true"))
		return store_value(parser, option, NULL);
	if (!strcmp(value, "false"))
		return 0;
	return err_set(parser->err, -EINVAL, "--%s: \"%s\" is neither true nor false", option->name,
		       value);
}

/* value NULL: not part of this word. */
static int take_option(struct parser *parser, const struct option *option, const char *value)
{
	if (!option->argument)
		return store_switch(parser, option, value);
	if (!value && is_optional(option))
		value = "";
	if (!value && *parser->next)
		value = *parser->next++;
	if (!value)
		return err_set(parser->err, -EINVAL, "--%s needs an argument: %s", option->name,
			       option->argument);
	return store_value(parser, option, value);
}

static int parse_long(struct parser *parser, const char *word)
{
	size_t length = strcspn(word, "=");
	const struct option *option = find_option(parser, word, length, 0);

	if (!option)
		return err_set(parser->err, -EINVAL, "unknown option --%.*s", (int)length, word);
	return take_option(parser, option, word[length] ? word + length + 1 : NULL);
}

/* "-Aw", "-n", "-nweb", "-n=web", "-ojson" */
static int parse_short(struct parser *parser, const char *word)
{
	while (*word) {
		const struct option *option = find_option(parser, NULL, 0, *word);
		const char *value = word + 1;

		if (!option)
			return err_set(parser->err, -EINVAL, "unknown option -%c", *word);
		if (option->argument || *value == '=') {
			value += *value == '=';
			return take_option(parser, option, *value ? value : NULL);
		}
		if (store_switch(parser, option, NULL))
			return -EINVAL;
		word++;
	}
	return 0;
}

static int unknown_command(struct parser *parser, const char *word)
{
	VEC(const char *) names = { 0 };
	const char *nearest;

	for (const struct command *const *c = commands; *c; c++)
		vec_push(&names, (*c)->name);
	vec_push(&names, NULL);
	nearest = text_nearest(word, names.items);
	vec_free(&names);
	if (nearest)
		return err_set(parser->err, -EINVAL, "unknown command \"%s\": did you mean \"%s\"?",
			       word, nearest);
	return err_set(parser->err, -EINVAL, "unknown command \"%s\"", word);
}

static int parse_word(struct parser *parser, const char *word)
{
	if (parser->cli->command) {
		vec_push(&parser->args, word);
		return 0;
	}
	parser->cli->command = command_find(word);
	return parser->cli->command ? 0 : unknown_command(parser, word);
}

static int check_args(const struct cli *cli, struct err *err)
{
	const struct command *command = cli->command;

	if (cli->help || !command)
		return 0;
	if (cli->n_args < (size_t)command->min_args)
		return err_set(err, -EINVAL, "%s needs %s", command->name, command->args);
	if (command->max_args >= 0 && cli->n_args > (size_t)command->max_args)
		return err_set(err, -EINVAL, "%s: unexpected argument \"%s\"", command->name,
			       cli->args[command->max_args]);
	return 0;
}

static int parse_words(struct parser *parser)
{
	bool options = true;
	int code = 0;

	while (!code && *parser->next) {
		const char *word = *parser->next++;

		if (options && !strcmp(word, "--"))
			options = false;
		else if (options && !strncmp(word, "--", 2))
			code = parse_long(parser, word + 2);
		else if (options && word[0] == '-' && word[1])
			code = parse_short(parser, word + 1);
		else
			code = parse_word(parser, word);
	}
	return code;
}

int cli_parse(int argc, char *const argv[], struct cli *ret_cli, struct err *err)
{
	struct parser parser = { .cli = ret_cli, .err = err, .next = argv + (argc > 0) };
	int code;

	*ret_cli = (struct cli){ .ns = "default" };
	code = parse_words(&parser);
	ret_cli->args = parser.args.items;
	ret_cli->n_args = parser.args.n;
	ret_cli->values = parser.values.items;
	ret_cli->n_values = parser.values.n;
	return code ? code : check_args(ret_cli, err);
}

void cli_done(struct cli *cli)
{
	free((void *)cli->args);
	free((void *)cli->values);
	*cli = (struct cli){ 0 };
}
