/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the control plane costs: from objects in memory to the last write to real maps, in CPU time
 * of this process, so that other work on the machine counts little. Beside it, the same Services as
 * nftables rules of kube-proxy.
 *
 *	bench_control [--rounds N] [--json FILE]
 */
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/control.h"
#include "tests/bench/control_nft.h"
#include "tests/bench/goal.h"
#include "tests/bench/sample.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"

#define CHANGES 250
#define BURST 500 /* what comes within the 50 ms between two runs, at 10,000 changes a second */
#define MAX_ROUNDS 15

struct size {
	size_t services, endpoints;
};

enum row {
	ROW_NOTHING,
	ROW_CHANGE,
	ROW_CHANGE_P99,
	ROW_CREATE,
	ROW_DELETE,
	ROW_BURST,
	ROW_LARGE_NOTHING,
	ROW_LARGE_CHANGE,
	ROW_LARGE_P99,
	ROW_MEMORY,
	ROW_MEMORY_PODS,
	ROW_NFT,
	ROW_NFT_CHANGE,
	ROWS
};

static const struct {
	const char *name, *unit;
} rows[ROWS] = {
	[ROW_NOTHING] = { "10,000 Services of 10 endpoints, from nothing", "ms" },
	[ROW_CHANGE] = { "  one endpoint changed: median", "µs" },
	[ROW_CHANGE_P99] = { "  one endpoint changed: p99", "µs" },
	[ROW_CREATE] = { "  a Service created", "µs" },
	[ROW_DELETE] = { "  a Service deleted", "µs" },
	[ROW_BURST] = { "  500 endpoints changed at once, each", "µs" },
	[ROW_LARGE_NOTHING] = { "1,000 Services of 100 endpoints, from nothing", "ms" },
	[ROW_LARGE_CHANGE] = { "  one endpoint changed: median", "µs" },
	[ROW_LARGE_P99] = { "  one endpoint changed: p99", "µs" },
	[ROW_MEMORY] = { "memory an endpoint, slices of a cluster", "bytes" },
	[ROW_MEMORY_PODS] = { "memory an endpoint, pods of a directory", "bytes" },
	[ROW_NFT] = { "nft: 1,000 Services of 10 endpoints, from nothing", "ms" },
	[ROW_NFT_CHANGE] = { "  nft: one endpoint changed", "µs" },
};

static struct sample samples[ROWS];

static double cpu_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static double run_us(struct control *control)
{
	double began = cpu_us();
	size_t operations = control_run(control);

	/* What changes nothing would be measured as fast. */
	control_must(operations ? 0 : -1, "a run without operations", NULL);
	return cpu_us() - began;
}

/* ----------------------------------------------------------------- changes -- */

static void measure_changes(struct control *control, struct size size, enum row median,
			    enum row p99)
{
	struct sample each = { 0 };

	for (size_t i = 0; i < CHANGES; i++) {
		size_t number = i * 37 % size.services;

		reconcile_put(&control->reconcile, control_slice(number, size.endpoints, 1));
		sample_add(&each, run_us(control));
	}
	sample_add(&samples[median], sample_median(&each));
	sample_add(&samples[p99], sample_quantile(&each, 0.99));
}

static void measure_services(struct control *control, struct size size)
{
	struct sample created = { 0 }, deleted = { 0 };

	for (size_t i = 0; i < CHANGES; i++) {
		size_t number = size.services + i;
		struct object *service = control_service(number);
		cleanup_free char *name = xstrdup(service->name);

		reconcile_put(&control->reconcile, control_slice(number, size.endpoints, 0));
		reconcile_put(&control->reconcile, service);
		sample_add(&created, run_us(control));
		reconcile_delete(&control->reconcile, K8S_SERVICE, "default", name);
		sample_add(&deleted, run_us(control));
	}
	sample_add(&samples[ROW_CREATE], sample_median(&created));
	sample_add(&samples[ROW_DELETE], sample_median(&deleted));
}

static void measure_burst(struct control *control, struct size size)
{
	for (size_t turn = 2; turn < 6; turn++) {
		for (size_t i = 0; i < BURST; i++)
			reconcile_put(&control->reconcile,
				      control_slice(i * 7 % size.services, size.endpoints, turn));
		sample_add(&samples[ROW_BURST], run_us(control) / BURST);
	}
}

static void measure_round(struct control *control)
{
	static const struct size many = { 10000, 10 }, large = { 1000, 100 };

	control_begin(control);
	control_feed(control, many.services, many.endpoints);
	sample_add(&samples[ROW_NOTHING], run_us(control) / 1e3);
	measure_changes(control, many, ROW_CHANGE, ROW_CHANGE_P99);
	measure_services(control, many);
	measure_burst(control, many);
	control_end(control);

	control_begin(control);
	control_feed(control, large.services, large.endpoints);
	sample_add(&samples[ROW_LARGE_NOTHING], run_us(control) / 1e3);
	measure_changes(control, large, ROW_LARGE_CHANGE, ROW_LARGE_P99);
	control_end(control);
}

