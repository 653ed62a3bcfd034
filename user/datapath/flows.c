/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the flow tables as they are, while the programs write to them. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "lb/maps.h"
#include "user/datapath/clock.h"
#include "user/datapath/handle.h"
#include "user/util/cleanup.h"

#define WORD_SEQUENCE(word) ((word) >> 2) /* below are the set's lock and overflow marks */
#define READ_TRIES 4

struct walk {
	const struct lb_config *config;
	uint32_t now; /* jiffies, low half */
	int (*visit)(void *arg, const struct datapath_flow *flow);
	void *arg;
};

static int now_read(uint32_t *ret_now, struct err *err)
{
	struct lb_clock *clock = NULL;
	uint64_t now;
	int r = clock_open(&clock, err);

	r = r ?: clock_read(clock, &now, err);
	clock_close(clock);
	if (!r)
		*ret_now = (uint32_t)now;
	return r;
}

static const uint32_t *timeouts_of(const struct lb_config *config, uint8_t proto)
{
	return proto == IPPROTO_UDP ? config->udp_timeout : config->tcp_timeout;
}

/* A copy that nobody wrote to meanwhile: the sequence is odd during a write, and moves on. */
static bool entry_copy(const void *entry, size_t size, const struct lb_flow_meta *meta,
		       void *ret_copy)
{
	for (int i = 0; i < READ_TRIES; i++) {
		uint32_t before = __atomic_load_n(&meta->word, __ATOMIC_ACQUIRE);
		uint32_t after;

		memcpy(ret_copy, entry, size);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		after = __atomic_load_n(&meta->word, __ATOMIC_RELAXED);
		if (!(WORD_SEQUENCE(before) & 1) && WORD_SEQUENCE(before) == WORD_SEQUENCE(after))
			return true;
	}
	return false;
}

/* Forward entries that have not expired; expired ones stay in place until they are needed. */
static bool flow_is_live(const struct walk *walk, const struct lb_flow_meta *meta,
			 uint32_t *ret_idle)
{
	int32_t age = (int32_t)(walk->now - meta->last_seen);

	if (meta->state == LB_FLOW_EMPTY || meta->state >= LB_FLOW_STATES ||
	    (meta->flags & LB_FLOW_REPLY))
		return false;
	age = age < 0 ? 0 : age; /* seen after we read the clock */
	*ret_idle = (uint32_t)age / walk->config->hz;
	return (uint32_t)age < timeouts_of(walk->config, meta->proto)[meta->state];
}

static struct datapath_flow flow_of_meta(const struct lb_flow_meta *meta, uint32_t idle)
{
	return (struct datapath_flow){
		.proto = meta->proto, .state = meta->state, .flags = meta->flags, .idle = idle
	};
}

static int visit_flow4(const struct walk *walk, const struct lb_flow4 *entry)
{
	struct lb_flow4 copy;
	struct datapath_flow flow;
	uint32_t idle;

	if (!entry->meta.state || !entry_copy(entry, sizeof(copy), &entry->meta, &copy) ||
	    !flow_is_live(walk, &copy.meta, &idle))
		return 0;
	flow = flow_of_meta(&copy.meta, idle);
	flow.client = addr_from_v4(copy.saddr);
	flow.frontend = addr_from_v4(copy.daddr);
	flow.masquerade = addr_from_v4(copy.new_saddr);
	flow.backend = addr_from_v4(copy.new_daddr);
	flow.client_port = copy.sport;
	flow.frontend_port = copy.dport;
	flow.masquerade_port = copy.new_sport;
	flow.backend_port = copy.new_dport;
	flow.backend_id = copy.backend;
	flow.generation = copy.generation;
	flow.nexthop = copy.nexthop;
	return walk->visit(walk->arg, &flow);
}

static int visit_flow6(const struct walk *walk, const struct lb_flow6 *entry)
{
	struct lb_flow6 copy;
	struct datapath_flow flow;
	uint32_t idle;

	if (!entry->meta.state || !entry_copy(entry, sizeof(copy), &entry->meta, &copy) ||
	    !flow_is_live(walk, &copy.meta, &idle))
		return 0;
	flow = flow_of_meta(&copy.meta, idle);
	memcpy(&flow.client, copy.saddr, sizeof(flow.client));
	memcpy(&flow.frontend, copy.daddr, sizeof(flow.frontend));
	memcpy(&flow.masquerade, copy.new_saddr, sizeof(flow.masquerade));
	memcpy(&flow.backend, copy.new_daddr, sizeof(flow.backend));
	flow.client_port = copy.sport;
	flow.frontend_port = copy.dport;
	flow.masquerade_port = copy.new_sport;
	flow.backend_port = copy.new_dport;
	flow.backend_id = copy.backend;
	flow.generation = copy.generation;
	flow.nexthop = copy.nexthop;
	return walk->visit(walk->arg, &flow);
}

