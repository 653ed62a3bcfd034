/* SPDX-License-Identifier: Apache-2.0 */
#include "user/dns/local.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <time.h>

#define LOOPBACK "lo"

static void request_fill(struct nlmsghdr *message, uint16_t type, uint16_t flags,
			 const struct lb_addr *addr)
{
	bool v4 = addr_is_v4(addr);
	struct ifaddrmsg *body;

	message->nlmsg_type = type;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	message->nlmsg_seq = 1;
	body = mnl_nlmsg_put_extra_header(message, sizeof(*body));
	body->ifa_family = v4 ? AF_INET : AF_INET6;
	body->ifa_prefixlen = v4 ? 32 : 128;
	body->ifa_flags = IFA_F_PERMANENT | IFA_F_NODAD;
	body->ifa_scope = v4 ? RT_SCOPE_HOST : RT_SCOPE_UNIVERSE;
	body->ifa_index = if_nametoindex(LOOPBACK);
	mnl_attr_put(message, IFA_LOCAL, v4 ? 4 : 16, v4 ? &addr->word[3] : addr->word);
	if (v4)
		mnl_attr_put(message, IFA_ADDRESS, 4, &addr->word[3]);
}

static int request_send(uint16_t type, uint16_t flags, const struct lb_addr *addr)
{
	char buffer[1024];
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct mnl_socket *socket = mnl_socket_open(NETLINK_ROUTE);
	ssize_t n;
	int code = 0;

	if (!socket)
		return -errno;
	request_fill(message, type, flags, addr);
	if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    mnl_socket_sendto(socket, message, message->nlmsg_len) < 0)
		code = -errno;
	if (!code) {
		n = mnl_socket_recvfrom(socket, buffer, sizeof(buffer));
		if (n < 0 ||
		    mnl_cb_run(buffer, (size_t)n, 1, mnl_socket_get_portid(socket), NULL, NULL) < 0)
			code = -errno;
	}
	mnl_socket_close(socket);
	return code;
}

int local_add(const struct lb_addr *addr, struct err *err)
{
	int code = request_send(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, addr);
	char text[ADDR_TEXT];

	if (code && code != -EEXIST)
		return err_sys(err, code, "address %s on " LOOPBACK, addr_format(addr, text));
	return 0;
}

int local_remove(const struct lb_addr *addr)
{
	return request_send(RTM_DELADDR, 0, addr);
}
