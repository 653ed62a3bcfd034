/* SPDX-License-Identifier: Apache-2.0 */
/* Commands in pods: where they run, who they are, and what is left of them. Needs root. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "user/probe/privilege.h"
#include "user/probe/run.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"

#define TIMEOUT_MS 700
#define STOPPED (OUTCOME_FAILURE + 1)

/* -------------------------------------------------------------------- a pod -- */

/*
 * A process in namespaces of its own: mount (with an empty /tmp that has the file pod), network,
 * UTS (called pod), PID; user 1234, group 2345, with one capability.
 */
struct pod_process {
	pid_t outer, pid;
	char text[16];
};

static void pod_live(int ready)
{
	struct privilege privilege;

	privilege_least(1234, 2345, &privilege);
	privilege.bounding = 1ull << 10; /* CAP_NET_BIND_SERVICE */
	privilege.permitted = privilege.effective = privilege.inheritable = privilege.ambient =
		privilege.bounding;
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", "/tmp", "tmpfs", 0, NULL) || mount("none", "/proc", "proc", 0, NULL) ||
	    sethostname("pod", 3) || close(open("/tmp/pod", O_CREAT | O_WRONLY, 0644)) ||
	    privilege_assume(&privilege))
		_exit(1);
	setenv("POD", "yes", 1);
	setenv("PATH", "/usr/bin:/bin", 1);
	(void)!write(ready, "x", 1);
	/* Its environment is that of its execve. */
	execl("/bin/sleep", "sleep", "1000", NULL);
	_exit(1);
}

static struct pod_process pod;

/* Setup and teardown around each test: the state is its row. */
static int pod_start(void **state)
{
	char path[64], text[64] = "", byte;
	int ready[2];
	FILE *file;

	(void)state;
	if (pipe(ready))
		return -1;
	pod.outer = fork();
	if (!pod.outer) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWPID))
			_exit(1);
		if (!fork()) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			pod_live(ready[1]);
		}
		close(ready[1]);
		wait(NULL);
		_exit(0);
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		return -1;
	usleep(50000); /* until the exec is through */
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pod.outer, pod.outer);
	file = fopen(path, "re");
	if (!file || !fgets(text, sizeof(text), file))
		return -1;
	fclose(file);
	pod.pid = atoi(text);
	snprintf(pod.text, sizeof(pod.text), "%d", pod.pid);
	return 0;
}

static int pod_stop(void **state)
{
	(void)state;
	kill(pod.pid, SIGKILL);
	waitpid(pod.outer, NULL, 0);
	return 0;
}

/* ------------------------------------------------------------------ one run -- */

struct trial {
	struct run run; /* the first member */
	struct event_base *base;
	int outcome;
	char text[RUN_TEXT];
};

static void trial_done(struct run *run, enum outcome outcome, const char *text)
{
	struct trial *trial = (struct trial *)run;

	trial->outcome = (int)outcome;
	snprintf(trial->text, sizeof(trial->text), "%s", text);
	event_base_loopbreak(trial->base);
}

static void trial_late(evutil_socket_t fd, short what, void *arg)
{
	struct trial *trial = arg;

	(void)fd;
	(void)what;
	trial->outcome = STOPPED;
	run_stop(&trial->run, trial->text);
}

static void trial_run(struct trial *trial, const struct place *place, const char *const *command)
{
	struct probe probe = { .action = PROBE_EXEC,
			       .command = (const char **)command,
			       .timeout = 1 };
	struct timeval timeout = { 0, TIMEOUT_MS * 1000 };
	struct runners runners;
	struct event *timer;

	*trial = (struct trial){ .outcome = -1 };
	trial->base = event_base_new();
	runners_open(&runners, trial->base);
	trial->run = (struct run){
		.runners = &runners, .probe = &probe, .place = place, .done = trial_done
	};
	timer = evtimer_new(trial->base, trial_late, trial);
	evtimer_add(timer, &timeout);
	run_start(&trial->run);
	/* A command that was stopped ends a little later: until then the loop has something to do.
	 */
	if (trial->outcome < 0)
		event_base_dispatch(trial->base);
	assert_null(runners.ending);
	event_free(timer);
	runners_close(&runners);
	event_base_free(trial->base);
}

#define SH(script)                       \
	{                                \
		"sh", "-c", script, NULL \
	}