static size_t map_size(const struct datapath *dp, enum shared_map map)
{
	return dp->max[map] *
	       (map == MAP_FLOW4 ? sizeof(struct lb_flow4_set) : sizeof(struct lb_flow6_set));
}

/* NULL: err says why. */
static void *map_open(const struct datapath *dp, enum shared_map map, struct err *err)
{
	void *sets = mmap(NULL, map_size(dp, map), PROT_READ, MAP_SHARED, dp->map[map], 0);

	if (sets != MAP_FAILED)
		return sets;
	(void)err_sys(err, -errno, "cannot map %s", shared_map_names[map]);
	return NULL;
}

static void map_close(const struct datapath *dp, enum shared_map map, void *sets)
{
	munmap(sets, map_size(dp, map));
}

static int walk_map(struct datapath *dp, enum shared_map map, const struct walk *walk,
		    struct err *err)
{
	void *sets = map_open(dp, map, err);
	int r = 0;

	if (!sets)
		return -EIO;
	for (uint32_t i = 0; i < dp->max[map] && !r; i++) {
		for (int way = 0; way < LB_FLOW_WAYS && !r; way++) {
			if (map == MAP_FLOW4)
				r = visit_flow4(walk, &((struct lb_flow4_set *)sets)[i].way[way]);
			else
				r = visit_flow6(walk, &((struct lb_flow6_set *)sets)[i].way[way]);
		}
	}
	map_close(dp, map, sets);
	return r;
}

/* ------------------------------------------------------------------ counting -- */

struct count {
	const struct lb_config *config;
	uint32_t now;
	uint64_t *entries, *flows; /* of one family */
};

/* Looks at the first line of an entry only, and takes what it reads there for one moment's. */
static void entry_count(const struct count *count, const struct lb_flow_meta *meta)
{
	uint8_t state = __atomic_load_n(&meta->state, __ATOMIC_RELAXED);
	uint32_t age;

	if (state == LB_FLOW_EMPTY || state >= LB_FLOW_STATES)
		return;
	age = count->now - __atomic_load_n(&meta->last_seen, __ATOMIC_RELAXED);
	if ((int32_t)age >= 0 && age >= timeouts_of(count->config, meta->proto)[state])
		return;
	++*count->entries;
	if (!(meta->flags & LB_FLOW_REPLY))
		count->flows[state]++;
}

static int map_count(struct datapath *dp, enum shared_map map, const struct count *count,
		     struct err *err)
{
	const struct lb_flow4_set *sets4;
	const struct lb_flow6_set *sets6;
	void *sets = map_open(dp, map, err);

	if (!sets)
		return -EIO;
	sets4 = sets;
	sets6 = sets;
	for (uint32_t i = 0; i < dp->max[map]; i++)
		for (int way = 0; way < LB_FLOW_WAYS; way++)
			entry_count(count, map == MAP_FLOW4 ? &sets4[i].way[way].meta
							    : &sets6[i].way[way].meta);
	map_close(dp, map, sets);
	return 0;
}

int datapath_count_flows(struct datapath *dp, struct datapath_flow_counts *ret_counts,
			 struct err *err)
{
	static const enum shared_map maps[] = { MAP_FLOW4, MAP_FLOW6 };
	struct datapath_flow_counts counts = { 0 };
	struct count count = { .config = &dp->meta.config };
	int r = now_read(&count.now, err);

	for (size_t i = 0; i < ARRAY_LEN(maps) && !r; i++) {
		counts.max_entries[i] = (uint64_t)dp->max[maps[i]] * LB_FLOW_WAYS;
		count.entries = &counts.entries[i];
		count.flows = counts.flows[i];
		r = map_count(dp, maps[i], &count, err);
	}
	if (!r)
		*ret_counts = counts;
	return r;
}

int datapath_each_flow(struct datapath *dp,
		       int (*visit)(void *arg, const struct datapath_flow *flow), void *arg,
		       struct err *err)
{
	struct walk walk = { .config = &dp->meta.config, .visit = visit, .arg = arg };
	int r = now_read(&walk.now, err);

	r = r ?: walk_map(dp, MAP_FLOW4, &walk, err);
	return r ?: walk_map(dp, MAP_FLOW6, &walk, err);
}
