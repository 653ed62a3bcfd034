/* SPDX-License-Identifier: Apache-2.0 */
#include "user/dns/server.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "user/dns/loop.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"

#define RESOLV_CONF "/etc/resolv.conf"

struct dns_server {
	struct loop loop; /* the thread's alone while it runs */
	VEC(struct udp *) udp;
	VEC(struct tcp *) tcp;
	struct event *woken;
	pthread_t thread;
	bool running;

	int wake; /* eventfd: something below changed */
	pthread_mutex_t lock;
	struct zone *next; /* to become the loop's zone, or NULL */
	bool stop;
};

static void server_woken(evutil_socket_t fd, short what, void *arg)
{
	struct dns_server *server = arg;
	struct zone *next;
	uint64_t count;
	bool stop;

	(void)what;
	(void)!read(fd, &count, sizeof(count));
	pthread_mutex_lock(&server->lock);
	next = TAKE_PTR(server->next);
	stop = server->stop;
	pthread_mutex_unlock(&server->lock);
	if (next) {
		zone_free(server->loop.zone);
		server->loop.zone = next;
	}
	if (stop)
		event_base_loopbreak(server->loop.base);
}

static void server_wake(struct dns_server *server)
{
	const uint64_t one = 1;

	(void)!write(server->wake, &one, sizeof(one));
}

static void *server_thread(void *arg)
{
	struct dns_server *server = arg;

	event_base_dispatch(server->loop.base);
	return NULL;
}

/* Signals are the agent's business. */
static int thread_start(struct dns_server *server)
{
	sigset_t all, old;
	int code;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	code = -pthread_create(&server->thread, NULL, server_thread, server);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	server->running = !code;
	return code;
}

static int sockets_open(struct dns_server *server, const struct addr_port_list *listen,
			struct err *err)
{
	for (size_t i = 0; i < listen->n; i++) {
		struct udp *udp;
		struct tcp *tcp;
		int code = udp_open(&server->loop, &listen->items[i], &udp, err);

		if (code)
			return code;
		vec_push(&server->udp, udp);
		code = tcp_open(&server->loop, &listen->items[i], &tcp, err);
		if (code)
			return code;
		vec_push(&server->tcp, tcp);
	}
	return 0;
}

static void trust_set(struct loop *loop, const struct config *config)
{
	static const char *const loopback[] = { "127.0.0.0/8", "::1/128" };
	struct prefix prefix;

	for (size_t i = 0; i < ARRAY_LEN(loopback); i++) {
		if (!prefix_parse(loopback[i], &prefix))
			vec_push(&loop->trusted, prefix);
	}
	for (size_t i = 0; i < config->pod_cidrs.n; i++)
		vec_push(&loop->trusted, config->pod_cidrs.items[i]);
}

static int server_start(struct dns_server *server, const struct config *config,
			const struct addr_port_list *listen, const struct addr_port_list *own,
			struct err *err)
{
	struct loop *loop = &server->loop;
	struct upstreams upstreams;
	int code;

	server->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	loop->base = event_base_new();
	if (server->wake < 0 || !loop->base)
		return err_set(err, -EIO, "no event loop");
	if (name_parse(config->dns.domain, &loop->domain))
		return err_set(err, -EINVAL, "%s is no domain", config->dns.domain);
	upstreams_init(&upstreams, &config->dns, RESOLV_CONF, own);
	loop->forwarder = forwarder_new(loop->base, &upstreams, &loop->counts);
	loop->answerer = answerer_new();
	loop->limit = limit_new();
	trust_set(loop, config);
	server->woken =
		event_new(loop->base, server->wake, EV_READ | EV_PERSIST, server_woken, server);
	event_add(server->woken, NULL);
	code = sockets_open(server, listen, err);
	if (code)
		return code;
	code = thread_start(server);
	return code ? err_sys(err, code, "thread") : 0;
}

int dns_server_open(const struct config *config, const struct addr_port_list *listen,
		    const struct addr_port_list *own, struct dns_server **ret, struct err *err)
{
	struct dns_server *server = xcalloc(1, sizeof(*server));
	int code;

	pthread_mutex_init(&server->lock, NULL);
	code = server_start(server, config, listen, own, err);
	if (code)
		dns_server_close(server);
	else
		*ret = server;
	return code;
}

void dns_server_set_zone(struct dns_server *server, struct zone *zone)
{
	pthread_mutex_lock(&server->lock);
	zone_free(server->next);
	server->next = zone;
	pthread_mutex_unlock(&server->lock);
	server_wake(server);
}

/* Decided before the thread starts. */
bool dns_server_forwards(const struct dns_server *server)
{
	return forwarder_has_upstreams(server->loop.forwarder);
}

struct dns_counts dns_server_counts(const struct dns_server *server)
{
	return dns_counts_read(&server->loop.counts);
}

static void thread_stop(struct dns_server *server)
{
	if (!server->running)
		return;
	pthread_mutex_lock(&server->lock);
	server->stop = true;
	pthread_mutex_unlock(&server->lock);
	server_wake(server);
	pthread_join(server->thread, NULL);
}

void dns_server_close(struct dns_server *server)
{
	struct loop *loop = &server->loop;

	thread_stop(server);
	/* First: those who wait are answered through the sockets. */
	forwarder_free(loop->forwarder);
	for (size_t i = 0; i < server->udp.n; i++)
		udp_close(server->udp.items[i]);
	for (size_t i = 0; i < server->tcp.n; i++)
		tcp_close(server->tcp.items[i]);
	if (server->woken)
		event_free(server->woken);
	if (loop->base)
		event_base_free(loop->base);
	if (server->wake >= 0)
		close(server->wake);
	vec_free(&server->udp);
	vec_free(&server->tcp);
	vec_free(&loop->trusted);
	limit_free(loop->limit);
	answerer_free(loop->answerer);
	zone_free(loop->zone);
	zone_free(server->next);
	pthread_mutex_destroy(&server->lock);
	free(server);
}
