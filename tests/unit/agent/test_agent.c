/* SPDX-License-Identifier: Apache-2.0 */
/* The real agent in a process of its own, on a root without a datapath. */
#include "tests/unit/agent/temp.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#include "user/agent/agent.h"
#include "user/agent/client.h"
#include "user/k8s/decode.h"
#include "user/k8s/state.h"

#define PATIENCE_MS 5000

static void pause_ms(int ms)
{
	struct timespec pause = { .tv_nsec = ms * 1000000L };

	nanosleep(&pause, NULL);
}

/* Its log goes to DIR/log. A test that fails takes its agents along. */
static void agent_child(const struct temp *temp)
{
	cleanup_free char *log = xasprintf("%s/log", temp->root);
	struct config config;
	struct err err = { "" };
	int fd, rc;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (dup2(fd, STDERR_FILENO) < 0 || dup2(fd, STDOUT_FILENO) < 0)
		_exit(1);
	rc = config_load(temp->paths.config, false, &config, &err);
	if (!rc) {
		rc = agent_run(&temp->paths, &config, NULL, NULL, &err);
		config_done(&config);
	}
	if (rc)
		dprintf(STDERR_FILENO, "%s\n", err.text);
	free(TAKE_PTR(log));
	close(fd);
	exit(rc ? 1 : 0); /* not _exit: the leak check is part of the test */
}

static pid_t agent_start(const struct temp *temp)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid)
		agent_child(temp);
	return pid;
}

static json_t *agent_status(const struct temp *temp)
{
	json_t *json = NULL;

	return client_ask(&temp->paths, PROTOCOL_STATUS, &json, NULL) ? NULL : json;
}

/* Until a number of the status is what is expected; 0 for null and false. */
static void wait_status(const struct temp *temp, const char *member, json_int_t value)
{
	for (int waited = 0; waited < PATIENCE_MS; waited += 10) {
		cleanup_json json_t *status = agent_status(temp);
		json_t *found = json_object_get(status, member);

		if (found && (json_is_integer(found) ? json_integer_value(found)
						     : json_is_string(found)) == value)
			return;
		pause_ms(10);
	}
	fail_msg("%s never was %d", member, (int)value);
}

