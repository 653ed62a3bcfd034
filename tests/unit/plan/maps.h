/* SPDX-License-Identifier: Apache-2.0 */
/* Empty maps, desired states put together by hand, and what must hold of maps at any time. */
#ifndef TESTS_UNIT_PLAN_MAPS_H
#define TESTS_UNIT_PLAN_MAPS_H

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "user/plan/maglev.h"
#include "user/plan/plan.h"
#include "user/util/vec.h"

struct maps_size {
	uint32_t services, frontends, backends, ranges, slots;
};

static inline struct actual maps_new(struct maps_size size)
{
	return (struct actual){ .slots = xcalloc(size.slots, sizeof(uint32_t)),
				.n_slots = size.slots,
				.max_services = size.services,
				.max_frontends = size.frontends,
				.max_backends = size.backends,
				.max_ranges = size.ranges };
}

static inline struct lb_addr address(const char *text)
{
	struct lb_addr addr = { 0 };

	assert_int_equal(addr_parse(text, &addr), 0);
	return addr;
}

static inline struct lb_frontend_key frontend_key(const char *ip, uint16_t port)
{
	return (struct lb_frontend_key){ .addr = address(ip),
					 .port = htons(port),
					 .proto = IPPROTO_TCP };
}

/* The desired state grows service by service; call in the order that resolve sorts by. */
static inline struct desired_service *want_service(struct desired *desired, const char *name,
						   uint16_t port)
{
	struct desired_service *service;

	desired->services = reallocarray(desired->services, desired->n_services + 1,
					 sizeof(*desired->services));
	assert_non_null(desired->services);
	service = &desired->services[desired->n_services++];
	*service = (struct desired_service){ .v4 = true };
	snprintf(service->name.namespace, sizeof(service->name.namespace), "default");
	snprintf(service->name.name, sizeof(service->name.name), "%s", name);
	service->name.port = htons(port);
	service->name.proto = IPPROTO_TCP;
	return service;
}

static inline void want_frontend(struct desired_service *service, const char *ip, uint16_t port,
				 uint32_t flags)
{
	service->frontends = reallocarray(service->frontends, service->n_frontends + 1,
					  sizeof(*service->frontends));
	assert_non_null(service->frontends);
	service->frontends[service->n_frontends++] =
		(struct desired_frontend){ .key = frontend_key(ip, port), .flags = flags };
}

static inline struct desired_backend *want_backend(struct desired_service *service, const char *ip)
{
	struct desired_backend *backend;

	service->backends = reallocarray(service->backends, service->n_backends + 1,
					 sizeof(*service->backends));
	assert_non_null(service->backends);
	backend = &service->backends[service->n_backends++];
	*backend = (struct desired_backend){ .addr = address(ip),
					     .port = htons(8080),
					     .proto = IPPROTO_TCP,
					     .weight = 1,
					     .cluster = true };
	return backend;
}

static inline void want_pod(struct desired *desired, const char *ip)
{
	desired->pods = reallocarray(desired->pods, desired->n_pods + 1, sizeof(*desired->pods));
	assert_non_null(desired->pods);
	desired->pods[desired->n_pods++] = address(ip);
}

static inline const struct lb_backend *held_backend(const struct actual *actual, uint32_t id)
{
	for (size_t i = 0; i < actual->n_backends; i++) {
		if (actual->backends[i].id == id)
			return &actual->backends[i].value;
	}
	return NULL;
}

/* Backends by id; free it. */
static inline const struct lb_backend **backends_by_id(const struct actual *actual)
{
	const struct lb_backend **by_id = xcalloc(actual->max_backends, sizeof(*by_id));

	for (size_t i = 0; i < actual->n_backends; i++) {
		assert_true(actual->backends[i].id < actual->max_backends);
		by_id[actual->backends[i].id] = &actual->backends[i].value;
	}
	return by_id;
}

