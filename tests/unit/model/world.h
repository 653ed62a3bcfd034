/* SPDX-License-Identifier: Apache-2.0 */
/* Stores and configurations for the model's tests, written as manifests. */
#ifndef TESTS_UNIT_MODEL_WORLD_H
#define TESTS_UNIT_MODEL_WORLD_H

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "user/k8s/config.h"
#include "user/k8s/decode.h"
#include "user/k8s/manifest.h"
#include "user/model/resolve.h"
#include "user/model/store.h"
#include "user/util/cleanup.h"
#include "user/util/tree.h"

static inline void world_add(struct store *store, const char *yaml)
{
	struct object_list list = { 0 };
	struct err err = { "" };

	if (manifest_parse("test.yaml", yaml, strlen(yaml), "default", &list, &err))
		fail_msg("%s", err.text);
	store_load(store, &list);
}

static inline struct store *world_new(const char *yaml)
{
	struct store *store = store_new();

	world_add(store, yaml);
	return store;
}

/* One object out of a manifest. */
static inline struct object *world_object(const char *yaml)
{
	struct object_list list = { 0 };
	struct err err = { "" };
	struct object *object;

	if (manifest_parse("test.yaml", yaml, strlen(yaml), "default", &list, &err))
		fail_msg("%s", err.text);
	assert_int_equal(list.n, 1);
	object = list.items[0];
	vec_free(&list);
	return object;
}

static inline const struct object *world_service(const struct store *store, const char *name)
{
	const struct object *service = store_find(store, K8S_SERVICE, "default", name);

	assert_non_null(service);
	return service;
}

static inline struct lb_addr world_addr(const char *text)
{
	struct lb_addr addr = { 0 };

	if (addr_parse(text, &addr))
		fail_msg("%s is no address", text);
	return addr;
}

/* Everything that a plan reads, and the warnings. */
static inline void world_same_desired(const struct desired *a, const struct desired *b)
{
	assert_int_equal(a->n_services, b->n_services);
	assert_int_equal(a->n_objects, b->n_objects);
	assert_int_equal(a->n_backends, b->n_backends);
	for (size_t i = 0; i < a->n_services; i++) {
		const struct desired_service *x = &a->services[i], *y = &b->services[i];

		assert_memory_equal(&x->name, &y->name, sizeof(x->name));
		assert_int_equal(x->v4, y->v4);
		assert_int_equal(x->n_frontends, y->n_frontends);
		for (size_t j = 0; j < x->n_frontends; j++)
			assert_memory_equal(&x->frontends[j], &y->frontends[j],
					    sizeof(*x->frontends));
		assert_int_equal(x->n_source_ranges, y->n_source_ranges);
		assert_int_equal(x->n_backends, y->n_backends);
		for (size_t j = 0; j < x->n_backends; j++) {
			const struct desired_backend *v = &x->backends[j], *w = &y->backends[j];

			assert_memory_equal(&v->addr, &w->addr, sizeof(v->addr));
			assert_int_equal(v->port, w->port);
			assert_int_equal(v->proto, w->proto);
			assert_int_equal(v->flags, w->flags);
			assert_int_equal(v->weight, w->weight);
			assert_int_equal(v->cluster, w->cluster);
			assert_int_equal(v->local, w->local);
			assert_int_equal(v->ready, w->ready);
		}
	}
	assert_int_equal(a->n_pods, b->n_pods);
	for (size_t i = 0; i < a->n_pods; i++)
		assert_memory_equal(&a->pods[i], &b->pods[i], sizeof(a->pods[i]));
	assert_int_equal(a->n_warnings, b->n_warnings);
	for (size_t i = 0; i < a->n_warnings; i++)
		assert_string_equal(a->warnings[i], b->warnings[i]);
}

/* Adds the blank-separated prefixes to a list. */
static inline void world_prefixes(struct prefix_list *list, const char *text)
{
	cleanup_free char *copy = xstrdup(text);
	char *rest = copy, *word;

	while ((word = strsep(&rest, " "))) {
		struct prefix prefix;

		if (prefix_parse(word, &prefix))
			fail_msg("%s is no prefix", word);
		vec_push(list, prefix);
	}
}

static inline void world_config_done(struct config *config)
{
	vec_free(&config->service_cidrs);
	vec_free(&config->load_balancer_pools);
	vec_free(&config->node_addresses);
	vec_free(&config->node_port_addresses);
}

#define PORTS "ports: [{port: 80}]"

/* For allocation; 203.0.113.1 is the node's. */
static inline struct config world_config(const char *cidrs, const char *pools)
{
	struct config config = { .node_port_first = 30000, .node_port_last = 32767 };

	world_prefixes(&config.service_cidrs, cidrs);
	if (pools)
		world_prefixes(&config.load_balancer_pools, pools);
	vec_push(&config.node_addresses, world_addr("203.0.113.1"));
	return config;
}

#endif
