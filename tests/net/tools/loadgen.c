/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loadgen tcp|udp ADDRESS PORT [options]: makes connections, gets one answer (or --rounds of
 * them) on each, and prints exact counts as JSON:
 *
 *	{"ok": 300, "failed": 0, "errors": {}, "answers": {"kubia-1": 153, "kubia-2": 147},
 *	 "seen_from": {"192.0.2.10": 300}, "chi2": 0.12, "limit": 6.59, "seconds": 0.2}
 *
 * An answer is a line "NAME CLIENT" (echod), or with --http the last word of the body and the
 * header X-Client. chi2 measures how far the answers are from an even spread over --backends;
 * an even spreader stays below limit 99 times of 100. Exit status 0: none failed. After 100
 * failures it starts no more connections and counts the rest as failed.
 */
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <math.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/net/tools/peer.h"
#include "user/util/num.h"
#include "user/util/vec.h"

#define GIVE_UP 100 /* failures */

struct settings {
	bool tcp;
	char *http;	  /* the request; NULL: no HTTP */
	bool unconnected; /* UDP by sendto; the answer must come from the address asked */
	uint64_t count, concurrency, rounds, pause_ms, timeout_ms, backends;
	struct peer target, source;
};

enum step { STEP_IDLE, STEP_CONNECT, STEP_ANSWER, STEP_PAUSE };

struct client {
	enum step step;
	int fd;
	uint64_t round;
	int64_t deadline; /* of the step; in STEP_PAUSE: when to ask again */
	char answer[64];  /* of the first round: later ones must be equal */
	char buffer[4096];
	size_t used;
};

struct run {
	struct settings set;
	struct client *clients;
	uint64_t started, active, ok, failed;
	int epoll;
	json_t *errors, *answers, *seen_from;
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void count(json_t *counters, const char *key)
{
	json_int_t n = json_integer_value(json_object_get(counters, key));

	json_object_set_new(counters, key, json_integer(n + 1));
}

/* ------------------------------------------------------- one connection -- */

static void client_end(struct run *run, struct client *client)
{
	if (client->fd >= 0)
		close(client->fd);
	client->fd = -1;
	client->step = STEP_IDLE;
	run->active--;
}

static void client_fail(struct run *run, struct client *client, const char *what, int error)
{
	char key[128];

	if (error)
		snprintf(key, sizeof(key), "%s: %s", what, strerror(error));
	else
		snprintf(key, sizeof(key), "%s", what);
	count(run->errors, key);
	run->failed++;
	client_end(run, client);
}

static void client_ask(struct run *run, struct client *client)
{
	const struct settings *set = &run->set;
	const char *text = set->http ? set->http : "hello\n";
	size_t size = strlen(text);
	const struct sockaddr *to = set->unconnected ? &set->target.sa : NULL;
	ssize_t n = sendto(client->fd, text, size, MSG_NOSIGNAL, to, to ? set->target.size : 0);

	if (n != (ssize_t)size) {
		client_fail(run, client, "send", errno);
		return;
	}
	client->step = STEP_ANSWER;
	client->used = 0;
	client->deadline = now_ms() + (int64_t)set->timeout_ms;
}

static int client_bind(const struct settings *set, int fd)
{
	int one = 1;

	if (!set->source.size)
		return 0;
	/* Chooses the port at connect, when the whole four-tuple is known. */
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
	return bind(fd, &set->source.sa, set->source.size);
}

static void client_start(struct run *run, struct client *client)
{
	const struct settings *set = &run->set;
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = client };

