/* SPDX-License-Identifier: Apache-2.0 */
#include "user/dns/stub.h"

#include <ctype.h>
#include <errno.h>
#include <libknot/libknot.h>
#include <poll.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "user/dns/answer.h"
#include "user/dns/dump.h"
#include "user/dns/upstream.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"

#define TIMEOUT_MS 2000
#define QUERY_MAX 512

/* ------------------------------------------------------------------ the search -- */

static size_t search_add(struct name *names, size_t n, const char *text, const char *suffix)
{
	cleanup_free char *full = xasprintf("%s.%s", text, suffix);

	return n + !name_parse(full, &names[n]);
}

size_t stub_search(const char *text, const char *ns, const char *domain,
		   struct name ret_names[STUB_SEARCH])
{
	cleanup_free char *ns_suffix = xasprintf("%s.svc.%s", ns, domain);
	cleanup_free char *svc_suffix = xasprintf("svc.%s", domain);
	size_t n = 0, dots = 0, length = strlen(text);
	struct name plain;

	if (name_parse(text, &plain))
		return 0;
	for (const char *c = text; *c; c++)
		dots += *c == '.';
	if (text[length - 1] == '.') {
		ret_names[0] = plain;
		return 1;
	}
	if (dots >= STUB_NDOTS)
		ret_names[n++] = plain;
	n = search_add(ret_names, n, text, ns_suffix);
	n = search_add(ret_names, n, text, svc_suffix);
	n = search_add(ret_names, n, text, domain);
	if (dots < STUB_NDOTS)
		ret_names[n++] = plain;
	return n;
}

int stub_type_parse(const char *text, uint16_t *ret_type)
{
	return knot_rrtype_from_string(text, ret_type) == 0 && *ret_type ? 0 : -EINVAL;
}

/* ------------------------------------------------------------------ the question -- */

static int query_build(const struct name *name, uint16_t type, uint8_t *query, size_t *ret_size)
{
	static const uint8_t opt[] = { 0, 0, KNOT_RRTYPE_OPT };
	uint8_t *end = query + KNOT_WIRE_HEADER_SIZE + name->size;
	uint16_t id;

	if (getrandom(&id, sizeof(id), 0) != sizeof(id))
		return -errno;
	memset(query, 0, QUERY_MAX);
	knot_wire_set_id(query, id);
	knot_wire_set_rd(query);
	knot_wire_set_qdcount(query, 1);
	knot_wire_set_arcount(query, 1);
	memcpy(query + KNOT_WIRE_HEADER_SIZE, name->wire, name->size);
	knot_wire_write_u16(end, type);
	knot_wire_write_u16(end + 2, KNOT_CLASS_IN);
	memcpy(end + 4, opt, sizeof(opt));
	knot_wire_write_u16(end + 7, ANSWER_UDP_MAX);
	*ret_size = (size_t)(end + 15 - query);
	return 0;
}

static int wait_readable(int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	int n = poll(&poll_fd, 1, TIMEOUT_MS);

	return n < 0 ? -errno : n ? 0 : -ETIMEDOUT;
}

/* Reads size bytes, or what one datagram has. */
static ssize_t receive(int fd, uint8_t *out, size_t size, bool whole)
{
	size_t got = 0;

	do {
		int code = wait_readable(fd);
		ssize_t n;

		if (code)
			return code;
		n = recv(fd, out + got, size - got, 0);
		if (n < 0)
			return -errno;
		if (whole && !n)
			return -ECONNRESET;
		got += (size_t)n;
	} while (whole && got < size);
	return (ssize_t)got;
}

