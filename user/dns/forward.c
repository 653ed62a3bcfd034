/* SPDX-License-Identifier: Apache-2.0 */
#include "user/dns/forward.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <libknot/libknot.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>

#include "user/dns/answer.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"

#define BUCKETS 256
#define TRIES 3
#define UDP_TIMEOUT_MS 1500
#define TCP_TIMEOUT_MS 3000
#define WAITERS_MAX 256 /* clients of one question */
#define QUERY_MAX (12 + NAME_SIZE + 4 + 11)

struct waiter {
	void (*done)(void *arg, const uint8_t *reply, size_t size, uint32_t age);
	void *arg;
};

/* A question on its way. */
struct exchange {
	struct forwarder *forwarder;
	struct question question;
	uint8_t query[QUERY_MAX];
	size_t size;
	struct {
		struct waiter *items;
		size_t n, room;
	} waiters;
	uint64_t began; /* microseconds */
	uint32_t tried; /* upstreams, as bits */
	unsigned int tries;
	struct upstream *upstream;
	int fd; /* UDP, -1: none */
	struct event *readable, *timer;
	struct bufferevent *tcp;
	LIST_ENTRY(exchange) bucket;
};

LIST_HEAD(exchange_list, exchange);

struct forwarder {
	struct event_base *base;
	struct upstreams upstreams;
	struct dns_counts *counts;
	struct cache *cache;
	struct exchange_list buckets[BUCKETS];
	size_t n;
};

static void exchange_try(struct exchange *x);

static uint64_t seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (uint64_t)now.tv_sec;
}

static uint64_t microseconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* ----------------------------------------------------------------- life cycle -- */

struct forwarder *forwarder_new(struct event_base *base, struct upstreams *upstreams,
				struct dns_counts *counts)
{
	struct forwarder *forwarder = xcalloc(1, sizeof(*forwarder));

	forwarder->base = base;
	forwarder->counts = counts;
	forwarder->upstreams = *upstreams;
	*upstreams = (struct upstreams){ 0 };
	forwarder->cache = cache_new();
	return forwarder;
}

bool forwarder_has_upstreams(const struct forwarder *forwarder)
{
	return forwarder->upstreams.n;
}

static void exchange_disconnect(struct exchange *x)
{
	if (x->readable)
		event_free(x->readable);
	if (x->fd >= 0)
		close(x->fd);
	if (x->tcp)
		bufferevent_free(x->tcp);
	x->readable = NULL;
	x->fd = -1;
	x->tcp = NULL;
}

static void exchange_free(struct exchange *x)
{
	exchange_disconnect(x);
	event_free(x->timer);
	LIST_REMOVE(x, bucket);
	x->forwarder->n--;
	vec_free(&x->waiters);
	free(x);
}

/* Tells all who wait. reply NULL: nobody answered. */
static void exchange_end(struct exchange *x, const uint8_t *reply, size_t size)
{
	struct dns_counts *counts = x->forwarder->counts;

	if (reply) {
		histogram_add(&counts->upstream, microseconds_now() - x->began);
		cache_put(x->forwarder->cache, &x->question, reply, size, seconds_now());
	} else {
		dns_count(&counts->unanswered);
	}
	for (size_t i = 0; i < x->waiters.n; i++)
		x->waiters.items[i].done(x->waiters.items[i].arg, reply, size, 0);
	exchange_free(x);
}

void forwarder_free(struct forwarder *forwarder)
{
	if (!forwarder)
		return;
	for (size_t i = 0; i < BUCKETS; i++) {
		while (!LIST_EMPTY(&forwarder->buckets[i]))
			exchange_end(LIST_FIRST(&forwarder->buckets[i]), NULL, 0);
	}
	cache_free(forwarder->cache);
	upstreams_done(&forwarder->upstreams);
	free(forwarder);
}

/* ----------------------------------------------------------------- the query -- */

