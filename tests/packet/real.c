/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/packet/real.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/packet/real_socket.h"
#include "user/datapath/explain_parts.h"
#include "user/datapath/settings.h"
#include "user/util/cleanup.h"

#define TCP_FLAGS 13
#define HANDOFF_BYTES 4 /* that XDP leaves in front of a packet for TC */

#define MAX_LOADED 8

struct real {
	struct explain *explain;
	struct load load;
	int flow4, flow6;
};

/* One for each explain. */
static struct real *loaded[MAX_LOADED];
static size_t n_loaded;

/* A namespace may begin with what the host has set: a router would reach pods past our devices. */
static const char network[] = "echo 0 >/proc/sys/net/ipv4/ip_forward\n"
			      "ip link set lo up\n"
			      "ip link add away type veth peer name far\n"
			      "ip link set far up\n"
			      "ip link set away up\n"
			      "ip address add 192.0.2.1/32 dev away\n"
			      "ip address add 192.0.2.2/32 dev away\n"
			      "ip address add 2001:db8::1/128 dev away nodad\n"
			      "ip route add default dev away\n"
			      "ip -6 route add default dev away\n";

void real_init(void)
{
	if (unshare(CLONE_NEWNET) || system(network)) {
		fprintf(stderr, "no network namespace: root?\n");
		exit(1);
	}
}

static struct real *real_new(struct explain *explain)
{
	static const enum shared_map shared[] = { MAP_FRONTEND, MAP_BLOOM,	  MAP_MAGLEV,
						  MAP_BACKEND,	MAP_SOURCE_RANGE, MAP_NAME,
						  MAP_DEVICE };
	static const bool want[OBJECT_COUNT] = {
		[OBJECT_XDP] = true,
		[OBJECT_TC] = true,
		[OBJECT_SOCK] = true,
	};
	struct real *real = xcalloc(1, sizeof(*real));
	struct lb_config config = explain->config;
	struct load_maps maps;
	struct err err;

	for (int i = 0; i < MAP_COUNT; i++)
		maps.fd[i] = -EBADF;
	for (size_t i = 0; i < ARRAY_LEN(shared); i++)
		maps.fd[shared[i]] = explain->dp->map[shared[i]];
	config.dry_run = false;
	config.hz = 1; /* refusals are limited by the second: let that be a jiffy */
	config.netns = settings_netns();
	if (load_private(&maps, &config, want, &real->load, &err)) {
		fprintf(stderr, "%s\n", err.text);
		exit(1);
	}
	real->explain = explain;
	real->flow4 = maps.fd[MAP_FLOW4];
	real->flow6 = maps.fd[MAP_FLOW6];
	return real;
}

static struct real *real_of(struct explain *explain)
{
	for (size_t i = 0; i < n_loaded; i++)
		if (loaded[i]->explain == explain)
			return loaded[i];
	if (n_loaded == MAX_LOADED)
		abort();
	loaded[n_loaded] = real_new(explain);
	return loaded[n_loaded++];
}

void real_done(void)
{
	for (size_t i = 0; i < n_loaded; i++) {
		load_done(&loaded[i]->load);
		free(loaded[i]);
	}
	n_loaded = 0;
	real_socket_done();
}

/* ------------------------------------------------------------------ frames -- */

/* What a frame became, as far as it can be seen from outside. */
struct seen {
	enum lb_explain_verdict verdict;
	bool unknown;	/* handed over: rewritten by TC only */
	bool no_source; /* which the kernel chooses later */
	bool masquerade;
	struct lb_addr dest;
	__be16 port;
};

static void frame_addrs(const uint8_t *frame, bool v4, struct lb_addr *saddr, struct lb_addr *daddr,
			__be16 *dport)
{
	const uint8_t *ip = frame + ETH_HLEN;
	__be32 words[2];

	if (v4) {
		memcpy(words, ip + offsetof(struct iphdr, saddr), sizeof(words));
		*saddr = addr_from_v4(words[0]);
		*daddr = addr_from_v4(words[1]);
		memcpy(dport, ip + sizeof(struct iphdr) + 2, sizeof(*dport));
		return;
	}
	memcpy(saddr, ip + offsetof(struct ip6_hdr, ip6_src), sizeof(*saddr));
	memcpy(daddr, ip + offsetof(struct ip6_hdr, ip6_dst), sizeof(*daddr));
	memcpy(dport, ip + sizeof(struct ip6_hdr) + 2, sizeof(*dport));
}

/* A reset, or an ICMP error. */
static bool frame_refuses(const uint8_t *frame, uint8_t proto, bool v4)
{
	const uint8_t *ip = frame + ETH_HLEN;
	const uint8_t *l4 = ip + (v4 ? sizeof(struct iphdr) : sizeof(struct ip6_hdr));
	uint8_t now =
		v4 ? ip[offsetof(struct iphdr, protocol)] : ip[offsetof(struct ip6_hdr, ip6_nxt)];

	return now != proto || (proto == IPPROTO_TCP && l4[TCP_FLAGS] & TH_RST);
}

