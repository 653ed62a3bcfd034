/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshot and apply, counters, and the walk over flows; on real maps. */
#include "tests/net/datapath/sandbox.h"

#include "lb/maps.h"
#include "user/datapath/bulk.h"
#include "user/datapath/clock.h"
#include "user/datapath/handle.h"

static struct datapath *dp;

static int attached_up(void **state)
{
	if (sandbox_up(state))
		return -1;
	RUN("ip link add eth0 type veth peer name peer0");
	OK(sandbox_attach("eth0", ATTACH_TC, NULL, "none"));
	OK(datapath_open(&box.paths, &dp, &box.err));
	return 0;
}

static int attached_down(void **state)
{
	datapath_close(dp);
	return sandbox_down(state);
}

static struct lb_addr v4(uint32_t host)
{
	return addr_from_v4(htonl(host));
}

static void apply(struct plan_op *ops, size_t n)
{
	const struct plan plan = { .ops = ops, .n = n, .room = n };

	OK(datapath_apply(dp, &plan, &box.err));
}

/* The name lies here until eight others were asked for; plans own theirs. */
static struct plan_op service_op(uint32_t id, const char *name)
{
	static struct lb_name names[8];
	static size_t next;
	struct lb_name *place = &names[next++ % ARRAY_LEN(names)];

	snprintf(place->name, sizeof(place->name), "%s", name);
	return (struct plan_op){ .kind = PLAN_SERVICE_SET, .service = { id, place } };
}

static struct plan_op backend_op(enum plan_kind kind, uint32_t id, uint32_t service, uint8_t flags,
				 uint32_t generation)
{
	return (struct plan_op){ .kind = kind,
				 .backend = { .id = id,
					      .value = { .addr = v4(0x0a000000 + id),
							 .port = htons(8080),
							 .proto = IPPROTO_TCP,
							 .flags = flags,
							 .weight = 1,
							 .generation = generation,
							 .service = service } } };
}

static struct plan_op frontend_op(enum plan_kind kind, uint32_t n, uint32_t service)
{
	return (struct plan_op){ .kind = kind,
				 .frontend = { .key = { .addr = v4(0x0a600000 + n),
							.port = htons(80),
							.proto = IPPROTO_TCP },
					       .value = { .service = service,
							  .cluster = { .base = 10, .len = 5 } } } };
}

