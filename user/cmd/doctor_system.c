/* SPDX-License-Identifier: Apache-2.0 */
/* The system that doctor looks at when it is no test. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "user/cmd/doctor.h"
#include "user/dns/upstream.h"
#include "user/util/cleanup.h"

#define CONNECT_MS 1000
#define READ_MOST (16u << 20) /* of a rule set */

/* All that a file has, as text; a proc file does not know its size. */
static char *read_all(FILE *file)
{
	char *text = NULL;
	size_t size, n;
	FILE *out = open_memstream(&text, &size);
	char buffer[4096];

	do {
		n = fread(buffer, 1, sizeof(buffer), file);
		fwrite(buffer, 1, n, out);
	} while (n && ftell(out) < (long)READ_MOST);
	fclose(out);
	return text;
}

static char *real_read(void *arg, const char *path)
{
	cleanup_fclose FILE *file = fopen(path, "re");

	(void)arg;
	return file ? read_all(file) : NULL;
}

static int spawn_quiet(const char *const *argv, int out, pid_t *ret_pid)
{
	posix_spawn_file_actions_t actions;
	int r;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	r = posix_spawnp(ret_pid, argv[0], &actions, NULL, (char *const *)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return r;
}

static char *real_run(void *arg, const char *const *argv)
{
	char *text;
	FILE *in;
	int pipe_fds[2], status = 0;
	pid_t pid;

	(void)arg;
	if (pipe2(pipe_fds, O_CLOEXEC))
		return NULL;
	if (spawn_quiet(argv, pipe_fds[1], &pid)) {
		close(pipe_fds[0]);
		close(pipe_fds[1]);
		return NULL;
	}
	close(pipe_fds[1]);
	in = fdopen(pipe_fds[0], "r");
	text = read_all(in);
	fclose(in);
	if (waitpid(pid, &status, 0) == pid && WIFEXITED(status) && !WEXITSTATUS(status))
		return text;
	free(text);
	return NULL;
}

static int real_connect(void *arg, const struct lb_addr *addr, uint16_t port)
{
	const struct addr_port to = { *addr, htons(port) };
	struct sockaddr_storage storage;
	socklen_t length = addr_port_sockaddr(&to, &storage), size = sizeof(int);
	cleanup_close int fd =
		socket(storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct pollfd ready = { .fd = fd, .events = POLLOUT };
	int code = 0;

	(void)arg;
	if (fd < 0)
		return -errno;
	if (!connect(fd, (struct sockaddr *)&storage, length))
		return 0;
	if (errno != EINPROGRESS)
		return -errno;
	if (poll(&ready, 1, CONNECT_MS) <= 0)
		return -ETIMEDOUT;
	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &size) ? -errno : -code;
}

static bool real_has_process(void *arg, const char *name)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	bool found = false;

	(void)arg;
	while (dir && !found && (entry = readdir(dir))) {
		cleanup_free char *path = xasprintf("/proc/%s/comm", entry->d_name);
		cleanup_free char *comm = *entry->d_name >= '1' && *entry->d_name <= '9'
						  ? real_read(NULL, path)
						  : NULL;

		found = comm && !strncmp(comm, name, strlen(name)) && comm[strlen(name)] == '\n';
	}
	if (dir)
		closedir(dir);
	return found;
}

const struct doctor_system doctor_real_system = {
	.read = real_read,
	.run = real_run,
	.connect = real_connect,
	.has_process = real_has_process,
	.who_has = doctor_who_has,
};
