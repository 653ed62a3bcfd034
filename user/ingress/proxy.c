/* SPDX-License-Identifier: Apache-2.0 */
#include "user/ingress/proxy.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "user/ingress/child.h"
#include "user/ingress/master.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"

#define RESTART_FIRST_MS 500
#define RESTART_LAST_MS 30000
#define ASK_WORKERS "show proc"
#define ASK_MS 30	/* between two questions whether new workers work */
#define TAKE_SECONDS 10 /* until it is said that they do not */

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
	bool waiting;		/* files came while others were checked or taken */
	bool taking;		/* the master was told, and its new worker is not there yet */
	pid_t worker;		/* the last that was seen; 0: none */
	time_t told;		/* when the master was */
	struct master_question *question;
	struct event *ask;
	struct ingress_files next;
	/* The pods in the places of: the files that wait, are checked, are haproxy.cfg; … */
	struct ingress_pools next_pools, checking_pools, active_pools;
	struct ingress_pools has;    /* … the present worker … */
	struct ingress_pools wanted; /* … and as they should be, whichever places there are */
	struct ingress_pools asked;  /* what has becomes when filling is answered */
	struct master_question *filling;
	struct event *restart;
	unsigned int restart_ms;
};

static void tell(const struct proxy *proxy, const char *error)
{
	proxy->events->changed(proxy->arg, error);
}

static void check_next(struct proxy *proxy);

/* ------------------------------------------------------------------ filling -- */

static void pools_move(struct ingress_pools *to, struct ingress_pools *from)
{
	pools_free(to);
	*to = *from;
	*from = (struct ingress_pools){ 0 };
}

static void filling_end(struct proxy *proxy)
{
	master_forget(proxy->filling);
	proxy->filling = NULL;
	pools_free(&proxy->asked);
}

static void fill_next(struct proxy *proxy);

static void filled(void *arg, const char *answer)
{
	struct proxy *proxy = arg;

	proxy->filling = NULL;
	if (answer && pools_taken(answer)) {
		pools_move(&proxy->has, &proxy->asked);
		fill_next(proxy);
		return;
	}
	/* Its places are unknown now: a new worker's are those of its file. */
	pools_free(&proxy->asked);
	pools_free(&proxy->has);
	proxy->events->lost(proxy->arg);
}

/* One line of commands after the other; nothing while another worker is on its way. */
static void fill_next(struct proxy *proxy)
{
	cleanup_free char *line = NULL;

	if (proxy->filling || proxy->taking || !proxy->worker)
		return;
	line = pools_step(&proxy->has, &proxy->wanted, proxy->worker, &proxy->asked);
	if (!line)
		return;
	proxy->filling = master_ask(proxy->base, proxy->dir, line, filled, proxy);
	if (!proxy->filling)
		pools_free(&proxy->asked);
}

/* ------------------------------------------------------------------- taking -- */

/*
 * A master that is told to reload while it does loses the second time. So after each time it is
 * asked until there is another worker than before, and what came meanwhile waits.
 */
static void taking_ask(struct proxy *proxy)
{
	static const struct timeval wait = { .tv_usec = ASK_MS * 1000 };

	evtimer_add(proxy->ask, &wait);
}

static void taking_begin(struct proxy *proxy)
{
	filling_end(proxy);
	proxy->taking = true;
	proxy->told = time(NULL);
	taking_ask(proxy);
}

static void taking_end(struct proxy *proxy)
{
	proxy->taking = false;
	evtimer_del(proxy->ask);
	master_forget(proxy->question);
	proxy->question = NULL;
}

static void taking_answered(void *arg, const char *text)
{
	struct proxy *proxy = arg;
	pid_t worker = text ? master_worker(text) : 0;
	bool late = time(NULL) - proxy->told > TAKE_SECONDS;
	bool taken = worker && worker != proxy->worker;

	proxy->question = NULL;
	if (!taken && !late) {
		taking_ask(proxy);
		return;
	}
	if (worker)
		proxy->worker = worker;
	if (taken) {
		pools_free(&proxy->has);
		pools_copy(&proxy->active_pools, false, &proxy->has);
	}
	taking_end(proxy);
	tell(proxy, taken ? NULL
			  : "HAProxy does not take its configuration (is a port taken?); the "
			    "former one stays");
	check_next(proxy);
	fill_next(proxy);
}

