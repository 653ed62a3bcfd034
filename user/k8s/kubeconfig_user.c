/* SPDX-License-Identifier: Apache-2.0 */
/* Who asks: client certificate, token, or a program that knows one. */
#include <string.h>
#include <unistd.h>

#include "user/k8s/kubeconfig_parts.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"

/* As it would be found by the shell, but relative to the file that names it. */
static char *command_path(const char *folder, const char *command)
{
	return strchr(command, '/') ? kubeconfig_path(folder, command) : xstrdup(command);
}

static void args_read(const struct field *exec, struct kubeconfig_exec *into)
{
	struct field list = field_get(exec, "args");
	size_t n = field_items(&list);

	into->args = xcalloc(n, sizeof(*into->args));
	for (size_t i = 0; i < n; i++) {
		struct field item = field_at(&list, i);
		const char *text = field_string(&item);

		into->args[into->n_args++] = xstrdup(text ? text : "");
	}
}

static void env_read(const struct field *exec, struct kubeconfig_exec *into)
{
	struct field list = field_get(exec, "env");
	size_t n = field_items(&list);

	into->env = xcalloc(n, sizeof(*into->env));
	for (size_t i = 0; i < n; i++) {
		struct field item = field_at(&list, i);
		struct field name = field_get(&item, "name");
		struct kubeconfig_variable *variable = &into->env[into->n_env++];

		field_required(&name);
		variable->name = kubeconfig_text(&item, "name");
		variable->value = kubeconfig_text(&item, "value");
	}
}

/* KEP-541. No program gets a terminal here, so one that always wants it cannot work. */
static void exec_read(const struct field *exec, const char *folder, struct kubeconfig_exec *into)
{
	static const char *const versions[] = { "client.authentication.k8s.io/v1",
						"client.authentication.k8s.io/v1beta1", NULL };
	static const char *const modes[] = { "Always", "IfAvailable", "Never", NULL };
	struct field version = field_get(exec, "apiVersion");
	struct field command = field_get(exec, "command");
	struct field mode = field_get(exec, "interactiveMode");
	struct field cluster_info = field_get(exec, "provideClusterInfo");
	const char *version_text = field_word(&version, versions);
	const char *command_text = field_string(&command);
	const char *mode_text = field_word(&mode, modes);

	field_required(&version);
	field_required(&command);
	if (mode_text && !strcmp(mode_text, "Always"))
		field_fail(&mode, "an agent has no terminal that the command could ask at");
	into->api_version = version_text ? xstrdup(version_text) : NULL;
	into->command = command_text ? command_path(folder, command_text) : NULL;
	into->install_hint = kubeconfig_text(exec, "installHint");
	into->cluster_info = field_bool(&cluster_info, false);
	args_read(exec, into);
	env_read(exec, into);
}

/* Left out silently, these would make the agent somebody else than the file says. */
static void unsupported_check(const struct field *user)
{
	static const struct {
		const char *key, *reason;
	} rows[] = {
		{ "auth-provider", "is not supported: use exec" },
		{ "username", "passwords are not supported: API servers have none any more" },
		{ "password", "passwords are not supported: API servers have none any more" },
		{ "as", "acting as another user is not supported" },
		{ "as-uid", "acting as another user is not supported" },
		{ "as-groups", "acting as another user is not supported" },
		{ "as-user-extra", "acting as another user is not supported" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct field field = field_get(user, rows[i].key);

		if (field.json)
			field_fail(&field, "%s", rows[i].reason);
	}
}

static void token_file_read(const struct field *user, const char *folder,
			    struct kubeconfig *kubeconfig)
{
	struct field file = field_get(user, "tokenFile");
	const char *path = field_string(&file);

	if (!path)
		return;
	kubeconfig->token_file = kubeconfig_path(folder, path);
	if (access(kubeconfig->token_file, R_OK))
		field_fail(&file, "%s: cannot be read", kubeconfig->token_file);
}

void kubeconfig_read_user(const struct field *user, const char *folder,
			  struct kubeconfig *kubeconfig)
{
	struct field certificate = field_get(user, "client-certificate");
	struct field exec = field_get(user, "exec");

	unsupported_check(user);
	kubeconfig_read_pem(user, "client-certificate", folder, &kubeconfig->certificate);
	kubeconfig_read_pem(user, "client-key", folder, &kubeconfig->key);
	if ((kubeconfig->certificate.file || kubeconfig->certificate.data) !=
	    (kubeconfig->key.file || kubeconfig->key.data))
		field_fail(&certificate, "client-certificate and client-key belong together");
	/* Of both, the file counts, as in client-go: it may change. */
	token_file_read(user, folder, kubeconfig);
	kubeconfig->token = kubeconfig_text(user, "token");
	if (field_map(&exec)) {
		kubeconfig->exec = xcalloc(1, sizeof(*kubeconfig->exec));
		exec_read(&exec, folder, kubeconfig->exec);
	}
}
