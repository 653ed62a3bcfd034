/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The benchmark's own programs. bench_generate makes each run's packet from a counter, or from a
 * list, and tail-calls what is measured; with nothing behind the tail call it is the first limit,
 * "transmit at once". The other programs are the other limits.
 *
 * A test run keeps what a program did to the packet, so the generator writes every field that
 * the measured program may have changed. It writes them as wide as they are read: a read that
 * spans two fresh stores has to wait until both are in the cache, behind everything that went
 * before, and no packet of a network card makes a program do that.
 */
#include "vmlinux.h"

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "tests/bench/bench.h"

const volatile struct bench_packet packet;

/* Runs so far, and those at whose beginning the clock is read. */
__u32 counter, first, last;
__u64 first_ns, last_ns;

__u64 chain; /* 0, but the CPU has to wait for it */

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} bench_target SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} bench_target_tc SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct bench_line);
} bench_lines SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct bench_tuple4);
} bench_tuples4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct bench_tuple6);
} bench_tuples6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct bench_question);
} bench_questions SEC(".maps");

__u32 settled; /* written by a locked operation, to wait for all that was written before */

static __always_inline __u32 next_run(void)
{
	__u32 n = counter++;

	if (n == first)
		first_ns = bpf_ktime_get_ns();
	else if (n == last)
		last_ns = bpf_ktime_get_ns();
	return n;
}

/* Flows are visited in an order that no prefetcher guesses: an odd factor permutes them. */
static __always_inline __u32 flow_of(__u32 n)
{
	return (n * 2654435761u) & (packet.flows - 1);
}

static __always_inline __u32 service_of(__u32 flow)
{
	return packet.services > 1 ? (__u64)(flow * 0x9e3779b1u) * packet.services >> 32 : 0;
}

/* By hand: a memcpy would not know that the source is volatile, and copy its zeroes. */
static __always_inline void write_link(void *data)
{
	const volatile __u8 *d = packet.dmac, *s = packet.smac;
	__u32 *words = data;

	words[0] = d[0] | d[1] << 8 | d[2] << 16 | (__u32)d[3] << 24;
	words[1] = d[4] | d[5] << 8 | s[0] << 16 | (__u32)s[1] << 24;
	words[2] = s[2] | s[3] << 8 | s[4] << 16 | (__u32)s[5] << 24;
}

static __always_inline __u32 ports_of(__u32 flow)
{
	return (__u32)packet.dport << 16 | bpf_htons(1024 + (flow & 0x7fff));
}

/* Of one client 2^15 flows. */
static __always_inline void write_flow4(struct iphdr *ip, __u32 n)
{
	__u32 flow = flow_of(n);

	ip->saddr = packet.saddr[3] + bpf_htonl(flow >> 15);
	ip->daddr = bpf_htonl(bpf_ntohl(packet.daddr[3]) + service_of(flow));
	*(__u32 *)(ip + 1) = ports_of(flow);
}

static __always_inline void write_flow6(struct ipv6hdr *ip, __u32 n)
{
	__u32 flow = flow_of(n);

	for (int i = 0; i < 3; i++) {
		ip->saddr.in6_u.u6_addr32[i] = packet.saddr[i];
		ip->daddr.in6_u.u6_addr32[i] = packet.daddr[i];
	}
	ip->saddr.in6_u.u6_addr32[3] = packet.saddr[3] + bpf_htonl(flow >> 15);
	ip->daddr.in6_u.u6_addr32[3] = bpf_htonl(bpf_ntohl(packet.daddr[3]) + service_of(flow));
	*(__u32 *)(ip + 1) = ports_of(flow);
}

static __always_inline void write_listed4(struct iphdr *ip, __u32 n)
{
	__u32 index = n & (packet.flows - 1);
	struct bench_tuple4 *tuple = bpf_map_lookup_elem(&bench_tuples4, &index);

	if (!tuple)
		return;
	ip->saddr = tuple->saddr;
	ip->daddr = tuple->daddr;
	*(__u32 *)(ip + 1) = tuple->ports;
}