static int agent_end(pid_t pid, int signal)
{
	int status;

	assert_int_equal(kill(pid, signal), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void service_put(const struct temp *temp, const char *name, const char *ip)
{
	cleanup_json json_t *json = json_pack("{s:s,s:s,s:{s:s},s:{s:s,s:[{s:i}]}}", "apiVersion",
					      "v1", "kind", "Service", "metadata", "name", name,
					      "spec", "clusterIP", ip, "ports", "port", 80);
	struct object *object;
	struct err err;

	assert_int_equal(object_decode(json, "default", &object, NULL, &err), 0);
	assert_int_equal(state_put(temp->paths.state, object, &err), 0);
	object_free(object);
}

static bool log_has(const struct temp *temp, const char *text)
{
	cleanup_free char *path = xasprintf("%s/log", temp->root);
	cleanup_fclose FILE *file = fopen(path, "re");
	char line[1024];

	assert_non_null(file);
	while (fgets(line, sizeof(line), file))
		if (strstr(line, text))
			return true;
	return false;
}

/* The state does not exist at first: its directories appear one by one. */
static void test_follows_the_state(void **state)
{
	struct temp *temp = *state;
	pid_t pid = agent_start(temp);

	wait_status(temp, "pid", pid);
	wait_status(temp, "services", 0);
	service_put(temp, "kubia", "10.96.0.7");
	wait_status(temp, "services", 1);
	service_put(temp, "bar", "10.96.0.8");
	wait_status(temp, "services", 2);
	assert_int_equal(state_delete(temp->paths.state, K8S_SERVICE, "default", "bar", NULL), 0);
	wait_status(temp, "services", 1);
	assert_int_equal(agent_end(pid, SIGTERM), 0);
	assert_int_equal(access(temp->paths.socket, F_OK), -1);
}

static void test_broken_state(void **state)
{
	struct temp *temp = *state;
	cleanup_free char *bad = xasprintf("%s/services/default/bad.yaml", temp->paths.state);
	pid_t pid = agent_start(temp);

	service_put(temp, "kubia", "10.96.0.7");
	wait_status(temp, "services", 1);
	temp_write(temp, "state/services/default/bad.yaml", "kind: [\n");
	wait_status(temp, "error", 1);
	wait_status(temp, "services", 1);
	assert_true(log_has(temp, "error: sync failed: "));
	assert_true(log_has(temp, "bad.yaml"));
	assert_int_equal(unlink(bad), 0);
	wait_status(temp, "error", 0);
	assert_true(log_has(temp, "sync works again"));
	assert_int_equal(agent_end(pid, SIGINT), 0);
}

static void test_commands_ask_the_agent(void **state)
{
	struct temp *temp = *state;
	struct sync_result result;
	struct config config;
	struct err err;
	pid_t pid;

	assert_int_equal(config_load(temp->paths.config, false, &config, &err), 0);
	assert_int_equal(sync_now(&temp->paths, &config, &result, &err), 0);
	assert_false(result.by_agent);
	assert_false(result.attached);
	sync_result_done(&result);
	pid = agent_start(temp);
	wait_status(temp, "pid", pid);
	assert_int_equal(sync_now(&temp->paths, &config, &result, &err), 0);
	assert_true(result.by_agent);
	assert_false(result.attached);
	sync_result_done(&result);
	assert_int_equal(sync_reload(&temp->paths, &config, &result, &err), 0);
	assert_true(result.by_agent);
	sync_result_done(&result);
	assert_int_equal(agent_end(pid, SIGTERM), 0);
	config_done(&config);
}

static void test_second_agent_is_refused(void **state)
{
	struct temp *temp = *state;
	pid_t first = agent_start(temp), second;
	int status;

	wait_status(temp, "pid", first);
	second = agent_start(temp);
	assert_int_equal(waitpid(second, &status, 0), second);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	assert_true(log_has(temp, "an agent is already running"));
	wait_status(temp, "pid", first);
	assert_int_equal(agent_end(first, SIGTERM), 0);
}

/* Killed, it leaves its socket: commands do the work themselves, the next agent takes over. */
static void test_killed_agent(void **state)
{
	struct temp *temp = *state;
	struct sync_result result;
	struct config config;
	pid_t pid = agent_start(temp);

	wait_status(temp, "pid", pid);
	assert_true(WIFSIGNALED(agent_end(pid, SIGKILL)));
	assert_int_equal(access(temp->paths.socket, F_OK), 0);
	assert_int_equal(config_load(temp->paths.config, false, &config, NULL), 0);
	assert_int_equal(sync_now(&temp->paths, &config, &result, NULL), 0);
	assert_false(result.by_agent);
	sync_result_done(&result);
	config_done(&config);
	pid = agent_start(temp);
	wait_status(temp, "pid", pid);
	assert_int_equal(agent_end(pid, SIGTERM), 0);
}

static void test_reads_the_configuration_anew(void **state)
{
	struct temp *temp = *state;
	pid_t pid;

	temp_write(temp, "config.yaml", "apiVersion: lbctl.io/v1\nkind: Configuration\n");
	pid = agent_start(temp);
	wait_status(temp, "pid", pid);
	temp_write(temp, "config.yaml",
		   "apiVersion: lbctl.io/v1\nkind: Configuration\nnodPort: 1\n");
	assert_int_equal(kill(pid, SIGHUP), 0);
	for (int i = 0; i < 100 && !log_has(temp, "kept as it was"); i++)
		pause_ms(10);
	assert_true(log_has(temp, "nodPort"));
	temp_write(temp, "config.yaml", "apiVersion: lbctl.io/v1\nkind: Configuration\nzone: a\n");
	assert_int_equal(kill(pid, SIGHUP), 0);
	for (int i = 0; i < 100 && !log_has(temp, "read anew"); i++)
		pause_ms(10);
	assert_true(log_has(temp, "read anew"));
	assert_int_equal(agent_end(pid, SIGTERM), 0);
}

static void test_tells_the_manager(void **state)
{
	struct temp *temp = *state;
	cleanup_free char *path = xasprintf("%s/notify", temp->root);
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	struct timeval patience = { .tv_sec = 5 };
	cleanup_close int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char text[256] = "";
	pid_t pid;

	strcpy(at.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setenv("NOTIFY_SOCKET", path, 1);
	pid = agent_start(temp);
	unsetenv("NOTIFY_SOCKET");
	while (strcmp(text, "READY=1") != 0) {
		ssize_t n = recv(fd, text, sizeof(text) - 1, 0);

		assert_true(n > 0);
		text[n] = '\0';
	}
	assert_int_equal(agent_end(pid, SIGTERM), 0);
	assert_true(recv(fd, text, sizeof(text), 0) > 0);
	assert_int_equal(strncmp(text, "STOPPING=1", 10), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		temp_test(test_follows_the_state),
		temp_test(test_broken_state),
		temp_test(test_commands_ask_the_agent),
		temp_test(test_second_agent_is_refused),
		temp_test(test_killed_agent),
		temp_test(test_reads_the_configuration_anew),
		temp_test(test_tells_the_manager),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
