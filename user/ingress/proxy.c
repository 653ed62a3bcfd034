/* SPDX-License-Identifier: Apache-2.0 */
#include "user/ingress/proxy.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "user/ingress/child.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"

#define RESTART_FIRST_MS 500
#define RESTART_LAST_MS 30000

struct proxy {
	struct event_base *base;
	const struct proxy_events *events;
	void *arg;
	char *path;
	int dir; /* -EBADF: not needed yet */
	struct proxy_user user;
	struct child master;
	struct child check;
	unsigned long last;	/* the folder that was written last */
	unsigned long checking; /* 0: none */
	unsigned long active;	/* 0: none; what haproxy.cfg is */
	bool waiting;		/* files came while others were checked */
	struct ingress_files next;
	struct event *restart;
	unsigned int restart_ms;
};

static void tell(const struct proxy *proxy, const char *error)
{
	proxy->events->changed(proxy->arg, error);
}

/* ------------------------------------------------------------------- master -- */

static void master_ended(evutil_socket_t fd, short what, void *arg);

/* The process that listens at the master's socket; 0: nobody. */
static pid_t master_find(const struct proxy *proxy)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct ucred peer = { 0 };
	socklen_t size = sizeof(peer);
	cleanup_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	/* By descriptor, since a socket's address is short. */
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/master.sock",
		 proxy->dir);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size))
		return 0;
	return peer.pid;
}

static void master_adopt(struct proxy *proxy)
{
	pid_t pid = master_find(proxy);
	struct err err;

	if (pid > 0 && child_adopt(proxy->base, pid, master_ended, proxy, &proxy->master, &err))
		tell(proxy, err.text);
}

static void master_start(struct proxy *proxy)
{
	static const char *const argv[] = {
		"haproxy", "-q", "-W", "-f", "haproxy.cfg", "-S", "unix@master.sock,mode,600", NULL
	};
	struct err err;

	if (child_start(proxy->base, proxy->dir, &proxy->user, argv, false, master_ended, proxy,
			&proxy->master, &err))
		tell(proxy, err.text);
	else
		tell(proxy, NULL);
}

static void restart_due(evutil_socket_t fd, short what, void *arg)
{
	struct proxy *proxy = arg;

	(void)fd;
	(void)what;
	if (!proxy->master.pid && proxy->active)
		master_start(proxy);
}

/* It was not asked to: start it again, later each time. */
static void master_ended(evutil_socket_t fd, short what, void *arg)
{
	struct proxy *proxy = arg;
	struct timeval timeout;
	int code = child_reap(&proxy->master);
	cleanup_free char *text = code < 0
					  ? xstrdup("HAProxy was killed; it is started again")
					  : xasprintf("HAProxy ended with status %d (is port 80 or "
						      "443 taken?); it is started again",
						      code);

	(void)fd;
	(void)what;
	tell(proxy, text);
	timeout = (struct timeval){ proxy->restart_ms / 1000, proxy->restart_ms % 1000 * 1000 };
	proxy->restart_ms =
		2 * proxy->restart_ms < RESTART_LAST_MS ? 2 * proxy->restart_ms : RESTART_LAST_MS;
	evtimer_add(proxy->restart, &timeout);
}

/* -------------------------------------------------------------------- check -- */

static void check_next(struct proxy *proxy);

static void checked_use(struct proxy *proxy)
{
	struct err err;

	if (proxy_files_activate(proxy->dir, proxy->checking, &err)) {
		tell(proxy, err.text);
		return;
	}
	proxy->active = proxy->checking;
	proxy->restart_ms = RESTART_FIRST_MS;
	if (!proxy->master.pid) {
		master_start(proxy);
		return;
	}
	child_signal(&proxy->master, SIGUSR2);
	tell(proxy, NULL);
}