static __always_inline void write_listed6(struct ipv6hdr *ip, __u32 n)
{
	__u32 index = n & (packet.flows - 1);
	struct bench_tuple6 *tuple = bpf_map_lookup_elem(&bench_tuples6, &index);

	if (!tuple)
		return;
	for (int i = 0; i < 4; i++) {
		ip->saddr.in6_u.u6_addr32[i] = tuple->saddr[i];
		ip->daddr.in6_u.u6_addr32[i] = tuple->daddr[i];
	}
	*(__u32 *)(ip + 1) = tuple->ports;
}

/* False: the frame is too short, which it never is. */
static __always_inline bool generate(void *data, void *end)
{
	__u32 n = next_run();

	if (packet.v4) {
		struct iphdr *ip = data + sizeof(struct ethhdr);

		if ((void *)(ip + 1) + 8 > end)
			return false;
		if (packet.listed)
			write_listed4(ip, n);
		else
			write_flow4(ip, n);
		ip->ttl = 64;
	} else {
		struct ipv6hdr *ip = data + sizeof(struct ethhdr);

		if ((void *)(ip + 1) + 8 > end)
			return false;
		if (packet.listed)
			write_listed6(ip, n);
		else
			write_flow6(ip, n);
		ip->hop_limit = 64;
	}
	write_link(data);
	return true;
}

/* The frame is made as long again as it was, for an answer is longer. */
static __always_inline bool generate_question(struct xdp_md *ctx)
{
	__u32 index = next_run() & (packet.flows - 1);
	struct bench_question *question = bpf_map_lookup_elem(&bench_questions, &index);
	__u32 size = question ? question->size : 0;

	if (!size || size > sizeof(question->frame) ||
	    bpf_xdp_adjust_tail(ctx, (int)(size - bpf_xdp_get_buff_len(ctx))) ||
	    bpf_xdp_store_bytes(ctx, 0, question->frame, size))
		return false;
	__sync_fetch_and_add(&settled, 1);
	return true;
}

SEC("xdp.frags")
int bench_generate(struct xdp_md *ctx)
{
	if (packet.questions ? !generate_question(ctx)
			     : !generate((void *)(long)ctx->data, (void *)(long)ctx->data_end))
		return XDP_ABORTED;
	bpf_tail_call_static(ctx, &bench_target, 0);
	return XDP_TX;
}

SEC("tc")
int bench_generate_tc(struct __sk_buff *ctx)
{
	if (!generate((void *)(long)ctx->data, (void *)(long)ctx->data_end))
		return 2; /* TC_ACT_SHOT */
	bpf_tail_call_static(ctx, &bench_target_tc, 0);
	return 0;
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
	struct iphdr *ip = data + sizeof(struct ethhdr);
	__u32 *words = data, to[3];

	if ((void *)(ip + 1) + 20 > end || (ip->protocol != 6 && ip->protocol != 17))
		return XDP_ABORTED;
	to[0] = words[1] >> 16 | words[2] << 16;
	to[1] = words[2] >> 16 | words[0] << 16;
	to[2] = words[0] >> 16 | words[1] << 16;
	for (int i = 0; i < 3; i++)
		words[i] = to[i];
	return XDP_TX;
}

/* Not linear in the counter: a stride would be easy on the TLB. */
static __always_inline struct bench_line *random_line(__u64 n)
{
	__u64 hash = (n ^ n >> 7) * 0x9e3779b97f4a7c15ull;
	__u32 index = ((hash ^ hash >> 29) * 0xbf58476d1ce4e5b9ull >> 32) & (packet.lines - 1);

	return bpf_map_lookup_elem(&bench_lines, &index);
}

/* One 64-byte line of an array of the flow table's size, at random. */
SEC("xdp.frags")
int bench_line(struct xdp_md *ctx)
{
	struct bench_line *line = random_line(counter);

	(void)ctx;
	return line && line->word[0] == 1 ? XDP_DROP : XDP_TX;
}

/* The same, but that each line's place depends on what the one before it says. */
SEC("xdp.frags")
int bench_chain(struct xdp_md *ctx)
{
	struct bench_line *line = random_line(counter + chain);

	(void)ctx;
	if (line)
		chain = line->word[0];
	return XDP_TX;
}

char LICENSE[] SEC("license") = "GPL";
