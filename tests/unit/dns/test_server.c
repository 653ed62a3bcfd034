/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server with real sockets on the loopback device, and an upstream that answers, lies, is
 * silent or cuts, as the name says that is asked for.
 */
#include "tests/unit/dns/dns_world.h"

#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "user/dns/server.h"
#include "user/dns/upstream.h"

#define ANSWER_DATA "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\x50"

static struct {
	int udp, tcp; /* the upstream's */
	int asked;    /* datagrams that it got */
	struct addr_port dead, upstream, server;
	struct dns_server *dns;
	pthread_t thread;
	bool stop;
} world;

static struct addr_port loopback(uint16_t port)
{
	return (struct addr_port){ world_addr("127.0.0.1"), htons(port) };
}

/* A socket on a free port of the loopback device. */
static int socket_open(int kind, uint16_t *port)
{
	struct sockaddr_storage addr;
	struct addr_port wanted = loopback(*port);
	socklen_t size = addr_port_sockaddr(&wanted, &addr);
	int fd = socket(AF_INET, kind, 0);

	assert_true(fd >= 0);
	if (bind(fd, (struct sockaddr *)&addr, size))
		fail_msg("bind: %s", strerror(errno));
	size = sizeof(addr);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&addr, &size), 0);
	*port = ntohs(((struct sockaddr_in *)&addr)->sin_port);
	return fd;
}

/* ------------------------------------------------------------------ the upstream -- */

/* Turns a query into its answer; returns its size. */
static size_t upstream_answer(uint8_t *wire, size_t size)
{
	size_t end = 12 + knot_dname_size(wire + 12) + 4;

	(void)size;
	knot_wire_set_qr(wire);
	knot_wire_set_arcount(wire, 0);
	knot_wire_set_ancount(wire, 1);
	memcpy(wire + end, ANSWER_DATA, sizeof(ANSWER_DATA) - 1);
	return end + sizeof(ANSWER_DATA) - 1;
}

static void send_to(const uint8_t *wire, size_t size, const struct sockaddr_storage *to)
{
	(void)!sendto(world.udp, wire, size, 0, (const struct sockaddr *)to,
		      sizeof(struct sockaddr_in));
}

static void upstream_udp(void)
{
	uint8_t wire[1500], forged[1500];
	struct sockaddr_storage from;
	socklen_t from_size = sizeof(from);
	ssize_t n = recvfrom(world.udp, wire, sizeof(wire) - 100, 0, (struct sockaddr *)&from,
			     &from_size);
	const char *label = (const char *)wire + 13;
	size_t size;

	if (n < 17)
		return;
	__atomic_add_fetch(&world.asked, 1, __ATOMIC_RELAXED);
	if (!strncmp(label, "silent", 6))
		return;
	size = upstream_answer(wire, (size_t)n);
	if (!strncmp(label, "forged", 6)) {
		/* Another id, another question, no answer at all: none of them is believed. */
		memcpy(forged, wire, size);
		forged[size - 1] = 66;
		forged[0] ^= 1;
		send_to(forged, size, &from);
		forged[0] ^= 1;
		forged[13] = 'F';
		send_to(forged, size, &from);
		forged[13] = 'f';
		knot_wire_clear_qr(forged);
		send_to(forged, size, &from);
		send_to(forged, 5, &from);
	} else if (!strncmp(label, "cut", 3)) {
		knot_wire_set_tc(wire);
		wire[size - 1] = 66;
	} else if (!strncmp(label, "slow", 4)) {
		usleep(300000);
	}
	send_to(wire, size, &from);
}

static void upstream_tcp(void)
{
	int fd = accept(world.tcp, NULL, NULL);
	uint8_t wire[1500];
	ssize_t n = recv(fd, wire, sizeof(wire) - 100, 0);

	if (n > 14) {
		size_t size = upstream_answer(wire + 2, (size_t)n - 2);

		knot_wire_write_u16(wire, (uint16_t)size);
		/* In pieces, as TCP may. */
		(void)!send(fd, wire, 1, MSG_NOSIGNAL);
		usleep(10000);
		(void)!send(fd, wire + 1, size + 1, MSG_NOSIGNAL);
	}
	close(fd);
}

static void *upstream_run(void *arg)
{
	(void)arg;
	while (!__atomic_load_n(&world.stop, __ATOMIC_RELAXED)) {
		struct pollfd fds[] = { { .fd = world.udp, .events = POLLIN },
					{ .fd = world.tcp, .events = POLLIN } };

		poll(fds, 2, 50);
		if (fds[0].revents)
			upstream_udp();
		if (fds[1].revents)
			upstream_tcp();
	}
	return NULL;
}