/* What one process writes another reads, down to the entry as the programs see it. */
static void apply_and_snapshot(void **state)
{
	struct maglev_member members[] = { { .addr = v4(0x0a000001), .weight = 1, .id = 1 },
					   { .addr = v4(0x0a000002), .weight = 1, .id = 2 } };
	uint32_t slots[5];
	struct plan_op range = { .kind = PLAN_RANGE_SET,
				 .range = { .prefixlen = 32 + 96 + 8,
					    .service = 1,
					    .addr = addr_from_v4(htonl(0x0a000000)) } };
	struct plan_op maglev = { .kind = PLAN_MAGLEV_SET,
				  .maglev = { .base = 10, .len = 5, .members = members, .n = 2 } };
	struct plan_op ops[] = {
		service_op(1, "kubia"),
		backend_op(PLAN_BACKEND_SET, 1, 1, LB_BACKEND_LOCAL, 1),
		backend_op(PLAN_BACKEND_SET, 2, 1, 0, 1),
		maglev,
		range,
		frontend_op(PLAN_FRONTEND_SET, 2, 1),
		frontend_op(PLAN_FRONTEND_SET, 1, 1),
	};
	struct plan_op removals[] = {
		frontend_op(PLAN_FRONTEND_DELETE, 1, 1),
		frontend_op(PLAN_FRONTEND_DELETE, 2, 1),
		{ .kind = PLAN_RANGE_DELETE, .range = range.range },
		backend_op(PLAN_BACKEND_RETIRE, 1, 0, LB_BACKEND_DRAINING, 2),
		backend_op(PLAN_BACKEND_RETIRE, 2, 0, LB_BACKEND_GONE, 2),
		{ .kind = PLAN_SERVICE_DELETE, .service = { .id = 1 } },
	};
	struct actual actual;

	(void)state;
	maglev_fill(members, 2, slots, 5);
	apply(ops, ARRAY_LEN(ops));
	OK(datapath_snapshot(dp, &actual, &box.err));
	assert_int_equal(actual.n_services, 1);
	assert_string_equal(actual.services[0].name.name, "kubia");
	assert_int_equal(actual.n_frontends, 2);
	assert_memory_equal(&actual.frontends[0].key, &ops[6].frontend.key, 20);
	assert_memory_equal(&actual.frontends[1].key, &ops[5].frontend.key, 20);
	assert_int_equal(actual.n_backends, 2);
	assert_memory_equal(&actual.backends[1].value, &ops[2].backend.value, 32);
	assert_int_equal(actual.n_ranges, 1);
	assert_memory_equal(&actual.ranges[0].key, &range.range, sizeof(range.range));
	assert_memory_equal(&actual.slots[10], slots, sizeof(slots));
	actual_done(&actual);
	for (uint32_t i = 0; i < ARRAY_LEN(slots); i++) {
		uint32_t key = 10 + i, value = 0;

		OK(bpf_map_lookup_elem(dp->map[MAP_MAGLEV], &key, &value));
		assert_int_equal(value, slots[i]);
	}
	apply(removals, ARRAY_LEN(removals));
	OK(datapath_snapshot(dp, &actual, &box.err));
	assert_int_equal(actual.n_services + actual.n_frontends + actual.n_ranges, 0);
	assert_int_equal(actual.n_backends, 2); /* draining and gone ones keep their slots */
	assert_int_equal(actual.backends[0].value.generation, 2);
	actual_done(&actual);
	apply(removals, ARRAY_LEN(removals)); /* what is gone already is no error */
}

static void many_services(void **state)
{
	enum { MANY = 10000 };
	struct plan_op *ops = xcalloc(2 * MANY, sizeof(*ops));
	struct actual actual;
	struct bulk bulk;

	(void)state;
	for (uint32_t i = 0; i < MANY; i++) {
		ops[i] = service_op(i + 1, "many");
		ops[MANY + i] = frontend_op(PLAN_FRONTEND_SET, i, i + 1);
	}
	apply(ops, 2 * MANY);
	OK(datapath_snapshot(dp, &actual, &box.err));
	assert_int_equal(actual.n_services, MANY);
	assert_int_equal(actual.n_frontends, MANY);
	for (uint32_t i = 0; i < MANY; i++) {
		assert_int_equal(actual.services[i].id, i + 1);
		assert_int_equal(actual.frontends[i].value.service, i + 1);
	}
	actual_done(&actual);
	OK(bulk_read(dp->map[MAP_FRONTEND], sizeof(struct lb_frontend_key),
		     sizeof(struct lb_frontend), &bulk));
	assert_int_equal(bulk.n, MANY);
	bulk_done(&bulk);
	for (uint32_t i = 0; i < MANY; i++) {
		ops[i].kind = PLAN_SERVICE_DELETE;
		ops[MANY + i].kind = PLAN_FRONTEND_DELETE;
	}
	apply(ops, 2 * MANY);
	free(ops);
}

/* Side by side, with a gap, and more than are copied at once. */
static void many_tables(void **state)
{
	enum { MANY = 200, LEN = 1009, GAP = 100, ROOM = MANY * LEN + GAP };
	struct maglev_member members[MANY][2];
	struct plan_op ops[MANY];
	cleanup_free uint32_t *slots = xcalloc(ROOM, sizeof(*slots));

	(void)state;
	memset(dp->slots, 0, ROOM * sizeof(*slots));
	for (uint32_t i = 0; i < MANY; i++) {
		uint32_t base = i * LEN + (i < MANY / 2 ? 0 : GAP);

		for (uint32_t j = 0; j < 2; j++)
			members[i][j] = (struct maglev_member){ .addr = v4(0x0a000000 + i * 2 + j),
								.weight = 1,
								.id = i * 2 + j + 1 };
		ops[i] = (struct plan_op){
			.kind = PLAN_MAGLEV_SET,
			.maglev = { .base = base, .len = LEN, .members = members[i], .n = 2 }
		};
		maglev_fill(members[i], 2, &slots[base], LEN);
	}
	apply(ops, MANY);
	assert_memory_equal(dp->slots, slots, ROOM * sizeof(*slots));
}

