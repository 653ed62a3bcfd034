/* SPDX-License-Identifier: Apache-2.0 */
/* The one table of commands, and the help that is made from it. */
#include <string.h>

#include "user/cmd/command.h"

const struct command *const commands[] = {
	&cmd_apply,  &cmd_create,  &cmd_get,	&cmd_describe, &cmd_edit,     &cmd_diff,
	&cmd_delete, &cmd_expose,  &cmd_attach, &cmd_detach,   &cmd_show,     &cmd_explain,
	&cmd_top,    &cmd_monitor, &cmd_doctor, &cmd_verify,   &cmd_snapshot, &cmd_replay,
	&cmd_env,    &cmd_dns,	   &cmd_agent,	&cmd_help,     &cmd_version,  &cmd_completion,
	&cmd_manual, NULL,
};

const struct option cli_global_options[] = {
	{ "namespace", 'n', "NAMESPACE", "work in this namespace (default: default)" },
	{ "all-namespaces", 'A', NULL, "work in all namespaces" },
	{ "root", 0, "DIR", "keep state, pins and sockets below DIR (or set LBCTL_ROOT)" },
	{ "config", 0, "FILE", "read the node's configuration from FILE" },
	{ "help", 'h', NULL, "explain the command" },
	{ 0 },
};

const struct command *command_find(const char *name)
{
	for (const struct command *const *c = commands; *c; c++)
		if (!strcmp((*c)->name, name) || ((*c)->alias && !strcmp((*c)->alias, name)))
			return *c;
	return NULL;
}

static void print_options(FILE *out, const struct option *options)
{
	for (; options && options->name; options++) {
		char text[64];
		const char *argument = options->argument ? options->argument : "";
		const char *space = *argument && *argument != '[' ? " " : "";

		snprintf(text, sizeof(text), "--%s%s%s", options->name, space, argument);
		if (options->letter)
			fprintf(out, "  -%c, %-34s", options->letter, text);
		else
			fprintf(out, "      %-34s", text);
		/* A long one gets a line of its own. */
		if (strlen(text) >= 34)
			fprintf(out, "\n%40s", "");
		fprintf(out, "%s\n", options->help);
	}
}

void command_list(FILE *out)
{
	fputs("lbctl makes Kubernetes Services work in the kernel: XDP, TC and socket programs,\n"
	      "fed from manifests.\n\n"
	      "Usage:\n  lbctl COMMAND [ARGUMENTS] [OPTIONS]\n\nCommands:\n",
	      out);
	for (const struct command *const *c = commands; *c; c++)
		fprintf(out, "  %-10s %s\n", (*c)->name, (*c)->summary);
	fputs("\nOptions that every command takes:\n", out);
	print_options(out, cli_global_options);
	fputs("\nTo start:\n"
	      "  lbctl attach eth0\n"
	      "  lbctl apply -f kubia-svc.yaml\n\n"
	      "\"lbctl help COMMAND\" explains a command.\n",
	      out);
}

void command_help(FILE *out, const struct command *command)
{
	const char *args = command->args ? command->args : "";

	fprintf(out, "%s.\n\nUsage:\n  lbctl %s%s%s [OPTIONS]\n", command->summary, command->name,
		*args ? " " : "", args);
	if (command->alias)
		fprintf(out, "\nAlso called: %s\n", command->alias);
	if (command->details) {
		const char *end = command->details + strlen(command->details);

		fprintf(out, "\n%s%s", command->details, end[-1] == '\n' ? "" : "\n");
	}
	if (command->options && command->options->name) {
		fputs("\nOptions:\n", out);
		print_options(out, command->options);
	}
	fputs("\nOptions that every command takes:\n", out);
	print_options(out, cli_global_options);
}
