/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a manifest with Ingresses: HAProxy's configuration has the lines that it should have
 * and no other, whatever is in hosts, paths and annotations. The same bytes as what HAProxy counts.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "user/ingress/counts.h"
#include "user/ingress/render.h"
#include "user/k8s/manifest.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A section begins with its name, what is in it with a tab: anything else came from outside. */
static void lines_check(const char *text)
{
	static const char *const begins[] = { "\t",	   "\n",       "global\n", "defaults\n",
					      "frontend ", "backend ", "userlist " };

	while (*text) {
		size_t i = 0;

		while (i < ARRAY_LEN(begins) && strncmp(text, begins[i], strlen(begins[i])) != 0)
			i++;
		if (i == ARRAY_LEN(begins))
			abort();
		for (; *text != '\n'; text++)
			if ((unsigned char)*text < ' ' && *text != '\t')
				abort();
		text++;
	}
}

/* "KEY VALUE", one blank: another in the key would be of the value. */
static void map_check(const char *text)
{
	while (*text) {
		size_t length = strcspn(text, "\n");
		const char *blank = memchr(text, ' ', length);

		if (!blank || memchr(blank + 1, ' ', length - (size_t)(blank + 1 - text)))
			abort();
		text += length + 1;
	}
}

static void rules_check(const struct store *store)
{
	struct ingress_listen listen = { .http_port = 80, .https_port = 443 };
	struct ingress_pools none = { 0 }, pools;
	struct ingress_files files;
	struct ingress_rules rules;

	rules_make(store, NULL, &rules);
	pools_make(&rules, &none, &pools);
	render_files(&rules, &pools, &listen, "pem\n", &files);
	lines_check(files.items[0].text);
	for (size_t i = 1; i <= 5; i++)
		map_check(files.items[i].text);
	for (size_t i = 0; i < rules.entries.n; i++)
		(void)rules_find(&rules, rules.entries.items[i].host, rules.entries.items[i].path);
	render_files_free(&files);
	pools_free(&pools);
	rules_done(&rules);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *text = strndup((const char *)data, size);
	struct ingress_counts counts = { 0 };
	struct object_list list = { 0 };
	struct store *store;
	struct err err;

	counts_add(&counts, text);
	counts_free(&counts);
	(void)pools_taken(text);
	if (manifest_parse("fuzz", (const char *)data, size, "default", &list, &err))
		return 0;
	store = store_new();
	store_load(store, &list);
	rules_check(store);
	store_free(store);
	object_list_free(&list);
	return 0;
}
