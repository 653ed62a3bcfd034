/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What probes cost, and how soon their results are in the maps: a real agent with real maps in a
 * network namespace of its own, PODS pods whose addresses all lead to one server here, which says
 * for each of them whether it is ready.
 *
 *	bench_probe LBCTL [--pods N] [--services N] [--seconds N] [--tcp]
 *
 * Latency: from the moment before the server sends the answer that turns a pod, until the pod's
 * backend is seen to change in the mapped lb_backend.
 */
#include <arpa/inet.h>
#include <getopt.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "tests/bench/stand.h"

#define FIRST_ADDRESS 0x0a010001u /* 10.1.0.1, within lo's 10.1.0.0/16 */
#define PORT 8080
#define PODS_MAX 60000
#define POLL_US 50
#define TURNS 20 /* pods that turn each second */

struct bench {
	struct stand stand;
	uint64_t pods, services, seconds;
	bool tcp;
};

/* Shared with the server's thread. */
static atomic_bool unready[PODS_MAX];
static _Atomic int64_t answered[PODS_MAX]; /* µs: when the first "no" went out; 0: not yet */

/* -------------------------------------------------------------- the server -- */

static size_t connection_pod(int fd)
{
	struct sockaddr_in at;
	socklen_t size = sizeof(at);

	if (getsockname(fd, (struct sockaddr *)&at, &size))
		return PODS_MAX;
	return ntohl(at.sin_addr.s_addr) - FIRST_ADDRESS;
}

static void connection_answer(int fd)
{
	static const char good[] =
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
	static const char bad[] =
		"HTTP/1.1 503 Not Ready\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
	char request[2048];
	size_t pod = connection_pod(fd);
	bool no;

	if (read(fd, request, sizeof(request)) > 0 && pod < PODS_MAX) {
		int64_t none = 0;

		no = atomic_load(&unready[pod]);
		if (no)
			atomic_compare_exchange_strong(&answered[pod], &none, clock_us());
		if (write(fd, no ? bad : good, (no ? sizeof(bad) : sizeof(good)) - 1) < 0)
			errno = 0;
	}
	close(fd);
}

static void *server_run(void *arg)
{
	int listener = *(int *)arg, epoll = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event event = { .events = EPOLLIN, .data.fd = listener }, events[256];

	epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
	for (;;) {
		int n = epoll_wait(epoll, events, ARRAY_LEN(events), -1);

		for (int i = 0; i < n; i++) {
			int fd = events[i].data.fd;

			if (fd != listener) {
				connection_answer(fd);
				continue;
			}
			while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >=
			       0) {
				event.data.fd = fd;
				epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
			}
		}
	}
	return NULL;
}

static void server_start(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	static int listener;
	pthread_t thread;
	int one = 1;

	listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(listener, (struct sockaddr *)&at, sizeof(at)) || listen(listener, 4096))
		die("listen");
	if (pthread_create(&thread, NULL, server_run, &listener))
		die("thread");
}

/* --------------------------------------------------------------- the stage -- */

static FILE *object_open(const struct bench *bench, const char *plural, const char *name)
{
	cleanup_free char *path =
		xasprintf("%s/state/%s/default/%s.yaml", bench->stand.root, plural, name);
	FILE *file = fopen(path, "we");

	if (!file)
		die(path);
	return file;
}

static void pod_write(const struct bench *bench, uint64_t i)
{
	cleanup_free char *name = xasprintf("pod-%05lu", (unsigned long)i);
	struct in_addr addr = { .s_addr = htonl(FIRST_ADDRESS + (uint32_t)i) };
	cleanup_fclose FILE *file = object_open(bench, "pods", name);

	fprintf(file,
		"apiVersion: v1\nkind: Pod\nmetadata:\n  name: %s\n  namespace: default\n"
		"  labels:\n    app: app-%lu\nspec:\n  containers:\n  - name: app\n    image: app\n"
		"    readinessProbe:\n      %s\n      failureThreshold: 1\n"
		"status:\n  podIP: %s\n",
		name, (unsigned long)(i % bench->services),
		bench->tcp ? "tcpSocket: {port: 8080}" : "httpGet: {port: 8080, path: /ready}",
		inet_ntoa(addr));
}

static void service_write(const struct bench *bench, uint64_t i)
{
	cleanup_free char *name = xasprintf("app-%lu", (unsigned long)i);
	cleanup_fclose FILE *file = object_open(bench, "services", name);

	fprintf(file,
		"apiVersion: v1\nkind: Service\nmetadata:\n  name: %s\n  namespace: "
		"default\nspec:\n"
		"  clusterIP: 10.96.%lu.%lu\n  selector:\n    app: %s\n  ports:\n  - port: 80\n"
		"    targetPort: 8080\n",
		name, (unsigned long)(i / 250), (unsigned long)(i % 250 + 1), name);
}

static void stage_up(struct bench *bench)
{
	const char *root = bench->stand.root;
	cleanup_free char *dirs = NULL;

	stand_up(&bench->stand);
	run("sysctl -qw net.ipv4.ip_local_port_range='1024 65000' net.ipv4.tcp_tw_reuse=1");
	dirs = xasprintf("mkdir -p %s/state/pods/default %s/state/services/default", root, root);
	run(dirs);
	for (uint64_t i = 0; i < bench->pods; i++)
		pod_write(bench, i);
	for (uint64_t i = 0; i < bench->services; i++)
		service_write(bench, i);
	stand_attach(&bench->stand);
}

/* ------------------------------------------------------------ measurements -- */