static int query_build(struct exchange *x)
{
	static const uint8_t opt[] = { 0, 0, KNOT_RRTYPE_OPT };
	uint8_t *end = x->query + KNOT_WIRE_HEADER_SIZE + x->question.name.size;
	uint16_t id;

	/* Without randomness nothing is asked: forged answers would be believed. */
	if (getrandom(&id, sizeof(id), 0) != sizeof(id))
		return -errno;
	memset(x->query, 0, sizeof(x->query));
	knot_wire_set_id(x->query, id);
	knot_wire_set_rd(x->query);
	knot_wire_set_qdcount(x->query, 1);
	knot_wire_set_arcount(x->query, 1);
	memcpy(x->query + KNOT_WIRE_HEADER_SIZE, x->question.name.wire, x->question.name.size);
	knot_wire_write_u16(end, x->question.type);
	knot_wire_write_u16(end + 2, KNOT_CLASS_IN);
	memcpy(end + 4, opt, sizeof(opt));
	knot_wire_write_u16(end + 7, ANSWER_UDP_MAX);
	end[11] = x->question.dnssec ? 0x80 : 0;
	x->size = (size_t)(end + 15 - x->query);
	return 0;
}

/* The reply to this very query: its id, and its question letter by letter. */
static bool reply_matches(const struct exchange *x, const uint8_t *reply, size_t size)
{
	size_t question = x->question.name.size + 4;

	return size >= KNOT_WIRE_HEADER_SIZE + question && knot_wire_get_qr(reply) &&
	       knot_wire_get_id(reply) == knot_wire_get_id(x->query) &&
	       knot_wire_get_qdcount(reply) == 1 &&
	       !memcmp(reply + KNOT_WIRE_HEADER_SIZE, x->query + KNOT_WIRE_HEADER_SIZE, question);
}

/* A server that cannot answer; another one may. */
static bool reply_is_failure(const uint8_t *reply)
{
	uint8_t rcode = knot_wire_get_rcode(reply);

	return rcode != KNOT_RCODE_NOERROR && rcode != KNOT_RCODE_NXDOMAIN;
}

static void timer_start(struct exchange *x, int ms)
{
	struct timeval timeout = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	event_add(x->timer, &timeout);
}

/* A whole reply that matches. */
static void reply_take(struct exchange *x, const uint8_t *reply, size_t size)
{
	upstream_answered(x->upstream);
	if (reply_is_failure(reply) && x->tries < TRIES &&
	    upstream_pick(&x->forwarder->upstreams, x->tried, seconds_now()))
		exchange_try(x);
	else
		exchange_end(x, reply, size);
}

static void exchange_failed(struct exchange *x)
{
	upstream_failed(x->upstream, seconds_now());
	exchange_try(x);
}

static void timer_due(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	exchange_failed(arg);
}

/* ----------------------------------------------------------------------- TCP -- */

static void tcp_readable(struct bufferevent *tcp, void *arg)
{
	struct evbuffer *in = bufferevent_get_input(tcp);
	struct exchange *x = arg;
	cleanup_free uint8_t *reply = NULL;
	uint8_t length[2];
	size_t size;

	if (evbuffer_copyout(in, length, 2) != 2)
		return;
	size = knot_wire_read_u16(length);
	if (evbuffer_get_length(in) < 2 + size)
		return;
	reply = xmalloc(2 + size);
	evbuffer_remove(in, reply, 2 + size);
	if (reply_matches(x, reply + 2, size))
		reply_take(x, reply + 2, size);
	else
		exchange_failed(x);
}

static void tcp_event(struct bufferevent *tcp, short what, void *arg)
{
	(void)tcp;
	if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
		exchange_failed(arg);
}

static void tcp_start(struct exchange *x)
{
	struct sockaddr_storage to;
	socklen_t length = addr_port_sockaddr(&x->upstream->server, &to);
	uint8_t size[2];

	exchange_disconnect(x);
	x->tcp = bufferevent_socket_new(x->forwarder->base, -1, BEV_OPT_CLOSE_ON_FREE);
	knot_wire_write_u16(size, (uint16_t)x->size);
	timer_start(x, TCP_TIMEOUT_MS);
	if (!x->tcp)
		return; /* the timer goes on from here */
	bufferevent_setcb(x->tcp, tcp_readable, NULL, tcp_event, x);
	bufferevent_enable(x->tcp, EV_READ | EV_WRITE);
	bufferevent_write(x->tcp, size, sizeof(size));
	bufferevent_write(x->tcp, x->query, x->size);
	/* A refused connection may be told by the event, which frees x: nothing after this. */
	(void)!bufferevent_socket_connect(x->tcp, (struct sockaddr *)&to, (int)length);
}

