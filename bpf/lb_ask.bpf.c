/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The socket hooks' choice for `lbctl explain`: the kernel makes no test runs of programs at a
 * cgroup, so the same functions are asked here, by one that it does run. Never attached.
 *
 * Example: from 192.0.2.1 to 10.96.0.5:80 answers "172.17.0.2:8080".
 */
#include "kernel.bpf.h"

#include <bpf/bpf_helpers.h>

#include "socket.bpf.h"
#include "verdict.bpf.h"

/*
 * The packets of the connection would have the node's own address, kept or not. It counts as
 * masqueraded where a packet's would be replaced; never can a loopback address be kept.
 */
static __always_inline bool ask_masquerades(const struct lb_frontend *frontend,
					    const struct lb_explain_socket *asked,
					    const struct selection *chosen)
{
	bool loopback = asked->from.word[2] == bpf_htonl(0xffff) &&
			(bpf_ntohl(asked->from.word[3]) >> 24) == 127;

	return loopback || select_masquerades(frontend, &asked->from, chosen,
					      frontend_source_is_pod(&asked->from));
}

static __always_inline enum verdict ask(struct lb_explain *note, enum lb_reason *reason)
{
	const struct lb_explain_socket *asked = &note->socket;
	const struct lb_frontend *frontend;
	struct selection chosen;
	__u32 hash;

	frontend = frontend_find(&asked->to, asked->to_port, asked->proto);
	if (!frontend)
		return VERDICT_PASS;
	hash = select_hash(&asked->from, asked->from_port, asked->proto, frontend->affinity);
	if (socket_admit(frontend, lb_config.netns, reason) == SOCKET_REFUSE ||
	    !socket_select(frontend, lb_config.netns, hash, &chosen, reason))
		return *reason == LB_REASON_NO_BACKEND ? VERDICT_REPLY : VERDICT_DROP;
	explain_chosen(chosen.backend, ask_masquerades(frontend, asked, &chosen));
	note->new_daddr = chosen.addr;
	note->new_dport = chosen.port;
	return VERDICT_STACK;
}

SEC("xdp")
int lb_ask(struct xdp_md *ctx)
{
	enum lb_reason reason = LB_REASON_NOT_OURS;
	struct lb_explain *note = explain();
	enum verdict verdict;

	(void)ctx;
	if (!note)
		return XDP_ABORTED;
	verdict = ask(note, &reason);
	note->verdict = explain_verdict(verdict);
	note->reason = verdict == VERDICT_STACK ? LB_REASON_FORWARDED : reason;
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
