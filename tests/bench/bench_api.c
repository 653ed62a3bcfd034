/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a big cluster's objects cost an agent that reads them from an API server: a real agent with
 * real maps, and a server here that has SERVICES Services of ENDPOINTS endpoints each, as long as
 * those of a real server are (managedFields and all).
 *
 *	bench_api LBCTL [--services N] [--endpoints N] [--seconds N]
 *
 * Latency: from the moment before the server sends the event that makes an endpoint unready, or
 * ready again, until the endpoint's backend is seen to change in the mapped lb_backend.
 */
#include <arpa/inet.h>
#include <getopt.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

#include "tests/bench/stand.h"

#define PORT 8001
#define FIRST_ADDRESS 0x0a100001u /* 10.16.0.1 */
#define SETTLE_US 200000
#define STORM 10000 /* events a second */

struct bench {
	struct stand stand;
	uint64_t services, endpoints, seconds;
	uint32_t *slots; /* of backends, by endpoint */
};

static struct bench bench = { .services = 10000, .endpoints = 10, .seconds = 5 };
static atomic_int slices_watch = -1; /* the connection that events go to */
static atomic_ulong version = 1000;

#define MANAGED                                                                                 \
	"\"managedFields\":[{\"manager\":\"kube-controller-manager\",\"operation\":\"Update\"," \
	"\"apiVersion\":\"v1\",\"time\":\"2026-11-23T03:33:21Z\",\"fieldsType\":\"FieldsV1\","  \
	"\"fieldsV1\":{\"f:metadata\":{\"f:annotations\":{\".\":{},"                            \
	"\"f:endpoints.kubernetes.io/last-change-trigger-time\":{}},\"f:generateName\":{},"     \
	"\"f:labels\":{\".\":{},\"f:endpointslice.kubernetes.io/managed-by\":{},"               \
	"\"f:kubernetes.io/service-name\":{}},\"f:ownerReferences\":{\".\":{},"                 \
	"\"k:{\\\"uid\\\":\\\"330261a8-29bd-4f73-a0bb-96a17c14b0f7\\\"}\":{}}}}}]"

/* ----------------------------------------------------------------- objects -- */

static void service_print(FILE *out, uint64_t i)
{
	fprintf(out,
		"{\"metadata\":{\"name\":\"app-%05lu\",\"namespace\":\"default\",\"uid\":"
		"\"330261a8-29bd-4f73-a0bb-%012lu\",\"resourceVersion\":\"%lu\","
		"\"creationTimestamp\":\"2026-11-23T03:33:21Z\"," MANAGED "},"
		"\"spec\":{\"ports\":[{\"name\":\"http\",\"protocol\":\"TCP\",\"port\":80,"
		"\"targetPort\":8080}],\"selector\":{\"app\":\"app-%05lu\"},"
		"\"clusterIP\":\"10.96.%lu.%lu\",\"clusterIPs\":[\"10.96.%lu.%lu\"],"
		"\"type\":\"ClusterIP\",\"sessionAffinity\":\"None\",\"ipFamilies\":[\"IPv4\"],"
		"\"ipFamilyPolicy\":\"SingleStack\",\"internalTrafficPolicy\":\"Cluster\"},"
		"\"status\":{\"loadBalancer\":{}}}",
		i, i, i + 1, i, i / 250, i % 250 + 1, i / 250, i % 250 + 1);
}

static void endpoint_print(FILE *out, uint64_t n, bool ready)
{
	struct in_addr addr = { .s_addr = htonl(FIRST_ADDRESS + (uint32_t)n) };

	fprintf(out,
		"{\"addresses\":[\"%s\"],\"conditions\":{\"ready\":%s,\"serving\":%s,"
		"\"terminating\":false},\"targetRef\":{\"kind\":\"Pod\",\"namespace\":\"default\","
		"\"name\":\"app-5d8f7c-%06lu\",\"uid\":\"b1f0c9f2-0ba1-4c0f-9d7c-%012lu\"},"
		"\"nodeName\":\"node-%03lu\",\"zone\":\"zone-%lu\"}",
		inet_ntoa(addr), ready ? "true" : "false", ready ? "true" : "false", n, n, n % 500,
		n % 3);
}

