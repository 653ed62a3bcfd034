/* SPDX-License-Identifier: Apache-2.0 */
/* A small cluster in memory for the tests of Ingress. */
#ifndef TESTS_INGRESS_CLUSTER_H
#define TESTS_INGRESS_CLUSTER_H

#include <stdio.h>
#include <string.h>

#include "user/ingress/rules.h"
#include "user/k8s/manifest.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"

/* Services a, b and c, each with port 80 named http, and their cluster IPs. */
static const char cluster_services[] =
	"apiVersion: v1\nkind: Service\nmetadata: {name: a}\n"
	"spec: {clusterIP: 10.96.0.1, ports: [{port: 80, name: http}]}\n"
	"---\n"
	"apiVersion: v1\nkind: Service\nmetadata: {name: b}\n"
	"spec: {clusterIP: 10.96.0.2, ports: [{port: 80, name: http}]}\n"
	"---\n"
	"apiVersion: v1\nkind: Service\nmetadata: {name: c}\n"
	"spec: {clusterIP: 'fd00:10:96::3', ports: [{port: 8080, name: http}]}\n";

static inline void cluster_add(struct store *store, const char *yaml)
{
	struct object_list list = { 0 };
	struct err err = { "" };

	if (manifest_parse("test", yaml, strlen(yaml), "default", &list, &err)) {
		fprintf(stderr, "%s\n", err.text);
		abort();
	}
	store_load(store, &list);
	object_list_free(&list);
}

static inline struct store *cluster_new(const char *yaml)
{
	struct store *store = store_new();

	cluster_add(store, cluster_services);
	cluster_add(store, yaml);
	return store;
}

/* All that is wrong, one line each; to be freed. */
static inline char *cluster_problems(const struct ingress_rules *rules)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	for (size_t i = 0; i < rules->problems.n; i++)
		fprintf(out, "%s: %s\n", rules->problems.items[i].object->name,
			rules->problems.items[i].text);
	fclose(out);
	return text;
}

#endif
