/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nanoseconds that the programs take for a question to DNS, by the kernel's own statistics
 * (BPF_ENABLE_STATS), which the time of a frame that is none of ours is taken off from.
 *
 *	bench_dns [SERVICES]
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/packet/rig.h"
#include "user/dns/table.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"

#define RUNS 20000
#define ROUNDS 9
#define DOMAIN "cluster.local"

static struct store *store_make(int services)
{
	struct object_list list = { 0 };
	struct store *store = store_new();
	struct err err;
	char *yaml = NULL;
	size_t size;
	FILE *out = open_memstream(&yaml, &size);

	for (int i = 0; i < services; i++)
		fprintf(out,
			"---\n{apiVersion: v1, kind: Service, metadata: {name: svc-%d, namespace: "
			"ns%d}, "
			"spec: {clusterIP: 10.97.%d.%d, ports: [{name: http, port: 80}]}}\n",
			i, i % 50, i / 250, i % 250);
	fclose(out);
	if (manifest_parse("bench", yaml, size, "default", &list, &err)) {
		fprintf(stderr, "%s\n", err.text);
		exit(1);
	}
	store_load(store, &list);
	free(yaml);
	return store;
}

static void maps_fill(int services)
{
	struct config config = { .dns = { .domain = (char *)DOMAIN } };
	struct store *store = store_make(services);
	struct zone *zone = zone_new(store, &config, 1);
	struct lb_dns_meta meta = table_meta(zone, true);
	struct table_entries table;
	const uint32_t zero = 0;

	rig_reset(RIG_XDP);
	rig_frontend(&(struct rig_frontend){ .host = H_CLUSTER_IP,
					     .port = LB_DNS_PORT,
					     .service = 1,
					     .flags = LB_FRONTEND_DNS },
		     true, IPPROTO_UDP);
	table_make(zone, &table);
	for (size_t i = 0; i < table.n; i++)
		bpf_map_update_elem(rig_map_fd("lb_dns"), &table.keys[i], &table.values[i],
				    BPF_ANY);
	bpf_map_update_elem(rig_map_fd("lb_dns_meta"), &zero, &meta, BPF_ANY);
	table_done(&table);
	zone_free(zone);
	store_free(store);
}

enum kind {
	ADDRESS,
	NO_TYPE,
	NO_NAME,
	MIXED, /* as a search path makes them: one in five for a name that is there */
	KINDS,
	STRANGE = KINDS, /* not for us */
};

/* A question from pod A. */
static size_t question(enum kind kind, int number, uint8_t *buffer)
{
	struct frame frame = { .smac = M_POD_A,
			       .dmac = M_VETH_A,
			       .src = H_POD_A,
			       .dst = kind == STRANGE ? H_CLIENT : H_CLUSTER_IP,
			       .sport = 40000,
			       .dport = kind == STRANGE ? 9 : LB_DNS_PORT,
			       .proto = IPPROTO_UDP };
	uint8_t message[128] = { 0, 0, 1, 0, 0, 1 };
	struct name name;
	char text[128];
	size_t size;

	snprintf(text, sizeof(text), "%ssvc-%d.ns%d.svc." DOMAIN, kind == NO_NAME ? "no" : "",
		 number, number % 50);
	if (name_parse(text, &name))
		exit(1);
	memcpy(message + 12, name.wire, name.size);
	message[12 + name.size + 1] = kind == NO_TYPE ? 28 : 1;
	message[12 + name.size + 3] = 1;
	frame.payload = (uint8_t)(12 + name.size + 4);
	size = frame_build(&frame, true, buffer);
	memcpy(buffer + size - frame.payload, message, frame.payload);
	frame_checksum(buffer, true);
	return size;
}

static enum kind mixed(int i)
{
	return i % 10 == 0 ? ADDRESS : i % 10 == 1 ? NO_TYPE : NO_NAME;
}

static double measure(enum kind kind, int services)
{
	struct bpf_prog_info before = { 0 }, after = { 0 };
	uint32_t length = sizeof(before);
	int fd = rig_xdp_fd();

	bpf_obj_get_info_by_fd(fd, &before, &length);
	for (int i = 0; i < RUNS; i++) {
		int number = (int)((unsigned int)i * 2654435761u % (unsigned int)services);
		uint8_t frame[FRAME_MAX];
		size_t size = question(kind == MIXED ? mixed(i) : kind, number, frame);
		enum rig_action action = rig_run(AT_NIC, frame, &size);

		if ((action == DO_SEND) != (kind != STRANGE)) {
			fprintf(stderr, "kind %d is not answered as it should\n", kind);
			exit(1);
		}
	}
	length = sizeof(after);
	bpf_obj_get_info_by_fd(fd, &after, &length);
	return (double)(after.run_time_ns - before.run_time_ns) /
	       (double)(after.run_cnt - before.run_cnt);
}

int main(int argc, char **argv)
{
	static const char *const kinds[KINDS] = { "an address", "no such type", "no such name",
						  "mixed" };
	int services = argc > 1 ? atoi(argv[1]) : 10000;
	int stats = bpf_enable_stats(BPF_STATS_RUN_TIME);
	double best[KINDS + 1];

	if (stats < 0 || services < 1) {
		fprintf(stderr, "bench_dns [SERVICES], as root\n");
		return 1;
	}
	rig_open(1024, 100, false, true);
	maps_fill(services);
	/* The best of each: whatever disturbs takes time away. */
	for (int i = 0; i < ROUNDS; i++) {
		for (enum kind kind = ADDRESS; kind <= STRANGE; kind++) {
			double took = measure(kind, services);

			if (!i || took < best[kind])
				best[kind] = took;
		}
	}
	for (enum kind kind = ADDRESS; kind < KINDS; kind++)
		printf("%-14s %5.0f ns each (%d services)\n", kinds[kind],
		       best[kind] - best[STRANGE], services);
	rig_close();
	close(stats);
	return 0;
}