static void see(const struct explain_question *question, const uint8_t *in, const uint8_t *out,
		size_t size, bool dropped, struct seen *seen)
{
	struct lb_addr saddr;

	*seen = (struct seen){ .verdict = LB_EXPLAIN_DROP };
	if (dropped)
		return;
	frame_addrs(out, addr_is_v4(&question->to), &saddr, &seen->dest, &seen->port);
	seen->masquerade = addr_compare(&saddr, &question->from) != 0;
	if (!memcmp(in, out, size))
		seen->verdict = LB_EXPLAIN_PASS;
	else if (frame_refuses(out, question->proto, addr_is_v4(&question->to)))
		seen->verdict = LB_EXPLAIN_REJECT;
	else
		seen->verdict = LB_EXPLAIN_FORWARD;
}

static int run(const struct real *real, const struct explain_question *question,
	       enum program program, struct seen *seen)
{
	static const struct lb_flow4_set none4;
	static const struct lb_flow6_set none6;
	uint8_t in[EXPLAIN_FRAME], out[4 * EXPLAIN_FRAME];
	size_t size = explain_frame(question, in);
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in, .data_size_in = (uint32_t)size,
		    .data_out = out, .data_size_out = sizeof(out), .repeat = 1);
	uint32_t zero = 0;
	bool xdp = program == PROGRAM_XDP;
	int r = bpf_map_update_elem(real->flow4, &zero, &none4, BPF_ANY);

	r = r ?: bpf_map_update_elem(real->flow6, &zero, &none6, BPF_ANY);
	r = r ?: bpf_prog_test_run_opts(real->load.programs.fd[program], &opts);
	if (r)
		return r;
	if (xdp && opts.retval == XDP_PASS && opts.data_size_out == size + HANDOFF_BYTES) {
		*seen = (struct seen){ .verdict = LB_EXPLAIN_FORWARD, .unknown = true };
		return 0;
	}
	see(question, in, out, opts.data_size_out < size ? opts.data_size_out : size,
	    xdp ? opts.retval == XDP_DROP : (int)opts.retval == TC_ACT_SHOT, seen);
	return 0;
}

/* ----------------------------------------------------------------- compare -- */

static int compare(const struct seen *seen, const struct explain_answer *answer, const char *where,
		   struct err *err)
{
	char text[ADDR_PORT_TEXT];

	if (seen->verdict != answer->note.verdict)
		return err_set(err, -EPROTO, "%s: foretold was verdict %u, it is %u", where,
			       answer->note.verdict, seen->verdict);
	if (seen->verdict != LB_EXPLAIN_FORWARD || seen->unknown)
		return 0;
	for (size_t i = 0; i < answer->n_candidates; i++) {
		const struct explain_candidate *candidate = &answer->candidates[i];

		if (addr_compare(&candidate->value.addr, &seen->dest) ||
		    candidate->value.port != seen->port)
			continue;
		if (seen->no_source || candidate->masquerade == seen->masquerade)
			return 0;
		return err_set(err, -EPROTO, "%s: the client's address is %s", where,
			       seen->masquerade ? "masqueraded" : "kept");
	}
	return err_set(err, -EPROTO, "%s: sent to %s, which is no candidate", where,
		       addr_port_format(&seen->dest, seen->port, text));
}

static int check_packets(const struct real *real, const struct explain_question *question,
			 const struct explain_answer *answer, struct err *err)
{
	struct explain_question now = *question;

	for (uint16_t i = 0; i < REAL_TRIES; i++) {
		struct seen seen;
		int r;

		now.from_port = htons((uint16_t)(ntohs(question->from_port) + i));
		r = run(real, &now, PROGRAM_XDP, &seen);
		r = r ?: compare(&seen, answer, "XDP", err);
		r = r ?: run(real, &now, PROGRAM_TC_INGRESS, &seen);
		r = r ?: compare(&seen, answer, "TC", err);
		if (r)
			return r;
	}
	return 0;
}

/* Whether an address of the node refuses by itself, or a hook does, cannot be told. */
static bool refuses_by_itself(const struct real *real, const struct explain_question *question,
			      const struct explain_answer *answer)
{
	for (size_t i = 0; i < answer->n_candidates; i++)
		if (explain_origin(real->explain, &answer->candidates[i].value.addr) ==
		    EXPLAIN_NODE)
			return true;
	return answer->note.verdict == LB_EXPLAIN_PASS &&
	       explain_origin(real->explain, &question->to) == EXPLAIN_NODE;
}

/* A process's source is the kernel's to choose: nothing is masqueraded that could be seen. */
static int check_sockets(const struct real *real, const struct explain_question *question,
			 const struct explain_answer *answer, struct err *err)
{
	struct real_socket socket;

	if (refuses_by_itself(real, question, answer))
		return 0;
	for (int i = 0; i < REAL_TRIES; i++) {
		struct seen seen = { .no_source = true };
		int r = real_socket_connect(&real->load.programs, question, &socket, err);

		if (r)
			return r;
		seen.verdict = socket.verdict;
		seen.dest = socket.dest;
		seen.port = socket.port;
		r = compare(&seen, answer, "socket", err);
		if (r)
			return r;
	}
	return 0;
}

int real_check(void *arg, struct explain *explain, const struct explain_question *question,
	       const struct explain_answer *answer, struct err *err)
{
	const struct real *real = real_of(explain);

	(void)arg;
	if (question->origin != EXPLAIN_NODE)
		return check_packets(real, question, answer, err);
	if (question->proto == IPPROTO_SCTP) /* not every kernel has such sockets */
		return 0;
	return check_sockets(real, question, answer, err);
}
