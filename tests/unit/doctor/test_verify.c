/* SPDX-License-Identifier: Apache-2.0 */
/* Whole maps pass; each corruption is found, and nothing else. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "user/datapath/verify.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"

#define SLOTS 32

/* Two services: kubia (id 1: backends 1 and 2, the second elsewhere) and other (id 2: backend 3).
 */
struct maps {
	struct actual_service services[2];
	struct actual_frontend frontends[3];
	struct actual_backend backends[3];
	struct actual_range ranges[1];
	uint32_t slots[SLOTS];
	struct datapath_affinity affinity;
	struct datapath_flow flow;
	struct actual actual;
};

static struct lb_addr address(const char *text)
{
	struct lb_addr addr;

	assert_int_equal(addr_parse(text, &addr), 0);
	return addr;
}

static struct lb_backend backend(const char *ip, uint32_t service, uint8_t flags)
{
	return (struct lb_backend){ .addr = address(ip),
				    .port = htons(8080),
				    .proto = IPPROTO_TCP,
				    .flags = flags,
				    .weight = 1,
				    .generation = 5,
				    .service = service };
}

static struct actual_frontend frontend(const char *ip, uint16_t port, uint32_t service,
				       struct lb_range cluster, struct lb_range local)
{
	return (struct actual_frontend){
		.key = { .addr = address(ip), .port = htons(port), .proto = IPPROTO_TCP },
		.value = { .service = service, .cluster = cluster, .local = local },
	};
}

static struct actual_service service(uint32_t id, const char *name)
{
	struct actual_service item = { .id = id,
				       .name = { .port = htons(80), .proto = IPPROTO_TCP } };

	strcpy(item.name.namespace, "default");
	strcpy(item.name.name, name);
	return item;
}

static void maps_make(struct maps *maps)
{
	const struct lb_range cluster = { 0, 8 }, local = { 8, 4 }, other = { 12, 4 };

	*maps = (struct maps){
		.services = { service(1, "kubia"), service(2, "other") },
		.frontends = { frontend("10.96.0.1", 80, 1, cluster, (struct lb_range){ 0 }),
			       frontend("10.96.0.2", 80, 2, other, (struct lb_range){ 0 }),
			       frontend("192.0.2.1", 30123, 1, cluster, local) },
		.backends = { { 1, backend("172.17.0.7", 1, LB_BACKEND_LOCAL) },
			      { 2, backend("172.17.1.9", 1, 0) },
			      { 3, backend("172.17.0.8", 2, LB_BACKEND_LOCAL) } },
		.ranges = { { .key = { .service = 2 } } },
		.affinity = { .key = { .client = address("192.0.2.10"), .service = 1 },
			      .value = { .backend = 1, .generation = 5 } },
		.flow = { .proto = IPPROTO_TCP,
			  .client = address("192.0.2.10"),
			  .client_port = htons(1234),
			  .backend = address("172.17.0.7"),
			  .backend_port = htons(8080),
			  .backend_id = 1,
			  .generation = 5 },
	};
	maps->frontends[2].value.flags = LB_FRONTEND_EXTERNAL | LB_FRONTEND_NODE_PORT;
	for (uint32_t i = 0; i < 16; i++)
		maps->slots[i] = i < 8 ? 1 + i % 2 : i < 12 ? 1 : 3;
	maps->actual = (struct actual){ .services = maps->services,
					.n_services = 2,
					.frontends = maps->frontends,
					.n_frontends = 3,
					.backends = maps->backends,
					.n_backends = 3,
					.ranges = maps->ranges,
					.n_ranges = 1,
					.slots = maps->slots,
					.n_slots = SLOTS,
					.max_backends = 16 };
}

static void slot_unknown(struct maps *m)
{
	m->slots[3] = 9;
}

static void slot_empty(struct maps *m)
{
	m->slots[0] = 0;
}

static void slot_beyond(struct maps *m)
{
	m->slots[7] = 4000000000u;
}

static void slot_foreign(struct maps *m)
{
	m->slots[1] = 3;
}

static void slot_remote(struct maps *m)
{
	m->slots[9] = 2;
}

static void backend_gone(struct maps *m)
{
	m->backends[2].value.flags |= LB_BACKEND_GONE;
}

static void backend_draining(struct maps *m)
{
	m->backends[2].value.flags |= LB_BACKEND_DRAINING;
}

static void backend_node_only(struct maps *m)
{
	m->backends[2].value.flags |= LB_BACKEND_NODE_ONLY;
}

static void backend_nameless(struct maps *m)
{
	m->backends[2].value.service = 7;
}

static void backend_protocol(struct maps *m)
{
	m->backends[2].value.proto = IPPROTO_UDP;
}

static void range_beyond(struct maps *m)
{
	m->frontends[1].value.cluster.len = SLOTS;
}

static void range_huge(struct maps *m)
{
	m->frontends[1].value.cluster = (struct lb_range){ UINT32_MAX, UINT32_MAX };
}

static void range_shared(struct maps *m)
{
	m->frontends[1].value.cluster = (struct lb_range){ 11, 5 };
	m->slots[11] = 3;
}

static void frontend_nameless(struct maps *m)
{
	m->frontends[1].value.service = 7;
}

static void frontend_port(struct maps *m)
{
	m->frontends[0].key.port = htons(81);
}

static void frontend_protocol(struct maps *m)
{
	m->frontends[0].key.proto = IPPROTO_UDP;
}

static void frontend_family(struct maps *m)
{
	m->frontends[0].key.addr = address("fd00:10:96::1");
}

static void source_range_nameless(struct maps *m)
{
	m->ranges[0].key.service = 7;
}

static void affinity_unknown(struct maps *m)
{
	m->affinity.value.backend = 9;
}

