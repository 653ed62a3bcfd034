/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/bench_run.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "lb/types.h"
#include "tests/bench/bench.h"

#include "bench.skel.h"
#include "tests/bench/bench_names.h"
#include "tests/bench/bench_stage.h"
#include "tests/packet/network.h"
#include "tests/packet/rig.h"
#include "user/util/vec.h"

/* Packets of a burst: a few milliseconds, since nothing else runs on the CPU meanwhile. */
#define BURST_HOT (1u << 14)
#define BURST_COLD (1u << 16)
#define BURST_NEW (1u << 12)
#define FLOWS_CACHED (1u << 17)
#define FLOWS_HALF_OPEN (1u << 15)

struct bench_runner {
	const struct bench_case *c;
	struct bench *generator, *whole; /* the same packets with nothing behind, and with */
};

/* ----------------------------------------------------------- generator -- */

static void packet_describe(const struct bench_case *c, struct bench_packet *ret)
{
	const struct bench_stage *stage = &bench_stages[c->stage];
	struct lb_addr src = frame_addr(H_CLIENT, !c->v6);
	struct lb_addr dst = c->packets == SEND_STRANGE ? stage_stranger(!c->v6)
							: stage_service(c->service, !c->v6);

	*ret = (struct bench_packet){
		.dport = htons(80),
		.v4 = !c->v6,
		.listed = c->packets == SEND_ANSWERS,
		.questions = case_is_dns(c),
		.flows = c->flows ?: 1u << 30,
		.services = stage->guests || c->packets == SEND_STRANGE ? 1 : stage->services,
		.lines = BENCH_TABLE,
	};
	memcpy(ret->saddr, &src, sizeof(src));
	memcpy(ret->daddr, &dst, sizeof(dst));
	frame_mac(M_CLIENT, ret->smac);
	frame_mac(M_NIC, ret->dmac);
}

static enum name_kind name_kind_of(const struct bench_case *c)
{
	return c->packets == SEND_QUESTIONS ? NAME_ADDRESS : NAME_NONE;
}

static size_t frame_of(const struct bench_case *c, uint8_t *buffer)
{
	struct frame frame = {
		.smac = M_CLIENT,
		.dmac = M_NIC,
		.src = H_CLIENT,
		.dst = H_EXTERNAL,
		.sport = 1024,
		.dport = 80,
		.proto = bench_stages[c->stage].proto,
		.tcp_flags = c->packets == SEND_NEW ? TH_SYN : TH_ACK,
	};

	if (case_is_dns(c))
		return names_question(name_kind_of(c), 0, !c->v6, buffer);
	return frame_build(&frame, !c->v6, buffer);
}

static struct bpf_program *entry_of(const struct bench *skel, const struct bench_case *c)
{
	return c->program == RUN_EGRESS ? skel->progs.bench_generate_tc
					: skel->progs.bench_generate;
}

static int target_of(const struct bench *skel, const struct bench_case *c)
{
	switch (c->program) {
	case RUN_NOTHING:
		return -1;
	case RUN_PASS:
		return bpf_program__fd(skel->progs.bench_pass);
	case RUN_SWAP:
		return bpf_program__fd(skel->progs.bench_swap);
	case RUN_LINE:
		return bpf_program__fd(skel->progs.bench_line);
	case RUN_CHAIN:
		return bpf_program__fd(skel->progs.bench_chain);
	case RUN_XDP:
	case RUN_EGRESS:
		break;
	}
	return stage_program(c->stage, c->program);
}

static struct bench *generator_new(const struct bench_case *c, bool whole)
{
	struct bench *skel = bench__open();
	struct bench_packet packet;
	const uint32_t zero = 0;
	struct bpf_map *map;
	int fd;

	network_must(skel ? 0 : -1, "open");
	packet_describe(c, &packet);
	memcpy((void *)&skel->rodata->packet, &packet, sizeof(packet));
	if (whole && (c->program == RUN_LINE || c->program == RUN_CHAIN))
		bpf_map__set_max_entries(skel->maps.bench_lines, BENCH_TABLE);
	if (packet.listed)
		bpf_map__set_max_entries(
			c->v6 ? skel->maps.bench_tuples6 : skel->maps.bench_tuples4, c->flows);
	if (packet.questions)
		bpf_map__set_max_entries(skel->maps.bench_questions, c->flows);
	network_must(bench__load(skel), "load");
	fd = whole ? target_of(skel, c) : -1;
	map = c->program == RUN_EGRESS ? skel->maps.bench_target_tc : skel->maps.bench_target;
	if (fd >= 0)
		network_must(bpf_map_update_elem(bpf_map__fd(map), &zero, &fd, BPF_ANY), "target");
	return skel;
}

