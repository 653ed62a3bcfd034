/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nanoseconds that the programs take for a question to DNS, by the kernel's own statistics
 * (BPF_ENABLE_STATS), which the time of a frame that is none of ours is taken off from.
 *
 *	bench_dns [SERVICES]
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/bench_names.h"
#include "tests/packet/rig.h"

#define RUNS 20000
#define ROUNDS 9

/* Beside those of one kind: */
enum {
	MIXED = NAME_KINDS, /* as a search path makes them: one in five for a name that is there */
	KINDS,
	STRANGE = KINDS, /* not for us */
};

static enum name_kind mixed(int i)
{
	return i % 10 == 0 ? NAME_ADDRESS : i % 10 == 1 ? NAME_NO_TYPE : NAME_NONE;
}

static size_t strange(uint8_t *buffer)
{
	struct frame frame = { .smac = M_POD_A,
			       .dmac = M_VETH_A,
			       .src = H_POD_A,
			       .dst = H_CLIENT,
			       .sport = 40000,
			       .dport = 9,
			       .proto = IPPROTO_UDP,
			       .payload = 44 };

	return frame_build(&frame, true, buffer);
}

static double measure(int kind, unsigned int services)
{
	struct bpf_prog_info before = { 0 }, after = { 0 };
	uint32_t length = sizeof(before);
	int fd = rig_xdp_fd();

	bpf_obj_get_info_by_fd(fd, &before, &length);
	for (int i = 0; i < RUNS; i++) {
		unsigned int number = (unsigned int)i * 2654435761u % services;
		uint8_t frame[FRAME_MAX];
		size_t size = kind == STRANGE ? strange(frame)
					      : names_question(kind == MIXED ? mixed(i)
									     : (enum name_kind)kind,
							       number, true, frame);
		enum rig_action action = rig_run(AT_NIC, frame, &size);

		if ((action == DO_SEND) != (kind != STRANGE)) {
			fprintf(stderr, "kind %d is not answered as it should\n", kind);
			exit(1);
		}
	}
	length = sizeof(after);
	bpf_obj_get_info_by_fd(fd, &after, &length);
	return (double)(after.run_time_ns - before.run_time_ns) /
	       (double)(after.run_cnt - before.run_cnt);
}

int main(int argc, char **argv)
{
	static const char *const kinds[KINDS] = { "an address", "no such type", "no such name",
						  "mixed" };
	unsigned int services = argc > 1 ? (unsigned int)atoi(argv[1]) : 10000;
	int stats = bpf_enable_stats(BPF_STATS_RUN_TIME);
	double best[KINDS + 1];

	if (stats < 0 || !services) {
		fprintf(stderr, "bench_dns [SERVICES], as root\n");
		return 1;
	}
	rig_open(1024, 100, false, true);
	rig_reset(RIG_XDP);
	names_fill(services);
	/* The best of each: whatever disturbs takes time away. */
	for (int i = 0; i < ROUNDS; i++) {
		for (int kind = 0; kind <= STRANGE; kind++) {
			double took = measure(kind, services);

			if (!i || took < best[kind])
				best[kind] = took;
		}
	}
	for (int kind = 0; kind < KINDS; kind++)
		printf("%-14s %5.0f ns each (%u services)\n", kinds[kind],
		       best[kind] - best[STRANGE], services);
	rig_close();
	close(stats);
	return 0;
}