static void ids_out_of_range(void **state)
{
	struct maglev_member member = { .id = 1 };
	struct plan_op ops[] = {
		backend_op(PLAN_BACKEND_SET, 0, 1, 0, 1),
		backend_op(PLAN_BACKEND_SET, dp->max[MAP_BACKEND], 1, 0, 1),
		{ .kind = PLAN_MAGLEV_SET,
		  .maglev = { .base = dp->n_slots, .len = 1, .members = &member, .n = 1 } },
		{ .kind = PLAN_MAGLEV_SET,
		  .maglev = { .base = 1, .len = UINT32_MAX, .members = &member, .n = 1 } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
		const struct plan plan = { .ops = &ops[i], .n = 1 };

		assert_int_equal(datapath_apply(dp, &plan, &box.err), -ERANGE);
	}
}

/* ------------------------------------------------------------------ counters -- */

static struct lb_stats counted(uint64_t packets)
{
	return (struct lb_stats){ packets, packets * 100, packets / 10, 0 };
}

static void count_service(uint32_t id, uint64_t packets)
{
	struct lb_stats *values = xcalloc((size_t)dp->cpus, sizeof(*values));

	for (int cpu = 0; cpu < dp->cpus; cpu++)
		values[cpu] = counted(packets);
	OK(bpf_map_update_elem(dp->map[MAP_SERVICE_STATS], &id, values, BPF_ANY));
	free(values);
}

static void count_backend(uint32_t id, uint64_t packets)
{
	for (uint32_t cpu = 0; cpu < (uint32_t)dp->cpus; cpu++)
		dp->counters[cpu * LB_MAX_BACKENDS + id] = counted(packets);
}

static void check_counts(const uint64_t *services, const uint64_t *backends)
{
	struct datapath_stats stats;
	struct actual actual;

	OK(datapath_snapshot(dp, &actual, &box.err));
	OK(datapath_read_stats(dp, &actual, &stats, &box.err));
	for (size_t i = 0; i < actual.n_services; i++) {
		assert_int_equal(stats.services[i].packets, services[i] * (uint64_t)dp->cpus);
		assert_int_equal(stats.services[i].bytes, services[i] * 100 * (uint64_t)dp->cpus);
	}
	for (size_t i = 0; i < actual.n_backends; i++)
		assert_int_equal(stats.backends[i].packets, backends[i] * (uint64_t)dp->cpus);
	datapath_stats_done(&stats);
	actual_done(&actual);
}

static void counters_move_to_their_service(void **state)
{
	struct plan_op ops[] = {
		service_op(7, "seven"),
		service_op(8, "eight"),
		backend_op(PLAN_BACKEND_SET, 1, 7, 0, 3),
		backend_op(PLAN_BACKEND_SET, 2, 8, 0, 3),
	};
	struct plan_op drain = backend_op(PLAN_BACKEND_RETIRE, 1, 7, LB_BACKEND_DRAINING, 4);
	struct plan_op freed = backend_op(PLAN_BACKEND_RETIRE, 1, 0, LB_BACKEND_DRAINING, 4);
	struct plan_op given = backend_op(PLAN_BACKEND_SET, 1, 8, 0, 5);
	struct plan_op renamed = service_op(7, "seven");
	struct plan_op anew = service_op(7, "another");

	(void)state;
	count_service(7, 999); /* of a former owner of the id */
	apply(ops, ARRAY_LEN(ops));
	count_backend(1, 50);
	count_backend(2, 20);
	check_counts((uint64_t[]){ 50, 20 }, (uint64_t[]){ 50, 20 });
	apply(&drain, 1); /* same service: nothing moves */
	check_counts((uint64_t[]){ 50, 20 }, (uint64_t[]){ 50, 20 });
	apply(&freed, 1);
	check_counts((uint64_t[]){ 50, 20 }, (uint64_t[]){ 0, 20 });
	count_backend(1, 5); /* old connections that still drain */
	apply(&given, 1);
	check_counts((uint64_t[]){ 50, 20 }, (uint64_t[]){ 0, 20 });
	renamed.change = true;
	apply(&renamed, 1);
	check_counts((uint64_t[]){ 50, 20 }, (uint64_t[]){ 0, 20 });
	apply(&anew, 1);
	check_counts((uint64_t[]){ 0, 20 }, (uint64_t[]){ 0, 20 });
}

/* --------------------------------------------------------------------- flows -- */

struct seen {
	size_t n;
	struct datapath_flow flows[8];
};

static int see(void *arg, const struct datapath_flow *flow)
{
	struct seen *seen = arg;

	assert_true(seen->n < ARRAY_LEN(seen->flows));
	seen->flows[seen->n++] = *flow;
	return 0;
}

static struct lb_flow4 flow4(uint8_t state, uint8_t flags, uint32_t word, uint32_t last_seen)
{
	return (struct lb_flow4){ .saddr = htonl(0x0a010101),
				  .daddr = htonl(0x0a600001),
				  .sport = htons(4000),
				  .dport = htons(80),
				  .meta = { IPPROTO_TCP, state, flags, 0, word, last_seen },
				  .new_saddr = htonl(0x0a090001),
				  .new_daddr = htonl(0x0a000001),
				  .new_sport = htons(10001),
				  .new_dport = htons(8080),
				  .backend = 3 };
}

static const struct flow_row {
	const char *name;
	uint8_t state, flags;
	uint32_t word;
	int age; /* seconds */
	bool seen;
	uint32_t idle;
} flow_rows[] = {
	{ "half-open", LB_FLOW_HALF_OPEN, 0, 0, 10, true, 10 },
	{ "half-open, expired", LB_FLOW_HALF_OPEN, 0, 0, 61, false, 0 },
	{ "established", LB_FLOW_ESTABLISHED, 0, 0, 3600, true, 3600 },
	{ "closed, expired", LB_FLOW_CLOSED, 0, 0, 31, false, 0 },
	{ "seen after the clock was read", LB_FLOW_ESTABLISHED, 0, 0, -5, true, 0 },
	{ "empty", LB_FLOW_EMPTY, 0, 0, 0, false, 0 },
	{ "no such state", LB_FLOW_STATES, 0, 0, 0, false, 0 },
	{ "a reply", LB_FLOW_ESTABLISHED, LB_FLOW_REPLY, 0, 0, false, 0 },
	{ "being written", LB_FLOW_ESTABLISHED, 0, 4, 0, false, 0 },
	{ "written once, set locked and overflown", LB_FLOW_ESTABLISHED, 0, 8 | 3, 0, true, 0 },
};

static void check_flow(const struct flow_row *row, int way)
{
	const uint32_t hz = datapath_meta(dp)->config.hz;
	struct lb_flow4_set set = { 0 };
	struct lb_clock *clock;
	struct seen seen = { 0 };
	uint32_t key = 77;
	uint64_t now;

	OK(clock_open(&clock, &box.err));
	OK(clock_read(clock, &now, &box.err));
	clock_close(clock);
	set.way[way] = flow4(row->state, row->flags, row->word,
			     (uint32_t)now - (uint32_t)(row->age * (int)hz));
	OK(bpf_map_update_elem(dp->map[MAP_FLOW4], &key, &set, BPF_ANY));
	OK(datapath_each_flow(dp, see, &seen, &box.err));
	if (seen.n != row->seen)
		fail_msg("%s: seen %zu times", row->name, seen.n);
	if (row->seen && seen.flows[0].idle - row->idle > 1)
		fail_msg("%s: idle %u", row->name, seen.flows[0].idle);
	memset(&set, 0, sizeof(set));
	OK(bpf_map_update_elem(dp->map[MAP_FLOW4], &key, &set, BPF_ANY));
}

static void flows_by_state(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(flow_rows); i++)
		for (int way = 0; way < LB_FLOW_WAYS; way++)
			check_flow(&flow_rows[i], way);
}

