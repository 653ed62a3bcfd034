/* SPDX-License-Identifier: Apache-2.0 */
#include "user/util/spawn.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int wait_for(pid_t pid, const char *name, int *ret_status, struct err *err)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_sys(err, -errno, "%s", name);
	if (!WIFEXITED(status))
		return err_set(err, -ECHILD, "%s: ended by signal %d", name, WTERMSIG(status));
	*ret_status = WEXITSTATUS(status);
	return 0;
}

int spawn_wait(char *const argv[], int *ret_status, struct err *err)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN }, old_int, old_quit;
	posix_spawnattr_t attributes;
	sigset_t defaults;
	pid_t pid;
	int code;

	sigemptyset(&defaults);
	sigaddset(&defaults, SIGINT);
	sigaddset(&defaults, SIGQUIT);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigdefault(&attributes, &defaults);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
	sigaction(SIGINT, &ignore, &old_int);
	sigaction(SIGQUIT, &ignore, &old_quit);
	code = -posix_spawnp(&pid, argv[0], NULL, &attributes, argv, environ);
	if (code)
		err_sys(err, code, "%s", argv[0]);
	else
		code = wait_for(pid, argv[0], ret_status, err);
	sigaction(SIGINT, &old_int, NULL);
	sigaction(SIGQUIT, &old_quit, NULL);
	posix_spawnattr_destroy(&attributes);
	return code;
}
