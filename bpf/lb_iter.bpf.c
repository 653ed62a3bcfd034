/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads through the sockets that the socket hooks connected to a backend, and writes down
 * (struct lb_void_socket) those that should not go on with it:
 *
 *	UDP   the backend has left its service: the generation that was given is not its own
 *	TCP   it does not exist any more; one that only left may finish
 *
 * The hooks look at a socket when it connects, never again: without this a connected UDP socket
 * asks a dead pod for as long as its process lives. Unconnected ones need no help, since each of
 * their datagrams meets a hook. An iterator over the open files of all processes, whatever their
 * network namespace; user/datapath/sockets.c reads it after backends were retired.
 *
 * What it does badly: it looks at every open file, so it is not for every change of the maps; a
 * socket is written down once for each process that has it; and one that no process has, since it
 * is on its way from one to another, is found the next time.
 */
#include "vmlinux.h"

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "lb/sockets.h"
#include "maps.bpf.h"
#include "packet.bpf.h"

#define TCP_CLOSE 7 /* of a UDP socket: not connected */

/* The one of lb_sock, taken over from its pin. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct lb_socket);
} lb_socket SEC(".maps");

static __always_inline void iter_addresses(struct sock_common *common, struct lb_void_socket *ret)
{
	if (common->skc_family == AF_INET) {
		addr_map4(&ret->saddr, common->skc_rcv_saddr);
		addr_map4(&ret->daddr, common->skc_daddr);
		return;
	}
	for (int i = 0; i < 4; i++) {
		ret->saddr.word[i] = common->skc_v6_rcv_saddr.in6_u.u6_addr32[i];
		ret->daddr.word[i] = common->skc_v6_daddr.in6_u.u6_addr32[i];
	}
}

enum iter_peer {
	ITER_OTHER, /* not what the socket is connected to */
	ITER_STANDS,
	ITER_VOID,
};

static __always_inline enum iter_peer iter_peer_check(const struct lb_socket_peer *peer,
						      const struct lb_void_socket *socket)
{
	const struct lb_backend *backend;
	__u32 id = peer->backend;

	if (!id || peer->backend_port != socket->dport ||
	    !addr_equal(&peer->backend_addr, &socket->daddr))
		return ITER_OTHER;
	backend = bpf_map_lookup_elem(&lb_backend, &id);
	if (!backend || backend->generation == peer->generation)
		return ITER_STANDS;
	if (socket->proto == IPPROTO_UDP)
		return ITER_VOID;
	/* A slot that was given away says nothing of its former backend. */
	return backend->flags & LB_BACKEND_GONE && backend->port == socket->dport &&
			       addr_equal(&backend->addr, &socket->daddr)
		       ? ITER_VOID
		       : ITER_STANDS;
}

/*
 * Several peers may have the address: one backend of several services, or a socket that is
 * connected and sends elsewhere, too. One that stands is reason enough to go on.
 */
static __always_inline bool iter_is_void(const struct lb_socket *storage,
					 const struct lb_void_socket *socket)
{
	bool found = false;

	for (int i = 0; i < LB_SOCKET_PEERS; i++) {
		enum iter_peer peer = iter_peer_check(&storage->peer[i], socket);

		if (peer == ITER_STANDS)
			return false;
		if (peer == ITER_VOID)
			found = true;
	}
	return found;
}

SEC("iter/task_file")
int lb_void_sockets(struct bpf_iter__task_file *ctx)
{
	struct file *file = ctx->file; /* read once: the verifier knows it as checked then */
	struct lb_void_socket found = {};
	const struct lb_socket *storage;
	struct socket *socket;
	struct sock *sk;
	__u32 proto;

	if (!file)
		return 0;
	socket = bpf_sock_from_file(file);
	if (!socket)
		return 0;
	sk = socket->sk;
	storage = bpf_sk_storage_get(&lb_socket, sk, NULL, 0);
	if (!storage || sk->__sk_common.skc_state == TCP_CLOSE)
		return 0;
	proto = sk->sk_protocol;
	if (proto != IPPROTO_UDP && proto != IPPROTO_TCP)
		return 0;
	found.proto = proto;
	iter_addresses(&sk->__sk_common, &found);
	found.sport = bpf_htons(sk->__sk_common.skc_num);
	found.dport = sk->__sk_common.skc_dport;
	if (!iter_is_void(storage, &found))
		return 0;
	found.cookie = bpf_get_socket_cookie(sk);
	found.netns = sk->__sk_common.skc_net.net->ns.inum;
	found.ifindex = sk->__sk_common.skc_bound_dev_if;
	bpf_seq_write(ctx->meta->seq, &found, sizeof(found));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
