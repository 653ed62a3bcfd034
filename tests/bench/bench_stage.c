/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/bench_stage.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>

#include <bpf/bpf.h>

#include "tests/bench/bench_names.h"
#include "tests/packet/rig_parts.h"
#include "user/plan/maglev.h"

#define STAGES_MAX 16
#define SERVICE_PORT 80
#define SNAT_PORTS 50000
#define BACKEND_HOSTS 250 /* addresses that the rig's network has a route for */
#define BACKEND_FIRST_PORT 1024

/* The rig is one; whose turn it is lies in `rig`, the others here. */
static struct rig stages[STAGES_MAX];

static struct lb_addr addr_plus(struct lb_addr addr, unsigned int n)
{
	addr.word[3] = htonl(ntohl(addr.word[3]) + n);
	return addr;
}

struct lb_addr stage_service(unsigned int number, bool v4)
{
	return addr_plus(frame_addr(H_EXTERNAL, v4), number);
}

struct lb_addr stage_stranger(bool v4)
{
	return frame_addr(H_CLIENT2, v4);
}

/* ------------------------------------------------------------- filling -- */

static unsigned int families(const struct bench_stage *plan)
{
	return plan->both ? 2 : 1;
}

static unsigned int backends(const struct bench_stage *plan)
{
	return plan->services * plan->endpoints * families(plan);
}

static struct rig_size size_of(const struct bench_stage *plan)
{
	size_t slots = (size_t)maglev_size(plan->endpoints) * plan->services * families(plan);

	return (struct rig_size){
		.frontends = plan->services * families(plan) + (plan->names ? 2 : 0),
		.backends = backends(plan) + 16, /* 0 is none; the rig clears that many */
		.slots = (unsigned int)((slots + LB_MAGLEV_LINE - 1) / LB_MAGLEV_LINE *
					LB_MAGLEV_LINE),
		.flows6 = plan->both ? BENCH_TABLE : LB_FLOW_WAYS,
		.refresh = 86400, /* what a refresh costs is not what an ordinary packet costs */
	};
}

/* Bytes, with what counters take on each CPU. */
static double memory_of(const struct rig_size *size)
{
	double counters = 16 + (double)sizeof(struct lb_stats) * get_nprocs_conf();

	return size->slots * 4.0 + size->backends * (sizeof(struct lb_backend) + counters) +
	       size->frontends * 128.0 + (double)BENCH_TABLE * sizeof(struct lb_flow4) +
	       (double)size->flows6 * sizeof(struct lb_flow6);
}

static double memory_free(void)
{
	char line[128];
	double kilobytes = 0;
	FILE *file = fopen("/proc/meminfo", "r");

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "MemAvailable: %lf kB", &kilobytes) == 1)
			break;
	if (file)
		fclose(file);
	return kilobytes * 1024;
}

/* By memory: with ten million of them system calls would take long. */
static void backends_fill(const struct bench_stage *plan, bool v4, unsigned int first)
{
	size_t bytes = rig.size.backends * sizeof(struct lb_backend);
	struct lb_backend *all =
		mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, rig_map_fd("lb_backend"), 0);

	network_must(all == MAP_FAILED ? -1 : 0, "mmap");
	for (unsigned int i = 0; i < plan->services * plan->endpoints; i++)
		all[first + i] = (struct lb_backend){
			.addr = addr_plus(frame_addr(H_REMOTE, v4), i % BACKEND_HOSTS),
			.port = htons((uint16_t)(BACKEND_FIRST_PORT + i / BACKEND_HOSTS)),
			.proto = plan->proto,
			.flags = plan->local ? LB_BACKEND_LOCAL : 0,
			.weight = 1,
			.generation = 1,
			.service = 1 + i / plan->endpoints,
		};
	munmap(all, bytes);
}

static void services_fill(const struct bench_stage *plan, bool v4, unsigned int first)
{
	for (unsigned int i = 0; i < plan->services; i++) {
		struct lb_addr addr = stage_service(i, v4);
		struct rig_frontend frontend = {
			.port = SERVICE_PORT,
			.service = 1 + i,
			.flags = LB_FRONTEND_EXTERNAL,
			.affinity = plan->guests && i == 1 ? 3600 : 0,
			.first = first + i * plan->endpoints,
			.n = plan->endpoints,
		};

		if (plan->guests && i == 2)
			frontend.flags |= LB_FRONTEND_SOURCE_RANGES;
		rig_frontend_at(&frontend, &addr, plan->proto, maglev_size(plan->endpoints));
	}
}

/* Service 3 lets everybody in, by two ranges among a hundred. */
static void ranges_fill(void)
{
	char prefix[64];

	for (int i = 0; i < 98; i++) {
		snprintf(prefix, sizeof(prefix), "203.0.%d.0/24", i);
		rig_source_range(3, prefix);
	}
	rig_source_range(3, "128.0.0.0/1");
	rig_source_range(3, "2001:db8::/32");
}

bool stage_open(size_t index)
{
	const struct bench_stage *plan = &bench_stages[index];
	struct rig_size size = size_of(plan);
	struct network network = rig.network;

	if (memory_of(&size) > memory_free() * 0.75)
		return false;
	rig = (struct rig){ .network = network };
	rig_open_sized(&size, BENCH_TABLE, SNAT_PORTS, false, true);
	rig_reset(RIG_XDP);
	for (unsigned int f = 0; f < families(plan); f++) {
		unsigned int first = 1 + f * plan->services * plan->endpoints;

		backends_fill(plan, !f, first);
		services_fill(plan, !f, first);
	}
	if (plan->guests)
		ranges_fill();
	if (plan->names)
		names_fill(plan->services);
	stages[index] = rig;
	return true;
}

void stage_close(size_t index)
{
	rig = stages[index];
	rig_close();
}

/* ------------------------------------------------------------- reading -- */

void stage_establish(size_t index)
{
	rig = stages[index];
	rig_establish();
}

int stage_program(size_t index, enum bench_program program)
{
	rig = stages[index];
	return program == RUN_XDP ? rig_xdp_fd() : program == RUN_EGRESS ? rig_egress_fd() : -1;
}

const void *stage_table(size_t index, bool v4, size_t *ret_n)
{
	*ret_n = (size_t)(v4 ? stages[index].sets4 : stages[index].sets6) * LB_FLOW_WAYS;
	return v4 ? stages[index].flow4 : stages[index].flow6;
}
