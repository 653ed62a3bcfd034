/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections a second (connect, one byte there and back, close) and round trips of one byte on a
 * connection that lasts, from a pod to a cluster IP. tests/bench/connect.sh makes the nodes.
 *
 *	connect ID CGROUP [--rounds N] [--json FILE]
 *
 * Each way has a client and a server of its own, all on one CPU, so that time is work. They take
 *turns; a straight connection is measured just before each of them, and is what they are compared
 *with.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <error.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>

#include "tests/bench/goal.h"
#include "tests/bench/netns.h"
#include "tests/bench/sample.h"
#include "user/util/cleanup.h"

#define CONNECTIONS 500 /* in a burst */
#define ROUND_TRIPS 2000
#define REST_US 5000 /* between bursts: real-time programs may not have all of a CPU */

enum { CONNECT, TRIP, TESTS };

static const char *const test_names[TESTS] = { "connections", "round trips" };

struct way {
	const char *name;
	const char *text;
	bool service; /* asked by its address, not the backend's */
};

/* The first is the measure; the second tells what chance makes of nothing. */
static const struct way ways[] = {
	{ "direct", "direct", false },
	{ "again", "direct, again", false },
	{ "sockets", "lbctl, socket hooks", true },
	{ "both", "lbctl, socket hooks and TC", true },
	{ "tc", "lbctl, TC alone", true },
	{ "nft", "kube-proxy, nftables", true },
	{ "iptables", "kube-proxy, iptables", true },
};

#define WAYS ARRAY_LEN(ways)
#define SOCKETS 2 /* the way that has goals */

struct result {
	struct sample us, ratio;
};

static struct result results[WAYS][TESTS];
static int clients[WAYS]; /* to the process that asks */
static const char *id, *cgroup;

/* ---------------------------------------------------------------- server -- */

/* 'c' is answered and ends the connection, so that it is the server that waits in TIME-WAIT. */
static void serve_one(int connection)
{
	int on = 1;
	char byte;

	setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	while (read(connection, &byte, 1) == 1)
		if (write(connection, &byte, 1) != 1 || byte == 'c')
			break;
	close(connection);
}

static void serve(const char *name)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(8080) };
	int listener, on = 1;

	netns_enter(id, name, "backend");
	listener = socket(AF_INET, SOCK_STREAM, 0);
	must(listener, "socket");
	must(setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), "SO_REUSEADDR");
	must(bind(listener, (void *)&addr, sizeof(addr)), "bind");
	must(listen(listener, 16), "listen");
	while (true)
		serve_one(accept(listener, NULL, NULL));
}

/* ---------------------------------------------------------------- client -- */

static double now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static int connection_open(const struct sockaddr_in *to)
{
	int on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);

	must(fd, "socket");
	must(connect(fd, (const void *)to, sizeof(*to)), "connect");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

static void round_trip(int fd, char byte)
{
	char answer;

	if (write(fd, &byte, 1) != 1 || read(fd, &answer, 1) != 1 || answer != byte)
		error(1, errno, "no answer");
}

/* us each */
static double burst_connections(const struct sockaddr_in *to)
{
	double start = now_us();
	char end;

	for (int i = 0; i < CONNECTIONS; i++) {
		int fd = connection_open(to);

		round_trip(fd, 'c');
		if (read(fd, &end, 1))
			error(1, errno, "the server does not close");
		close(fd);
	}
	return (now_us() - start) / CONNECTIONS;
}

static double burst_round_trips(const struct sockaddr_in *to)
{
	int fd = connection_open(to);
	double start;

	round_trip(fd, 't');
	start = now_us();
	for (int i = 0; i < ROUND_TRIPS; i++)
		round_trip(fd, 't');
	start = now_us() - start;
	close(fd);
	return start / ROUND_TRIPS;
}