static int world_open(void **state)
{
	uint16_t port = 0, free_port = 0, dead_port = 0;
	struct addr_port upstreams[2];
	struct config config = { .dns = { .domain = (char *)"cluster.local",
					  .upstreams_given = true } };
	struct addr_port_list own;
	struct err err;

	(void)state;
	world.udp = socket_open(SOCK_DGRAM, &port);
	world.tcp = socket_open(SOCK_STREAM, &port);
	assert_int_equal(listen(world.tcp, 5), 0);
	close(socket_open(SOCK_DGRAM, &dead_port));
	close(socket_open(SOCK_STREAM, &free_port));
	/* The first one refuses: nobody listens there. */
	upstreams[0] = loopback(dead_port);
	upstreams[1] = world.upstream = loopback(port);
	config.dns.upstreams = (struct addr_port_list){ .items = upstreams, .n = 2 };
	world.server = loopback(free_port);
	own = (struct addr_port_list){ .items = &world.server, .n = 1 };
	if (dns_server_open(&config, &own, &own, &world.dns, &err))
		fail_msg("%s", err.text);
	return pthread_create(&world.thread, NULL, upstream_run, NULL);
}

static int world_close(void **state)
{
	(void)state;
	dns_server_close(world.dns);
	__atomic_store_n(&world.stop, true, __ATOMIC_RELAXED);
	pthread_join(world.thread, NULL);
	close(world.udp);
	close(world.tcp);
	return 0;
}

/* -------------------------------------------------------------------- the clients -- */

static int client_open(int kind)
{
	struct sockaddr_storage to;
	socklen_t size = addr_port_sockaddr(&world.server, &to);
	struct timeval timeout = { .tv_sec = 8 };
	int fd = socket(AF_INET, kind, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&to, size), 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	return fd;
}

/* The answer over UDP as text. */
static char *ask(const char *name, uint16_t type)
{
	struct dns_query query = dns_query(name, type, 4711, 1232);
	uint8_t wire[2000];
	int fd = client_open(SOCK_DGRAM);
	ssize_t n;

	assert_int_equal(send(fd, query.wire, query.size, 0), query.size);
	n = recv(fd, wire, sizeof(wire), 0);
	close(fd);
	if (n < 12)
		fail_msg("%s: no answer", name);
	assert_int_equal(knot_wire_get_id(wire), 4711);
	return dns_text(wire, (size_t)n);
}

/* A second may begin between what is forwarded and what is remembered. */
static void check(const char *name, const char *want)
{
	char *text = ask(name, KNOT_RRTYPE_A);

	for (char *at = text; (at = strstr(at, " 59 "));)
		memcpy(at, " 60 ", 4);
	assert_int_equal(dns_differs(name, text, want), 0);
}

static void test_before_the_zone(void **state)
{
	(void)state;
	check("kubia.default.svc~", "SERVFAIL ra edns");
	check("www.example.com.", "NOERROR ra edns: 60 A 192.0.2.80");
	dns_server_set_zone(world.dns, dns_zone(DNS_WORLD));
	/* It comes by a message. */
	for (int i = 0; i < 100; i++) {
		char *text = ask("kubia.default.svc~", KNOT_RRTYPE_A);
		bool there = !strcmp(text, "NOERROR aa ra edns: A 10.96.0.5");

		free(text);
		if (there)
			return;
		usleep(10000);
	}
	fail_msg("the zone never came");
}

static void test_forwarding(void **state)
{
	int before;

	(void)state;
	check("forged.example.com.", "NOERROR ra edns: 60 A 192.0.2.80");
	check("cut.example.com.", "NOERROR ra edns: 60 A 192.0.2.80");
	check("alias.default.svc~",
	      "NOERROR aa ra edns: CNAME www.example.com., www.example.com. 60 A 192.0.2.80");
	/* The second time it comes out of the cache. */
	before = __atomic_load_n(&world.asked, __ATOMIC_RELAXED);
	check("cached.example.com.", "NOERROR ra edns: 60 A 192.0.2.80");
	free(ask("cached.example.com.", KNOT_RRTYPE_A));
	assert_int_equal(__atomic_load_n(&world.asked, __ATOMIC_RELAXED), before + 1);
	check("silent.example.com.", "SERVFAIL ra edns");
}

/* Many ask the same at once: it is asked upstream once, and all get the answer. */
static void test_one_question(void **state)
{
	struct dns_query query = dns_query("slow.example.com.", KNOT_RRTYPE_A, 1, 0);
	int before = __atomic_load_n(&world.asked, __ATOMIC_RELAXED), fd = client_open(SOCK_DGRAM);
	uint8_t wire[512];

	(void)state;
	for (int i = 0; i < 50; i++)
		assert_int_equal(send(fd, query.wire, query.size, 0), query.size);
	for (int i = 0; i < 50; i++)
		assert_true(recv(fd, wire, sizeof(wire), 0) > 12);
	close(fd);
	assert_int_equal(__atomic_load_n(&world.asked, __ATOMIC_RELAXED), before + 1);
}

