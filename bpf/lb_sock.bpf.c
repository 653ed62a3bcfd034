/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The socket hooks of a cgroup: a process that connects to a service's address is connected
 * to a backend from the start, so its packets need no rewriting at all.
 *
 *	connect   TCP and connected UDP: choose, rewrite the destination, remember
 *	sendmsg   unconnected UDP: the same for each datagram, the same choice while it stands
 *	recvmsg   the backend's address in an answer becomes the service's again
 *	getpeername  likewise
 *
 * Processes here are pods and the node itself, so policy Local of external addresses does not
 * limit them. loadBalancerSourceRanges, masquerade and silence are left to TC for pods, and decided
 * here for the node. The source port is not known yet; the choice is random, or the one that the
 * network namespace is bound to where the service has affinity.
 *
 * What it does badly: a socket remembers four services at a time. One that sends to more in
 * turn gets its answers from the backends' addresses.
 */
#include "kernel.bpf.h"

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "event.bpf.h"
#include "socket.bpf.h"
#include "verdict.bpf.h"

#define SOCK_REFUSE 0
#define SOCK_ALLOW 1
#define ECONNREFUSED 111
#define EHOSTUNREACH 113

/* Lives and dies with the socket: nothing leaks and nothing collides. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct lb_socket);
} lb_socket SEC(".maps");

static __always_inline struct lb_socket *sock_storage(struct bpf_sock_addr *ctx, bool create)
{
	if (!ctx->sk)
		return NULL;
	return bpf_sk_storage_get(&lb_socket, ctx->sk, NULL,
				  create ? BPF_SK_STORAGE_GET_F_CREATE : 0);
}

static __always_inline bool sock_peer_is(const struct lb_socket_peer *peer,
					 const struct lb_addr *addr, __be16 port)
{
	return peer->frontend_port == port && addr_equal(&peer->frontend_addr, addr);
}

/* What this socket was given for the frontend before, while the backend still stands. */
static __always_inline bool sock_recall(const struct lb_socket *storage, const struct lb_addr *addr,
					__be16 port, __u32 service, struct selection *ret)
{
	for (int i = 0; i < LB_SOCKET_PEERS; i++) {
		const struct lb_socket_peer *peer = &storage->peer[i];

		if (sock_peer_is(peer, addr, port))
			return select_fill(peer->backend, service, ret) &&
			       ret->generation == peer->generation;
	}
	return false;
}

static __always_inline void sock_remember(struct lb_socket *storage, const struct lb_addr *addr,
					  __be16 port, const struct selection *chosen,
					  bool connected)
{
	__u32 slot = connected ? 0 : storage->next++;
	struct lb_socket_peer *peer;

	for (int i = 0; i < LB_SOCKET_PEERS; i++)
		if (sock_peer_is(&storage->peer[i], addr, port))
			slot = i;
	peer = &storage->peer[slot % LB_SOCKET_PEERS];
	peer->frontend_addr = *addr;
	peer->frontend_port = port;
	peer->backend_addr = chosen->addr;
	peer->backend_port = chosen->port;
	peer->backend = chosen->backend;
	peer->generation = chosen->generation;
}

/* A UDP socket that connects again, past any service, has its peer's real address. */
static __always_inline void sock_forget(struct bpf_sock_addr *ctx)
{
	struct lb_socket *storage = sock_storage(ctx, false);

	if (storage)
		storage->peer[0].backend = 0;
}

static __always_inline void sock_tell(struct bpf_sock_addr *ctx, const struct lb_addr *addr,
				      __be16 port, __u32 kind, enum lb_reason reason,
				      const struct selection *chosen)
{
	struct lb_event event = { .frontend = *addr,
				  .frontend_port = port,
				  .proto = ctx->protocol,
				  .hook = LB_EVENT_SOCKET,
				  .kind = kind,
				  .reason = reason };

	if (!event_wanted(kind))
		return;
	if (chosen) {
		event.backend = chosen->addr;
		event.backend_port = chosen->port;
		event.affinity = chosen->affinity;
	}
	event_send(&event);
}

static __always_inline int sock_refuse(struct bpf_sock_addr *ctx, const struct lb_addr *addr,
				       __be16 port, __u32 service, enum lb_reason reason)
{
	reason_count(reason, 0);
	service_count_drop(service);
	sock_tell(ctx, addr, port, LB_EVENT_REJECT, reason, NULL);
	bpf_set_retval(reason == LB_REASON_NO_BACKEND ? -ECONNREFUSED : -EHOSTUNREACH);
	return SOCK_REFUSE;
}