/* ----------------------------------------------------------------------- UDP -- */

static void udp_readable(evutil_socket_t fd, short what, void *arg)
{
	struct exchange *x = arg;
	uint8_t reply[4096];
	ssize_t n = recv(fd, reply, sizeof(reply), 0);

	(void)what;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0)
		exchange_failed(x); /* refused: nobody listens there */
	else if (!reply_matches(x, reply, (size_t)n))
		return; /* the right one may still come */
	else if (knot_wire_get_tc(reply))
		tcp_start(x);
	else
		reply_take(x, reply, (size_t)n);
}

static int udp_start(struct exchange *x)
{
	struct sockaddr_storage to;
	socklen_t length = addr_port_sockaddr(&x->upstream->server, &to);

	x->fd = socket(to.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (x->fd < 0 || connect(x->fd, (struct sockaddr *)&to, length) ||
	    send(x->fd, x->query, x->size, 0) < 0)
		return -errno;
	x->readable = event_new(x->forwarder->base, x->fd, EV_READ | EV_PERSIST, udp_readable, x);
	event_add(x->readable, NULL);
	timer_start(x, UDP_TIMEOUT_MS);
	return 0;
}

/* Asks the next upstream; ends the exchange when none is left. */
static void exchange_try(struct exchange *x)
{
	struct upstreams *upstreams = &x->forwarder->upstreams;

	while (x->tries < TRIES) {
		x->upstream = upstream_pick(upstreams, x->tried, seconds_now());
		if (!x->upstream) {
			x->tried = 0; /* fewer upstreams than tries: the same once more */
			x->upstream = upstream_pick(upstreams, 0, seconds_now());
		}
		x->tried |= 1u << (x->upstream - upstreams->items);
		x->tries++;
		exchange_disconnect(x);
		if (!query_build(x) && !udp_start(x))
			return;
		upstream_failed(x->upstream, seconds_now());
	}
	exchange_end(x, NULL, 0);
}

/* ----------------------------------------------------------------------- ask -- */

static struct exchange *exchange_find(struct forwarder *forwarder, const struct question *question)
{
	struct exchange *x;

	LIST_FOREACH(x, &forwarder->buckets[question_hash(question) % BUCKETS], bucket)
	{
		if (question_equal(&x->question, question))
			return x;
	}
	return NULL;
}

static struct exchange *exchange_new(struct forwarder *forwarder, const struct question *question)
{
	struct exchange *x = xcalloc(1, sizeof(*x));

	x->forwarder = forwarder;
	x->question = *question;
	x->fd = -1;
	x->began = microseconds_now();
	x->timer = evtimer_new(forwarder->base, timer_due, x);
	LIST_INSERT_HEAD(&forwarder->buckets[question_hash(question) % BUCKETS], x, bucket);
	forwarder->n++;
	return x;
}

bool forward_ask(struct forwarder *forwarder, const struct question *question,
		 void (*done)(void *arg, const uint8_t *reply, size_t size, uint32_t age),
		 void *arg)
{
	uint32_t age;
	size_t size;
	const uint8_t *reply = cache_get(forwarder->cache, question, seconds_now(), &size, &age);
	struct exchange *x;

	if (reply) {
		dns_count(&forwarder->counts->cached);
		done(arg, reply, size, age);
		return true;
	}
	x = exchange_find(forwarder, question);
	if (x ? x->waiters.n == WAITERS_MAX
	      : forwarder->n == FORWARD_MAX || !forwarder->upstreams.n)
		return false;
	if (x) {
		vec_push(&x->waiters, ((struct waiter){ done, arg }));
		return true;
	}
	x = exchange_new(forwarder, question);
	vec_push(&x->waiters, ((struct waiter){ done, arg }));
	exchange_try(x);
	return true;
}
