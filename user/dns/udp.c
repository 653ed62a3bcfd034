/* SPDX-License-Identifier: Apache-2.0 */
/* Queries over UDP, read and answered in batches: a system call costs more than an answer. */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "user/dns/loop.h"
#include "user/util/vec.h"

#define BATCH 64
#define BATCHES 8 /* before other sockets get their turn */
#define QUERY_MAX 4096
#define SOCKET_BUFFER (4 << 20)

struct slot {
	uint8_t query[QUERY_MAX];
	uint8_t answer[ANSWER_UDP_MAX];
	struct sockaddr_storage from;
	struct iovec in, out;
};

struct udp {
	struct loop *loop;
	int fd;
	struct event *readable;
	struct addr_port listen;
	struct mmsghdr in[BATCH], out[BATCH];
	struct slot slots[BATCH];
};

struct udp_request {
	struct request request; /* first: freed through it */
	int fd;
	struct sockaddr_storage from;
	socklen_t from_size;
};

static uint64_t milliseconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* A full send buffer loses the answer, as the network may. */
static void udp_reply(struct request *request, const struct answer *answer)
{
	struct udp_request *mine = (struct udp_request *)request;

	if (answer)
		(void)!sendto(mine->fd, answer->wire, answer->size, MSG_DONTWAIT,
			      (struct sockaddr *)&mine->from, mine->from_size);
}

static bool client_of(const struct sockaddr_storage *from, struct lb_addr *ret_addr)
{
	if (from->ss_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)from;

		*ret_addr = addr_from_v4(in->sin_addr.s_addr);
		return in->sin_port;
	}
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)from;

	*ret_addr = addr_from_v6(&in6->sin6_addr);
	return in6->sin6_port;
}

static bool is_trusted(const struct udp *udp, const struct lb_addr *client)
{
	const struct prefix_list *trusted = &udp->loop->trusted;

	/* From this address itself: nobody else has it. */
	if (!addr_compare(client, &udp->listen.addr))
		return true;
	for (size_t i = 0; i < trusted->n; i++) {
		if (prefix_contains(&trusted->items[i], client))
			return true;
	}
	return false;
}

static enum answer_kind slot_answer(struct udp *udp, struct slot *slot, size_t size, uint64_t now,
				    struct answer *answer)
{
	struct loop *loop = udp->loop;
	struct answer_view view = loop_view(loop);
	enum limit_verdict verdict = LIMIT_ANSWER;
	struct lb_addr client;

	if (!client_of(&slot->from, &client))
		return ANSWER_NONE;
	if (!is_trusted(udp, &client))
		verdict = limit_check(loop->limit, &client, now);
	if (verdict == LIMIT_DROP)
		return ANSWER_NONE;
	if (verdict == LIMIT_TRUNCATE)
		return answer_truncated(loop->answerer, &view, slot->query, size, answer);
	return answer_make(loop->answerer, &view, slot->query, size, true, answer);
}

static void slot_forward(struct udp *udp, const struct slot *slot, const struct msghdr *in,
			 size_t size, const struct answer *answer)
{
	struct udp_request *mine = xcalloc(1, sizeof(*mine));

	request_init(&mine->request, udp->loop, true, slot->query, size);
	mine->request.reply = udp_reply;
	mine->fd = udp->fd;
	mine->from = slot->from;
	mine->from_size = in->msg_namelen;
	request_forward(&mine->request, answer);
}

/* Answers what was read; returns how many answers wait in out. */
static unsigned int batch_answer(struct udp *udp, unsigned int n)
{
	uint64_t now = milliseconds_now();
	unsigned int ready = 0;

	for (unsigned int i = 0; i < n; i++) {
		struct msghdr *in = &udp->in[i].msg_hdr;
		struct slot *slot = &udp->slots[i];
		struct answer answer = { .wire = slot->answer };
		enum answer_kind kind = ANSWER_NONE;
		size_t size = udp->in[i].msg_len;

		if (!(in->msg_flags & MSG_TRUNC))
			kind = slot_answer(udp, slot, size, now, &answer);
		if (kind == ANSWER_FORWARD)
			slot_forward(udp, slot, in, size, &answer);
		if (kind != ANSWER_SEND)
			continue;
		dns_count_answer(&udp->loop->counts, &answer);
		slot->out.iov_len = answer.size;
		udp->out[ready++].msg_hdr = (struct msghdr){ .msg_name = &slot->from,
							     .msg_namelen = in->msg_namelen,
							     .msg_iov = &slot->out,
							     .msg_iovlen = 1 };
	}
	return ready;
}

static void batch_send(struct udp *udp, unsigned int n)
{
	unsigned int sent = 0;

	while (sent < n) {
		int k = sendmmsg(udp->fd, udp->out + sent, n - sent, MSG_DONTWAIT);

		/* One that cannot be sent (its route is gone) must not hold up the others. */
		sent += k > 0 ? (unsigned int)k : 1;
	}
}

static void udp_readable(evutil_socket_t fd, short what, void *arg)
{
	struct udp *udp = arg;

	(void)what;
	for (int i = 0; i < BATCHES; i++) {
		int n;

		for (size_t j = 0; j < BATCH; j++)
			udp->in[j].msg_hdr.msg_namelen = sizeof(udp->slots[j].from);
		n = recvmmsg(fd, udp->in, BATCH, MSG_DONTWAIT, NULL);
		if (n <= 0)
			return;
		batch_send(udp, batch_answer(udp, (unsigned int)n));
		if (n < BATCH)
			return;
	}
}

static void slots_init(struct udp *udp)
{
	for (size_t i = 0; i < BATCH; i++) {
		struct slot *slot = &udp->slots[i];

		slot->in = (struct iovec){ slot->query, sizeof(slot->query) };
		slot->out = (struct iovec){ slot->answer, 0 };
		udp->in[i].msg_hdr = (struct msghdr){ .msg_name = &slot->from,
						      .msg_iov = &slot->in,
						      .msg_iovlen = 1 };
	}
}

static int udp_bind(struct udp *udp)
{
	struct sockaddr_storage addr;
	socklen_t size = addr_port_sockaddr(&udp->listen, &addr);
	int buffer = SOCKET_BUFFER, on = 1;

	udp->fd = socket(addr.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (udp->fd < 0)
		return -errno;
	/* As large as the system lets it be; an IPv6 address may still be looked for twice. */
	(void)!setsockopt(udp->fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer));
	(void)!setsockopt(udp->fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer));
	(void)!setsockopt(udp->fd, IPPROTO_IP, IP_FREEBIND, &on, sizeof(on));
	return bind(udp->fd, (struct sockaddr *)&addr, size) ? -errno : 0;
}

int udp_open(struct loop *loop, const struct addr_port *listen, struct udp **ret, struct err *err)
{
	struct udp *udp = xcalloc(1, sizeof(*udp));
	char text[ADDR_PORT_TEXT];
	int code;

	udp->loop = loop;
	udp->listen = *listen;
	slots_init(udp);
	code = udp_bind(udp);
	if (code) {
		udp_close(udp);
		return err_sys(err, code, "udp %s",
			       addr_port_format(&listen->addr, listen->port, text));
	}
	udp->readable = event_new(loop->base, udp->fd, EV_READ | EV_PERSIST, udp_readable, udp);
	event_add(udp->readable, NULL);
	*ret = udp;
	return 0;
}

void udp_close(struct udp *udp)
{
	if (udp->readable)
		event_free(udp->readable);
	if (udp->fd >= 0)
		close(udp->fd);
	free(udp);
}
