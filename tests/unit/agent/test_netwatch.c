/* SPDX-License-Identifier: Apache-2.0 */
/* Against the kernel, in a network namespace of its own; skipped where that is not allowed. */
#include "tests/unit/agent/temp.h"

#include <arpa/inet.h>
#include <event2/event.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "user/agent/netwatch.h"

static bool own_namespace;

struct seen {
	unsigned int changes;
	unsigned int calls;
	char neighbours[256]; /* in the order of their coming, + or - behind each */
};

static void take(void *arg, unsigned int changes)
{
	struct seen *seen = arg;

	seen->changes |= changes;
	seen->calls++;
}

static void take_neighbour(void *arg, const struct lb_addr *addr, bool answers)
{
	struct seen *seen = arg;
	size_t used = strlen(seen->neighbours);
	char text[ADDR_TEXT];

	snprintf(seen->neighbours + used, sizeof(seen->neighbours) - used, "%s%c",
		 addr_format(addr, text), answers ? '+' : '-');
}

static const struct netwatch_events events = { take, take_neighbour };

static void lo_set(unsigned long request, short flags, const char *address)
{
	cleanup_close int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct ifreq ifr = { .ifr_name = "lo" };

	if (address) {
		assert_int_equal(inet_pton(AF_INET, address, &in.sin_addr), 1);
		memcpy(&ifr.ifr_addr, &in, sizeof(in));
	} else {
		ifr.ifr_flags = flags;
	}
	assert_int_equal(ioctl(fd, request, &ifr), 0);
}

static struct seen turn(struct event_base *base, struct seen *seen)
{
	struct seen now;

	event_base_loop(base, EVLOOP_NONBLOCK);
	now = *seen;
	*seen = (struct seen){ 0 };
	return now;
}

static void test_changes(void **state)
{
	struct netwatch *watch;
	struct seen seen = { 0 }, now;
	struct event_base *base;

	(void)state;
	if (!own_namespace)
		skip();
	base = event_base_new();
	assert_int_equal(netwatch_open(base, &events, &seen, &watch, NULL), 0);
	assert_int_equal(turn(base, &seen).calls, 0);
	lo_set(SIOCSIFFLAGS, IFF_UP, NULL);
	now = turn(base, &seen);
	assert_true(now.changes & NETWATCH_LINK);
	assert_true(now.changes & NETWATCH_ADDRESS);
	assert_true(now.changes & NETWATCH_ROUTE);
	/* However many messages were waiting. */
	assert_int_equal(now.calls, 1);
	lo_set(SIOCSIFADDR, 0, "127.0.0.5");
	now = turn(base, &seen);
	assert_true(now.changes & NETWATCH_ADDRESS);
	assert_false(now.changes & (NETWATCH_LINK | NETWATCH_LOST));
	netwatch_close(watch);
	event_base_free(base);
}

static void test_neighbours(void **state)
{
	struct netwatch *watch;
	struct seen seen = { 0 };
	struct event_base *base;

	(void)state;
	if (!own_namespace || system("ip link add v0 type veth peer name v1 && "
				     "ip link set v0 up && ip link set v1 up && "
				     "ip addr add 192.0.2.1/24 dev v0 && "
				     "ip addr add 2001:db8::1/64 dev v0 nodad"))
		skip();
	base = event_base_new();
	assert_int_equal(netwatch_open(base, &events, &seen, &watch, NULL), 0);
	assert_int_equal(system("ip neigh add 192.0.2.7 lladdr 2:0:0:0:0:7 dev v0 nud reachable;"
				"ip neigh add 2001:db8::7 lladdr 2:0:0:0:0:7 dev v0 nud stale;"
				"ip neigh change 192.0.2.7 dev v0 nud failed;"
				"ip neigh change 2001:db8::7 dev v0 nud failed"),
			 0);
	assert_string_equal(turn(base, &seen).neighbours,
			    "192.0.2.7+2001:db8::7+192.0.2.7-2001:db8::7-");
	netwatch_close(watch);
	event_base_free(base);
}

/* More than the socket holds: the loss itself is news. */
static void test_lost(void **state)
{
	struct netwatch *watch;
	struct seen seen = { 0 };
	struct event_base *base;

	(void)state;
	if (!own_namespace)
		skip();
	base = event_base_new();
	assert_int_equal(netwatch_open(base, &events, &seen, &watch, NULL), 0);
	for (int i = 0; i < 4000; i++)
		lo_set(SIOCSIFFLAGS, i % 2 ? IFF_UP : 0, NULL);
	assert_true(turn(base, &seen).changes & NETWATCH_LOST);
	netwatch_close(watch);
	event_base_free(base);
}

/* As its root, so that programs that are run keep its rights. */
static int namespace_enter(void **state)
{
	uid_t uid = getuid();
	cleanup_close int map = -EBADF;

	(void)state;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET))
		return 0;
	map = open("/proc/self/uid_map", O_WRONLY | O_CLOEXEC);
	own_namespace = map >= 0 && dprintf(map, "0 %u 1", uid) > 0;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_neighbours),
		cmocka_unit_test(test_lost),
	};

	return cmocka_run_group_tests(tests, namespace_enter, NULL);
}
