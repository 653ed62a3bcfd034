/* SPDX-License-Identifier: Apache-2.0 */
/* Random desired states one after the other, through the model of the maps. */
#include "tests/unit/plan/maps.h"

#define SERVICES 6
#define ADDRESSES 12
#define BACKENDS 14
#define STEPS 40

static uint64_t random_state;

static uint32_t draw(uint32_t n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 33) % n;
}

/* ---------------------------------------------------------- desired states -- */

static void random_backends(struct desired_service *service)
{
	for (uint32_t i = 1; i <= BACKENDS; i++) {
		struct desired_backend *backend;
		char ip[32];

		if (draw(3))
			continue;
		snprintf(ip, sizeof(ip), service->v4 ? "10.1.0.%u" : "fd01::%x", i);
		backend = want_backend(service, ip);
		backend->cluster = draw(4) != 0;
		backend->local = !backend->cluster || draw(3) == 0;
		backend->flags = (backend->local ? LB_BACKEND_LOCAL : 0) |
				 (draw(2) ? LB_BACKEND_POD : 0) |
				 (draw(5) ? 0 : LB_BACKEND_TERMINATING);
		backend->weight = draw(4) ? 1 : (uint16_t)(1 + draw(3));
	}
}

/* An address and port belong to one service at a time, and may move to another. */
static void random_frontends(struct desired_service *service, const uint32_t *owners,
			     uint32_t index)
{
	for (uint32_t i = 0; i < ADDRESSES; i++) {
		static const uint32_t flags[] = { 0, LB_FRONTEND_EXTERNAL,
						  LB_FRONTEND_EXTERNAL | LB_FRONTEND_LOCAL,
						  LB_FRONTEND_SOURCE_RANGES |
							  LB_FRONTEND_EXTERNAL };
		char ip[32];

		if (owners[i] != index)
			continue;
		snprintf(ip, sizeof(ip), service->v4 ? "10.96.0.%u" : "fd96::%x", i + 1);
		want_frontend(service, ip, 80, flags[draw(4)]);
	}
}

static void random_ranges(struct desired_service *service)
{
	uint32_t n = draw(3);

	service->source_ranges = xcalloc(n, sizeof(*service->source_ranges));
	for (uint32_t i = 0; i < n; i++) {
		char text[32];

		snprintf(text, sizeof(text), service->v4 ? "192.168.%u.0/24" : "fd%x::/32",
			 draw(9));
		assert_int_equal(prefix_parse(text, &service->source_ranges[i]), 0);
		service->n_source_ranges++;
	}
}

static void random_desired(struct desired *desired)
{
	uint32_t owners[ADDRESSES];

	*desired = (struct desired){ 0 };
	for (uint32_t i = 0; i < ADDRESSES; i++)
		owners[i] = draw(SERVICES * 2 + 2);
	for (uint32_t i = 0; i < SERVICES * 2; i++) {
		struct desired_service *service;
		char name[16];

		if (!draw(4))
			continue;
		snprintf(name, sizeof(name), "service-%u", i / 2);
		service = want_service(desired, name, 80);
		service->v4 = i % 2 == 0;
		service->name.flags = service->v4 ? 0 : LB_NAME_IPV6;
		service->name.affinity = draw(3) ? 0 : 10800;
		random_backends(service);
		random_frontends(service, owners, i);
		random_ranges(service);
	}
	for (uint32_t i = 1; i <= BACKENDS; i++) {
		char ip[32];

		snprintf(ip, sizeof(ip), "10.1.0.%u", i);
		if (draw(4))
			want_pod(desired, ip);
	}
}

/* ----------------------------------------------------------------- checks -- */

static uint32_t service_id(const struct actual *actual, const struct lb_name *name)
{
	uint32_t id = 0;

	for (size_t i = 0; i < actual->n_services; i++) {
		if (memcmp(&actual->services[i].name, name, sizeof(*name)) != 0)
			continue;
		assert_int_equal(id, 0);
		id = actual->services[i].id;
	}
	assert_int_not_equal(id, 0);
	return id;
}

/* The table names every member of the scope and nothing else. */
static void check_scope(const struct actual *actual, const struct desired_service *service,
			const struct lb_range *range, bool local)
{
	const struct lb_backend **by_id = backends_by_id(actual);
	bool *named = xcalloc(actual->max_backends, sizeof(*named));
	size_t n = 0, n_named = 0;

	for (uint32_t i = 0; i < range->len; i++)
		named[actual->slots[range->base + i]] = true;
	for (uint32_t id = 0; id < actual->max_backends; id++) {
		n_named += named[id];
		for (size_t i = 0; named[id] && i < service->n_backends; i++) {
			const struct desired_backend *wanted = &service->backends[i];

			if (addr_compare(&by_id[id]->addr, &wanted->addr) ||
			    by_id[id]->port != wanted->port)
				continue;
			assert_true(local ? wanted->local : wanted->cluster);
			assert_int_equal(by_id[id]->flags, wanted->flags);
			assert_int_equal(by_id[id]->weight, wanted->weight);
			n++;
		}
	}
	assert_int_equal(n, n_named);
	for (size_t i = 0; i < service->n_backends; i++)
		n -= local ? service->backends[i].local : service->backends[i].cluster;
	assert_int_equal(n, 0);
	assert_int_equal(range->len, maglev_size(n_named));
	free(named);
	free(by_id);
}