static const struct exec_row {
	const char *name;
	bool netns; /* by lbctl.io/netns, otherwise by lbctl.io/pid */
	int64_t user;
	const char *command[4];
	int want;
	const char *text;
} exec_rows[] = {
	{ "exit status 0", false, -1, { "true", NULL }, OUTCOME_SUCCESS, "" },
	{ "exit status 3", false, -1, SH("exit 3"), OUTCOME_FAILURE, "exit status 3" },
	{ "ended by a signal", false, -1, SH("kill -TERM $$"), OUTCOME_FAILURE, "exit status 143" },
	{ "no such command",
	  false,
	  -1,
	  { "nowhere", NULL },
	  OUTCOME_FAILURE,
	  "nowhere: No such file" },
	{ "no such path", false, -1, { "/no/where", NULL }, OUTCOME_FAILURE, "/no/where: No such" },
	{ "not in a shell", false, -1, { "test", "$HOME", "=", NULL }, OUTCOME_FAILURE, "" },
	{ "what it says is the reason", false, -1, SH("echo out; echo err >&2; exit 1"),
	  OUTCOME_FAILURE, "out err" },
	{ "nothing to read", false, -1, SH("read x; test $? = 1"), OUTCOME_SUCCESS, "" },
	/* where */
	{ "the pod's root", false, -1, { "ls", "/tmp/pod", NULL }, OUTCOME_SUCCESS, "" },
	{ "the pod's network", false, -1, SH("test $(wc -l </proc/net/dev) = 3"), OUTCOME_SUCCESS,
	  "" },
	{ "the pod's name", false, -1, SH("test $(hostname) = pod"), OUTCOME_SUCCESS, "" },
	{ "the pod's processes", false, -1, SH("grep -q sleep /proc/1/comm"), OUTCOME_SUCCESS, "" },
	{ "the pod's environment", false, -1, SH("test $POD = yes"), OUTCOME_SUCCESS, "" },
	/* who */
	{ "the pod's user", false, -1, SH("test $(id -u):$(id -g) = 1234:2345"), OUTCOME_SUCCESS,
	  "" },
	{ "no other groups", false, -1, SH("test \"$(id -G)\" = 2345"), OUTCOME_SUCCESS, "" },
	{ "the pod's capabilities", false, -1,
	  SH("test $(sed -n 's/CapEff:.//p; s/CapBnd:.//p' /proc/self/status | uniq) = "
	     "0000000000000400"),
	  OUTCOME_SUCCESS, "" },
	{ "no way to more", false, -1, SH("grep -q 'NoNewPrivs:.1' /proc/self/status"),
	  OUTCOME_SUCCESS, "" },
	{ "no descriptor of ours", false, -1,
	  SH("test \"$(ls /proc/self/fd | tr '\\n' ' ')\" = '0 1 2 3 '"), OUTCOME_SUCCESS, "" },
	/* by netns */
	{ "netns: the network", true, -1, SH("test $(wc -l </proc/thread-self/net/dev) = 3"),
	  OUTCOME_SUCCESS, "" },
	{ "netns: nobody", true, -1, SH("test $(id -u):$(id -g) = 65534:65534"), OUTCOME_SUCCESS,
	  "" },
	{ "netns: nobody can nothing", true, -1,
	  SH("test $(sed -n 's/CapEff:.//p; s/CapBnd:.//p; s/CapPrm:.//p' /proc/self/status | "
	     "uniq) = "
	     "0000000000000000"),
	  OUTCOME_SUCCESS, "" },
	{ "netns: runAsUser", true, 77, SH("test $(id -u) = 77"), OUTCOME_SUCCESS, "" },
	{ "netns: root without its powers", true, 0,
	  SH("test $(id -u) = 0 && grep -q 'CapEff:.0000000000000000' /proc/self/status"),
	  OUTCOME_SUCCESS, "" },
	/* how it ends */
	{ "much to say, and well", false, -1, SH("head -c 3000000 /dev/zero"), OUTCOME_SUCCESS,
	  "" },
	{ "floods", false, -1, { "yes", NULL }, STOPPED, "timed out after 1s" },
	{ "hangs", false, -1, { "sleep", "31415", NULL }, STOPPED, "\"sleep\" timed out" },
	{ "ignores TERM", false, -1, SH("trap '' TERM HUP INT; sleep 31415; sleep 31415"), STOPPED,
	  "timed out" },
	{ "has children", false, -1, SH("sleep 31415 & sleep 31415 & sleep 31415"), STOPPED,
	  "timed out" },
	{ "netns: children that left the group", true, -1,
	  SH("(setsid sleep 31415 &) ; setsid sh -c 'sleep 31415 & sleep 31415' & sleep 31415"),
	  STOPPED, "timed out" },
	{ "netns: ends, its children do not", true, -1,
	  SH("setsid sleep 31415 & sleep 31415 & true"), OUTCOME_SUCCESS, "" },
	{ "a child keeps its output open", true, -1, SH("sleep 31415 & exit 0"), OUTCOME_SUCCESS,
	  "" },
};

