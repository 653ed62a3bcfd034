/* SPDX-License-Identifier: Apache-2.0 */
#include "user/cmd/command.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

const char *cli_option(const struct cli *cli, const char *name)
{
	for (size_t i = cli->n_values; i-- > 0;)
		if (!strcmp(cli->values[i].name, name))
			return cli->values[i].value;
	return NULL;
}

const char *cli_next(const struct cli *cli, const char *name, size_t *i)
{
	while (*i < cli->n_values) {
		const struct cli_value *value = &cli->values[(*i)++];

		if (!strcmp(value->name, name))
			return value->value;
	}
	return NULL;
}

bool cli_switch(const struct cli *cli, const char *name)
{
	for (size_t i = 0; i < cli->n_values; i++)
		if (!strcmp(cli->values[i].name, name))
			return true;
	return false;
}

int cli_fail(const struct err *err)
{
	fprintf(stderr, "error: %s\n", err->text);
	return CLI_FAILED;
}

int cli_usage(const struct cli *cli, const char *format, ...)
{
	const char *space = cli->command ? " " : "";
	va_list args;

	fputs("error: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\nSee \"lbctl%s%s --help\".\n", space,
		cli->command ? cli->command->name : "");
	return CLI_USAGE;
}

int cli_server_error(const char *reason, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "Error from server (%s): ", reason);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return CLI_FAILED;
}

static int run_command(struct cli *cli)
{
	const char *root = cli->root ? cli->root : getenv("LBCTL_ROOT");
	const char *by = cli->command->standalone_by;
	bool configure = !cli->command->standalone && !(by && cli_switch(cli, by));
	struct err err;
	int code;

	paths_init(&cli->paths, root, cli->config_file);
	if (configure && config_load(cli->paths.config, cli->config_file, &cli->config, &err)) {
		code = cli_fail(&err);
	} else {
		code = cli->command->run(cli);
		if (configure)
			config_done(&cli->config);
	}
	paths_done(&cli->paths);
	/* What did not reach its reader was not done: a full disk, a closed pipe. */
	if (fflush(stdout) && code == CLI_OK)
		code = CLI_FAILED;
	return code;
}

int cli_main(int argc, char *const argv[])
{
	struct cli cli;
	struct err err;
	int code = CLI_OK;

	if (cli_parse(argc, argv, &cli, &err))
		code = cli_usage(&cli, "%s", err.text);
	else if (!cli.command)
		command_list(stdout);
	else if (cli.help)
		command_help(stdout, cli.command);
	else
		code = run_command(&cli);
	cli_done(&cli);
	return code;
}