/* ------------------------------------------------------------- answers -- */

struct tuple_list {
	union {
		struct bench_tuple4 *v4;
		struct bench_tuple6 *v6;
	};
	size_t n;
};

static void tuple_take(struct tuple_list *list, const void *entry, bool v6)
{
	const struct lb_flow4 *f4 = entry;
	const struct lb_flow6 *f6 = entry;
	const struct lb_flow_meta *meta = v6 ? &f6->meta : &f4->meta;

	if (!meta->state || !(meta->flags & LB_FLOW_REPLY))
		return;
	if (v6) {
		struct bench_tuple6 *to = &list->v6[list->n++];

		memcpy(to->saddr, f6->saddr, sizeof(to->saddr) * 2);
		memcpy(&to->ports, &f6->sport, sizeof(to->ports));
	} else {
		struct bench_tuple4 *to = &list->v4[list->n++];

		*to = (struct bench_tuple4){ .saddr = f4->saddr, .daddr = f4->daddr };
		memcpy(&to->ports, &f4->sport, sizeof(to->ports));
	}
}

/* The answers' tuples of as many flows as the case has, from anywhere in the table. */
static void answers_list(const struct bench_case *c, struct bench *skel)
{
	size_t size = c->v6 ? sizeof(struct bench_tuple6) : sizeof(struct bench_tuple4);
	size_t entry_size = c->v6 ? sizeof(struct lb_flow6) : sizeof(struct lb_flow4);
	int fd = bpf_map__fd(c->v6 ? skel->maps.bench_tuples6 : skel->maps.bench_tuples4);
	struct tuple_list all = { .n = 0 };
	const char *table;
	char *list;
	size_t n;

	table = stage_table(c->stage, !c->v6, &n);
	all.v6 = xcalloc(n, size);
	for (size_t i = 0; i < n; i++)
		tuple_take(&all, table + i * entry_size, c->v6);
	if (!all.n || all.n < c->flows - c->flows / 100) { /* a full pair of sets refuses a few */
		fprintf(stderr, "bench: %zu flows, not %u\n", all.n, c->flows);
		exit(1);
	}
	list = mmap(NULL, c->flows * size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	network_must(list == MAP_FAILED ? -1 : 0, "mmap");
	/* In the table's order they would be easy on the TLB: an odd stride visits all of them. */
	for (size_t i = 0, at = 0; i < c->flows; i++, at = (at + 1000003) % all.n)
		memcpy(list + i * size, (char *)all.v6 + at * size, size);
	munmap(list, c->flows * size);
	free(all.v6);
}

/* ----------------------------------------------------------- questions -- */

static void questions_list(const struct bench_case *c, struct bench *skel)
{
	size_t size = c->flows * sizeof(struct bench_question);
	struct bench_question *list = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED,
					   bpf_map__fd(skel->maps.bench_questions), 0);

	network_must(list == MAP_FAILED ? -1 : 0, "mmap");
	for (unsigned int i = 0; i < c->flows; i++) {
		unsigned int number = i * 2654435761u % bench_stages[c->stage].services;
		uint8_t buffer[FRAME_MAX];

		list[i].size = (uint32_t)names_question(name_kind_of(c), number, !c->v6, buffer);
		memcpy(list[i].frame, buffer, sizeof(list[i].frame));
	}
	munmap(list, size);
}

/* ------------------------------------------------------------- runners -- */

struct bench_runner *runner_new(const struct bench_case *c)
{
	struct bench_runner *runner = xcalloc(1, sizeof(*runner));

	runner->c = c;
	runner->generator = generator_new(c, false);
	runner->whole = generator_new(c, true);
	if (c->packets == SEND_ANSWERS) {
		answers_list(c, runner->generator);
		answers_list(c, runner->whole);
	}
	if (case_is_dns(c)) {
		questions_list(c, runner->generator);
		questions_list(c, runner->whole);
	}
	return runner;
}

void runner_free(struct bench_runner *runner)
{
	bench__destroy(runner->generator);
	bench__destroy(runner->whole);
	free(runner);
}

