/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ns a packet of the real XDP programs, by BPF_PROG_TEST_RUN behind a generator whose own cost
 * is subtracted. Timings are ratios to limits measured in the same run: cases are interleaved
 * over several rounds, medians and spread shown.
 *
 *	bench [--rounds N] [--json FILE]
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <netinet/tcp.h>

#include "tests/bench/bench.h"

#include "bench.skel.h"
#include "tests/packet/rig.h"
#include "user/util/num.h"

#define TABLE_FLOWS (1u << 22) /* room for 1M flows of two entries */
#define BACKENDS 128
#define MAX_ROUNDS 31

enum target { TARGET_NONE, TARGET_PASS, TARGET_SWAP, TARGET_LINE, TARGET_LB };

struct bench_case {
	const char *name;
	enum target target;
	bool v4;
	unsigned int flows;
	uint8_t tcp_flags; /* SYN: each run a new flow */
	enum host dst;
	uint16_t dport;
	bool local;	   /* backends on this node */
	const char *limit; /* name of the case that it is compared with, or NULL */
};

#define MILLION (1u << 20)

static const struct bench_case cases[] = {
	{ "transmit at once", TARGET_NONE, true, 1, TH_ACK, H_EXTERNAL, 80, false, NULL },
	{ "parse, pass", TARGET_PASS, true, 1, TH_ACK, H_CLIENT2, 81, false, NULL },
	{ "swap MACs", TARGET_SWAP, true, 1, TH_ACK, H_EXTERNAL, 80, false, NULL },
	{ "random line", TARGET_LINE, true, MILLION, TH_ACK, H_EXTERNAL, 80, false, NULL },
	{ "v4 established, 1 flow", TARGET_LB, true, 1, TH_ACK, H_EXTERNAL, 80, false, NULL },
	{ "v4 established, 1k", TARGET_LB, true, 1024, TH_ACK, H_EXTERNAL, 80, false, NULL },
	{ "v4 established, 128k", TARGET_LB, true, 1u << 17, TH_ACK, H_EXTERNAL, 80, false,
	  "random line" },
	{ "v4 established, 1M", TARGET_LB, true, MILLION, TH_ACK, H_EXTERNAL, 80, false,
	  "random line" },
	{ "v6 established, 1 flow", TARGET_LB, false, 1, TH_ACK, H_EXTERNAL, 80, false, NULL },
	{ "v6 established, 128k", TARGET_LB, false, 1u << 17, TH_ACK, H_EXTERNAL, 80, false,
	  "random line" },
	{ "v6 established, 1M", TARGET_LB, false, MILLION, TH_ACK, H_EXTERNAL, 80, false,
	  "random line" },
	{ "v4 established, local, 128k", TARGET_LB, true, 1u << 17, TH_ACK, H_EXTERNAL, 80, true,
	  "random line" },
	{ "v4 new flows", TARGET_LB, true, 1u << 30, TH_SYN, H_EXTERNAL, 80, false, "random line" },
	{ "v6 new flows", TARGET_LB, false, 1u << 30, TH_SYN, H_EXTERNAL, 80, false,
	  "random line" },
	{ "v4 not ours", TARGET_LB, true, 1024, TH_ACK, H_CLIENT2, 81, false, "parse, pass" },
};

#define CASES (sizeof(cases) / sizeof(*cases))

/* ns a run, generator included. */
static double results[CASES][MAX_ROUNDS];
static struct bench *bench[CASES];

static void must(int result, const char *what)
{
	if (result >= 0)
		return;
	fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static struct bench *case_open(const struct bench_case *c)
{
	struct bench *skel = bench__open();
	struct lb_addr src = frame_addr(H_CLIENT, c->v4), dst = frame_addr(c->dst, c->v4);
	struct bench_packet packet = {
		.dport = (__be16)(c->dport >> 8 | c->dport << 8),
		.v4 = c->v4,
		.flows = c->flows,
		.lines = TABLE_FLOWS,
	};
	uint32_t zero = 0;
	int fd = -1;

	must(skel ? 0 : -1, "open");
	memcpy(packet.saddr, &src, sizeof(src));
	memcpy(packet.daddr, &dst, sizeof(dst));
	frame_mac(M_CLIENT, packet.smac);
	frame_mac(M_NIC, packet.dmac);
	memcpy((void *)&skel->rodata->packet, &packet, sizeof(packet));
	bpf_map__set_max_entries(skel->maps.bench_lines,
				 c->target == TARGET_LINE ? TABLE_FLOWS : 1);
	must(bench__load(skel), "load");
	if (c->target == TARGET_PASS)
		fd = bpf_program__fd(skel->progs.bench_pass);
	if (c->target == TARGET_SWAP)
		fd = bpf_program__fd(skel->progs.bench_swap);
	if (c->target == TARGET_LINE)
		fd = bpf_program__fd(skel->progs.bench_line);
	if (c->target == TARGET_LB)
		fd = rig_xdp_fd();
	if (fd >= 0)
		must(bpf_map_update_elem(bpf_map__fd(skel->maps.bench_target), &zero, &fd, BPF_ANY),
		     "target");
	return skel;
}

static double case_run(size_t index, unsigned int repeat)
{
	const struct bench_case *c = &cases[index];
	struct frame frame = {
		.smac = M_CLIENT,
		.dmac = M_NIC,
		.src = H_CLIENT,
		.dst = c->dst,
		.sport = 1024,
		.dport = c->dport,
		.proto = IPPROTO_TCP,
		.tcp_flags = c->tcp_flags,
	};
	uint8_t buffer[FRAME_MAX];
	struct xdp_md ctx = { .ingress_ifindex = rig_nic() };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = buffer, .ctx_in = &ctx,
		    .ctx_size_in = sizeof(ctx), .repeat = (int)repeat);
	double start;

	opts.data_size_in = (uint32_t)frame_build(&frame, c->v4, buffer);
	ctx.data_end = opts.data_size_in;
	start = now_ns();
	must(bpf_prog_test_run_opts(bpf_program__fd(bench[index]->progs.bench_generate), &opts),
	     "test run");
	return (now_ns() - start) / repeat;
}

