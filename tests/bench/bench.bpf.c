/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The benchmark's own programs. bench_generate makes each run's packet from a counter and
 * tail-calls what is measured; with nothing behind the tail call it is the first limit,
 * "transmit at once". bench_swap and bench_line are the other limits.
 *
 * A test run keeps what a program did to the packet, so the generator writes every field that
 * the measured program may have changed.
 */
#include "vmlinux.h"

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "tests/bench/bench.h"

const volatile struct bench_packet packet;

/* Flows are visited in an order that no prefetcher guesses: an odd factor permutes them. */
__u32 counter;

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} bench_target SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct bench_line);
} bench_lines SEC(".maps");

static __always_inline __u32 next_flow(void)
{
	return (counter++ * 2654435761u) & (packet.flows - 1);
}

/* By hand: a memcpy would not know that the source is volatile, and copy its zeroes. */
static __always_inline void write_link(struct ethhdr *eth)
{
	for (int i = 0; i < 6; i++) {
		eth->h_dest[i] = packet.dmac[i];
		eth->h_source[i] = packet.smac[i];
	}
}

static __always_inline void write_addr6(struct in6_addr *addr, const volatile __be32 *words)
{
	for (int i = 0; i < 4; i++)
		addr->in6_u.u6_addr32[i] = words[i];
}

static __always_inline void write_ports(void *l4, __u32 flow)
{
	__be16 *ports = l4;

	ports[0] = bpf_htons(1024 + (flow & 0x7fff));
	ports[1] = packet.dport;
}

SEC("xdp.frags")
int bench_generate(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	__u32 flow = next_flow();

	if (packet.v4) {
		struct iphdr *ip = data + sizeof(*eth);

		if ((void *)(ip + 1) + 20 > end)
			return XDP_ABORTED;
		ip->saddr = packet.saddr[3] + bpf_htonl(flow >> 15);
		ip->daddr = packet.daddr[3];
		ip->ttl = 64;
		write_ports(ip + 1, flow);
	} else {
		struct ipv6hdr *ip = data + sizeof(*eth);

		if ((void *)(ip + 1) + 20 > end)
			return XDP_ABORTED;
		write_addr6(&ip->saddr, packet.saddr);
		ip->saddr.in6_u.u6_addr32[3] += bpf_htonl(flow >> 15);
		write_addr6(&ip->daddr, packet.daddr);
		ip->hop_limit = 64;
		write_ports(ip + 1, flow);
	}
	write_link(eth);
	bpf_tail_call_static(ctx, &bench_target, 0);
	return XDP_TX;
}

SEC("xdp.frags")
int bench_pass(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = data + sizeof(*eth);

	if ((void *)(ip + 1) + 20 > end || (ip->protocol != 6 && ip->protocol != 17))
		return XDP_DROP;
	return XDP_PASS;
}

SEC("xdp.frags")
int bench_swap(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	__u8 mac[6];

	if ((void *)(eth + 1) > end)
		return XDP_ABORTED;
	__builtin_memcpy(mac, eth->h_dest, 6);
	__builtin_memcpy(eth->h_dest, eth->h_source, 6);
	__builtin_memcpy(eth->h_source, mac, 6);
	return XDP_TX;
}

/* One 64-byte line of an array of the flow table's size, at random. */
SEC("xdp.frags")
int bench_line(struct xdp_md *ctx)
{
	/* Not linear in the counter: a stride would be easy on the TLB. */
	__u64 hash = (__u64)(counter ^ counter >> 7) * 0x9e3779b97f4a7c15ull;
	__u32 index = ((hash ^ hash >> 29) * 0xbf58476d1ce4e5b9ull >> 32) & (packet.lines - 1);
	struct bench_line *line = bpf_map_lookup_elem(&bench_lines, &index);

	(void)ctx;
	return line && line->word[0] == 1 ? XDP_DROP : XDP_TX;
}

char LICENSE[] SEC("license") = "GPL";