	*client = (struct client){ .step = STEP_CONNECT };
	run->started++;
	run->active++;
	client->deadline = now_ms() + (int64_t)set->timeout_ms;
	client->fd =
		socket(set->target.sa.sa_family,
		       (set->tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (client->fd < 0 || client_bind(set, client->fd)) {
		client_fail(run, client, client->fd < 0 ? "socket" : "bind", errno);
		return;
	}
	if (!set->unconnected && connect(client->fd, &set->target.sa, set->target.size) &&
	    errno != EINPROGRESS) {
		client_fail(run, client, "connect", errno);
		return;
	}
	if (epoll_ctl(run->epoll, EPOLL_CTL_ADD, client->fd, &event)) {
		client_fail(run, client, "epoll_ctl", errno);
		return;
	}
	if (!set->tcp)
		client_ask(run, client);
}

/* Splits "NAME CLIENT" or an HTTP response; false: no answer in it. */
static bool answer_parse(const struct settings *set, char *text, char **ret_name, char **ret_from)
{
	char *body, *from;

	if (!set->http) {
		*ret_name = text;
		text[strcspn(text, "\n")] = '\0';
		from = strchr(text, ' ');
		if (from)
			*from++ = '\0';
		*ret_from = from;
		return *text;
	}
	body = strstr(text, "\r\n\r\n");
	if (!body || strncmp(text, "HTTP/1.", 7) || strncmp(text + 8, " 200 ", 5))
		return false;
	from = strstr(text, "X-Client: ");
	body += 4;
	body[strcspn(body, "\n")] = '\0';
	*ret_name = strrchr(body, ' ') ? strrchr(body, ' ') + 1 : body;
	if (from) {
		from += strlen("X-Client: ");
		from[strcspn(from, "\r")] = '\0';
	}
	*ret_from = from;
	return **ret_name;
}

static void client_answered(struct run *run, struct client *client)
{
	char *name, *from = NULL;

	client->buffer[client->used] = '\0';
	if (!answer_parse(&run->set, client->buffer, &name, &from)) {
		client_fail(run, client, "no proper answer", 0);
		return;
	}
	if (client->round && strncmp(client->answer, name, sizeof(client->answer) - 1)) {
		client_fail(run, client, "another backend answered", 0);
		return;
	}
	snprintf(client->answer, sizeof(client->answer), "%.63s", name);
	if (++client->round < run->set.rounds) {
		client->step = STEP_PAUSE;
		client->deadline = now_ms() + (int64_t)run->set.pause_ms;
		return;
	}
	count(run->answers, name);
	if (from)
		count(run->seen_from, from);
	run->ok++;
	client_end(run, client);
}

static bool same_address(const struct peer *a, const struct peer *b)
{
	if (a->sa.sa_family != b->sa.sa_family)
		return false;
	if (a->sa.sa_family == AF_INET)
		return a->sin.sin_port == b->sin.sin_port &&
		       a->sin.sin_addr.s_addr == b->sin.sin_addr.s_addr;
	return a->sin6.sin6_port == b->sin6.sin6_port &&
	       !memcmp(&a->sin6.sin6_addr, &b->sin6.sin6_addr, sizeof(a->sin6.sin6_addr));
}

/* Reads what is there; an answer ends with its line, or with the connection (HTTP). */
static void client_read(struct run *run, struct client *client)
{
	const struct settings *set = &run->set;
	struct peer from = { .size = sizeof(from.sin6) };
	ssize_t n;

	while (client->used < sizeof(client->buffer) - 1) {
		n = recvfrom(client->fd, client->buffer + client->used,
			     sizeof(client->buffer) - 1 - client->used, 0, &from.sa, &from.size);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0) {
			client_fail(run, client, client->step == STEP_CONNECT ? "connect" : "read",
				    errno);
			return;
		}
		client->used += (size_t)n;
		if (n == 0 && !set->http) {
			client_fail(run, client, "closed by the other end", 0);
			return;
		}
		if (set->unconnected && !same_address(&from, &set->target)) {
			client_fail(run, client, "answer from another address", 0);
			return;
		}
		if (set->http ? n == 0 : client->buffer[client->used - 1] == '\n') {
			client_answered(run, client);
			return;
		}
	}
	client_fail(run, client, "answer too long", 0);
}

static void client_event(struct run *run, struct client *client, uint32_t events)
{
	int error = 0;
	socklen_t size = sizeof(error);

	if (client->step == STEP_CONNECT && (events & (EPOLLOUT | EPOLLERR))) {
		getsockopt(client->fd, SOL_SOCKET, SO_ERROR, &error, &size);
		if (error) {
			client_fail(run, client, "connect", error);
			return;
		}
		client_ask(run, client);
	}
	if (client->step != STEP_IDLE && (events & (EPOLLIN | EPOLLERR | EPOLLHUP)))
		client_read(run, client);
}

static void client_timer(struct run *run, struct client *client, int64_t now)
{
	if (client->step == STEP_IDLE || now < client->deadline)
		return;
	if (client->step == STEP_PAUSE)
		client_ask(run, client);
	else
		client_fail(run, client,
			    client->step == STEP_CONNECT ? "connect: no answer in time"
							 : "no answer in time",
			    0);
}

/* --------------------------------------------------------------- a run -- */

static void run_fill(struct run *run)
{
	if (run->failed >= GIVE_UP && run->started < run->set.count) {
		json_object_set_new(run->errors, "given up",
				    json_integer((json_int_t)(run->set.count - run->started)));
		run->failed += run->set.count - run->started;
		run->started = run->set.count;
	}
	for (uint64_t i = 0; i < run->set.concurrency && run->started < run->set.count; i++)
		if (run->clients[i].step == STEP_IDLE)
			client_start(run, &run->clients[i]);
}

static void run_all(struct run *run)
{
	struct epoll_event events[256];
	int64_t next_timers = 0;

	run_fill(run);
	while (run->active || run->started < run->set.count) {
		int n = epoll_wait(run->epoll, events, 256, 5);
		int64_t now = now_ms();

		for (int i = 0; i < n; i++) {
			struct client *client = events[i].data.ptr;

			if (client->step != STEP_IDLE)
				client_event(run, client, events[i].events);
		}
		if (now >= next_timers) {
			for (uint64_t i = 0; i < run->set.concurrency; i++)
				client_timer(run, &run->clients[i], now);
			next_timers = now + 5;
		}
		run_fill(run);
	}
}

/* Pearson's statistic against an even spread; backends that never answered count as 0. */
static double chi_square(const json_t *answers, uint64_t backends, uint64_t total)
{
	double expected = (double)total / (double)backends, sum = 0;
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)answers, key, value) {
		double off = (double)json_integer_value(value) - expected;

		sum += off * off / expected;
	}
	if (backends > json_object_size(answers))
		sum += (double)(backends - json_object_size(answers)) * expected;
	return sum;
}