/* unready: which of the endpoints is not; or any other number. */
static void slice_print(FILE *out, uint64_t i, uint64_t rv, uint64_t unready)
{
	fprintf(out,
		"{\"kind\":\"EndpointSlice\",\"apiVersion\":\"discovery.k8s.io/v1\","
		"\"metadata\":{\"name\":\"app-%05lu-x7k2p\",\"generateName\":\"app-%05lu-\","
		"\"namespace\":\"default\",\"uid\":\"2230266e-51b5-42ae-8108-%012lu\","
		"\"resourceVersion\":\"%lu\",\"generation\":1,"
		"\"creationTimestamp\":\"2026-11-23T03:33:21Z\",\"labels\":{"
		"\"endpointslice.kubernetes.io/managed-by\":\"endpointslice-controller.k8s.io\","
		"\"kubernetes.io/service-name\":\"app-%05lu\"},\"ownerReferences\":[{"
		"\"apiVersion\":\"v1\",\"kind\":\"Service\",\"name\":\"app-%05lu\",\"uid\":"
		"\"330261a8-29bd-4f73-a0bb-%012lu\",\"controller\":true,"
		"\"blockOwnerDeletion\":true}]," MANAGED "},\"addressType\":\"IPv4\","
		"\"ports\":[{\"name\":\"http\",\"protocol\":\"TCP\",\"port\":8080}],"
		"\"endpoints\":[",
		i, i, i, rv, i, i, i);
	for (uint64_t k = 0; k < bench.endpoints; k++) {
		fputs(k ? "," : "", out);
		endpoint_print(out, i * bench.endpoints + k, k != unready);
	}
	fputs("]}", out);
}

static char *list_make(const char *kind, bool slices, size_t *ret_size)
{
	char *text;
	FILE *out = open_memstream(&text, ret_size);

	fprintf(out, "{\"kind\":\"%sList\",\"metadata\":{\"resourceVersion\":\"999\"},\"items\":[",
		kind);
	for (uint64_t i = 0; kind[0] != 'N' && i < bench.services; i++) {
		fputs(i ? "," : "", out);
		if (slices)
			slice_print(out, i, i + 1, UINT64_MAX);
		else
			service_print(out, i);
	}
	fputs("]}\n", out);
	fclose(out);
	return text;
}

/* -------------------------------------------------------------- the server -- */

static bool all_write(int fd, const char *text, size_t size)
{
	while (size) {
		ssize_t n = write(fd, text, size);

		if (n <= 0)
			return false;
		text += n;
		size -= (size_t)n;
	}
	return true;
}

static void list_send(int fd, const char *kind, bool slices)
{
	size_t size;
	cleanup_free char *text = list_make(kind, slices, &size);
	cleanup_free char *head = xasprintf("HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", size);

	if (all_write(fd, head, strlen(head)))
		(void)all_write(fd, text, size);
}

static void request_answer(int fd, const char *request)
{
	static const char watch[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
	static const char known[] = "HTTP/1.1 200 OK\r\nContent-Length: 38\r\n\r\n"
				    "{\"gitVersion\":\"v1.31.0\",\"minor\":\"31\"} \n";
	bool slices = strstr(request, "endpointslices");

	if (strstr(request, "watch=1")) {
		(void)all_write(fd, watch, sizeof(watch) - 1);
		if (slices)
			atomic_store(&slices_watch, fd);
	} else if (strstr(request, "/version")) {
		(void)all_write(fd, known, sizeof(known) - 1);
	} else if (slices) {
		list_send(fd, "EndpointSlice", true);
	} else {
		list_send(fd, strstr(request, "services") ? "Service" : "Node", false);
	}
}

static void *connection_run(void *arg)
{
	int fd = (int)(intptr_t)arg;
	char request[8192];
	size_t n = 0;
	ssize_t got;

	while ((got = read(fd, request + n, sizeof(request) - 1 - n)) > 0) {
		n += (size_t)got;
		request[n] = '\0';
		if (!strstr(request, "\r\n\r\n"))
			continue;
		request_answer(fd, request);
		n = 0;
	}
	return NULL;
}

static void *server_run(void *arg)
{
	int listener = *(int *)arg, fd;
	pthread_t thread;

	while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0)
		pthread_create(&thread, NULL, connection_run, (void *)(intptr_t)fd);
	return NULL;
}

