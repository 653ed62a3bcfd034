/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "user/cmd/output.h"
#include "user/cmd/resource.h"
#include "user/model/environment.h"
#include "user/util/vec.h"

static const struct option env_options[] = {
	{ "shell", 0, NULL, "print export commands, for a shell's eval" },
	{ "json", 0, NULL, "print one JSON object" },
	{ 0 },
};

static void print_plain(const struct environment *env)
{
	for (size_t i = 0; i < env->n; i++)
		printf("%s=%s\n", env->items[i].name, env->items[i].value);
}

/* Dots in a Service's name are kept, as the kubelet does; a shell has no such variables. */
static bool is_shell_name(const char *name)
{
	return strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789") == strlen(name) &&
	       !(*name >= '0' && *name <= '9');
}

static void print_shell(const struct environment *env)
{
	for (size_t i = 0; i < env->n; i++) {
		if (is_shell_name(env->items[i].name))
			printf("export %s='%s'\n", env->items[i].name, env->items[i].value);
	}
}

static void print_json(const struct environment *env)
{
	json_t *json = json_object();

	for (size_t i = 0; i < env->n; i++)
		json_object_set_new(json, env->items[i].name, json_string(env->items[i].value));
	output_json(stdout, OUTPUT_JSON, json);
	json_decref(json);
}

/* Replaces this process: signals, terminal and exit status are then the program's own. */
static int env_exec(const struct cli *cli, const struct environment *env)
{
	char **argv = xcalloc(cli->n_args + 1, sizeof(*argv));
	struct err err;

	for (size_t i = 0; i < cli->n_args; i++)
		argv[i] = xstrdup(cli->args[i]);
	for (size_t i = 0; i < env->n; i++)
		setenv(env->items[i].name, env->items[i].value, 1);
	execvp(argv[0], argv);
	(void)err_sys(&err, -errno, "%s", argv[0]);
	for (size_t i = 0; i < cli->n_args; i++)
		free(argv[i]);
	free(argv);
	return cli_fail(&err);
}

static int env_run(struct cli *cli)
{
	bool shell = cli_switch(cli, "shell"), json = cli_switch(cli, "json");
	struct environment env;
	struct store *store;
	struct err err;
	int code = CLI_OK;

	if (shell + json + (cli->n_args > 0) > 1)
		return cli_usage(cli, "--shell, --json and a command exclude each other");
	if (cli->all_namespaces)
		return cli_usage(cli, "a pod lives in one namespace: name it with -n");
	if (resource_store_load(cli, &store, &err))
		return cli_fail(&err);
	environment_make(store, cli->ns, &env);
	store_free(store);
	if (cli->n_args)
		code = env_exec(cli, &env);
	else if (shell)
		print_shell(&env);
	else if (json)
		print_json(&env);
	else
		print_plain(&env);
	environment_done(&env);
	return code;
}

const struct command cmd_env = {
	.name = "env",
	.args = "[-- COMMAND...]",
	.summary = "Print the variables by which a pod finds services, or run a command with them",
	.details = "What the kubelet would give to a container that starts now in the namespace:\n"
		   "its Services with a cluster IP, and default/kubernetes.\n"
		   "\n"
		   "Examples:\n"
		   "  lbctl env\n"
		   "  lbctl env -n shop -- sh -c 'curl http://$KUBIA_SERVICE_HOST'\n"
		   "  eval \"$(lbctl env --shell)\"",
	.options = env_options,
	.max_args = -1,
	.run = env_run,
};