static void ask_due(evutil_socket_t fd, short what, void *arg)
{
	struct proxy *proxy = arg;

	(void)fd;
	(void)what;
	proxy->question = master_ask(proxy->base, proxy->dir, ASK_WORKERS, taking_answered, proxy);
	if (!proxy->question)
		taking_answered(proxy, NULL);
}

/* ------------------------------------------------------------------- master -- */

static void master_ended(evutil_socket_t fd, short what, void *arg);

static void master_adopt(struct proxy *proxy)
{
	pid_t pid = master_find(proxy->dir);
	struct err err;

	if (pid > 0 && child_adopt(proxy->base, pid, master_ended, proxy, &proxy->master, &err))
		tell(proxy, err.text);
	/* It may be reloading just now, and would then lose what it is told next. */
	if (proxy->master.pid)
		taking_begin(proxy);
}

static void master_start(struct proxy *proxy)
{
	static const char *const argv[] = {
		"haproxy", "-q", "-W", "-f", "haproxy.cfg", "-S", "unix@master.sock,mode,600", NULL
	};
	struct err err;

	proxy->worker = 0;
	if (child_start(proxy->base, proxy->dir, &proxy->user, argv, false, master_ended, proxy,
			&proxy->master, &err))
		tell(proxy, err.text);
	else
		taking_begin(proxy);
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
	taking_end(proxy);
	filling_end(proxy);
	proxy->worker = 0;
	tell(proxy, text);
	timeout = (struct timeval){ proxy->restart_ms / 1000, proxy->restart_ms % 1000 * 1000 };
	proxy->restart_ms =
		2 * proxy->restart_ms < RESTART_LAST_MS ? 2 * proxy->restart_ms : RESTART_LAST_MS;
	evtimer_add(proxy->restart, &timeout);
}

/* -------------------------------------------------------------------- check -- */

static void checked_use(struct proxy *proxy)
{
	struct err err;

	if (proxy_files_activate(proxy->dir, proxy->checking, &err)) {
		tell(proxy, err.text);
		return;
	}
	proxy->active = proxy->checking;
	pools_move(&proxy->active_pools, &proxy->checking_pools);
	proxy->restart_ms = RESTART_FIRST_MS;
	if (!proxy->master.pid) {
		master_start(proxy);
		return;
	}
	proxy->events->relieved(proxy->arg);
	child_signal(&proxy->master, SIGUSR2);
	taking_begin(proxy);
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
	if (!code) {
		proxy->checking = proxy->last;
		pools_move(&proxy->checking_pools, &proxy->next_pools);
	}
	return code;
}

static void check_next(struct proxy *proxy)
{
	struct err err;

	if (!proxy->waiting || proxy->checking || proxy->taking)
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
	proxy->ask = evtimer_new(base, ask_due, proxy);
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
	taking_end(proxy);
	filling_end(proxy);
	child_end(&proxy->check);
	child_end(&proxy->master);
	proxy->checking = proxy->active = 0;
	proxy->worker = 0;
	proxy->waiting = false;
	render_files_free(&proxy->next);
	pools_free(&proxy->next_pools);
	pools_free(&proxy->checking_pools);
	pools_free(&proxy->active_pools);
	pools_free(&proxy->has);
	pools_free(&proxy->wanted);
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
	event_free(proxy->ask);
	if (proxy->dir >= 0)
		close(proxy->dir);
	free(proxy->path);
	free(proxy);
}

void proxy_update(struct proxy *proxy, const struct ingress_files *files,
		  const struct ingress_pools *pools)
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
	pools_free(&proxy->next_pools);
	pools_copy(pools, false, &proxy->next_pools);
	proxy->waiting = true;
	check_next(proxy);
}

void proxy_fill(struct proxy *proxy, const struct ingress_pools *pools)
{
	pools_free(&proxy->wanted);
	pools_copy(pools, false, &proxy->wanted);
	fill_next(proxy);
}

bool proxy_is_running(const struct proxy *proxy)
{
	return proxy->master.pid > 0;
}

char *proxy_stats(const struct proxy *proxy)
{
	cleanup_free char *words = xasprintf("@!%d show stat", (int)proxy->worker);

	return proxy->worker ? master_read(proxy->dir, words) : NULL;
}