/* The 99 % quantile of the chi-square distribution, by Wilson and Hilferty's approximation. */
static double chi_square_limit(uint64_t backends)
{
	double k = (double)backends - 1;

	return k < 1 ? 0 : k * pow(1 - 2 / (9 * k) + 2.3263 * sqrt(2 / (9 * k)), 3);
}

static void run_report(const struct run *run, double seconds)
{
	uint64_t backends = run->set.backends ? run->set.backends : json_object_size(run->answers);
	json_t *report = json_pack("{s:I,s:I,s:O,s:O,s:O}", "ok", (json_int_t)run->ok, "failed",
				   (json_int_t)run->failed, "errors", run->errors, "answers",
				   run->answers, "seen_from", run->seen_from);

	if (backends && run->ok) {
		json_object_set_new(report, "chi2",
				    json_real(chi_square(run->answers, backends, run->ok)));
		json_object_set_new(report, "limit", json_real(chi_square_limit(backends)));
	}
	json_object_set_new(report, "seconds", json_real(seconds));
	json_dumpf(report, stdout, JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(6));
	putchar('\n');
	json_decref(report);
}

/* ------------------------------------------------------------ arguments -- */

static int usage(void)
{
	fputs("usage: loadgen tcp|udp ADDRESS PORT [--count N] [--concurrency N]\n"
	      "       [--http[=HOST]]"
	      " [--unconnected] [--rounds N] [--pause MS] [--timeout MS] [--source ADDRESS]\n"
	      "       [--backends N]\n",
	      stderr);
	return 2;
}

static int parse_options(int argc, char **argv, struct settings *set)
{
	static const struct option options[] = {
		{ "count", 1, NULL, 'n' },	 { "concurrency", 1, NULL, 'c' },
		{ "rounds", 1, NULL, 'r' },	 { "pause", 1, NULL, 'p' },
		{ "timeout", 1, NULL, 't' },	 { "backends", 1, NULL, 'b' },
		{ "source", 1, NULL, 's' },	 { "http", 2, NULL, 'h' },
		{ "unconnected", 0, NULL, 'u' }, { 0 }
	};
	uint64_t *const numbers[] = {
		['n'] = &set->count,	['c'] = &set->concurrency, ['r'] = &set->rounds,
		['p'] = &set->pause_ms, ['t'] = &set->timeout_ms,  ['b'] = &set->backends
	};
	int letter;

	while ((letter = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (letter == 'h')
			set->http = xasprintf("GET / HTTP/1.0\r\nHost: %s\r\n\r\n",
					      optarg ? optarg : "loadgen");
		else if (letter == 'u')
			set->unconnected = true;
		else if (letter == 's'	 ? peer_parse(optarg, 0, &set->source)
			 : letter == '?' ? -EINVAL
					 : num_parse(optarg, 0, 10000000, numbers[letter]))
			return -EINVAL;
	}
	return argc - optind == 3 ? 0 : -EINVAL;
}

static int parse(int argc, char **argv, struct settings *set)
{
	uint64_t port;

	*set = (struct settings){ .count = 1, .concurrency = 1, .rounds = 1, .timeout_ms = 5000 };
	if (parse_options(argc, argv, set))
		return -EINVAL;
	set->tcp = !strcmp(argv[optind], "tcp");
	if (!set->tcp && strcmp(argv[optind], "udp"))
		return -EINVAL;
	if (num_parse(argv[optind + 2], 1, 65535, &port) ||
	    peer_parse(argv[optind + 1], (uint16_t)port, &set->target))
		return -EINVAL;
	return set->concurrency && set->count ? 0 : -EINVAL;
}

int main(int argc, char **argv)
{
	struct rlimit files = { 65536, 65536 };
	struct run run = { .epoll = epoll_create1(EPOLL_CLOEXEC),
			   .errors = json_object(),
			   .answers = json_object(),
			   .seen_from = json_object() };
	int64_t start = now_ms();

	if (parse(argc, argv, &run.set))
		return usage();
	setrlimit(RLIMIT_NOFILE, &files);
	run.clients = xcalloc(run.set.concurrency, sizeof(*run.clients));
	run_all(&run);
	run_report(&run, (double)(now_ms() - start) / 1000);
	json_decref(run.errors);
	json_decref(run.answers);
	json_decref(run.seen_from);
	free(run.clients);
	return run.failed ? 1 : 0;
}
