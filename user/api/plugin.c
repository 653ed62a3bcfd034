/* SPDX-License-Identifier: Apache-2.0 */
#include "user/api/plugin.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "user/util/age.h"
#include "user/util/cleanup.h"
#include "user/util/tree.h"
#include "user/util/vec.h"

#define ANSWER_MAX (1u << 20)
#define RUN_SECONDS 60

struct plugin {
	const struct kubeconfig *kubeconfig;
	void (*done)(void *arg, int rc, struct plugin_answer *answer, const struct err *err);
	void *arg;
	pid_t pid; /* also its process group; 0: gone and waited for */
	int ended, output;
	struct event *on_end, *on_output;
	char *text;
	size_t size;
};

void plugin_answer_done(struct plugin_answer *answer)
{
	if (answer->token)
		explicit_bzero(answer->token, strlen(answer->token));
	if (answer->key.data)
		explicit_bzero(answer->key.data, strlen(answer->key.data));
	free(answer->token);
	free(answer->certificate.data);
	free(answer->key.data);
	*answer = (struct plugin_answer){ 0 };
}

/* ------------------------------------------------------------------ answer -- */

static char *text_copy(const json_t *json, const char *path)
{
	const char *text = tree_text(json, path);

	return text && *text ? xstrdup(text) : NULL;
}

/* Nothing of the text gets into an error: it is secret. */
int plugin_parse(const char *text, size_t size, const char *api_version,
		 struct plugin_answer *ret_answer, struct err *err)
{
	cleanup_json json_t *json = json_loadb(text, size, 0, NULL);
	const char *kind = tree_text(json, "kind"), *version = tree_text(json, "apiVersion");
	const char *expires = tree_text(json, "status.expirationTimestamp");
	struct plugin_answer answer = { 0 };

	if (!kind || strcmp(kind, "ExecCredential") != 0)
		return err_set(err, -EPROTO, "printed something else than an ExecCredential");
	if (!version || strcmp(version, api_version) != 0)
		return err_set(err, -EPROTO, "printed an ExecCredential of another version than %s",
			       api_version);
	if (expires && timestamp_parse(expires, &answer.expires))
		return err_set(err, -EPROTO, "status.expirationTimestamp: is no time");
	answer.token = text_copy(json, "status.token");
	answer.certificate.data = text_copy(json, "status.clientCertificateData");
	answer.key.data = text_copy(json, "status.clientKeyData");
	if ((!answer.token && !answer.certificate.data) ||
	    !answer.certificate.data != !answer.key.data) {
		plugin_answer_done(&answer);
		return err_set(err, -EPROTO,
			       "printed neither a token, nor a certificate and its key");
	}
	*ret_answer = answer;
	return 0;
}

/* --------------------------------------------------------------------- end -- */

static void output_drain(struct plugin *plugin)
{
	for (;;) {
		ssize_t n = read(plugin->output, plugin->text + plugin->size,
				 ANSWER_MAX - plugin->size);

		if (n > 0)
			plugin->size += (size_t)n;
		else if (n == 0 || errno != EINTR)
			return;
	}
}

static void output_ready(evutil_socket_t fd, short what, void *arg)
{
	struct plugin *plugin = arg;
	ssize_t n = read(fd, plugin->text + plugin->size, ANSWER_MAX - plugin->size);

	(void)what;
	if (n > 0)
		plugin->size += (size_t)n;
	else if (n == 0)
		event_del(plugin->on_output); /* full, or closed: the rest is the end's business */
}

static int status_check(const struct plugin *plugin, int status, struct err *err)
{
	const char *hint = plugin->kubeconfig->exec->install_hint;

	if (WIFSIGNALED(status))
		return err_set(err, -EIO, "ended by signal %d", WTERMSIG(status));
	if (WEXITSTATUS(status))
		return err_set(err, -EIO, "exit status %d%s%s", WEXITSTATUS(status),
			       hint ? "; " : "", hint ? hint : "");
	return 0;
}

static void plugin_end(struct plugin *plugin, int rc, struct err *err)
{
	const struct kubeconfig_exec *exec = plugin->kubeconfig->exec;
	struct plugin_answer answer;

	if (!rc)
		rc = plugin_parse(plugin->text, plugin->size, exec->api_version, &answer, err);
	if (rc)
		err_wrap(err, rc, "credential plugin %s", exec->command);
	plugin->done(plugin->arg, rc, &answer, err);
}

/* The process has ended, or has had its time. */
static void process_ended(evutil_socket_t fd, short what, void *arg)
{
	struct plugin *plugin = arg;
	struct err err;
	int status, rc;

	(void)fd;
	if (what & EV_TIMEOUT) {
		plugin_end(plugin,
			   err_set(&err, -ETIMEDOUT, "runs longer than %d seconds", RUN_SECONDS),
			   &err);
		return;
	}
	output_drain(plugin);
	waitpid(plugin->pid, &status, 0);
	plugin->pid = 0;
	rc = status_check(plugin, status, &err);
	plugin_end(plugin, rc, &err);
}

