/* SPDX-License-Identifier: Apache-2.0 */
#include "user/ingress/child.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "user/util/cleanup.h"
#include "user/util/vec.h"

#define FILES 65536 /* connections are half of that */
#define END_MS 3000
#define WORDS 1024

/* --------------------------------------------------------- in the child itself -- */

static int capabilities_set(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };

	data[0].effective = data[0].permitted = data[0].inheritable = 1u << CAP_NET_BIND_SERVICE;
	if (syscall(SYS_capset, &header, data))
		return -1;
	return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_BIND_SERVICE, 0, 0);
}

/* Between fork and exec: system calls only. */
static const char *become(int dir, const struct proxy_user *user, int output)
{
	struct rlimit limit = { FILES, FILES };
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	/* By descriptor: it need not be able to reach the directory from the root. */
	if (fchdir(dir))
		return "directory";
	if (setsid() < 0)
		return "session";
	if (output >= 0 && (dup2(output, STDOUT_FILENO) < 0 || dup2(output, STDERR_FILENO) < 0))
		return "output";
	setrlimit(RLIMIT_NOFILE, &limit); /* HAProxy adapts itself to what there is */
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) || setgroups(0, NULL) ||
	    setresgid(user->gid, user->gid, user->gid) ||
	    setresuid(user->uid, user->uid, user->uid) || capabilities_set() ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return "privileges";
	return NULL;
}

static void child_run(int dir, const struct proxy_user *user, int output, const char *const *argv)
{
	const char *failed = become(dir, user, output);
	ssize_t n;

	if (!failed) {
		execvp(argv[0], (char *const *)argv);
		failed = errno == ENOENT ? "not installed" : "exec";
	}
	n = write(STDERR_FILENO, failed, strlen(failed));
	_exit(n < 0 ? 126 : 127);
}

/* ----------------------------------------------------------------- outside of it -- */

static int child_watch(struct event_base *base, struct child *child, event_callback_fn ended,
		       void *arg, struct err *err)
{
	child->pidfd = (int)syscall(SYS_pidfd_open, child->pid, 0);
	if (child->pidfd < 0)
		return err_sys(err, -errno, "process %d", (int)child->pid);
	child->event = event_new(base, child->pidfd, EV_READ, ended, arg);
	event_add(child->event, NULL);
	return 0;
}

int child_start(struct event_base *base, int dir, const struct proxy_user *user,
		const char *const *argv, bool read, event_callback_fn ended, void *arg,
		struct child *ret_child, struct err *err)
{
	struct child child = { .pidfd = -EBADF, .output = -EBADF };
	int ends[2] = { -EBADF, -EBADF }, code;

	if (read && pipe2(ends, O_CLOEXEC))
		return err_sys(err, -errno, "%s", argv[0]);
	child.pid = fork();
	if (!child.pid)
		child_run(dir, user, ends[1], argv);
	if (read)
		close(ends[1]);
	child.output = ends[0];
	code = child.pid < 0 ? err_sys(err, -errno, "%s", argv[0])
			     : child_watch(base, &child, ended, arg, err);
	if (code) {
		child_end(&child);
		return code;
	}
	*ret_child = child;
	return 0;
}

int child_adopt(struct event_base *base, pid_t pid, event_callback_fn ended, void *arg,
		struct child *ret_child, struct err *err)
{
	struct child child = { .pid = pid, .pidfd = -EBADF, .output = -EBADF };
	int code = child_watch(base, &child, ended, arg, err);

	if (!code)
		*ret_child = child;
	return code;
}

static void child_close(struct child *child)
{
	if (child->event)
		event_free(child->event);
	if (child->pidfd >= 0)
		close(child->pidfd);
	if (child->output >= 0)
		close(child->output);
	*child = (struct child){ .pidfd = -EBADF, .output = -EBADF };
}

int child_reap(struct child *child)
{
	int status;
	pid_t pid = waitpid(child->pid, &status, WNOHANG);
	int code = pid == child->pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;

	child_close(child);
	return code;
}

char *child_words(const struct child *child)
{
	char text[WORDS + 1];
	ssize_t n;

	/* Others may still hold the writing end: what is there now is all. */
	fcntl(child->output, F_SETFL, O_NONBLOCK);
	n = read(child->output, text, WORDS);
	text[n > 0 ? n : 0] = '\0';
	for (char *c = text; *c; c++)
		if ((unsigned char)*c < ' ')
			*c = ' ';
	return xstrdup(text);
}

void child_signal(const struct child *child, int number)
{
	if (child->pidfd >= 0)
		syscall(SYS_pidfd_send_signal, child->pidfd, number, NULL, 0);
}

void child_end(struct child *child)
{
	struct pollfd fd = { .fd = child->pidfd, .events = POLLIN };

	if (child->pid > 0 && child->pidfd >= 0) {
		child_signal(child, SIGTERM);
		if (poll(&fd, 1, END_MS) <= 0) {
			child_signal(child, SIGKILL);
			poll(&fd, 1, END_MS);
		}
	} else if (child->pid > 0) {
		kill(child->pid, SIGKILL);
	}
	if (child->pid > 0)
		child_reap(child);
	else
		child_close(child);
}