static void check_ended(evutil_socket_t fd, short what, void *arg)
{
	struct proxy *proxy = arg;
	cleanup_free char *words = child_words(&proxy->check);
	int code = child_reap(&proxy->check);
	cleanup_free char *text = NULL;

	(void)fd;
	(void)what;
	if (!code) {
		checked_use(proxy);
	} else {
		text = code == 127 ? xasprintf("HAProxy cannot be run (%s): no Ingress is served",
					       words)
				   : xasprintf("HAProxy refuses its configuration, the former one "
					       "stays: %.300s",
					       words);
		tell(proxy, text);
	}
	proxy->checking = 0;
	check_next(proxy);
}

static int check_start(struct proxy *proxy, struct err *err)
{
	cleanup_free char *file = NULL;
	const char *argv[] = { "haproxy", "-c", "-f", NULL, NULL };
	int code;

	/* The folder before the last is what a master may be reading just now. */
	if (proxy->active && proxy->active == proxy->last)
		proxy_files_prune(proxy->dir, proxy->active);
	proxy->last++;
	code = proxy_files_write(proxy->dir, proxy->last, &proxy->next, &proxy->user, err);
	if (code)
		return code;
	file = xasprintf("g%lu/haproxy.cfg", proxy->last);
	argv[3] = file;
	code = child_start(proxy->base, proxy->dir, &proxy->user, argv, true, check_ended, proxy,
			   &proxy->check, err);
	if (!code)
		proxy->checking = proxy->last;
	return code;
}

static void check_next(struct proxy *proxy)
{
	struct err err;

	if (!proxy->waiting || proxy->checking)
		return;
	proxy->waiting = false;
	if (check_start(proxy, &err))
		tell(proxy, err.text);
	render_files_free(&proxy->next);
}

/* ------------------------------------------------------------------- outside -- */

struct proxy *proxy_open(struct event_base *base, const char *run,
			 const struct proxy_events *events, void *arg)
{
	struct proxy *proxy = xcalloc(1, sizeof(*proxy));

	*proxy = (struct proxy){
		.base = base,
		.events = events,
		.arg = arg,
		.path = xasprintf("%s/ingress", run),
		.dir = -EBADF,
		.user = proxy_user_find(),
		.master = { .pidfd = -EBADF, .output = -EBADF },
		.check = { .pidfd = -EBADF, .output = -EBADF },
		.restart_ms = RESTART_FIRST_MS,
	};
	proxy->restart = evtimer_new(base, restart_due, proxy);
	/* One that a killed agent left is taken over, or ended where nobody needs it. */
	if (!access(proxy->path, F_OK)) {
		struct err err;

		proxy->dir = proxy_dir_open(proxy->path, &proxy->user, &err);
		if (proxy->dir >= 0)
			master_adopt(proxy);
	}
	return proxy;
}

void proxy_stop(struct proxy *proxy)
{
	evtimer_del(proxy->restart);
	child_end(&proxy->check);
	child_end(&proxy->master);
	proxy->checking = proxy->active = 0;
	proxy->waiting = false;
	render_files_free(&proxy->next);
	if (proxy->dir >= 0) {
		proxy_files_prune(proxy->dir, 0);
		unlinkat(proxy->dir, "haproxy.cfg", 0);
		unlinkat(proxy->dir, "master.sock", 0);
	}
}

void proxy_close(struct proxy *proxy)
{
	if (!proxy)
		return;
	proxy_stop(proxy);
	event_free(proxy->restart);
	if (proxy->dir >= 0)
		close(proxy->dir);
	free(proxy->path);
	free(proxy);
}

void proxy_update(struct proxy *proxy, const struct ingress_files *files)
{
	struct err err;

	if (proxy->dir < 0) {
		proxy->dir = proxy_dir_open(proxy->path, &proxy->user, &err);
		if (proxy->dir < 0) {
			tell(proxy, err.text);
			return;
		}
	}
	if (!proxy->last)
		proxy->last = proxy_files_next(proxy->dir);
	render_files_free(&proxy->next);
	for (size_t i = 0; i < files->n; i++)
		vec_push(&proxy->next, ((struct ingress_file){ xstrdup(files->items[i].name),
							       xstrdup(files->items[i].text) }));
	proxy->waiting = true;
	check_next(proxy);
}

bool proxy_is_running(const struct proxy *proxy)
{
	return proxy->master.pid > 0;
}