void plugin_free(struct plugin *plugin)
{
	if (!plugin)
		return;
	if (plugin->pid) {
		kill(-plugin->pid, SIGKILL);
		waitpid(plugin->pid, NULL, 0);
	}
	event_free(plugin->on_end);
	event_free(plugin->on_output);
	close(plugin->ended);
	close(plugin->output);
	explicit_bzero(plugin->text, plugin->size);
	free(plugin->text);
	free(plugin);
}

/* ------------------------------------------------------------------- start -- */

static void cluster_describe(const struct kubeconfig *kubeconfig, json_t *spec)
{
	json_t *cluster = json_pack("{s:s}", "server", kubeconfig->server);

	if (kubeconfig->tls_server_name)
		json_object_set_new(cluster, "tls-server-name",
				    json_string(kubeconfig->tls_server_name));
	if (kubeconfig->insecure)
		json_object_set_new(cluster, "insecure-skip-tls-verify", json_true());
	json_object_set_new(spec, "cluster", cluster);
}

/* KUBERNETES_EXEC_INFO: what the program may want to know. */
static char *info_text(const struct kubeconfig *kubeconfig)
{
	cleanup_json json_t *info =
		json_pack("{s:s, s:s, s:{s:b}}", "apiVersion", kubeconfig->exec->api_version,
			  "kind", "ExecCredential", "spec", "interactive", 0);

	if (kubeconfig->exec->cluster_info)
		cluster_describe(kubeconfig, json_object_get(info, "spec"));
	return json_dumps(info, JSON_COMPACT);
}

/* The agent's environment with additions, which come first: the first of two counts. */
static char **environment_make(const struct kubeconfig *kubeconfig)
{
	const struct kubeconfig_exec *exec = kubeconfig->exec;
	cleanup_free char *info = info_text(kubeconfig);
	VEC(char *) list = { 0 };

	vec_push(&list, xasprintf("KUBERNETES_EXEC_INFO=%s", info));
	for (size_t i = 0; i < exec->n_env; i++)
		vec_push(&list, xasprintf("%s=%s", exec->env[i].name,
					  exec->env[i].value ? exec->env[i].value : ""));
	for (char **variable = environ; *variable; variable++)
		vec_push(&list, xstrdup(*variable));
	vec_push(&list, NULL);
	return list.items;
}

static void environment_free(char **list)
{
	for (size_t i = 0; list[i]; i++)
		free(list[i]);
	free(list);
}

static int program_spawn(const struct kubeconfig *kubeconfig, int output, pid_t *ret_pid)
{
	const struct kubeconfig_exec *exec = kubeconfig->exec;
	cleanup_free char **argv = xcalloc(exec->n_args + 2, sizeof(*argv));
	char **environment = environment_make(kubeconfig);
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	sigset_t signals;
	int rc;

	argv[0] = exec->command;
	for (size_t i = 0; i < exec->n_args; i++)
		argv[i + 1] = exec->args[i];
	sigemptyset(&signals);
	sigaddset(&signals, SIGPIPE); /* the agent ignores it, which would be inherited */
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigdefault(&attributes, &signals);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
	rc = -posix_spawnp(ret_pid, argv[0], &files, &attributes, argv, environment);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attributes);
	environment_free(environment);
	return rc;
}

int plugin_start(struct event_base *base, const struct kubeconfig *kubeconfig,
		 void (*done)(void *arg, int rc, struct plugin_answer *answer,
			      const struct err *err),
		 void *arg, struct plugin **ret_plugin, struct err *err)
{
	static const struct timeval limit = { .tv_sec = RUN_SECONDS };
	const struct kubeconfig_exec *exec = kubeconfig->exec;
	struct plugin *plugin;
	int ends[2], rc;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC))
		return err_sys(err, -errno, "pipe");
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	rc = program_spawn(kubeconfig, ends[1], &pid);
	close(ends[1]);
	if (rc) {
		close(ends[0]);
		return err_sys(err, rc, "credential plugin %s%s%s%s", exec->command,
			       exec->install_hint ? " (" : "",
			       exec->install_hint ? exec->install_hint : "",
			       exec->install_hint ? ")" : "");
	}
	plugin = xcalloc(1, sizeof(*plugin));
	*plugin = (struct plugin){
		.kubeconfig = kubeconfig,
		.done = done,
		.arg = arg,
		.pid = pid,
		.ended = pidfd_open(pid, 0),
		.output = ends[0],
		.text = xmalloc(ANSWER_MAX),
	};
	plugin->on_end = event_new(base, plugin->ended, EV_READ, process_ended, plugin);
	plugin->on_output =
		event_new(base, plugin->output, EV_READ | EV_PERSIST, output_ready, plugin);
	event_add(plugin->on_end, &limit);
	event_add(plugin->on_output, NULL);
	*ret_plugin = plugin;
	return 0;
}
