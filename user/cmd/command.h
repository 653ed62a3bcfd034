/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One file, one command, one const descriptor. The table in user/cmd/commands.c gives
 * dispatch and help.
 */
#ifndef CMD_COMMAND_H
#define CMD_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "user/k8s/config.h"
#include "user/util/err.h"
#include "user/util/paths.h"

enum cli_exit {
	CLI_OK = 0,
	CLI_FAILED = 1,
	CLI_USAGE = 2,
	CLI_FOUND = 3, /* checked, and found something: diff, doctor */
};

struct option {
	const char *name; /* "output"; NULL ends the array */
	char letter;	  /* 'o', or 0 */
	/* "wide|json|yaml|name"; NULL: a switch; "[=none|client]": may be left out */
	const char *argument;
	const char *help; /* one line */
};

struct cli;

struct command {
	const char *name;
	const char *alias;	      /* or NULL */
	const char *args;	      /* "DEV...", "" for none */
	const char *summary;	      /* one line, for the list of commands */
	const char *details;	      /* paragraphs and examples for --help, or NULL */
	const struct option *options; /* or NULL; the global ones are understood everywhere */
	int min_args, max_args;	      /* max -1: any number */
	bool standalone;	      /* runs without reading the configuration */
	const char *standalone_by;    /* … when this switch is given; or NULL */
	int (*run)(struct cli *cli);  /* returns enum cli_exit */
};

extern const struct option cli_global_options[];

/* All commands, in the order of the help; NULL at the end. */
extern const struct command *const commands[];

/* By name or alias; NULL when there is none. */
const struct command *command_find(const char *name);

/* The list of commands, and one command's help. */
void command_list(FILE *out);
void command_help(FILE *out, const struct command *command);

/*
 * A parsed command line. Global options: --root, --config, -n/--namespace, -A/--all-namespaces,
 * -h/--help.
 */
struct cli {
	const struct command *command;	/* NULL: only global options were given */
	bool help;			/* --help: nothing else is asked */
	const char *root, *config_file; /* --root and --config, or NULL */
	struct paths paths;
	struct config config; /* loaded before run is called */
	const char *ns;	      /* -n, default "default" */
	bool ns_given;
	bool all_namespaces;
	const char *const *args;
	size_t n_args;
	const struct cli_value *values; /* options given, in order */
	size_t n_values;
};

struct cli_value {
	const char *name;
	const char *value; /* NULL for a switch */
};

/*
 * Reads argv[1…]: options anywhere, "--" ends them, `--x=v`, `--x v`, `-xv`, `-x v`. Neither the
 * configuration nor the paths are set up. Strings are borrowed from argv. -EINVAL: a usage
 * error; ret_cli->command then says whose, and cli_done is needed all the same.
 */
LB_CHECKED int cli_parse(int argc, char *const argv[], struct cli *ret_cli, struct err *err);
void cli_done(struct cli *cli);

/* The whole of main: parse, set up, run. Returns enum cli_exit. */
int cli_main(int argc, char *const argv[]);

/* The last value of an option, or NULL when it was not given. */
const char *cli_option(const struct cli *cli, const char *name);

/* All values of an option that may repeat: *i starts at 0; NULL at the end. */
const char *cli_next(const struct cli *cli, const char *name, size_t *i);

bool cli_switch(const struct cli *cli, const char *name);

/* Prints "error: …" and returns CLI_FAILED. */
int cli_fail(const struct err *err);

/* Prints "error: …" with a pointer to --help and returns CLI_USAGE. */
int cli_usage(const struct cli *cli, const char *format, ...) LB_PRINTF(2, 3);

/*
 * Prints what kubectl prints when the API server refuses: "Error from server (NotFound): …".
 * Returns CLI_FAILED.
 */
int cli_server_error(const char *reason, const char *format, ...) LB_PRINTF(2, 3);

/* The commands: user/cmd/NAME.c defines each. */
extern const struct command cmd_agent, cmd_apply, cmd_attach, cmd_completion, cmd_create,
	cmd_delete, cmd_describe, cmd_detach, cmd_diff, cmd_dns, cmd_doctor, cmd_edit, cmd_env,
	cmd_explain, cmd_expose, cmd_get, cmd_help, cmd_manual, cmd_monitor, cmd_replay, cmd_show,
	cmd_snapshot, cmd_top, cmd_verify, cmd_version;

#endif