/* The slot of each pod, LB_MAX_BACKENDS where it has none that serves; returns how many serve. */
static size_t slots_find(const struct bench *bench, uint32_t *slots)
{
	size_t n = 0;

	for (uint64_t i = 0; i < bench->pods; i++)
		slots[i] = LB_MAX_BACKENDS;
	for (uint32_t id = 0; id < LB_MAX_BACKENDS; id++) {
		const struct lb_backend *backend = &bench->stand.backends[id];
		uint32_t pod = ntohl(backend->addr.word[3]) - FIRST_ADDRESS;

		if (pod < bench->pods && backend_serves(backend)) {
			slots[pod] = id;
			n++;
		}
	}
	return n;
}

/* Pods that were turned, and wait for their answer, then for the map. */
struct turned {
	uint64_t pod;
	uint32_t slot;
};

struct turning {
	VEC(struct turned) waiting;
	VEC(int64_t) latencies;
};

static void turned_look(const struct bench *bench, struct turning *turning)
{
	int64_t now = clock_us();

	for (size_t i = turning->waiting.n; i-- > 0;) {
		const struct turned *turned = &turning->waiting.items[i];
		int64_t since = atomic_load(&answered[turned->pod]);

		if (!since || backend_serves(&bench->stand.backends[turned->slot]))
			continue;
		vec_push(&turning->latencies, now - since);
		turning->waiting.items[i] = turning->waiting.items[--turning->waiting.n];
	}
}

static void pod_turn(const struct bench *bench, uint32_t *slots, struct turning *turning)
{
	uint64_t pod = (uint64_t)lrand48() % bench->pods;

	if (slots[pod] == LB_MAX_BACKENDS)
		return;
	vec_push(&turning->waiting, ((struct turned){ pod, slots[pod] }));
	slots[pod] = LB_MAX_BACKENDS;
	atomic_store(&answered[pod], 0);
	atomic_store(&unready[pod], true);
}

static void latencies_print(const struct turning *turning)
{
	size_t n = turning->latencies.n;
	const int64_t *items = turning->latencies.items;

	if (!n) {
		printf("no result reached the maps\n");
		return;
	}
	qsort(turning->latencies.items, n, sizeof(*items), int64_compare);
	printf("answer to map, %zu turns: p50 %.2f ms, p90 %.2f ms, p99 %.2f ms, max %.2f ms; "
	       "%zu still on their way\n",
	       n, (double)items[n / 2] / 1000, (double)items[n * 9 / 10] / 1000,
	       (double)items[n * 99 / 100] / 1000, (double)items[n - 1] / 1000, turning->waiting.n);
}

static void latency_measure(const struct bench *bench, uint32_t *slots)
{
	int64_t began = clock_us(), next = began, end = began + (int64_t)bench->seconds * 1000000;
	struct turning turning = { 0 };
	double cpu = agent_cpu(&bench->stand);

	/* Another period for those that were turned last. */
	while (clock_us() < end + 11000000) {
		if (clock_us() >= next && clock_us() < end) {
			pod_turn(bench, slots, &turning);
			next += 1000000 / TURNS;
		}
		turned_look(bench, &turning);
		usleep(POLL_US);
	}
	printf("agent with %d turns a second: %.2f %% of a core\n", TURNS,
	       100 * (agent_cpu(&bench->stand) - cpu) / (double)(bench->seconds + 11));
	latencies_print(&turning);
	vec_free(&turning.waiting);
	vec_free(&turning.latencies);
}

static void cpu_measure(const struct bench *bench)
{
	double before = agent_cpu(&bench->stand);

	sleep((unsigned int)bench->seconds);
	printf("agent, %lu %s probes every 10 s: %.2f %% of a core\n", (unsigned long)bench->pods,
	       bench->tcp ? "TCP" : "HTTP",
	       100 * (agent_cpu(&bench->stand) - before) / (double)bench->seconds);
}

static void measure(struct bench *bench)
{
	cleanup_free uint32_t *slots = xcalloc(bench->pods, sizeof(*slots));
	int64_t began = clock_us();
	double cpu;

	server_start();
	stand_start(&bench->stand, NULL, NULL);
	while (slots_find(bench, slots) < bench->pods) {
		usleep(100000);
		if (clock_us() - began > 120000000) {
			printf("only %zu pods became ready\n", slots_find(bench, slots));
			return;
		}
	}
	cpu = agent_cpu(&bench->stand);
	printf("all %lu pods of %lu services ready after %.1f s, %.2f s of CPU\n",
	       (unsigned long)bench->pods, (unsigned long)bench->services,
	       (double)(clock_us() - began) / 1e6, cpu);
	sleep(5);
	cpu_measure(bench);
	if (!bench->tcp)
		latency_measure(bench, slots);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "pods", required_argument, NULL, 'p' },
		{ "services", required_argument, NULL, 's' },
		{ "seconds", required_argument, NULL, 't' },
		{ "tcp", no_argument, NULL, 'c' },
		{ 0 },
	};
	struct bench bench = { .pods = 10000, .services = 100, .seconds = 60 };
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'p')
			bench.pods = number(optarg, PODS_MAX);
		else if (option == 's')
			bench.services = number(optarg, 10000);
		else if (option == 't')
			bench.seconds = number(optarg, 3600);
		else if (option == 'c')
			bench.tcp = true;
		else
			return 2;
	}
	if (optind + 1 != argc) {
		fprintf(stderr, "usage: bench_probe LBCTL [--pods N] [--services N] [--seconds N] "
				"[--tcp]\n");
		return 2;
	}
	bench.stand.lbctl = argv[optind];
	setvbuf(stdout, NULL, _IOLBF, 0);
	stage_up(&bench);
	measure(&bench);
	stand_down(&bench.stand);
	return 0;
}
