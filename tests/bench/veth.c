/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets through a node with a veth on each side: what lbctl, kube-proxy's rules and those that do
 *not balance take for each, all on one CPU. tests/bench/veth.sh makes the nodes and starts this.
 *
 *	veth ID [--rounds N] [--json FILE]
 *
 * Frames are live: a BPF program makes them, the client's device sends them, the node's receives
 *them. The "first hop", a node that drops at once, is what generator, veth and the receiving device
 *take; it is measured in each round, and subtracted there.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <error.h>
#include <getopt.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <math.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "tests/bench/goal.h"
#include "tests/bench/netns.h"
#include "tests/bench/sample.h"
#include "tests/bench/veth.h"
#include "user/util/cleanup.h"

#include "veth.skel.h"

#define BURST 65536
#define BURST_NEW 32768 /* two such bursts have room in the flow table at a time */
#define WARM 8192
#define ESTABLISHED 1024 /* flows */
#define PACE 0.8
#define REST_US 20000 /* between bursts: real-time programs may not have all of a CPU */

enum kind { FIRST_HOP, REDIRECT, FORWARD, BALANCE };

struct way {
	const char *name;
	enum kind kind;
	const char *rival; /* whose time it is compared with */
};

static const struct way ways[] = {
	{ "first-hop", FIRST_HOP, NULL },
	{ "redirect", REDIRECT, NULL },
	{ "forward", FORWARD, NULL },
	{ "lbctl-1", BALANCE, "nft-1" },
	{ "lbctl-1000", BALANCE, "nft-1000" },
	{ "lbctl-10000", BALANCE, "nft-10000" },
	{ "nft-1", BALANCE, NULL },
	{ "nft-1000", BALANCE, NULL },
	{ "nft-10000", BALANCE, NULL },
	{ "iptables-1", BALANCE, NULL },
	{ "iptables-1000", BALANCE, NULL },
	{ "iptables-10000", BALANCE, NULL },
};

#define WAYS ARRAY_LEN(ways)

enum { OLD, NEW, FLOWS };

static const char *const flow_names[FLOWS] = { "established", "new" };

struct burst {
	double ns; /* a packet, generator and first hop included */
	unsigned long sent, lost;
};

/* What was seen of one way, for established and for new flows. */
struct result {
	struct sample ns, net, to_redirect, to_rival;
	unsigned long sent, lost;	 /* as fast as it goes */
	unsigned long paced, paced_lost; /* at PACE of that */
};

static struct veth *programs[WAYS];
static struct result results[WAYS][FLOWS];
static const char *id;

/* ------------------------------------------------------------- preparing -- */

static uint32_t halves(__be32 addr)
{
	return (addr & 0xffff) + (addr >> 16);
}

static void hop_set(struct veth_hop *hop, const char *device, uint8_t from, uint8_t to)
{
	hop->ifindex = if_nametoindex(device);
	must(hop->ifindex ? 0 : -1, device);
	hop->smac[0] = hop->dmac[0] = 2;
	hop->smac[5] = from;
	hop->dmac[5] = to;
}

static struct veth_config config_of(const struct way *way)
{
	struct veth_config config = { .backend_port = htons(8080) };
	uint16_t udp_len = htons(VETH_FRAME - 34);

	netns_enter(id, way->name, "node");
	hop_set(&config.redirect, "eth1", 3, 4);
	netns_enter(id, way->name, "client");
	hop_set(&config.generate, "eth0", 1, 2);
	config.saddr = inet_addr("198.18.0.0");
	config.daddr = inet_addr(way->kind == BALANCE ? "10.96.0.10" : "10.244.1.1");
	config.dport = htons(way->kind == BALANCE ? 80 : 8080);
	config.partial_ip = htons(0x4500) + htons(VETH_FRAME - 14) + htons(64 << 8 | IPPROTO_UDP) +
			    halves(config.daddr);
	config.partial_udp =
		halves(config.daddr) + htons(IPPROTO_UDP) + udp_len + udp_len + config.dport;
	return config;
}

static void attach(const struct way *way, const char *host, const char *device,
		   struct bpf_program *program)
{
	struct bpf_link *link;

	netns_enter(id, way->name, host);
	link = bpf_program__attach_xdp(program, (int)if_nametoindex(device));
	must(link ? 0 : -1, device);
}