static void cgroup_join(const struct way *way)
{
	char path[4096];
	cleanup_close int fd = -EBADF;

	snprintf(path, sizeof(path), "%s/%s/cgroup.procs", cgroup, way->name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	must(fd, path);
	must((int)write(fd, "0", 1), path);
}

/* Does a burst for each number of a test that it is sent, and answers with the time. */
static void ask(const struct way *way, int orders)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(way->service ? 80 : 8080),
				  .sin_addr.s_addr =
					  inet_addr(way->service ? "10.96.0.10" : "10.244.1.1") };
	int test;

	netns_enter(id, way->name, "client");
	cgroup_join(way);
	while (read(orders, &test, sizeof(test)) == sizeof(test)) {
		double us = test == CONNECT ? burst_connections(&to) : burst_round_trips(&to);

		must((int)write(orders, &us, sizeof(us)), "answer");
	}
}

/* ------------------------------------------------------------- measuring -- */

/* Both end with their parent, however it ends. */
static bool process_new(void)
{
	pid_t pid = fork();

	must(pid, "fork");
	if (pid)
		return false;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	cpu_take();
	return true;
}

static void way_open(size_t index)
{
	const struct way *way = &ways[index];
	int pair[2];

	if (process_new()) {
		serve(way->name);
		exit(0);
	}
	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), "socketpair");
	usleep(50000); /* until the server listens */
	if (process_new()) {
		ask(way, pair[1]);
		exit(0);
	}
	close(pair[1]);
	clients[index] = pair[0];
}

static double burst_run(size_t index, int test)
{
	double us;

	usleep(REST_US);
	must((int)write(clients[index], &test, sizeof(test)), ways[index].name);
	if (read(clients[index], &us, sizeof(us)) != sizeof(us))
		error(1, 0, "%s: the client has ended", ways[index].name);
	return us;
}

static void round_run(void)
{
	for (int test = 0; test < TESTS; test++)
		for (size_t i = 0; i < WAYS; i++) {
			double direct = burst_run(0, test), us = burst_run(i, test);

			sample_add(&results[i][test].us, us);
			sample_add(&results[i][test].ratio, us / direct);
		}
}

/* --------------------------------------------------------------- telling -- */

static void row_print(FILE *out, size_t index, int test)
{
	const struct result *r = &results[index][test];

	fprintf(out, "%s\t%s\t%.0f\t%.2f\t%.2f to %.2f\t%.3f\t%.3f to %.3f\n", ways[index].text,
		test_names[test], 1e6 / sample_median(&r->us), sample_median(&r->us),
		sample_quantile(&r->us, 0.25), sample_quantile(&r->us, 0.75),
		sample_median(&r->ratio), sample_quantile(&r->ratio, 0.25),
		sample_quantile(&r->ratio, 0.75));
}

static void report(const char *json_path)
{
	struct goal goals[] = {
		{ "a connection by the socket hooks, of direct", 1.03,
		  sample_median(&results[SOCKETS][CONNECT].ratio) },
		{ "a round trip by the socket hooks, of direct", 1.01,
		  sample_median(&results[SOCKETS][TRIP].ratio) },
	};
	json_t *rows = json_array();
	cleanup_free char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	fputs("WAY\tTEST\tA SECOND\tUS\tQUARTILES\t/DIRECT\tQUARTILES\n", out);
	for (int test = 0; test < TESTS; test++)
		for (size_t i = 0; i < WAYS; i++) {
			const struct result *r = &results[i][test];

			row_print(out, i, test);
			json_array_append_new(rows,
					      json_pack("{s:s, s:s, s:f, s:o, s:o}", "way",
							ways[i].name, "test", test_names[test],
							"a_second", 1e6 / sample_median(&r->us),
							"us", sample_json(&r->us), "to_direct",
							sample_json(&r->ratio)));
		}
	fclose(out);
	goals_report(text, rows, goals, ARRAY_LEN(goals), json_path);
}

int main(int argc, char **argv)
{
	const char *json_path = NULL;
	uint64_t rounds = 61;

	goals_options(argc, argv, 2, "connect ID CGROUP [--rounds N] [--json FILE]", SAMPLE_MAX,
		      &rounds, &json_path);
	id = argv[optind];
	cgroup = argv[optind + 1];
	signal(SIGCHLD, SIG_IGN);
	for (size_t i = 0; i < WAYS; i++)
		way_open(i);
	for (unsigned int round = 0; round < rounds; round++) {
		progress(round + 1, (unsigned int)rounds);
		round_run();
	}
	report(json_path);
	return 0;
}
