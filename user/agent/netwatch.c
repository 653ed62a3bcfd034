/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Neighbours are not watched: the programs look the next hop up where they need it, and
 * nothing that the agent keeps depends on them.
 */
#include "user/agent/netwatch.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>

#include "user/util/cleanup.h"
#include "user/util/vec.h"

#define RECEIVE_BUFFER (1 << 20) /* a thousand pods starting at once fit */
#define RECEIVE_TURNS 64	 /* then others of the loop have their turn */

struct netwatch {
	struct mnl_socket *socket;
	struct event *event;
	void (*changed)(void *arg, unsigned int changes);
	void *arg;
};

static int message_take(const struct nlmsghdr *message, void *arg)
{
	unsigned int *changes = arg;

	switch (message->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		*changes |= NETWATCH_LINK;
		break;
	case RTM_NEWADDR:
	case RTM_DELADDR:
		*changes |= NETWATCH_ADDRESS;
		break;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		*changes |= NETWATCH_ROUTE;
		break;
	}
	return MNL_CB_OK;
}

static void messages_read(evutil_socket_t fd, short what, void *arg)
{
	struct netwatch *watch = arg;
	char buffer[16384];
	unsigned int changes = 0;

	(void)fd;
	(void)what;
	for (int i = 0; i < RECEIVE_TURNS; i++) {
		ssize_t n = mnl_socket_recvfrom(watch->socket, buffer, sizeof(buffer));

		if (n > 0)
			mnl_cb_run(buffer, (size_t)n, 0, 0, message_take, &changes);
		else if (n < 0 && (errno == ENOBUFS || errno == ENOSPC))
			changes |= NETWATCH_LOST;
		else
			break;
	}
	if (changes)
		watch->changed(watch->arg, changes);
}

static int groups_join(struct mnl_socket *socket, struct err *err)
{
	static const int groups[] = {
		RTNLGRP_LINK,	    RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
		RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE,
	};
	int size = RECEIVE_BUFFER;

	if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID))
		return err_sys(err, -errno, "rtnetlink");
	/* Without CAP_NET_ADMIN the default size has to do: losses are noticed anyway. */
	(void)!setsockopt(mnl_socket_get_fd(socket), SOL_SOCKET, SO_RCVBUFFORCE, &size,
			  sizeof(size));
	for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
		int group = groups[i];

		if (mnl_socket_setsockopt(socket, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)))
			return err_sys(err, -errno, "rtnetlink group %d", group);
	}
	return 0;
}

int netwatch_open(struct event_base *base, void (*changed)(void *arg, unsigned int changes),
		  void *arg, struct netwatch **ret, struct err *err)
{
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct netwatch *watch;
	int rc;

	if (!socket)
		return err_sys(err, -errno, "rtnetlink");
	rc = groups_join(socket, err);
	if (rc) {
		mnl_socket_close(socket);
		return rc;
	}
	watch = xcalloc(1, sizeof(*watch));
	*watch = (struct netwatch){ .socket = socket, .changed = changed, .arg = arg };
	watch->event = event_new(base, mnl_socket_get_fd(socket), EV_READ | EV_PERSIST,
				 messages_read, watch);
	event_add(watch->event, NULL);
	*ret = watch;
	return 0;
}

void netwatch_close(struct netwatch *watch)
{
	if (!watch)
		return;
	event_free(watch->event);
	mnl_socket_close(watch->socket);
	free(watch);
}