static struct veth *way_open(const struct way *way)
{
	struct veth *skel = veth__open();
	struct veth_config config = config_of(way);

	must(skel ? 0 : -1, "open");
	memcpy((void *)&skel->rodata->setup, &config, sizeof(config));
	must(veth__load(skel), "load");
	if (way->kind == FIRST_HOP)
		attach(way, "node", "eth0", skel->progs.veth_sink);
	if (way->kind == REDIRECT)
		attach(way, "node", "eth0", skel->progs.veth_redirect);
	attach(way, "backend", "eth0", skel->progs.veth_sink);
	return skel;
}

/* ------------------------------------------------------------- measuring -- */

/* Sends n frames; interval is the time for a batch, or 0. */
static struct burst burst_send(size_t index, int flows, unsigned int n, double interval)
{
	static const uint8_t frame[VETH_FRAME];
	struct xdp_md md = { .data_end = sizeof(frame) };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame),
		    .ctx_in = &md, .ctx_size_in = sizeof(md), .repeat = (int)n,
		    .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = VETH_BATCH);
	struct veth__bss *bss = programs[index]->bss;
	struct burst burst = { 0 };

	netns_enter(id, ways[index].name, "client");
	bss->frames = n;
	bss->sent = 0;
	bss->received = 0;
	bss->batch_at = 0;
	bss->interval = (uint64_t)interval;
	bss->flow_mask = flows == NEW ? UINT32_MAX : ESTABLISHED - 1;
	must(bpf_prog_test_run_opts(bpf_program__fd(programs[index]->progs.veth_generate), &opts),
	     "live frames");
	burst.ns = (double)(bss->last_at - bss->first_at) / (n - 1);
	usleep(REST_US);
	burst.sent = bss->sent;
	burst.lost = bss->sent - bss->received;
	return burst;
}

/* What the kernel's connection tracking of this namespace knows is forgotten. */
static void connections_forget(void)
{
	char buffer[256];
	struct mnl_socket *socket = mnl_socket_open(NETLINK_NETFILTER);
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);

	must(socket ? 0 : -1, "netlink");
	request->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE;
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	mnl_nlmsg_put_extra_header(request, sizeof(struct nfgenmsg));
	must((int)mnl_socket_sendto(socket, request, request->nlmsg_len), "netlink");
	must((int)mnl_socket_recvfrom(socket, buffer, sizeof(buffer)), "netlink");
	mnl_socket_close(socket);
}

/* New flows begin where the last burst ended. */
static struct burst burst_run(size_t index, int flows, double interval)
{
	static uint32_t flow_next = 1 << 15;
	struct veth__bss *bss = programs[index]->bss;
	struct burst burst;

	if (flows == OLD) {
		bss->flow_first = 0;
		burst_send(index, OLD, WARM, 0);
		return burst_send(index, OLD, BURST, interval);
	}
	bss->flow_first = flow_next;
	flow_next += BURST_NEW;
	burst = burst_send(index, NEW, BURST_NEW, interval);
	netns_enter(id, ways[index].name, "node");
	connections_forget();
	return burst;
}

static size_t way_index(const char *name)
{
	for (size_t i = 0; i < WAYS; i++)
		if (!strcmp(ways[i].name, name))
			return i;
	error(1, 0, "no way %s", name);
	return 0;
}

/*
 * Just before, so that what disturbs the machine disturbs both: what is subtracted, and what the
 * rest is compared with.
 */
static void way_measure(size_t index, int flows)
{
	struct result *result = &results[index][flows];
	double first = burst_run(way_index("first-hop"), OLD, 0).ns;
	double redirect = burst_run(way_index("redirect"), OLD, 0).ns;
	struct burst burst = burst_run(index, flows, 0);

	sample_add(&result->ns, burst.ns);
	sample_add(&result->net, burst.ns - first);
	sample_add(&result->to_redirect, (burst.ns - first) / (redirect - first));
	result->sent += burst.sent;
	result->lost += burst.lost;
	burst = burst_run(index, flows, burst.ns / PACE * VETH_BATCH);
	result->paced += burst.sent;
	result->paced_lost += burst.lost;
}

static double latest(const struct sample *sample)
{
	return sample->value[sample->n - 1];
}

