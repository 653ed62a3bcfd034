/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lag PIN ADDRESS:PORT SERVER CREDENTIALS SLICE ROUNDS: how long after an API event a frontend in
 * the maps has its new range of backends.
 *
 * Patches the EndpointSlice at the path SLICE, with its last endpoint and without it by turns, and
 * looks at the pinned lb_frontend every 50 µs. The event's time is when a watch of this process's
 * own has it: what an agent could know at the earliest. CREDENTIALS is the folder with ca.crt,
 * admin.crt and admin.key. Prints JSON, in microseconds.
 */
#include <bpf/bpf.h>
#include <curl/curl.h>
#include <jansson.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lb/types.h"
#include "user/util/addr.h"
#include "user/util/cleanup.h"
#include "user/util/tree.h"
#include "user/util/vec.h"

#define WAIT_US 3000000
/* Longer than the pace at which an agent syncs: each change is one of its own. */
#define PAUSE_US 70000

struct lag {
	const char *server, *credentials, *slice;
	int map;
	struct lb_frontend_key key;
	_Atomic int64_t event, change; /* when it was seen last */
	_Atomic bool done;
};

static int64_t clock_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void die(const char *text)
{
	fprintf(stderr, "lag: %s\n", text);
	exit(1);
}

/* ------------------------------------------------------------------ requests -- */

static CURL *request_new(const struct lag *lag, const char *path, const char *query)
{
	cleanup_free char *url = xasprintf("%s%s%s", lag->server, path, query);
	cleanup_free char *ca = xasprintf("%s/ca.crt", lag->credentials);
	cleanup_free char *crt = xasprintf("%s/admin.crt", lag->credentials);
	cleanup_free char *key = xasprintf("%s/admin.key", lag->credentials);
	CURL *easy = curl_easy_init();

	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_CAINFO, ca);
	curl_easy_setopt(easy, CURLOPT_SSLCERT, crt);
	curl_easy_setopt(easy, CURLOPT_SSLKEY, key);
	curl_easy_setopt(easy, CURLOPT_FAILONERROR, 1L);
	return easy;
}

static size_t body_keep(char *data, size_t size, size_t n, void *file)
{
	return fwrite(data, size, n, file);
}

static size_t event_seen(char *data, size_t size, size_t n, void *arg)
{
	struct lag *lag = arg;

	(void)data;
	lag->event = clock_us();
	return size * n;
}

/* All but the last component of the path, and that as a selector. */
static void *watch_run(void *arg)
{
	struct lag *lag = arg;
	const char *name = strrchr(lag->slice, '/');
	cleanup_free char *list = strndup(lag->slice, (size_t)(name - lag->slice));
	cleanup_free char *query =
		xasprintf("?watch=1&fieldSelector=metadata.name%%3D%s", name + 1);
	CURL *easy = request_new(lag, list, query);

	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, event_seen);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, lag);
	curl_easy_perform(easy);
	curl_easy_cleanup(easy);
	return NULL;
}

static void *map_run(void *arg)
{
	struct lag *lag = arg;
	struct lb_frontend before = { 0 }, now;

	while (!lag->done) {
		if (!bpf_map_lookup_elem(lag->map, &lag->key, &now) &&
		    memcmp(&before, &now, sizeof(now)) != 0) {
			lag->change = clock_us();
			before = now;
		}
		usleep(50);
	}
	return NULL;
}

/* ------------------------------------------------------------------ rounds -- */

static json_t *slice_read(const struct lag *lag)
{
	CURL *easy = request_new(lag, lag->slice, "");
	char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);
	json_t *slice;

	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, body_keep);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, file);
	if (curl_easy_perform(easy))
		die("the EndpointSlice cannot be read");
	fclose(file);
	curl_easy_cleanup(easy);
	slice = json_loadb(text, size, 0, NULL);
	free(text);
	return slice;
}

/* Merge patches of the endpoints: all of them, and all but the last. */
static void patches_make(const struct lag *lag, char *patches[2])
{
	json_t *endpoints = json_incref(json_object_get(slice_read(lag), "endpoints"));

	for (int i = 0; i < 2; i++) {
		json_t *patch = json_pack("{s:O}", "endpoints", endpoints);

		patches[i] = json_dumps(patch, JSON_COMPACT);
		json_decref(patch);
		endpoints = json_copy(endpoints);
		json_array_remove(endpoints, json_array_size(endpoints) - 1);
	}
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static int64_t round_run(struct lag *lag, CURL *easy, const char *patch)
{
	int64_t began = clock_us();

	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, patch);
	if (curl_easy_perform(easy))
		die("the EndpointSlice cannot be patched");
	while (lag->event < began || lag->change < began) {
		if (clock_us() - began > WAIT_US)
			die("the change did not come to the maps");
		usleep(100);
	}
	usleep(PAUSE_US);
	/* The last piece of the event, and the last word in the maps. */
	return lag->change > lag->event ? lag->change - lag->event : 0;
}

static void report(int64_t *took, size_t n)
{
	qsort(took, n, sizeof(*took), compare);
	printf("{\"rounds\": %zu, \"p50\": %ld, \"p90\": %ld, \"p99\": %ld, \"max\": %ld}\n", n,
	       (long)took[n / 2], (long)took[n * 9 / 10], (long)took[(n * 99 + 99) / 100 - 1],
	       (long)took[n - 1]);
}

static void lag_run(struct lag *lag, size_t rounds)
{
	struct curl_slist *headers =
		curl_slist_append(NULL, "Content-Type: application/merge-patch+json");
	CURL *easy = request_new(lag, lag->slice, "");
	int64_t *took = xcalloc(rounds, sizeof(*took));
	FILE *nowhere = fopen("/dev/null", "w");
	char *patches[2];

	patches_make(lag, patches);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, "PATCH");
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, nowhere);
	for (size_t i = 0; i < rounds + 2; i++) {
		int64_t us = round_run(lag, easy, patches[(i + 1) % 2]);

		if (i >= 2) /* the first ones open connections */
			took[i - 2] = us;
	}
	report(took, rounds);
}

int main(int argc, char **argv)
{
	struct lag lag = { 0 };
	pthread_t watch, map;

	if (argc != 7)
		die("usage: lag PIN ADDRESS:PORT SERVER CREDENTIALS SLICE ROUNDS");
	lag.map = bpf_obj_get(argv[1]);
	lag.key.proto = IPPROTO_TCP;
	if (lag.map < 0 || addr_port_parse(argv[2], &lag.key.addr, &lag.key.port))
		die("no such map, or no address");
	lag.server = argv[3];
	lag.credentials = argv[4];
	lag.slice = argv[5];
	curl_global_init(CURL_GLOBAL_ALL);
	pthread_create(&map, NULL, map_run, &lag);
	pthread_create(&watch, NULL, watch_run, &lag);
	usleep(500000);
	lag_run(&lag, (size_t)atol(argv[6]));
	lag.done = true;
	return 0;
}
