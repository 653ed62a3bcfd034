/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/bench_names.h"

#include <bpf/bpf.h>
#include <net/ethernet.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/packet/rig.h"
#include "user/dns/table.h"
#include "user/util/cleanup.h"

#define DOMAIN "cluster.local"
#define NAMESPACES 50
#define HEADER 12   /* of a message */
#define ANSWER 0x80 /* in its third byte */
#define RCODE 0x0f  /* in its fourth */
#define TYPE_A 1
#define TYPE_AAAA 28
#define CLASS_IN 1
#define NXDOMAIN 3

static struct store *store_make(unsigned int services)
{
	struct object_list list = { 0 };
	struct store *store = store_new();
	struct err err;
	char *yaml = NULL;
	size_t size;
	FILE *out = open_memstream(&yaml, &size);

	for (unsigned int i = 0; i < services; i++)
		fprintf(out,
			"---\n{apiVersion: v1, kind: Service, metadata: {name: svc-%u, namespace: "
			"ns%u}, "
			"spec: {clusterIP: 10.97.%u.%u, ports: [{name: http, port: 80}]}}\n",
			i, i % NAMESPACES, i / 250, i % 250);
	fclose(out);
	if (manifest_parse("bench", yaml, size, "default", &list, &err)) {
		fprintf(stderr, "%s\n", err.text);
		exit(1);
	}
	store_load(store, &list);
	free(yaml);
	return store;
}

void names_fill(unsigned int services)
{
	const struct rig_frontend server = {
		.host = H_CLUSTER_IP, .port = LB_DNS_PORT, .service = 1, .flags = LB_FRONTEND_DNS
	};
	struct config config = { .dns = { .domain = (char *)DOMAIN } };
	struct store *store = store_make(services);
	struct zone *zone = zone_new(store, &config, 1);
	struct lb_dns_meta meta = table_meta(zone, true);
	struct table_entries table;
	const uint32_t zero = 0;

	rig_frontend(&server, true, IPPROTO_UDP);
	rig_frontend(&server, false, IPPROTO_UDP);
	table_make(zone, &table);
	for (size_t i = 0; i < table.n; i++)
		bpf_map_update_elem(rig_map_fd("lb_dns"), &table.keys[i], &table.values[i],
				    BPF_ANY);
	bpf_map_update_elem(rig_map_fd("lb_dns_meta"), &zero, &meta, BPF_ANY);
	table_done(&table);
	zone_free(zone);
	store_free(store);
}

size_t names_question(enum name_kind kind, unsigned int number, bool v4, uint8_t *buffer)
{
	struct frame frame = { .smac = M_POD_A,
			       .dmac = M_VETH_A,
			       .src = H_POD_A,
			       .dst = H_CLUSTER_IP,
			       .sport = 40000,
			       .dport = LB_DNS_PORT,
			       .proto = IPPROTO_UDP };
	uint8_t message[128] = { 0, 0, 1, 0, 0, 1 };
	struct name name;
	char text[128];
	size_t size;

	snprintf(text, sizeof(text), "%ssvc-%u.ns%u.svc." DOMAIN, kind == NAME_NONE ? "no" : "",
		 number, number % NAMESPACES);
	if (name_parse(text, &name))
		exit(1);
	memcpy(message + HEADER, name.wire, name.size);
	message[HEADER + name.size + 1] = kind == NAME_NO_TYPE ? TYPE_AAAA : TYPE_A;
	message[HEADER + name.size + 3] = CLASS_IN;
	frame.payload = (uint8_t)(HEADER + name.size + 4);
	size = frame_build(&frame, v4, buffer);
	memcpy(buffer + size - frame.payload, message, frame.payload);
	frame_checksum(buffer, v4);
	return size;
}

bool names_answered(enum name_kind kind, bool v4, const uint8_t *frame)
{
	const uint8_t *message = frame + ETH_HLEN +
				 (v4 ? sizeof(struct iphdr) : sizeof(struct ip6_hdr)) +
				 sizeof(struct udphdr);
	uint8_t rcode = kind == NAME_NONE ? NXDOMAIN : 0;

	return message[2] & ANSWER && (message[3] & RCODE) == rcode &&
	       message[7] == (kind == NAME_ADDRESS);
}