static void flow_fields(void **state)
{
	struct lb_flow4_set set4 = { 0 };
	struct lb_flow6_set set6 = { 0 };
	char text[ADDR_PORT_TEXT];
	struct lb_clock *clock;
	struct seen seen = { 0 };
	uint32_t key = 5;
	uint64_t now;

	(void)state;
	OK(clock_open(&clock, &box.err));
	OK(clock_read(clock, &now, &box.err));
	clock_close(clock);
	set4.way[1] = flow4(LB_FLOW_ESTABLISHED, LB_FLOW_MASQUERADE, 0, (uint32_t)now);
	set6.way[3].saddr[0] = htonl(0xfd000001);
	set6.way[3].sport = htons(5000);
	set6.way[3].daddr[3] = htonl(2);
	set6.way[3].new_daddr[0] = htonl(0xfd170000);
	set6.way[3].new_dport = htons(8443);
	set6.way[3].meta = set4.way[1].meta;
	OK(bpf_map_update_elem(dp->map[MAP_FLOW4], &key, &set4, BPF_ANY));
	OK(bpf_map_update_elem(dp->map[MAP_FLOW6], &key, &set6, BPF_ANY));
	OK(datapath_each_flow(dp, see, &seen, &box.err));
	assert_int_equal(seen.n, 2);
	assert_string_equal(
		addr_port_format(&seen.flows[0].client, seen.flows[0].client_port, text),
		"10.1.1.1:4000");
	assert_string_equal(
		addr_port_format(&seen.flows[0].frontend, seen.flows[0].frontend_port, text),
		"10.96.0.1:80");
	assert_string_equal(
		addr_port_format(&seen.flows[0].backend, seen.flows[0].backend_port, text),
		"10.0.0.1:8080");
	assert_string_equal(
		addr_port_format(&seen.flows[0].masquerade, seen.flows[0].masquerade_port, text),
		"10.9.0.1:10001");
	assert_int_equal(seen.flows[0].backend_id, 3);
	assert_string_equal(
		addr_port_format(&seen.flows[1].client, seen.flows[1].client_port, text),
		"[fd00:1::]:5000");
	assert_string_equal(
		addr_port_format(&seen.flows[1].backend, seen.flows[1].backend_port, text),
		"[fd17::]:8443");
}

/* lb_meta and the open handle agree with what attach was given. */
static void configuration_is_kept(void **state)
{
	const struct lb_config *config = &datapath_meta(dp)->config;
	struct lb_clock *clock;
	uint32_t hz;

	(void)state;
	OK(clock_open(&clock, &box.err));
	OK(clock_measure_hz(clock, &hz, &box.err));
	clock_close(clock);
	assert_int_equal(config->hz, hz);
	assert_int_equal(config->flow4_mask, 4096 / LB_FLOW_WAYS - 1);
	assert_int_equal(dp->max[MAP_FLOW6], 4096 / LB_FLOW_WAYS);
	assert_int_equal(config->tcp_timeout[LB_FLOW_ESTABLISHED], 86400 * hz);
	assert_true(config->seed != 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(apply_and_snapshot),
		cmocka_unit_test(many_services),
		cmocka_unit_test(many_tables),
		cmocka_unit_test(ids_out_of_range),
		cmocka_unit_test(counters_move_to_their_service),
		cmocka_unit_test(flows_by_state),
		cmocka_unit_test(flow_fields),
		cmocka_unit_test(configuration_is_kept),
	};

	return cmocka_run_group_tests(tests, attached_up, attached_down);
}
