/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the rig share. */
#ifndef PACKET_RIG_PARTS_H
#define PACKET_RIG_PARTS_H

#include "tests/packet/network.h"
#include "tests/packet/rig.h"

struct bpf_map;
struct lb_tc;
struct lb_xdp;

#define HZ_ASSUMED 1000u
#define CPUS_MAX 1024
#define RIG_OUT_MAX 16384

struct rig {
	struct lb_xdp *xdp;
	struct lb_tc *tc;
	struct network network;
	struct rig_size size;
	unsigned int sets4, sets6, next_slot;
	int cpus;
	enum rig_mode mode;
	uint32_t mark; /* of the packet at TC, kept from one run to the next */
	void *flow4, *flow6;
	uint32_t *slots;
	uint64_t *bloom;
	struct lb_stats *stats;
};

extern struct rig rig;

/* Writes an entry; ends the test program when that fails. */
void rig_put(struct bpf_map *map, const void *key, const void *value);

#endif