/* Every slot of a range names a backend that serves for the service. */
static inline void check_range(const struct actual *actual, const struct lb_range *range,
			       uint32_t service, const struct lb_backend *const *by_id)
{
	assert_true((uint64_t)range->base + range->len <= actual->n_slots);
	for (uint32_t i = 0; i < range->len; i++) {
		uint32_t id = actual->slots[range->base + i];

		if (id >= actual->max_backends || !by_id[id] || by_id[id]->service != service ||
		    by_id[id]->flags & (LB_BACKEND_DRAINING | LB_BACKEND_GONE))
			fail_msg("slot %u of service %u names backend %u, which does not serve it",
				 range->base + i, service, id);
	}
}

/* What a packet may find at any moment, also in the middle of a plan. */
static inline void check_maps(const struct actual *actual)
{
	const struct lb_backend **by_id = backends_by_id(actual);
	struct lb_range last = { 0 };

	for (size_t i = 0; i < actual->n_frontends; i++) {
		const struct lb_frontend *frontend = &actual->frontends[i].value;

		if (memcmp(&last, &frontend->cluster, sizeof(last)) != 0)
			check_range(actual, &frontend->cluster, frontend->service, by_id);
		check_range(actual, &frontend->local, frontend->service, by_id);
		last = frontend->cluster;
	}
	free(by_id);
}

/* Runs a plan one operation at a time. */
static inline void run_checked(struct actual *actual, const struct plan *plan)
{
	for (size_t i = 0; i < plan->n; i++) {
		struct plan one = { .ops = &plan->ops[i], .n = 1 };

		if (i)
			assert_true(plan->ops[i].kind >= plan->ops[i - 1].kind);
		plan_simulate(actual, &one);
		check_maps(actual);
	}
}

static inline size_t plan_count(const struct plan *plan, enum plan_kind kind)
{
	size_t n = 0;

	for (size_t i = 0; i < plan->n; i++)
		n += plan->ops[i].kind == kind;
	return n;
}

/* Diffs, runs, and diffs again: the second plan must be empty. The caller frees the plan. */
static inline struct plan reach(struct actual *actual, const struct desired *desired)
{
	struct plan plan, again;
	struct err err = { "" };

	if (plan_diff(desired, actual, &plan, &err))
		fail_msg("%s", err.text);
	run_checked(actual, &plan);
	assert_int_equal(plan_diff(desired, actual, &again, &err), 0);
	if (again.n)
		plan_print(stderr, &again);
	assert_int_equal(again.n, 0);
	plan_done(&again);
	return plan;
}

#define ROOMY ((struct maps_size){ 64, 64, 64, 64, 1u << 16 })

/* default/kubia, port 80, with a frontend and pods 10.1.0.1 … 10.1.0.n, all of which exist. */
static inline struct desired kubia(unsigned int n)
{
	struct desired desired = { 0 };
	struct desired_service *service = want_service(&desired, "kubia", 80);

	want_frontend(service, "10.96.0.5", 80, 0);
	for (unsigned int i = 1; i <= n; i++) {
		char ip[16];

		snprintf(ip, sizeof(ip), "10.1.0.%u", i);
		want_backend(service, ip)->flags = LB_BACKEND_POD;
		want_pod(&desired, ip);
	}
	return desired;
}

/* Reaches the state and forgets plan and state. */
static inline void settle(struct actual *actual, struct desired desired)
{
	struct plan plan = reach(actual, &desired);

	plan_done(&plan);
	desired_done(&desired);
}

static inline const struct lb_frontend *held_frontend(const struct actual *actual, const char *ip)
{
	const struct lb_addr addr = address(ip);

	for (size_t i = 0; i < actual->n_frontends; i++) {
		if (!addr_compare(&actual->frontends[i].key.addr, &addr))
			return &actual->frontends[i].value;
	}
	return NULL;
}

static inline void expect_backend(const struct actual *actual, uint32_t id, uint32_t service,
				  uint8_t flags, uint32_t generation)
{
	const struct lb_backend *backend = held_backend(actual, id);

	assert_non_null(backend);
	assert_int_equal(backend->service, service);
	assert_int_equal(backend->flags, flags);
	assert_int_equal(backend->generation, generation);
}

#endif