/* One service, its backends spread so that every flow finds a port. */
static void service(bool v4, bool local)
{
	for (unsigned int i = 1; i <= BACKENDS; i++) {
		struct lb_addr addr = frame_addr(H_REMOTE, v4);

		((uint8_t *)&addr)[15] = (uint8_t)(i + 1);
		rig_backend_at(i, 1, &addr, IPPROTO_TCP, local ? LB_BACKEND_LOCAL : 0);
	}
	rig_frontend(&(struct rig_frontend){ H_EXTERNAL, 80, 1, LB_FRONTEND_EXTERNAL, 0, 1,
					     BACKENDS, 0 },
		     v4, IPPROTO_TCP);
}

static void round_run(unsigned int round)
{
	for (size_t i = 0; i < CASES; i++) {
		const struct bench_case *c = &cases[i];
		unsigned int warm = c->tcp_flags & TH_SYN || c->target != TARGET_LB ? 1 : c->flows;

		if (c->target == TARGET_LB) {
			rig_reset(RIG_XDP);
			service(c->v4, c->local);
			case_run(i, warm < 1000 ? 1000 : warm * 2);
			rig_establish();
		}
		results[i][round] = case_run(i, c->flows > 100000 ? 1u << 20 : 1u << 19);
	}
}

static int compare_double(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double quantile(const double *values, unsigned int n, double at)
{
	double sorted[MAX_ROUNDS];

	memcpy(sorted, values, n * sizeof(*values));
	qsort(sorted, n, sizeof(*sorted), compare_double);
	return sorted[(unsigned int)(at * (n - 1) + 0.5)];
}

/* Per-round differences to the generator's cost, so that noise common to a round drops out. */
static void net_of_generator(size_t index, unsigned int rounds, double *ret)
{
	for (unsigned int r = 0; r < rounds; r++)
		ret[r] = results[index][r] - results[0][r];
}

static double limit_of(const struct bench_case *c, unsigned int rounds)
{
	double net[MAX_ROUNDS];

	for (size_t i = 0; i < CASES; i++)
		if (c->limit && !strcmp(cases[i].name, c->limit)) {
			net_of_generator(i, rounds, net);
			return quantile(net, rounds, 0.5);
		}
	return 0;
}

static void report(unsigned int rounds, FILE *json)
{
	double generator = quantile(results[0], rounds, 0.5);

	printf("%-30s %9s %9s %17s %9s  %s\n", "CASE", "NS", "NET", "SPREAD", "/GEN", "/LIMIT");
	if (json)
		fprintf(json, "[");
	for (size_t i = 0; i < CASES; i++) {
		double net[MAX_ROUNDS], median, limit = limit_of(&cases[i], rounds);
		char ratio[64] = "";

		net_of_generator(i, rounds, net);
		median = quantile(net, rounds, 0.5);
		if (limit > 0)
			snprintf(ratio, sizeof(ratio), "%.2f of %s", median / limit,
				 cases[i].limit);
		printf("%-30s %9.1f %9.1f %7.1f … %7.1f %9.2f  %s\n", cases[i].name,
		       quantile(results[i], rounds, 0.5), median, quantile(net, rounds, 0.1),
		       quantile(net, rounds, 0.9), median / generator, ratio);
		if (json)
			fprintf(json,
				"%s\n {\"case\": \"%s\", \"ns\": %.1f, \"net\": %.1f, \"p10\": "
				"%.1f, "
				"\"p90\": %.1f, \"per_generator\": %.3f}",
				i ? "," : "", cases[i].name, quantile(results[i], rounds, 0.5),
				median, quantile(net, rounds, 0.1), quantile(net, rounds, 0.9),
				median / generator);
	}
	if (json)
		fprintf(json, "\n]\n");
}

static void pin_to_cpu(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	must(sched_setaffinity(0, sizeof(set), &set), "sched_setaffinity");
}

int main(int argc, char **argv)
{
	static const struct option options[] = { { "rounds", required_argument, NULL, 'r' },
						 { "json", required_argument, NULL, 'j' },
						 { NULL, 0, NULL, 0 } };
	uint64_t rounds = 9;
	FILE *json = NULL;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'r' && !num_parse(optarg, 1, MAX_ROUNDS, &rounds))
			continue;
		if (option == 'j' && (json = fopen(optarg, "w")))
			continue;
		fprintf(stderr, "usage: bench [--rounds 1…%d] [--json FILE]\n", MAX_ROUNDS);
		return 2;
	}
	pin_to_cpu();
	rig_open(TABLE_FLOWS, 20000, false, true);
	for (size_t i = 0; i < CASES; i++)
		bench[i] = case_open(&cases[i]);
	for (unsigned int round = 0; round < rounds; round++) {
		fprintf(stderr, "\rround %u of %u", round + 1, (unsigned int)rounds);
		round_run(round);
	}
	fprintf(stderr, "\r%20s\r", "");
	report((unsigned int)rounds, json);
	for (size_t i = 0; i < CASES; i++)
		bench__destroy(bench[i]);
	rig_close();
	return json && fclose(json) ? 1 : 0;
}