static int server_connect(const struct addr_port *server, int kind, int *ret_fd)
{
	struct sockaddr_storage to;
	socklen_t size = addr_port_sockaddr(server, &to);
	struct timeval timeout = { .tv_sec = TIMEOUT_MS / 1000 };
	cleanup_close int fd = socket(to.ss_family, kind | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	(void)!setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	if (connect(fd, (struct sockaddr *)&to, size))
		return errno == EINPROGRESS ? -ETIMEDOUT : -errno;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static ssize_t ask_udp(const struct addr_port *server, const uint8_t *query, size_t size,
		       uint8_t *reply)
{
	cleanup_close int fd = -EBADF;
	int code = server_connect(server, SOCK_DGRAM, &fd);

	if (code)
		return code;
	return send(fd, query, size, 0) < 0 ? -errno : receive(fd, reply, ANSWER_TCP_MAX, false);
}

static ssize_t ask_tcp(const struct addr_port *server, const uint8_t *query, size_t size,
		       uint8_t *reply)
{
	cleanup_close int fd = -EBADF;
	uint8_t message[2 + QUERY_MAX] = { (uint8_t)(size >> 8), (uint8_t)size }, head[2];
	int code = server_connect(server, SOCK_STREAM, &fd);
	ssize_t n;

	if (code)
		return code;
	memcpy(message + 2, query, size);
	if (send(fd, message, 2 + size, MSG_NOSIGNAL) < 0)
		return -errno;
	n = receive(fd, head, sizeof(head), true);
	return n < 0 ? n : receive(fd, reply, knot_wire_read_u16(head), true);
}

/* -------------------------------------------------------------------- the answer -- */

static void status_set(struct stub_answer *answer, const knot_pkt_t *reply)
{
	const knot_lookup_t *rcode = knot_lookup_by_id(knot_rcode_names, knot_pkt_ext_rcode(reply));

	if (rcode)
		snprintf(answer->status, sizeof(answer->status), "%s", rcode->name);
	else
		snprintf(answer->status, sizeof(answer->status), "RCODE%u",
			 knot_pkt_ext_rcode(reply));
	if (knot_pkt_ext_rcode(reply) == KNOT_RCODE_NOERROR && !answer->n)
		snprintf(answer->status, sizeof(answer->status), "NODATA");
	answer->authoritative = knot_wire_get_aa(reply->wire);
}

static void answer_read(const knot_pkt_t *reply, struct stub_answer *answer)
{
	const knot_pktsection_t *section = knot_pkt_section(reply, KNOT_ANSWER);

	for (uint16_t i = 0; i < section->count; i++) {
		const knot_rrset_t *rr = knot_pkt_rr(section, i);

		vec_push(answer, dump_record(rr->type, rr->rrs.rdata->data, rr->rrs.rdata->len));
	}
	status_set(answer, reply);
}

static int reply_parse(const uint8_t *query, uint8_t *reply, size_t size,
		       struct stub_answer *answer, struct err *err)
{
	knot_pkt_t *packet = knot_pkt_new(reply, (uint16_t)size, NULL);
	int code = 0;

	if (!packet || size < KNOT_WIRE_HEADER_SIZE ||
	    knot_pkt_parse(packet, KNOT_PF_NOCANON) != KNOT_EOK ||
	    knot_wire_get_id(reply) != knot_wire_get_id(query))
		code = err_set(err, -EPROTO, "the answer is not one to the question");
	else
		answer_read(packet, answer);
	knot_pkt_free(packet);
	return code;
}

int stub_ask(const struct addr_port *server, const struct name *name, uint16_t type,
	     struct stub_answer *ret_answer, struct err *err)
{
	cleanup_free uint8_t *reply = xmalloc(ANSWER_TCP_MAX);
	struct stub_answer answer = { 0 };
	uint8_t query[QUERY_MAX];
	char text[ADDR_PORT_TEXT];
	size_t size = 0;
	ssize_t n = query_build(name, type, query, &size);
	int code;

	if (!n)
		n = ask_udp(server, query, size, reply);
	if (n >= KNOT_WIRE_HEADER_SIZE && knot_wire_get_tc(reply))
		n = ask_tcp(server, query, size, reply);
	if (n < 0)
		return err_sys(err, (int)n, "%s",
			       addr_port_format(&server->addr, server->port, text));
	code = reply_parse(query, reply, (size_t)n, &answer, err);
	if (code)
		stub_answer_done(&answer);
	else
		*ret_answer = answer;
	return code;
}

void stub_answer_done(struct stub_answer *answer)
{
	for (size_t i = 0; i < answer->n; i++)
		free(answer->items[i]);
	free(answer->items);
	*answer = (struct stub_answer){ 0 };
}