/* Is any of the sleeps above still there? */
static bool sleepers(void)
{
	return system("grep -zqs '^31415$' /proc/[0-9]*/cmdline") == 0;
}

static void check_exec(void **state)
{
	const struct exec_row *row = *state;
	char netns[64];
	struct place place = { .user = row->user, .group = -1 };
	struct trial trial;

	snprintf(netns, sizeof(netns), "/proc/%d/ns/net", pod.pid);
	if (row->netns)
		place.netns = netns;
	else
		place.pid = pod.text;
	trial_run(&trial, &place, (const char *const *)row->command);
	if (trial.outcome != row->want)
		fail_msg("%s: %d (%s), not %d", row->name, trial.outcome, trial.text, row->want);
	if (!strstr(trial.text, row->text))
		fail_msg("%s: says \"%s\"", row->name, trial.text);
	if (sleepers())
		fail_msg("%s: left something behind", row->name);
	/* Nobody is left to be waited for but the pod. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), 0);
}

/* A root below which the netns' commands see nothing else. */
static void check_root(void **state)
{
	static const char *const command[] = { "ls", "/", NULL };
	char dir[] = "/tmp/lb-exec-XXXXXX";
	struct place place = {
		.netns = (char *)"/proc/self/ns/net", .root = dir, .user = -1, .group = -1
	};
	struct trial trial;

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chmod(dir, 0755), 0);
	trial_run(&trial, &place, command);
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(trial.outcome, OUTCOME_FAILURE);
	assert_string_equal(trial.text, "ls: No such file or directory");
}

static const struct place_row {
	const char *name, *pid, *netns, *root, *text;
} place_rows[] = {
	{ "nowhere", NULL, NULL, NULL, "neither annotation" },
	{ "a root alone", NULL, NULL, "/tmp", "neither annotation" },
	{ "not a number", "12x", NULL, NULL, "process 12x: not the number" },
	{ "a way out of /proc", "../etc", NULL, NULL, "not the number" },
	{ "no such process", "4194999", NULL, NULL, "there is no such process" },
	{ "no such namespace", NULL, "/run/netns/nowhere", NULL, "/run/netns/nowhere: No such" },
	{ "no such root", NULL, "/proc/self/ns/net", "/nowhere", "/nowhere: No such" },
	{ "a namespace that is none", NULL, "/etc/passwd", NULL, "setns" },
};

static void check_place(void **state)
{
	static const char *const command[] = { "true", NULL };
	const struct place_row *row = *state;
	struct place place = { .pid = (char *)row->pid,
			       .netns = (char *)row->netns,
			       .root = (char *)row->root,
			       .user = -1,
			       .group = -1 };
	struct trial trial;

	trial_run(&trial, &place, command);
	assert_int_equal(trial.outcome, OUTCOME_FAILURE);
	if (!strstr(trial.text, row->text))
		fail_msg("%s: says \"%s\"", row->name, trial.text);
}

#define ADD(rows, check)                                              \
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)                  \
		tests[n++] = (struct CMUnitTest)                      \
		{                                                     \
			.name = (rows)[i].name, .test_func = (check), \
			.initial_state = (void *)&(rows)[i]           \
		}

int main(void)
{
	struct CMUnitTest tests[64];
	size_t n = 0;

	ADD(exec_rows, check_exec);
	for (size_t i = 0; i < n; i++) {
		tests[i].setup_func = pod_start;
		tests[i].teardown_func = pod_stop;
	}
	ADD(place_rows, check_place);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(check_root);
	return _cmocka_run_group_tests("exec", tests, n, NULL, NULL);
}