static void server_start(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				  .sin_port = htons(PORT) };
	static int listener;
	pthread_t thread;

	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(listener, (struct sockaddr *)&at, sizeof(at)) || listen(listener, 16))
		die("listen");
	if (pthread_create(&thread, NULL, server_run, &listener))
		die("thread");
}

/* One line in one chunk. */
static void event_send(uint64_t service, uint64_t unready)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	cleanup_free char *head = NULL;

	fputs("{\"type\":\"MODIFIED\",\"object\":", out);
	slice_print(out, service, atomic_fetch_add(&version, 1), unready);
	fputs("}\n\r\n", out);
	fclose(out);
	head = xasprintf("%zx\r\n", size - 2);
	if (!all_write(atomic_load(&slices_watch), head, strlen(head)) ||
	    !all_write(atomic_load(&slices_watch), text, size))
		die("watch");
	free(text);
}

/* ------------------------------------------------------------ measurements -- */

static size_t slots_find(void)
{
	uint64_t all = bench.services * bench.endpoints;
	size_t n = 0;

	for (uint32_t id = 0; id < LB_MAX_BACKENDS; id++) {
		const struct lb_backend *backend = &bench.stand.backends[id];
		uint32_t endpoint = ntohl(backend->addr.word[3]) - FIRST_ADDRESS;

		if (endpoint < all && backend_serves(backend)) {
			bench.slots[endpoint] = id;
			n++;
		}
	}
	return n;
}

static unsigned long agent_memory(const char *what)
{
	cleanup_free char *path = xasprintf("/proc/%d/status", bench.stand.agent);
	cleanup_fclose FILE *file = fopen(path, "re");
	unsigned long kb = 0;
	char line[256];

	while (file && fgets(line, sizeof(line), file))
		if (!strncmp(line, what, strlen(what)))
			kb = strtoul(line + strlen(what) + 1, NULL, 10);
	return kb;
}

static void memory_print(const char *when)
{
	printf("agent's memory %s: %lu MiB of its own, %lu MiB with mapped maps, %lu at most\n",
	       when, agent_memory("RssAnon") >> 10, agent_memory("VmRSS") >> 10,
	       agent_memory("VmHWM") >> 10);
}

static void first_sync_measure(void)
{
	uint64_t all = bench.services * bench.endpoints;
	int64_t began = clock_us();

	stand_start(&bench.stand, "--kubeconfig", "kubeconfig");
	while (slots_find() < all) {
		usleep(20000);
		if (clock_us() - began > 120000000)
			die("not all endpoints came");
	}
	printf("%lu Services, %lu endpoints in the maps after %.2f s, %.2f s of CPU\n",
	       bench.services, all, (double)(clock_us() - began) / 1e6, agent_cpu(&bench.stand));
	memory_print("then");
}

/* Until the backend serves, or no longer does; -1: it does not come to that. */
static int64_t turn_measure(uint64_t service, bool ready)
{
	const volatile struct lb_backend *backend =
		&bench.stand.backends[bench.slots[service * bench.endpoints]];
	int64_t began = clock_us();

	event_send(service, ready ? UINT64_MAX : 0);
	if (ready) {
		/* It may be given another slot. */
		while (slots_find() < bench.services * bench.endpoints)
			if (clock_us() - began > 2000000)
				return -1;
		return 0;
	}
	while (backend_serves(backend))
		if (clock_us() - began > 2000000)
			return -1;
	return clock_us() - began;
}