/* Nothing else gets the CPU for the length of a burst. */
static void realtime_set(bool on)
{
	struct sched_param param = { .sched_priority = on ? 10 : 0 };

	network_must(sched_setscheduler(0, on ? SCHED_FIFO : SCHED_OTHER, &param),
		     "sched_setscheduler");
}

/* Whether the last packet went where packets of the case must go: fast but wrong is no figure. */
static void outcome_check(const struct bench_case *c, uint32_t outcome, const uint8_t *frame)
{
	uint32_t want = XDP_TX;

	if (c->program == RUN_EGRESS)
		want = (uint32_t)TC_ACT_UNSPEC;
	else if (c->program != RUN_XDP)
		return;
	else if (c->packets == SEND_STRANGE || bench_stages[c->stage].local)
		want = XDP_PASS;
	if (outcome == want && (!case_is_dns(c) || names_answered(name_kind_of(c), !c->v6, frame)))
		return;
	fprintf(stderr, "bench: %s, stage %s: the program returns %u, not %u\n", c->name,
		bench_stages[c->stage].name, outcome, want);
	exit(1);
}

/* Runs warm + packets of a generator's; ns a packet of the latter. */
static double burst(struct bench *skel, const struct bench_case *c, uint32_t warm, uint32_t packets,
		    bool checked)
{
	bool tc = c->program == RUN_EGRESS;
	uint8_t buffer[FRAME_MAX];
	struct xdp_md xdp = { .ingress_ifindex = rig_nic() };
	struct __sk_buff skb = { .ifindex = rig_nic() };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = buffer, .data_out = buffer,
		    .data_size_out = sizeof(buffer), .ctx_in = &xdp, .ctx_size_in = sizeof(xdp),
		    .repeat = (int)(warm + packets + 1));

	opts.data_size_in = (uint32_t)frame_of(c, buffer);
	xdp.data_end = opts.data_size_in;
	if (tc) {
		opts.ctx_in = &skb;
		opts.ctx_size_in = sizeof(skb);
	}
	skel->bss->first = skel->bss->counter + warm;
	skel->bss->last = skel->bss->first + packets;
	realtime_set(true);
	network_must(bpf_prog_test_run_opts(bpf_program__fd(entry_of(skel, c)), &opts), "test run");
	realtime_set(false);
	if (checked)
		outcome_check(c, opts.retval, buffer);
	return (double)(skel->bss->last_ns - skel->bss->first_ns) / packets;
}

static void flows_make(size_t stage, unsigned int service, bool v6)
{
	struct bench_case c = {
		.name = "making flows",
		.stage = (unsigned int)stage,
		.program = RUN_XDP,
		.packets = SEND_NEW,
		.flows = bench_stages[stage].flows,
		.service = service,
		.v6 = v6,
	};
	struct bench *skel = generator_new(&c, true);

	/* Established soon: one that is half open makes room for another. */
	for (unsigned int n = 0; n < c.flows; n += BURST_NEW) {
		burst(skel, &c, 0, BURST_NEW - 1, false);
		if (n % FLOWS_HALF_OPEN == 0)
			stage_establish(stage);
	}
	stage_establish(stage);
	bench__destroy(skel);
}

void runner_make_flows(size_t stage)
{
	const struct bench_stage *plan = &bench_stages[stage];

	for (int v6 = 0; v6 <= plan->both; v6++)
		for (unsigned int i = 0; i < (plan->guests ? plan->services : 1); i++)
			flows_make(stage, i, v6);
}

/* The CPU is given back for as long as it was taken. */
static void breathe(double ns)
{
	struct timespec time = { .tv_nsec = ns > 5e7 ? 50000000 : (long)ns };

	nanosleep(&time, NULL);
}

void runner_round(struct bench_runner *runner, double *ret_generator, double *ret_total)
{
	const struct bench_case *c = runner->c;
	bool cold = c->flows > BURST_HOT;
	uint32_t packets = c->packets == SEND_NEW ? BURST_NEW : cold ? BURST_COLD : BURST_HOT;
	uint32_t warm = c->packets == SEND_NEW ? BURST_NEW * 3 : BURST_HOT;

	/* What fits into the cache (page tables at least) is there when it is measured. */
	if (cold && c->flows <= FLOWS_CACHED)
		warm = c->flows;
	*ret_generator = burst(runner->generator, c, BURST_HOT / 4, BURST_HOT, false);
	breathe(*ret_generator * BURST_HOT);
	*ret_total = burst(runner->whole, c, warm, packets, true);
	breathe(*ret_total * (warm + packets));
}
