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
 * limit them. The source port is not known yet; the choice is random, or the one that the
 * network namespace is bound to where the service has affinity.
 *
 * What it does badly: a socket remembers four services at a time. One that sends to more in
 * turn gets its answers from the backends' addresses.
 */
#include "vmlinux.h"

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "select.bpf.h"
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

/* Who is bound by affinity: no address is known yet, but the pod's network namespace is. */
static __always_inline void sock_client(struct bpf_sock_addr *ctx, struct lb_addr *ret)
{
	__u64 cookie = bpf_get_netns_cookie(ctx);

	ret->word[0] = ret->word[1] = 0xffffffff; /* no client's address */
	ret->word[2] = cookie >> 32;
	ret->word[3] = (__u32)cookie;
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

static __always_inline int sock_refuse(const struct lb_frontend *frontend)
{
	bool none = !frontend->cluster.len;

	reason_count(none ? LB_REASON_NO_BACKEND : LB_REASON_NO_LOCAL_BACKEND, 0);
	bpf_set_retval(none ? -ECONNREFUSED : -EHOSTUNREACH);
	return SOCK_REFUSE;
}

/* Chooses for a destination and replaces it. Returns SOCK_ALLOW or SOCK_REFUSE. */
static __always_inline int sock_translate(struct bpf_sock_addr *ctx, struct lb_addr *addr,
					  __be16 *port, bool connect)
{
	const struct lb_frontend *frontend;
	struct lb_socket *storage = NULL;
	const struct lb_range *range;
	struct selection chosen;
	struct lb_addr client;

	frontend = frontend_find(addr, *port, ctx->protocol);
	/* A source range needs a source, which only the packet has: TC looks at it. */
	if (!frontend || frontend->flags & LB_FRONTEND_SOURCE_RANGES) {
		if (connect)
			sock_forget(ctx);
		return SOCK_ALLOW;
	}
	if (!connect) {
		storage = sock_storage(ctx, false);
		if (storage && sock_recall(storage, addr, *port, frontend->service, &chosen))
			goto chosen;
	}
	range = frontend_range(frontend, false);
	sock_client(ctx, &client);
	if (!select_backend(frontend, range, &client, bpf_get_prandom_u32(), &chosen))
		return sock_refuse(frontend);
	backend_count_connection(chosen.backend);
	storage = sock_storage(ctx, true);
	if (storage)
		sock_remember(storage, addr, *port, &chosen, connect);
chosen:
	*addr = chosen.addr;
	*port = chosen.port;
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