static void latency_measure(void)
{
	VEC(int64_t) times = { 0 };
	size_t lost = 0;

	for (int64_t end = clock_us() + (int64_t)bench.seconds * 1000000; clock_us() < end;) {
		uint64_t service = (uint64_t)lrand48() % bench.services;
		int64_t us;

		usleep(SETTLE_US);
		us = turn_measure(service, false);
		if (us < 0)
			lost++;
		else
			vec_push(&times, us);
		usleep(SETTLE_US);
		turn_measure(service, true);
	}
	qsort(times.items, times.n, sizeof(*times.items), int64_compare);
	printf("event to map, %zu changes: p50 %.2f ms, p90 %.2f ms, p99 %.2f ms, max %.2f ms; "
	       "%zu lost\n",
	       times.n, (double)times.items[times.n / 2] / 1e3,
	       (double)times.items[times.n * 9 / 10] / 1e3,
	       (double)times.items[times.n * 99 / 100] / 1e3,
	       (double)times.items[times.n - 1] / 1e3, lost);
	vec_free(&times);
}

/* As many events as a big rollout has, and then one: how far behind is the agent? */
static void storm_measure(void)
{
	double cpu = agent_cpu(&bench.stand);
	int64_t began = clock_us(), late = 0, us;
	uint64_t n = bench.seconds * STORM;

	for (uint64_t i = 0; i < n; i++) {
		int64_t due = began + (int64_t)(i * 1000000 / STORM);

		event_send(i * 7 % bench.services, 1 + i % (bench.endpoints - 1));
		while (clock_us() < due)
			usleep(100);
		late = clock_us() - due;
	}
	us = turn_measure(3, false);
	printf("%lu events at %d a second (sent %.1f ms late): %.0f %% of a core; the one after "
	       "them is in the maps %.1f ms later\n",
	       n, STORM, (double)late / 1e3,
	       100 * (agent_cpu(&bench.stand) - cpu) / (double)bench.seconds, (double)us / 1e3);
}

static void kubeconfig_write(void)
{
	FILE *file = fopen("kubeconfig", "w");

	if (!file)
		die("kubeconfig");
	fprintf(file,
		"current-context: a\ncontexts:\n- name: a\n  context: {cluster: c}\nclusters:\n"
		"- name: c\n  cluster: {server: 'http://127.0.0.1:%d'}\n",
		PORT);
	fclose(file);
}

static void arguments_read(int argc, char **argv)
{
	static const struct option options[] = {
		{ "services", required_argument, NULL, 's' },
		{ "endpoints", required_argument, NULL, 'e' },
		{ "seconds", required_argument, NULL, 't' },
		{ 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 's')
			bench.services = number(optarg, 60000);
		else if (option == 'e')
			bench.endpoints = number(optarg, 100);
		else if (option == 't')
			bench.seconds = number(optarg, 3600);
		else
			exit(2);
	}
	if (optind + 1 != argc || bench.endpoints < 2) {
		fprintf(stderr, "usage: bench_api LBCTL [--services N] [--endpoints N≥2] "
				"[--seconds N]\n");
		exit(2);
	}
	bench.stand.lbctl = realpath(argv[optind], NULL);
}

int main(int argc, char **argv)
{
	arguments_read(argc, argv);
	bench.slots = xcalloc(bench.services * bench.endpoints, sizeof(*bench.slots));
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGPIPE, SIG_IGN);
	stand_up(&bench.stand);
	stand_attach(&bench.stand);
	if (chdir(bench.stand.root))
		die(bench.stand.root);
	kubeconfig_write();
	server_start();
	first_sync_measure();
	while (atomic_load(&slices_watch) < 0)
		usleep(1000);
	latency_measure();
	storm_measure();
	memory_print("in the end");
	if (chdir("/"))
		die("/");
	stand_down(&bench.stand);
	return 0;
}
