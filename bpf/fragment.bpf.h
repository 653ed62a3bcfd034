/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fragments. Only the first one has ports; it leaves them here for the others, which then take
 * the same flow.
 *
 * One that comes before the first cannot be served yet, and there is no place to keep a packet.
 * TC sends it through the device's backlog again, behind what has arrived meanwhile, some times
 * over; a budget for each CPU and jiffy keeps a flood of orphans cheap.
 *
 * Example: "192.0.2.9 → 10.96.0.1, id 7, UDP" remembers 40000 → 80.
 *
 * What it does badly: two clients behind one masquerade address may use one id towards one
 * backend at the same time, which then mixes them up, as behind any NAT (RFC 6864).
 */
#ifndef LB_FRAGMENT_BPF_H
#define LB_FRAGMENT_BPF_H

#include "config.bpf.h"
#include "maps.bpf.h"
#include "packet.bpf.h"

#define FRAGMENT_ENTRIES 65536
#define FRAGMENT_ROUNDS 1000 /* through the backlog, at most */
#define FRAGMENT_BUDGET 1000 /* rounds a CPU and jiffy */

struct fragment_key {
	struct lb_addr saddr;
	struct lb_addr daddr;
	__u32 id;
	__u32 proto;
};

struct fragment_ports {
	__be16 sport;
	__be16 dport;
};

/* Shared by XDP, which sees the first fragment, and TC, where those wait that came before it. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, FRAGMENT_ENTRIES);
	__type(key, struct fragment_key);
	__type(value, struct fragment_ports);
} lb_fragment SEC(".maps");

struct fragment_budget {
	__u32 jiffy;
	__u32 spent;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct fragment_budget);
} lb_fragment_rnd SEC(".maps");

static __always_inline void fragment_key_fill(const struct packet *pkt, struct fragment_key *key)
{
	key->saddr = pkt->tuple.saddr;
	key->daddr = pkt->tuple.daddr;
	key->id = pkt->id;
	key->proto = pkt->tuple.proto;
}

static __always_inline void fragment_remember(const struct packet *pkt)
{
	struct fragment_ports ports = { pkt->tuple.sport, pkt->tuple.dport };
	struct fragment_key key;

	fragment_key_fill(pkt, &key);
	bpf_map_update_elem(&lb_fragment, &key, &ports, BPF_ANY);
}

/* Completes a later fragment's tuple; false: the first one has not been seen. */
static __always_inline bool fragment_recall(struct packet *pkt)
{
	struct fragment_ports *ports;
	struct fragment_key key;

	fragment_key_fill(pkt, &key);
	ports = bpf_map_lookup_elem(&lb_fragment, &key);
	if (!ports)
		return false;
	pkt->tuple.sport = ports->sport;
	pkt->tuple.dport = ports->dport;
	return true;
}

/* Whether this CPU may send one more fragment round. */
static __always_inline bool fragment_affordable(void)
{
	__u32 zero = 0, now = (__u32)bpf_jiffies64();
	struct fragment_budget *budget = bpf_map_lookup_elem(&lb_fragment_rnd, &zero);

	if (!budget)
		return false;
	if (budget->jiffy != now) {
		budget->jiffy = now;
		budget->spent = 0;
	}
	return budget->spent++ < FRAGMENT_BUDGET;
}

#endif