static void check_frontends(const struct actual *actual, const struct desired_service *service,
			    uint32_t id)
{
	for (size_t i = 0; i < service->n_frontends; i++) {
		const struct desired_frontend *wanted = &service->frontends[i];
		const struct lb_frontend *held = NULL;

		for (size_t j = 0; j < actual->n_frontends; j++) {
			if (!memcmp(&actual->frontends[j].key, &wanted->key, sizeof(wanted->key)))
				held = &actual->frontends[j].value;
		}
		if (!held) {
			fail_msg("frontend %zu is missing", i);
			return;
		}
		assert_int_equal(held->service, id);
		assert_int_equal(held->flags, wanted->flags);
		assert_int_equal(held->affinity, service->name.affinity);
		check_scope(actual, service, &held->cluster, false);
		if (wanted->flags & LB_FRONTEND_LOCAL)
			check_scope(actual, service, &held->local, true);
		else
			assert_int_equal(held->local.len, 0);
	}
}

static void check_reached(const struct actual *actual, const struct desired *desired)
{
	size_t n_frontends = 0;

	assert_int_equal(actual->n_services, desired->n_services);
	for (size_t i = 0; i < desired->n_services; i++) {
		const struct desired_service *service = &desired->services[i];

		check_frontends(actual, service, service_id(actual, &service->name));
		n_frontends += service->n_frontends;
	}
	assert_int_equal(actual->n_frontends, n_frontends);
}

static void check_overlap(const struct lb_frontend *a, const struct lb_frontend *b)
{
	const struct lb_range *mine[] = { &a->cluster, &a->local };
	const struct lb_range *yours[] = { &b->cluster, &b->local };

	for (int i = 0; i < 2 && a->service != b->service; i++) {
		for (int j = 0; j < 2; j++)
			assert_true(!mine[i]->len || !yours[j]->len ||
				    mine[i]->base + mine[i]->len <= yours[j]->base ||
				    yours[j]->base + yours[j]->len <= mine[i]->base);
	}
}

static void check_overlaps(const struct actual *actual)
{
	for (size_t i = 0; i < actual->n_frontends; i++) {
		for (size_t j = 0; j < i; j++)
			check_overlap(&actual->frontends[i].value, &actual->frontends[j].value);
	}
}

/* A slot's generation never goes back, and goes on when the slot's meaning changes. */
static void check_generations(const struct actual *actual, const struct plan *plan)
{
	const uint8_t retired = LB_BACKEND_DRAINING | LB_BACKEND_GONE;

	for (size_t i = 0; i < plan->n; i++) {
		const struct plan_op *op = &plan->ops[i];
		const struct lb_backend *old, *new = &op->backend.value;
		bool other;

		if (op->kind != PLAN_BACKEND_SET && op->kind != PLAN_BACKEND_RETIRE)
			continue;
		old = held_backend(actual, op->backend.id);
		if (!old) {
			assert_int_equal(new->generation, 1);
			continue;
		}
		other = addr_compare(&old->addr, &new->addr) ||
			((old->flags ^ new->flags) & retired) ||
			(new->service && old->service != new->service);
		assert_int_equal(new->generation, old->generation + other);
	}
}

/* No slot is set twice, or set and retired, by one plan. */
static void check_slots_once(const struct plan *plan)
{
	for (size_t i = 0; i < plan->n; i++) {
		for (size_t j = 0; j < i; j++) {
			const struct plan_op *a = &plan->ops[i], *b = &plan->ops[j];
			bool both =
				(a->kind == PLAN_BACKEND_SET || a->kind == PLAN_BACKEND_RETIRE) &&
				(b->kind == PLAN_BACKEND_SET || b->kind == PLAN_BACKEND_RETIRE);

			assert_false(both && a->backend.id == b->backend.id);
		}
	}
}

static void run_sequence(uint64_t seed, struct maps_size size)
{
	struct actual actual = maps_new(size);

	random_state = seed;
	for (int step = 0; step < STEPS; step++) {
		struct desired desired;
		struct plan plan, copy;

		random_desired(&desired);
		assert_int_equal(plan_diff(&desired, &actual, &copy, NULL), 0);
		check_generations(&actual, &copy);
		check_slots_once(&copy);
		plan_done(&copy);
		plan = reach(&actual, &desired);
		check_reached(&actual, &desired);
		check_overlaps(&actual);
		plan_done(&plan);
		desired_done(&desired);
	}
	actual_done(&actual);
}

static void test_roomy(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 6; seed++)
		run_sequence(seed * 0x9e3779b97f4a7c15ull,
			     (struct maps_size){ 256, 256, 4096, 256, 1u << 20 });
}

/* So few slots that ids of freed, gone and draining backends have to be taken again. */
static void test_tight_backends(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 6; seed++)
		run_sequence(seed * 0xd1342543de82ef95ull,
			     (struct maps_size){ 64, 64, 240, 256, 1u << 16 });
}

/* A plan that was cut off anywhere is taken up by the next diff. */
static void test_cut_off(void **state)
{
	struct actual actual = maps_new((struct maps_size){ 256, 256, 4096, 256, 1u << 20 });

	(void)state;
	random_state = 0x2545f4914f6cdd1dull;
	for (int step = 0; step < STEPS; step++) {
		struct desired desired;
		struct plan plan, cut;

		random_desired(&desired);
		assert_int_equal(plan_diff(&desired, &actual, &plan, NULL), 0);
		cut = (struct plan){ .ops = plan.ops, .n = plan.n ? draw((uint32_t)plan.n) : 0 };
		run_checked(&actual, &cut);
		plan_done(&plan);
		if (draw(2)) {
			plan = reach(&actual, &desired);
			check_reached(&actual, &desired);
			check_overlaps(&actual);
			plan_done(&plan);
		}
		desired_done(&desired);
	}
	actual_done(&actual);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_roomy),
		cmocka_unit_test(test_tight_backends),
		cmocka_unit_test(test_cut_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
