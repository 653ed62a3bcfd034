/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flowfill PIN: copies one live flow of a pinned lb_flow4 into every free place of the table, each
 * under a client of its own, and prints how many flows there are then. No program finds such a
 * flow (it is not where its hash says); who reads the whole table finds a table that is full.
 */
#include <bpf/bpf.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "lb/types.h"

static int is_forward(const struct lb_flow4 *flow)
{
	return flow->meta.state != LB_FLOW_EMPTY && !(flow->meta.flags & LB_FLOW_REPLY);
}

static const struct lb_flow4 *find_live(const struct lb_flow4_set *sets, __u32 n)
{
	for (__u32 i = 0; i < n; i++)
		for (int way = 0; way < LB_FLOW_WAYS; way++)
			if (is_forward(&sets[i].way[way]))
				return &sets[i].way[way];
	return NULL;
}

/* All but the lock's word, which belongs to the place. */
static void fill(struct lb_flow4 *place, const struct lb_flow4 *model, __u32 number)
{
	__u32 word = place->meta.word;

	*place = *model;
	place->meta.word = word;
	place->meta.state = LB_FLOW_ESTABLISHED; /* it stays as long as the test looks */
	place->saddr = __builtin_bswap32(0x0b000000u + number); /* 11.x.x.x */
}

int main(int argc, char **argv)
{
	struct bpf_map_info info = { 0 };
	__u32 size = sizeof(info), count = 0;
	int fd = argc == 2 ? bpf_obj_get(argv[1]) : -1;
	const struct lb_flow4 *live;
	struct lb_flow4_set *sets;
	struct lb_flow4 model;

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size)) {
		perror("flowfill");
		return 1;
	}
	sets = mmap(NULL, (size_t)info.max_entries * sizeof(*sets), PROT_READ | PROT_WRITE,
		    MAP_SHARED, fd, 0);
	if (sets == MAP_FAILED) {
		perror("mmap");
		return 1;
	}
	live = find_live(sets, info.max_entries);
	if (!live) {
		fprintf(stderr, "flowfill: there is no flow to copy\n");
		return 1;
	}
	model = *live;
	for (__u32 i = 0; i < info.max_entries; i++) {
		for (int way = 0; way < LB_FLOW_WAYS; way++) {
			if (sets[i].way[way].meta.state == LB_FLOW_EMPTY)
				fill(&sets[i].way[way], &model, i * LB_FLOW_WAYS + (__u32)way);
			count += (__u32)is_forward(&sets[i].way[way]);
		}
	}
	printf("%u\n", count);
	return 0;
}
