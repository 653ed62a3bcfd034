/* SPDX-License-Identifier: Apache-2.0 */
/* Behind the fork nothing but system calls: another thread may have held any lock. */
#include "user/probe/minder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "user/probe/run.h"
#include "user/util/cleanup.h"

#define EXIT_CANNOT 126

struct pipes {
	int result[2];
	int lifeline[2];
	int output[2];
};

/* ----------------------------------------------------------- the command -- */

static void child_say(const char *text)
{
	ssize_t ignored = write(STDERR_FILENO, text, strlen(text));

	(void)ignored;
}

static void child_fail(const char *what)
{
	const char *why = strerrordesc_np(errno);

	child_say(what);
	child_say(": ");
	child_say(why ? why : "failed");
	_exit(EXIT_CANNOT);
}

static void signals_reset(void)
{
	struct sigaction standard = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int i = 1; i < NSIG; i++)
		sigaction(i, &standard, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static _Noreturn void child_run(const struct entrance *entrance, const char *const *command,
				int null, int output)
{
	const char *failed;

	setsid();
	if (dup2(null, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 ||
	    dup2(output, STDERR_FILENO) < 0)
		_exit(EXIT_CANNOT);
	failed = entrance_walk(entrance);
	if (failed)
		child_fail(failed);
	syscall(SYS_close_range, STDERR_FILENO + 1, UINT_MAX, 0);
	entrance_exec(entrance, command);
	child_fail(command[0]);
	_exit(EXIT_CANNOT);
}

/* ------------------------------------------------------------ the minder -- */

/* Closes everything but those kept: sockets and locks of the agent must not outlive it here. */
static void others_close(int *kept, size_t n)
{
	unsigned int next = STDERR_FILENO + 1;

	for (size_t i = 1; i < n; i++) {
		for (size_t j = i; j && kept[j - 1] > kept[j]; j--) {
			int swap = kept[j];

			kept[j] = kept[j - 1];
			kept[j - 1] = swap;
		}
	}
	for (size_t i = 0; i < n; i++) {
		if (kept[i] < (int)next)
			continue;
		if ((unsigned int)kept[i] > next)
			syscall(SYS_close_range, next, (unsigned int)kept[i] - 1, 0);
		next = (unsigned int)kept[i] + 1;
	}
	syscall(SYS_close_range, next, UINT_MAX, 0);
}

/* Those that came to us when who started them ended. */
static void orphans_kill(void)
{
	int fd = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
	char text[4096];
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text));
	pid_t pid = 0;

	for (ssize_t i = 0; i < n; i++) {
		if (text[i] >= '0' && text[i] <= '9') {
			pid = pid * 10 + (text[i] - '0');
		} else if (pid) {
			kill(pid, SIGKILL);
			pid = 0;
		}
	}
	if (fd >= 0)
		close(fd);
}

/* Returns what the command ended with. */
static int all_end(pid_t command)
{
	int status, result = 128 + SIGKILL;
	pid_t pid;

	kill(-command, SIGKILL);
	do {
		orphans_kill();
		pid = waitpid(-1, &status, 0);
		if (pid == command)
			result = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	} while (pid > 0 || errno == EINTR);
	return result;
}

struct gathered {
	int32_t status;
	char output[RUN_BODY];
	size_t n;
};

/* False: the pipe is empty for now, or for good. */
static bool output_take(int fd, struct gathered *gathered)
{
	char buffer[16384];
	ssize_t n = read(fd, buffer, sizeof(buffer));
	size_t room = sizeof(gathered->output) - gathered->n;

	if (n <= 0)
		return false;
	if ((size_t)n < room)
		room = (size_t)n;
	memcpy(gathered->output + gathered->n, buffer, room);
	gathered->n += room;
	return true;
}

/* Until the command has ended, or the agent has had enough. */
static void command_mind(pid_t command, const struct pipes *pipes, struct gathered *gathered)
{
	struct pollfd fds[] = {
		{ .fd = (int)syscall(SYS_pidfd_open, command, 0), .events = POLLIN },
		{ .fd = pipes->lifeline[0], .events = POLLIN },
		{ .fd = pipes->output[0], .events = POLLIN },
	};

	while (!fds[0].revents && !fds[1].revents) {
		if (poll(fds, ARRAY_LEN(fds), -1) < 0 && errno != EINTR)
			break;
		if (fds[2].revents && !output_take(pipes->output[0], gathered))
			fds[2].fd = -1;
	}
	/* Read before the rest is killed, once the pipe's fill at most: a child may write on. */
	for (int i = 0; i < 4 && output_take(pipes->output[0], gathered); i++)
		;
}

static _Noreturn void minder_run(const struct entrance *entrance, const char *const *command,
				 const struct pipes *pipes, int null)
{
	int kept[ENTRANCE_SPACES + 8];
	struct gathered gathered;
	size_t n = 0;
	ssize_t ignored;
	pid_t pid;

	gathered.n = 0;
	signals_reset();
	setsid();
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	for (size_t i = 0; i < entrance->n_spaces; i++)
		kept[n++] = entrance->spaces[i];
	kept[n++] = entrance->pid_space;
	kept[n++] = entrance->root;
	kept[n++] = entrance->cwd;
	kept[n++] = pipes->result[1];
	kept[n++] = pipes->lifeline[0];
	kept[n++] = pipes->output[0];
	kept[n++] = pipes->output[1];
	kept[n++] = null;
	others_close(kept, n);
	if (entrance->pid_space >= 0 && setns(entrance->pid_space, CLONE_NEWPID))
		_exit(EXIT_CANNOT);
	pid = fork();
	if (!pid)
		child_run(entrance, command, null, pipes->output[1]);
	close(pipes->output[1]);
	if (pid < 0)
		_exit(EXIT_CANNOT);
	command_mind(pid, pipes, &gathered);
	gathered.status = all_end(pid);
	/* It fits into the pipe: nobody has to be there to read. */
	ignored =
		write(pipes->result[1], &gathered, offsetof(struct gathered, output) + gathered.n);
	(void)ignored;
	_exit(0);
}

static void pair_close(const int pair[2])
{
	for (int i = 0; i < 2; i++) {
		if (pair[i] >= 0)
			close(pair[i]);
	}
}

static void pipes_close(const struct pipes *pipes)
{
	pair_close(pipes->result);
	pair_close(pipes->lifeline);
	pair_close(pipes->output);
}

int minder_start(const struct entrance *entrance, const char *const *command, pid_t *ret_pid,
		 int *ret_result, int *ret_lifeline, struct err *err)
{
	struct pipes pipes = { { -1, -1 }, { -1, -1 }, { -1, -1 } };
	cleanup_close int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	pid_t pid;
	int rc;

	if (null < 0 || pipe2(pipes.result, O_CLOEXEC | O_NONBLOCK) ||
	    pipe2(pipes.lifeline, O_CLOEXEC) || pipe2(pipes.output, O_CLOEXEC)) {
		rc = err_sys(err, -errno, "pipe");
		pipes_close(&pipes);
		return rc;
	}
	/* The minder reads what there is; the command's end is a pipe like any other. */
	fcntl(pipes.output[0], F_SETFL, O_NONBLOCK);
	pid = fork();
	if (!pid)
		minder_run(entrance, command, &pipes, null);
	if (pid < 0) {
		rc = err_sys(err, -errno, "fork");
		pipes_close(&pipes);
		return rc;
	}
	*ret_pid = pid;
	*ret_result = pipes.result[0];
	*ret_lifeline = pipes.lifeline[1];
	pipes.result[0] = pipes.lifeline[1] = -1;
	pipes_close(&pipes);
	return 0;
}