static void affinity_foreign(struct maps *m)
{
	m->affinity.value.backend = 3;
}

static void affinity_old(struct maps *m)
{
	m->affinity.value = (struct lb_affinity){ .backend = 3, .generation = 4 };
}

static void flow_unknown(struct maps *m)
{
	m->flow.backend_id = 9;
}

static void flow_astray(struct maps *m)
{
	m->flow.backend = address("172.17.0.99");
}

static void flow_old(struct maps *m)
{
	m->flow.backend = address("172.17.0.99");
	m->flow.generation = 4;
}

static void nothing(struct maps *m)
{
	(void)m;
}

static const struct corruption {
	const char *name;
	void (*make)(struct maps *maps);
	const char *found; /* in the first sentence; NULL: nothing is wrong */
} corruptions[] = {
	{ "whole maps", nothing, NULL },
	{ "slot: no such backend", slot_unknown,
	  "default/kubia:80: slot 3 of the cluster range names backend 9, which does not exist" },
	{ "slot: empty", slot_empty,
	  "slot 0 of the cluster range names backend 0, which does not" },
	{ "slot: beyond the map", slot_beyond, "names backend 4000000000, which does not exist" },
	{ "slot: another service's", slot_foreign, "backend 3, which is not of this service" },
	{ "slot: another node's", slot_remote,
	  "slot 1 of the local range names backend 2, which does not run on this node" },
	{ "backend gone", backend_gone, "names backend 3, which is gone" },
	{ "backend draining", backend_draining, "names backend 3, which has left the service" },
	{ "backend of the other scope", backend_node_only, "which hints leave out" },
	{ "backend without name", backend_nameless,
	  "backend 3 is of service 7, which has no name" },
	{ "backend of another protocol", backend_protocol, "backend 3 has protocol 17" },
	{ "range beyond the table", range_beyond, "10.96.0.2:80 has a cluster range beyond" },
	{ "range that wraps around", range_huge, "10.96.0.2:80 has a cluster range beyond" },
	{ "ranges that overlap", range_shared,
	  "the ranges of default/kubia:80 and default/other:80 share slot 11" },
	{ "frontend without name", frontend_nameless,
	  "frontend 10.96.0.2:80 is of service 7, which has no name" },
	{ "frontend of another port", frontend_port, "frontend 10.96.0.1:81 has another port" },
	{ "frontend of another protocol", frontend_protocol, "10.96.0.1:80 has protocol 17" },
	{ "frontend of another family", frontend_family, "is not of the family of its name" },
	{ "source range without name", source_range_nameless, "a source range is of service 7" },
	{ "affinity: no such backend", affinity_unknown,
	  "affinity binds 192.0.2.10 to backend 9, which does not exist" },
	{ "affinity: another service's", affinity_foreign,
	  "affinity of service 1 binds 192.0.2.10 to backend 3, which is of service 2" },
	{ "affinity: from before a change", affinity_old, NULL },
	{ "flow: no such backend", flow_unknown,
	  "the flow of 192.0.2.10:1234 names backend 9, which does not exist" },
	{ "flow: to somewhere else", flow_astray,
	  "goes to 172.17.0.99:8080, which is not its backend 1" },
	{ "flow: from before a change", flow_old, NULL },
};

static bool holds(const struct verify_violations *found, const char *text)
{
	for (size_t i = 0; i < found->n; i++)
		if (strstr(found->items[i], text))
			return true;
	return false;
}

static void test_corruptions(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(corruptions); i++) {
		const struct corruption *row = &corruptions[i];
		struct verify_violations found = { 0 };
		struct verify_counts counts = { 0 };
		struct maps maps;

		maps_make(&maps);
		row->make(&maps);
		verify_services(&maps.actual, &found, &counts);
		verify_affinity(&maps.actual, &maps.affinity, &found);
		verify_flow(&maps.actual, &maps.flow, &found);
		if (row->found ? !holds(&found, row->found) : found.n)
			fail_msg("%s: %zu found, the first one: %s", row->name, found.n,
				 found.n ? found.items[0] : "-");
		verify_violations_done(&found);
	}
}

static void test_counts(void **state)
{
	struct verify_violations found = { 0 };
	struct verify_counts counts = { 0 };
	struct maps maps;

	(void)state;
	maps_make(&maps);
	verify_services(&maps.actual, &found, &counts);
	assert_int_equal(counts.services, 2);
	assert_int_equal(counts.frontends, 3);
	assert_int_equal(counts.backends, 3);
	assert_int_equal(counts.slots, 16); /* a range that two frontends share counts once */
	assert_int_equal(found.n, 0);
}

static void test_many_slots_are_few_lines(void **state)
{
	struct verify_violations found = { 0 };
	struct verify_counts counts = { 0 };
	struct maps maps;

	(void)state;
	maps_make(&maps);
	for (int i = 0; i < 8; i++)
		maps.slots[i] = 0;
	verify_services(&maps.actual, &found, &counts);
	assert_int_equal(found.n, 4);
	assert_true(holds(&found, "more such slots of the cluster range"));
	verify_violations_done(&found);
}

/* What a change in passing shows differs from one look to the next. */
static void test_second_look(void **state)
{
	struct verify_violations first = { 0 }, second = { 0 };

	(void)state;
	vec_push(&first, xstrdup("a"));
	vec_push(&first, xstrdup("b"));
	vec_push(&second, xstrdup("b"));
	vec_push(&second, xstrdup("c"));
	verify_keep_common(&first, &second);
	assert_int_equal(first.n, 1);
	assert_string_equal(first.items[0], "b");
	verify_violations_done(&second);
	verify_keep_common(&first, &second);
	assert_int_equal(first.n, 0);
	verify_violations_done(&first);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_corruptions),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_many_slots_are_few_lines),
		cmocka_unit_test(test_second_look),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
