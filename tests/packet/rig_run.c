/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/packet/rig_parts.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <string.h>
#include <sys/mman.h>

#include "lb/bloom.h"
#include "lb/maps.h"
#include "lb_tc.skel.h"
#include "lb_xdp.skel.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"

/* ------------------------------------------------------------- reading -- */

uint64_t rig_reason(enum lb_reason reason)
{
	static struct lb_reason_stats stats[CPUS_MAX];
	uint32_t key = reason;
	uint64_t sum = 0;

	network_must(bpf_map_lookup_elem(bpf_map__fd(rig.xdp->maps.lb_reason_stats), &key, stats),
		     "stats");
	for (int i = 0; i < rig.cpus; i++)
		sum += stats[i].packets;
	return sum;
}

uint64_t rig_evictions(enum lb_eviction eviction)
{
	static uint64_t counts[CPUS_MAX];
	uint32_t key = eviction;
	uint64_t sum = 0;

	network_must(bpf_map_lookup_elem(bpf_map__fd(rig.xdp->maps.lb_evictions), &key, counts),
		     "evictions");
	for (int i = 0; i < rig.cpus; i++)
		sum += counts[i];
	return sum;
}

uint64_t rig_reasons(void)
{
	uint64_t sum = 0;

	for (int i = 0; i < LB_REASON_COUNT; i++)
		sum += rig_reason((enum lb_reason)i);
	return sum;
}

struct lb_stats rig_backend_stats(unsigned int id)
{
	struct lb_stats sum = { 0 };

	for (unsigned int cpu = 0; cpu < (unsigned int)rig.cpus; cpu++) {
		const struct lb_stats *stats = &rig.stats[cpu * rig.size.backends + id];

		sum.packets += stats->packets;
		sum.bytes += stats->bytes;
		sum.connections += stats->connections;
	}
	return sum;
}

static struct lb_flow_meta *flow_meta_at(bool v4, unsigned int set, unsigned int way)
{
	if (v4)
		return &((struct lb_flow4_set *)rig.flow4)[set].way[way].meta;
	return &((struct lb_flow6_set *)rig.flow6)[set].way[way].meta;
}

/* Calls visit for each entry of a family that is not empty; returns how many there are. */
static unsigned int flows_visit(bool v4, void (*visit)(struct lb_flow_meta *, unsigned int),
				unsigned int argument)
{
	unsigned int n = 0;

	for (unsigned int set = 0; set < (v4 ? rig.sets4 : rig.sets6); set++)
		for (unsigned int way = 0; way < LB_FLOW_WAYS; way++) {
			struct lb_flow_meta *meta = flow_meta_at(v4, set, way);

			if (meta->state == LB_FLOW_EMPTY)
				continue;
			n++;
			if (visit)
				visit(meta, argument);
		}
	return n;
}

unsigned int rig_flows(bool v4)
{
	return flows_visit(v4, NULL, 0);
}

static void flow_establish(struct lb_flow_meta *meta, unsigned int argument)
{
	(void)argument;
	meta->state = LB_FLOW_ESTABLISHED;
}

void rig_establish(void)
{
	flows_visit(true, flow_establish, 0);
	flows_visit(false, flow_establish, 0);
}

static void flow_age(struct lb_flow_meta *meta, unsigned int seconds)
{
	meta->last_seen -= seconds * HZ_ASSUMED;
}

void rig_age(unsigned int seconds)
{
	flows_visit(true, flow_age, seconds);
	flows_visit(false, flow_age, seconds);
}

void rig_age_affinity(unsigned int seconds)
{
	int fd = bpf_map__fd(rig.xdp->maps.lb_affinity);
	struct lb_affinity_key key, next;
	struct lb_affinity bound;
	bool more = !bpf_map_get_next_key(fd, NULL, &key);

	while (more) {
		more = !bpf_map_get_next_key(fd, &key, &next);
		network_must(bpf_map_lookup_elem(fd, &key, &bound), "affinity");
		bound.last_used -= seconds * HZ_ASSUMED;
		network_must(bpf_map_update_elem(fd, &key, &bound, BPF_EXIST), "affinity");
		key = next;
	}
}

/* ------------------------------------------------------------- running -- */

static enum rig_action run_xdp(uint8_t *frame, size_t *size)
{
	static uint8_t out[RIG_OUT_MAX];
	struct xdp_md ctx = {
		.data_end = (uint32_t)*size,
		.ingress_ifindex = rig.network.nic,
	};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = (uint32_t)*size,
		    .data_out = out, .data_size_out = sizeof(out), .ctx_in = &ctx,
		    .ctx_size_in = sizeof(ctx), .repeat = 1);
	uint32_t mark = 0;

	network_must(bpf_prog_test_run_opts(bpf_program__fd(rig.xdp->progs.lb_xdp), &opts),
		     "test run");
	memcpy(&mark, out, sizeof(mark));
	if (opts.retval == XDP_PASS && opts.data_size_out == *size + sizeof(mark) &&
	    mark == LB_HANDOFF_MAGIC) {
		memcpy(frame, out + sizeof(mark), *size);
		return DO_HANDOFF;
	}
	memcpy(frame, out, opts.data_size_out);
	*size = opts.data_size_out;
	switch (opts.retval) {
	case XDP_PASS:
		return DO_PASS;
	case XDP_TX:
	case XDP_REDIRECT:
		return DO_SEND;
	default:
		return DO_DROP;
	}
}

static enum rig_action run_tc(struct bpf_program *program, unsigned int ifindex, uint8_t *frame,
			      size_t *size)
{
	static uint8_t out[RIG_OUT_MAX];
	struct __sk_buff ctx = { .ifindex = ifindex, .mark = rig.mark };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = (uint32_t)*size,
		    .data_out = out, .data_size_out = sizeof(out), .ctx_in = &ctx,
		    .ctx_size_in = sizeof(ctx), .ctx_out = &ctx, .ctx_size_out = sizeof(ctx),
		    .repeat = 1);

	network_must(bpf_prog_test_run_opts(bpf_program__fd(program), &opts), "test run");
	rig.mark = ctx.mark;
	memcpy(frame, out, opts.data_size_out);
	*size = opts.data_size_out;
	switch ((int)opts.retval) {
	case TC_ACT_UNSPEC:
		return DO_PASS;
	case TC_ACT_REDIRECT:
		return DO_SEND;
	default:
		return DO_DROP;
	}
}

enum rig_action rig_run(enum rig_hook hook, uint8_t *frame, size_t *size)
{
	switch (hook) {
	case AT_NIC:
		if (rig.mode == RIG_XDP)
			return run_xdp(frame, size);
		/* fall through */
	case AT_NIC_TC:
		return run_tc(rig.tc->progs.lb_tc_ingress, rig.network.nic, frame, size);
	case AT_NIC_EGRESS:
		return run_tc(rig.tc->progs.lb_tc_egress, rig.network.nic, frame, size);
	case AT_POD_A:
		return run_tc(rig.tc->progs.lb_tc_ingress, rig.network.pod_a, frame, size);
	case AT_POD_B:
		return run_tc(rig.tc->progs.lb_tc_ingress, rig.network.pod_b, frame, size);
	case AT_POD_A_EGRESS:
		return run_tc(rig.tc->progs.lb_tc_egress, rig.network.pod_a, frame, size);
	}
	return DO_DROP;
}