static void round_run(void)
{
	for (size_t i = 0; i < WAYS; i++)
		for (int flows = 0; flows < FLOWS; flows++)
			if (flows == OLD || ways[i].kind == BALANCE)
				way_measure(i, flows);
	for (size_t i = 0; i < WAYS; i++)
		for (int flows = 0; ways[i].rival && flows < FLOWS; flows++) {
			struct result *result = &results[i][flows];

			sample_add(&result->to_rival,
				   latest(&result->net) /
					   latest(&results[way_index(ways[i].rival)][flows].net));
		}
}

/* --------------------------------------------------------------- telling -- */

static void row_print(FILE *out, size_t index, int flows)
{
	const struct result *r = &results[index][flows];
	char rival[64] = "";

	if (ways[index].rival)
		snprintf(rival, sizeof(rival), "%.3f of %s", sample_median(&r->to_rival),
			 ways[index].rival);
	fprintf(out, "%s\t%s\t%.2f\t%.0f\t%.0f to %.0f\t%.2f\t%lu of %lu\t%lu of %lu\t%s\n",
		ways[index].name, flow_names[flows], 1e3 / sample_median(&r->ns),
		sample_median(&r->net), sample_quantile(&r->net, 0.25),
		sample_quantile(&r->net, 0.75), sample_median(&r->to_redirect), r->lost, r->sent,
		r->paced_lost, r->paced, rival);
}

static json_t *row_json(size_t index, int flows)
{
	const struct result *r = &results[index][flows];
	json_t *row =
		json_pack("{s:s, s:s, s:f, s:o, s:o, s:o, s:I, s:I, s:I, s:I}", "way",
			  ways[index].name, "flows", flow_names[flows], "packets_per_second",
			  1e9 / sample_median(&r->ns), "ns", sample_json(&r->ns), "net_ns",
			  sample_json(&r->net), "to_redirect", sample_json(&r->to_redirect), "sent",
			  (json_int_t)r->sent, "lost", (json_int_t)r->lost, "paced_sent",
			  (json_int_t)r->paced, "paced_lost", (json_int_t)r->paced_lost);

	if (ways[index].rival) {
		json_object_set_new(row, "rival", json_string(ways[index].rival));
		json_object_set_new(row, "to_rival", sample_json(&r->to_rival));
	}
	return row;
}

/* Of the sizes that were measured the worst counts. */
static void goals_fill(struct goal *established, struct goal *redirect, struct goal *new,
		       struct goal *lost)
{
	for (size_t i = 0; i < WAYS; i++) {
		const struct result *old = &results[i][OLD];

		if (!ways[i].rival)
			continue;
		established->measured = fmax(established->measured, sample_median(&old->to_rival));
		redirect->measured = fmax(redirect->measured, sample_median(&old->to_redirect));
		new->measured = fmax(new->measured, sample_median(&results[i][NEW].to_rival));
		lost->measured += (double)(old->paced_lost + results[i][NEW].paced_lost);
	}
}

static void report(const char *json_path)
{
	struct goal goals[] = {
		{ "established flows, of nftables", 1.0 / 5, 0 },
		{ "established flows, of an XDP redirect", 1.25, 0 },
		{ "new flows, of nftables", 1.0 / 6, 0 },
		{ "packets lost at 80 %", 0, 0 },
	};
	json_t *rows = json_array();
	cleanup_free char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	fputs("WAY\tFLOWS\tMPPS\tNET NS\tQUARTILES\t/REDIRECT\tLOST\tAT 80 %\t/RIVAL\n", out);
	for (size_t i = 0; i < WAYS; i++)
		for (int flows = 0; flows < FLOWS; flows++)
			if (results[i][flows].ns.n) {
				row_print(out, i, flows);
				json_array_append_new(rows, row_json(i, flows));
			}
	fclose(out);
	goals_fill(&goals[0], &goals[1], &goals[2], &goals[3]);
	goals_report(text, rows, goals, ARRAY_LEN(goals), json_path);
}

int main(int argc, char **argv)
{
	const char *json_path = NULL;
	uint64_t rounds = 15;

	goals_options(argc, argv, 1, "veth ID [--rounds N] [--json FILE]", SAMPLE_MAX, &rounds,
		      &json_path);
	id = argv[optind];
	for (size_t i = 0; i < WAYS; i++)
		programs[i] = way_open(&ways[i]);
	cpu_take();
	for (unsigned int round = 0; round < rounds; round++) {
		progress(round + 1, (unsigned int)rounds);
		round_run();
	}
	report(json_path);
	return 0;
}