/* Chooses for a destination and replaces it. Returns SOCK_ALLOW or SOCK_REFUSE. */
static __always_inline int sock_translate(struct bpf_sock_addr *ctx, struct lb_addr *addr,
					  __be16 *port, bool connect)
{
	enum socket_choice choice = SOCKET_PASS;
	const struct lb_frontend *frontend;
	struct lb_socket *storage = NULL;
	struct selection chosen;
	enum lb_reason reason;
	__u64 netns;

	frontend = frontend_find(addr, *port, ctx->protocol);
	netns = bpf_get_netns_cookie(ctx);
	if (frontend)
		choice = socket_admit(frontend, netns, &reason);
	if (!frontend || choice == SOCKET_PASS)
		goto pass;
	if (choice == SOCKET_REFUSE)
		return sock_refuse(ctx, addr, *port, frontend->service, reason);
	if (!connect) {
		storage = sock_storage(ctx, false);
		if (storage && sock_recall(storage, addr, *port, frontend->service, &chosen))
			goto chosen;
	}
	if (!socket_select(frontend, netns, bpf_get_prandom_u32(), &chosen, &reason)) {
		if (reason == LB_REASON_NO_LOCAL_BACKEND && socket_seen_by_tc(netns))
			goto pass;
		return sock_refuse(ctx, addr, *port, frontend->service, reason);
	}
	backend_count_connection(chosen.backend);
	sock_tell(ctx, addr, *port, LB_EVENT_FLOW | (chosen.affinity ? LB_EVENT_AFFINITY : 0),
		  LB_REASON_FORWARDED, &chosen);
	storage = sock_storage(ctx, true);
	if (storage)
		sock_remember(storage, addr, *port, &chosen, connect);
chosen:
	*addr = chosen.addr;
	*port = chosen.port;
	return SOCK_ALLOW;
pass:
	if (connect)
		sock_forget(ctx);
	return SOCK_ALLOW;
}

/* The service's address for a backend's, as far as this socket knows it. */
static __always_inline bool sock_restore(struct bpf_sock_addr *ctx, struct lb_addr *addr,
					 __be16 *port)
{
	struct lb_socket *storage = sock_storage(ctx, false);

	if (!storage)
		return false;
	for (int i = 0; i < LB_SOCKET_PEERS; i++) {
		const struct lb_socket_peer *peer = &storage->peer[i];

		if (peer->backend_port == *port && peer->backend &&
		    addr_equal(&peer->backend_addr, addr)) {
			*addr = peer->frontend_addr;
			*port = peer->frontend_port;
			return true;
		}
	}
	return false;
}

/* -------------------------------------------------- one entry a family -- */

static __always_inline void sock_read4(struct bpf_sock_addr *ctx, struct lb_addr *addr,
				       __be16 *port)
{
	addr_map4(addr, ctx->user_ip4);
	*port = (__be16)ctx->user_port;
}

static __always_inline void sock_write4(struct bpf_sock_addr *ctx, const struct lb_addr *addr,
					__be16 port)
{
	ctx->user_ip4 = addr->word[3];
	ctx->user_port = port;
}

static __always_inline void sock_read6(struct bpf_sock_addr *ctx, struct lb_addr *addr,
				       __be16 *port)
{
	addr->word[0] = ctx->user_ip6[0];
	addr->word[1] = ctx->user_ip6[1];
	addr->word[2] = ctx->user_ip6[2];
	addr->word[3] = ctx->user_ip6[3];
	*port = (__be16)ctx->user_port;
}

static __always_inline void sock_write6(struct bpf_sock_addr *ctx, const struct lb_addr *addr,
					__be16 port)
{
	ctx->user_ip6[0] = addr->word[0];
	ctx->user_ip6[1] = addr->word[1];
	ctx->user_ip6[2] = addr->word[2];
	ctx->user_ip6[3] = addr->word[3];
	ctx->user_port = port;
}

static __always_inline int sock_out(struct bpf_sock_addr *ctx, bool connect, const bool v4)
{
	struct lb_addr addr;
	__be16 port;

	if (v4)
		sock_read4(ctx, &addr, &port);
	else
		sock_read6(ctx, &addr, &port);
	if (sock_translate(ctx, &addr, &port, connect) == SOCK_REFUSE)
		return SOCK_REFUSE;
	if (v4)
		sock_write4(ctx, &addr, port);
	else
		sock_write6(ctx, &addr, port);
	return SOCK_ALLOW;
}

static __always_inline int sock_in(struct bpf_sock_addr *ctx, const bool v4)
{
	struct lb_addr addr;
	__be16 port;

	if (v4)
		sock_read4(ctx, &addr, &port);
	else
		sock_read6(ctx, &addr, &port);
	if (!sock_restore(ctx, &addr, &port))
		return SOCK_ALLOW;
	if (v4)
		sock_write4(ctx, &addr, port);
	else
		sock_write6(ctx, &addr, port);
	return SOCK_ALLOW;
}

SEC("cgroup/connect4")
int lb_connect4(struct bpf_sock_addr *ctx)
{
	return sock_out(ctx, true, true);
}

SEC("cgroup/connect6")
int lb_connect6(struct bpf_sock_addr *ctx)
{
	return sock_out(ctx, true, false);
}

SEC("cgroup/sendmsg4")
int lb_sendmsg4(struct bpf_sock_addr *ctx)
{
	return sock_out(ctx, false, true);
}

SEC("cgroup/sendmsg6")
int lb_sendmsg6(struct bpf_sock_addr *ctx)
{
	return sock_out(ctx, false, false);
}

SEC("cgroup/recvmsg4")
int lb_recvmsg4(struct bpf_sock_addr *ctx)
{
	return sock_in(ctx, true);
}

SEC("cgroup/recvmsg6")
int lb_recvmsg6(struct bpf_sock_addr *ctx)
{
	return sock_in(ctx, false);
}

SEC("cgroup/getpeername4")
int lb_getpeername4(struct bpf_sock_addr *ctx)
{
	return sock_in(ctx, true);
}

SEC("cgroup/getpeername6")
int lb_getpeername6(struct bpf_sock_addr *ctx)
{
	return sock_in(ctx, false);
}

char LICENSE[] SEC("license") = "GPL";