/* Several queries behind each other, in pieces; their answers may come in any order. */
static void test_tcp(void **state)
{
	static const char *const names[] = { "kubia.default.svc~", "www.example.com.",
					     "nobody.default.svc~" };
	int fd = client_open(SOCK_STREAM);
	uint8_t wire[2000];
	size_t size = 0, got = 0, answers = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct dns_query query = dns_query(names[i], KNOT_RRTYPE_A, (uint16_t)(100 + i), 0);

		knot_wire_write_u16(wire + size, (uint16_t)query.size);
		memcpy(wire + size + 2, query.wire, query.size);
		size += 2 + query.size;
	}
	assert_int_equal(send(fd, wire, 7, 0), 7);
	usleep(20000);
	assert_int_equal(send(fd, wire + 7, size - 7, 0), size - 7);
	for (size_t at = 0; answers < ARRAY_LEN(names);) {
		ssize_t n = recv(fd, wire + got, sizeof(wire) - got, 0);

		assert_true(n > 0);
		got += (size_t)n;
		while (got - at > 2 && got - at >= 2u + knot_wire_read_u16(wire + at)) {
			assert_in_range(knot_wire_get_id(wire + at + 2), 100, 102);
			at += 2u + knot_wire_read_u16(wire + at);
			answers++;
		}
	}
	close(fd);
}

static uint64_t histogram_count(const struct histogram *histogram)
{
	uint64_t n = 0;

	for (int i = 0; i <= HISTOGRAM_CLASSES; i++)
		n += histogram->classes[i];
	return n;
}

/* Each answer once, by what it says, and where it came from. */
static void test_counts(void **state)
{
	static const struct {
		const char *name, *answer;
		uint8_t rcode;
		unsigned int cached, upstream;
	} cases[] = {
		{ "kubia.default.svc~", "NOERROR aa ra edns: A 10.96.0.5", KNOT_RCODE_NOERROR, 0,
		  0 },
		{ "counted.example.com.", "NOERROR ra edns: 60 A 192.0.2.80", KNOT_RCODE_NOERROR, 0,
		  1 },
		{ "counted.example.com.", "NOERROR ra edns: 60 A 192.0.2.80", KNOT_RCODE_NOERROR, 1,
		  0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct dns_counts before = dns_server_counts(world.dns), after;

		check(cases[i].name, cases[i].answer);
		after = dns_server_counts(world.dns);
		for (uint8_t rcode = 0; rcode < DNS_RCODES; rcode++)
			assert_int_equal(after.answers[rcode] - before.answers[rcode],
					 rcode == cases[i].rcode);
		assert_int_equal(after.cached - before.cached, cases[i].cached);
		assert_int_equal(histogram_count(&after.upstream) -
					 histogram_count(&before.upstream),
				 cases[i].upstream);
		assert_int_equal(after.unanswered, before.unanswered);
	}
	/* The silent one of the tests before. */
	assert_int_equal(dns_server_counts(world.dns).unanswered, 1);
	assert_true(dns_server_counts(world.dns).answers[KNOT_RCODE_SERVFAIL] > 0);
}

static const struct {
	const char *name, *bytes;
	size_t size;
} nonsense[] = {
	{ "HTTP", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 27 },
	{ "an empty message", "\0\0", 2 },
	{ "a message without a header", "\0\5hello", 7 },
	{ "an answer", "\0\14\0\1\x81\0\0\0\0\0\0\0\0\0", 14 },
};

/* Who talks no DNS is cut off, or waits in vain; the others do not notice. */
static void test_nonsense(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(nonsense); i++) {
		int fd = client_open(SOCK_STREAM);
		struct timeval timeout = { .tv_usec = 200000 };
		uint8_t byte;

		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
		assert_int_equal(send(fd, nonsense[i].bytes, nonsense[i].size, 0),
				 nonsense[i].size);
		if (recv(fd, &byte, 1, 0) > 0)
			fail_msg("%s is answered", nonsense[i].name);
		close(fd);
	}
	check("kubia.default.svc~", "NOERROR aa ra edns: A 10.96.0.5");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_before_the_zone), cmocka_unit_test(test_forwarding),
		cmocka_unit_test(test_one_question),	cmocka_unit_test(test_tcp),
		cmocka_unit_test(test_counts),		cmocka_unit_test(test_nonsense),
	};

	return cmocka_run_group_tests(tests, world_open, world_close);
}
