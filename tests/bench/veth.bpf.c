/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Live frames over veth: veth_generate makes them (a test run with BPF_F_TEST_XDP_LIVE_FRAMES),
 * veth_sink counts and drops them at the end, and veth_redirect is the least that a node can do
 * between them.
 *
 * Pages come back to the generator as the node left them, so it writes all headers of each frame.
 */
#include "vmlinux.h"

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "tests/bench/veth.h"

#define ETH_P_IP 0x0800
#define SPIN_MAX (1 << 16)

const volatile struct veth_config setup;

/* The run's parameters, written before it starts. */
__u32 flow_first; /* flows before it were used */
__u32 flow_mask;  /* a power of two, less one */
__u64 interval;	  /* ns from one batch to the next; 0: as fast as it goes */
__u32 frames;	  /* of the run */

__u32 sent;
__u64 received;
__u64 batch_at;		 /* when the next batch is due */
__u64 first_at, last_at; /* of the frames; the system call waits before and after them */

struct frame {
	struct ethhdr eth;
	struct iphdr ip;
	struct udphdr udp;
} __attribute__((packed));

static __always_inline __u16 fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)~sum;
}

static __always_inline __u32 halves(__be32 addr)
{
	return (addr & 0xffff) + (addr >> 16);
}

/* By hand: a memcpy would not know that the source is volatile, and copy its zeroes. */
static __always_inline void write_link(struct ethhdr *eth, const volatile struct veth_hop *hop)
{
	for (int i = 0; i < 6; i++) {
		eth->h_dest[i] = hop->dmac[i];
		eth->h_source[i] = hop->smac[i];
	}
}

static long still_early(__u32 index, void *arg)
{
	(void)index;
	(void)arg;
	return bpf_ktime_get_ns() >= batch_at;
}

/* Batches are paced, not frames: the kernel hands over a batch at once anyway. */
static __always_inline void wait_turn(void)
{
	if (!batch_at)
		batch_at = first_at;
	bpf_loop(SPIN_MAX, still_early, NULL, 0);
	batch_at += interval;
}

SEC("xdp")
int veth_generate(struct xdp_md *ctx)
{
	struct frame *frame = (void *)(long)ctx->data;
	__u32 flow = flow_first + (sent & flow_mask);
	__be32 saddr = setup.saddr + bpf_htonl(flow >> 15);
	__be16 sport = bpf_htons(0x4000 | (flow & 0x7fff));

	if ((void *)(frame + 1) > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	if (!sent)
		first_at = bpf_ktime_get_ns();
	if (interval && !(sent % VETH_BATCH))
		wait_turn();
	if (++sent == frames)
		last_at = bpf_ktime_get_ns();
	write_link((void *)frame, &setup.generate);
	frame->eth.h_proto = bpf_htons(ETH_P_IP);
	frame->ip.version = 4;
	frame->ip.ihl = 5;
	frame->ip.tos = 0;
	frame->ip.tot_len = bpf_htons(VETH_FRAME - sizeof(frame->eth));
	frame->ip.id = 0;
	frame->ip.frag_off = 0;
	frame->ip.ttl = 64;
	frame->ip.protocol = IPPROTO_UDP;
	frame->ip.saddr = saddr;
	frame->ip.daddr = setup.daddr;
	frame->ip.check = fold(setup.partial_ip + halves(saddr));
	frame->udp.source = sport;
	frame->udp.dest = setup.dport;
	frame->udp.len = bpf_htons(VETH_FRAME - sizeof(frame->eth) - sizeof(frame->ip));
	frame->udp.check = fold(setup.partial_udp + halves(saddr) + sport);
	return (int)bpf_redirect(setup.generate.ifindex, 0);
}

SEC("xdp")
int veth_redirect(struct xdp_md *ctx)
{
	struct frame *frame = (void *)(long)ctx->data;

	if ((void *)(frame + 1) > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	write_link((void *)frame, &setup.redirect);
	return (int)bpf_redirect(setup.redirect.ifindex, 0);
}

SEC("xdp")
int veth_sink(struct xdp_md *ctx)
{
	struct frame *frame = (void *)(long)ctx->data;

	if ((void *)(frame + 1) <= (void *)(long)ctx->data_end &&
	    frame->eth.h_proto == bpf_htons(ETH_P_IP) && frame->ip.protocol == IPPROTO_UDP &&
	    frame->udp.dest == setup.backend_port)
		received++;
	return XDP_DROP;
}

char LICENSE[] SEC("license") = "GPL";
