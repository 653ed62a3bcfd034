/* SPDX-License-Identifier: Apache-2.0 */
/* A node whose disk and maps are memory, for the reconciler. */
#ifndef TESTS_AGENT_MEMORY_H
#define TESTS_AGENT_MEMORY_H

#include "tests/unit/agent/temp.h"

#include "user/agent/lock.h"
#include "user/agent/reconcile.h"
#include "user/k8s/decode.h"

/* --------------------------------------------------- a node of memory -- */

struct fake {
	/* what happens; -errno fails the next so many calls */
	bool attached;
	int load, open, attach_pods, refresh, snapshot, apply, sweep;
	unsigned int apply_failures;
	const char *objects[4];
	const char *address; /* of the only device */
	struct actual maps;
	/* what was done */
	struct {
		unsigned int load, open, close, attach_pods, refresh, snapshot, apply, sweep;
	} calls;
};

static struct fake fake;

/* Only ever pointed to. */
static char handle;

static int fake_load(const char *dir, struct object_list *list, struct err *err)
{
	(void)dir;
	fake.calls.load++;
	for (size_t i = 0; i < ARRAY_LEN(fake.objects) && fake.objects[i]; i++) {
		cleanup_json json_t *json = json_loads(fake.objects[i], 0, NULL);
		struct object *object;

		assert_non_null(json);
		if (object_decode(json, "default", &object, NULL, err))
			fail_msg("%s", err->text);
		vec_push(list, object);
	}
	return fake.load ? err_set(err, fake.load, "load") : 0;
}

static int fake_open(const struct paths *paths, struct datapath **ret, struct err *err)
{
	(void)paths;
	fake.calls.open++;
	if (fake.open)
		return err_set(err, fake.open, "open");
	if (!fake.attached)
		return err_set(err, -ENOENT, "nothing is attached");
	*ret = (struct datapath *)&handle;
	return 0;
}

static void fake_close(struct datapath *dp)
{
	assert_ptr_equal(dp, &handle);
	fake.calls.close++;
}

static int fake_attach_pods(const struct paths *paths, struct err *err)
{
	(void)paths;
	fake.calls.attach_pods++;
	return fake.attach_pods ? err_set(err, fake.attach_pods, "attach pods") : 0;
}

static int fake_refresh(struct datapath *dp, const struct config *config,
			struct addr_list *ret_addresses, struct err *err)
{
	(void)config;
	assert_ptr_equal(dp, &handle);
	fake.calls.refresh++;
	if (fake.refresh)
		return err_set(err, fake.refresh, "refresh");
	if (fake.address)
		assert_int_equal(addr_parse(fake.address, vec_add(ret_addresses)), 0);
	return 0;
}

static void *copy(const void *items, size_t n, size_t size)
{
	return n ? memcpy(xcalloc(n, size), items, n * size) : NULL;
}

static int fake_snapshot(struct datapath *dp, struct actual *ret_actual, struct err *err)
{
	const struct actual *maps = &fake.maps;
	struct actual actual = *maps;

	assert_ptr_equal(dp, &handle);
	fake.calls.snapshot++;
	if (fake.snapshot)
		return err_set(err, fake.snapshot, "snapshot");
	actual.services = copy(maps->services, maps->n_services, sizeof(*maps->services));
	actual.frontends = copy(maps->frontends, maps->n_frontends, sizeof(*maps->frontends));
	actual.backends = copy(maps->backends, maps->n_backends, sizeof(*maps->backends));
	actual.ranges = copy(maps->ranges, maps->n_ranges, sizeof(*maps->ranges));
	actual.slots = copy(maps->slots, maps->n_slots, sizeof(*maps->slots));
	actual.room_services = actual.room_frontends = actual.room_backends = 0;
	actual.room_ranges = 0;
	*ret_actual = actual;
	return 0;
}

static int fake_apply(struct datapath *dp, const struct plan *plan, struct err *err)
{
	assert_ptr_equal(dp, &handle);
	fake.calls.apply++;
	if (fake.apply_failures) {
		fake.apply_failures--;
		return err_set(err, -EIO, "apply");
	}
	plan_simulate(&fake.maps, plan);
	return 0;
}

static int fake_sweep(struct datapath *dp, size_t *ret_ended, struct err *err)
{
	assert_ptr_equal(dp, &handle);
	fake.calls.sweep++;
	if (fake.sweep)
		return err_set(err, fake.sweep, "sweep");
	*ret_ended = 2;
	return 0;
}

static const struct reconcile_io fake_io = {
	.load = fake_load,
	.open = fake_open,
	.close = fake_close,
	.attach_pods = fake_attach_pods,
	.refresh = fake_refresh,
	.snapshot = fake_snapshot,
	.apply = fake_apply,
	.sweep = fake_sweep,
};

#define SERVICE                                                                          \
	"{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"name\":\"kubia\"}," \
	"\"spec\":{\"type\":\"NodePort\",\"clusterIP\":\"10.96.0.7\","                   \
	"\"ports\":[{\"port\":80,\"targetPort\":8080,\"nodePort\":30123}]}}"
#define ENDPOINTS(address)                                                                 \
	"{\"apiVersion\":\"v1\",\"kind\":\"Endpoints\",\"metadata\":{\"name\":\"kubia\"}," \
	"\"subsets\":[{\"addresses\":[{\"ip\":\"" address "\"}],\"ports\":[{\"port\":8080}]}]}"

/* --------------------------------------------------------------- the stage -- */

struct stage {
	struct temp *temp;
	struct config config;
	struct reconcile reconcile;
	struct err err;
	struct sync_result result;
};

static void stage_open(struct stage *stage, void **state)
{
	*stage = (struct stage){ .temp = *state };
	fake = (struct fake){
		.attached = true,
		.objects = { SERVICE, ENDPOINTS("172.17.0.7") },
		.address = "192.0.2.1",
		.maps = { .slots = xcalloc(4096, sizeof(uint32_t)),
			  .n_slots = 4096,
			  .max_services = 64,
			  .max_frontends = 64,
			  .max_backends = 64,
			  .max_ranges = 64 },
	};
	assert_int_equal(config_load("/nowhere", false, &stage->config, NULL), 0);
	reconcile_init(&stage->reconcile, &stage->temp->paths, &stage->config, &fake_io, 0);
}

static void stage_close(struct stage *stage)
{
	reconcile_done(&stage->reconcile);
	sync_result_done(&stage->result);
	config_done(&stage->config);
	actual_done(&fake.maps);
}

static int run(struct stage *stage)
{
	sync_result_done(&stage->result);
	stage->err.text[0] = '\0';
	return reconcile_run(&stage->reconcile, &stage->result, &stage->err);
}

/* Is there a frontend with this address and port in the maps? */
static inline bool served(const char *address, uint16_t port)
{
	struct lb_addr addr;

	assert_int_equal(addr_parse(address, &addr), 0);
	for (size_t i = 0; i < fake.maps.n_frontends; i++) {
		const struct lb_frontend_key *key = &fake.maps.frontends[i].key;

		if (!addr_compare(&key->addr, &addr) && key->port == htons(port))
			return true;
	}
	return false;
}

#endif
