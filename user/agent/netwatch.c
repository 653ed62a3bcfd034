/* SPDX-License-Identifier: Apache-2.0 */
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
	const struct netwatch_events *events;
	void *arg;
	unsigned int changes; /* of the messages that are being read */
};

static bool neighbour_address(const struct nlmsghdr *message, const struct ndmsg *neighbour,
			      struct lb_addr *ret_addr)
{
	const struct nlattr *attr;

	mnl_attr_for_each(attr, message, sizeof(*neighbour))
	{
		uint16_t length = mnl_attr_get_payload_len(attr);

		if (mnl_attr_get_type(attr) != NDA_DST)
			continue;
		if (neighbour->ndm_family == AF_INET && length == sizeof(__be32))
			*ret_addr = addr_from_v4(mnl_attr_get_u32(attr));
		else if (neighbour->ndm_family == AF_INET6 && length == sizeof(struct in6_addr))
			*ret_addr = addr_from_v6(mnl_attr_get_payload(attr));
		else
			return false;
		return true;
	}
	return false;
}

/*
 * The programs ask the kernel for a next hop now and again, so nothing has to be done about a
 * neighbour; that one does not answer is worth telling.
 */
static void neighbour_take(const struct netwatch *watch, const struct nlmsghdr *message)
{
	const struct ndmsg *neighbour = mnl_nlmsg_get_payload(message);
	struct lb_addr addr;

	if (mnl_nlmsg_get_payload_len(message) < sizeof(*neighbour) ||
	    !neighbour_address(message, neighbour, &addr))
		return;
	if (neighbour->ndm_state & NUD_FAILED)
		watch->events->neighbour(watch->arg, &addr, false);
	else if (neighbour->ndm_state & (NUD_REACHABLE | NUD_STALE | NUD_PERMANENT))
		watch->events->neighbour(watch->arg, &addr, true);
}

static int message_take(const struct nlmsghdr *message, void *arg)
{
	struct netwatch *watch = arg;
	unsigned int *changes = &watch->changes;

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
	case RTM_NEWNEIGH:
		neighbour_take(watch, message);
		break;
	}
	return MNL_CB_OK;
}

static void messages_read(evutil_socket_t fd, short what, void *arg)
{
	struct netwatch *watch = arg;
	char buffer[16384];

	(void)fd;
	(void)what;
	watch->changes = 0;
	for (int i = 0; i < RECEIVE_TURNS; i++) {
		ssize_t n = mnl_socket_recvfrom(watch->socket, buffer, sizeof(buffer));

		if (n > 0)
			mnl_cb_run(buffer, (size_t)n, 0, 0, message_take, watch);
		else if (n < 0 && (errno == ENOBUFS || errno == ENOSPC))
			watch->changes |= NETWATCH_LOST;
		else
			break;
	}
	if (watch->changes)
		watch->events->changed(watch->arg, watch->changes);
}

static int groups_join(struct mnl_socket *socket, struct err *err)
{
	static const int groups[] = {
		RTNLGRP_LINK,	    RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
		RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE,	 RTNLGRP_NEIGH,
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

int netwatch_open(struct event_base *base, const struct netwatch_events *events, void *arg,
		  struct netwatch **ret, struct err *err)
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
	*watch = (struct netwatch){ .socket = socket, .events = events, .arg = arg };
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