/* ------------------------------------------------------------------ memory -- */

static double memory_anonymous(void)
{
	cleanup_fclose FILE *in = fopen("/proc/self/status", "r");
	char line[256];
	double bytes = 0;

	while (in && fgets(line, sizeof(line), in)) {
		if (!strncmp(line, "RssAnon:", 8))
			bytes = strtod(line + 8, NULL) * 1024;
	}
	return bytes;
}

static int pods_load(const char *dir, struct object_list *list, struct err *err)
{
	(void)dir;
	(void)err;
	for (size_t i = 0; i < 10000; i++) {
		vec_push(list, control_service(i));
		object_slim(list->items[list->n - 1]); /* as state_load_slim does it */
		for (size_t j = 0; j < 10; j++) {
			vec_push(list, control_pod(i, j));
			object_slim(list->items[list->n - 1]);
		}
	}
	return 0;
}

/* In a process of its own: what was measured before would leave its mark. */
static void measure_memory(struct control *control, bool pods, struct sample *sample)
{
	struct reconcile_io io = reconcile_io_node;
	double bytes = 0;
	int ends[2];
	pid_t child;

	control_begin(control);
	io.load = pods_load;
	io.mark = NULL;
	control_must(pipe2(ends, O_CLOEXEC), "pipe", NULL);
	child = fork();
	control_must(child < 0 ? -1 : 0, "fork", NULL);
	if (!child) {
		double before = memory_anonymous();

		if (pods)
			control->reconcile.io = &io;
		else
			control_feed(control, 10000, 10);
		run_us(control);
		malloc_trim(0);
		bytes = (memory_anonymous() - before) / 1e5;
		_exit(write(ends[1], &bytes, sizeof(bytes)) != sizeof(bytes));
	}
	close(ends[1]);
	control_must(read(ends[0], &bytes, sizeof(bytes)) == sizeof(bytes) ? 0 : -1, "read", NULL);
	close(ends[0]);
	waitpid(child, NULL, 0);
	sample_add(sample, bytes);
	control_end(control);
}

/* --------------------------------------------------------------------- nft -- */

/* A tenth of the Services: with all of them nft takes minutes. */
static void measure_nft(struct control *control)
{
	double load = nft_load(control->root, 1000, 10);

	if (load < 0)
		return;

	sample_add(&samples[ROW_NFT], load * 1e3);
	for (size_t turn = 1; turn <= 5; turn++)
		sample_add(&samples[ROW_NFT_CHANGE],
			   nft_change(control->root, 500, 10, turn) * 1e6);
}

/* ------------------------------------------------------------------ report -- */

static void report(const char *json)
{
	const struct goal goals[] = {
		{ "10,000 Services of 10 endpoints in the maps, ms of CPU", 100,
		  sample_median(&samples[ROW_NOTHING]) },
		{ "one endpoint at 100,000, 10 a Service, µs", 200,
		  sample_median(&samples[ROW_CHANGE]) },
		{ "one endpoint at 100,000, 100 a Service, µs", 200,
		  sample_median(&samples[ROW_LARGE_CHANGE]) },
		{ "agent's memory an endpoint, bytes", 600, sample_median(&samples[ROW_MEMORY]) },
	};
	cleanup_free char *text = NULL;
	json_t *list = json_array();
	size_t size;
	FILE *out = open_memstream(&text, &size);

	fputs("CASE\tMEDIAN\tLOW\tHIGH\tUNIT\n", out);
	for (size_t i = 0; i < ROWS; i++) {
		const struct sample *sample = &samples[i];

		if (!sample->n)
			continue;
		fprintf(out, "%s\t%.4g\t%.4g\t%.4g\t%s\n", rows[i].name, sample_median(sample),
			sample_quantile(sample, 0.25), sample_quantile(sample, 0.75), rows[i].unit);
		json_array_append_new(list,
				      json_pack("{s:s, s:s, s:o}", "case", rows[i].name, "unit",
						rows[i].unit, "value", sample_json(sample)));
	}
	fclose(out);
	goals_report(text, list, goals, ARRAY_LEN(goals), json);
}

int main(int argc, char **argv)
{
	struct control control;
	const char *json = NULL;
	uint64_t rounds = 5;

	goals_options(argc, argv, 0, "bench_control [--rounds N] [--json FILE]", MAX_ROUNDS,
		      &rounds, &json);
	control_open(&control);
	measure_memory(&control, false, &samples[ROW_MEMORY]);
	measure_memory(&control, true, &samples[ROW_MEMORY_PODS]);
	for (uint64_t round = 0; round < rounds; round++) {
		fprintf(stderr, "\rround %u of %u", (unsigned int)round + 1, (unsigned int)rounds);
		measure_round(&control);
	}
	fprintf(stderr, "\r%20s\r", "");
	measure_nft(&control);
	control_close(&control);
	report(json);
	return 0;
}
