/* SPDX-License-Identifier: Apache-2.0 */
#include "user/datapath/netlink.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/ethtool.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "user/util/cleanup.h"
#include "user/util/vec.h"

#define NETLINK_BUFFER 32768

static int netlink_open(struct mnl_socket **ret_socket)
{
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	int on = 1;

	if (!nl)
		return -errno;
	/* Both are niceties of newer kernels: without them only the error's text is missing. */
	mnl_socket_setsockopt(nl, NETLINK_EXT_ACK, &on, sizeof(on));
	mnl_socket_setsockopt(nl, NETLINK_CAP_ACK, &on, sizeof(on));
	if (mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID)) {
		int r = -errno;

		mnl_socket_close(nl);
		return r;
	}
	*ret_socket = nl;
	return 0;
}

static int netlink_dump(struct nlmsghdr *request, mnl_cb_t visit, void *arg)
{
	char buffer[NETLINK_BUFFER];
	struct mnl_socket *nl;
	ssize_t length;
	int r = netlink_open(&nl);

	if (r)
		return r;
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	request->nlmsg_seq = 1;
	if (mnl_socket_sendto(nl, request, request->nlmsg_len) < 0)
		r = -errno;
	for (int more = MNL_CB_OK; !r && more > MNL_CB_STOP;) {
		length = mnl_socket_recvfrom(nl, buffer, sizeof(buffer));
		more = length < 0 ? MNL_CB_ERROR
				  : mnl_cb_run(buffer, (size_t)length, request->nlmsg_seq,
					       mnl_socket_get_portid(nl), visit, arg);
		if (more == MNL_CB_ERROR)
			r = -errno;
	}
	mnl_socket_close(nl);
	return r;
}

/* ------------------------------------------------------------- addresses -- */

static int address_visit(const struct nlmsghdr *message, void *arg)
{
	const struct ifaddrmsg *header = mnl_nlmsg_get_payload(message);
	struct netlink_addrs *addrs = arg;
	const struct nlattr *attr;
	const void *local = NULL, *address = NULL;
	uint32_t flags = header->ifa_flags;

	mnl_attr_for_each(attr, message, sizeof(*header))
	{
		if (mnl_attr_get_type(attr) == IFA_LOCAL)
			local = mnl_attr_get_payload(attr);
		else if (mnl_attr_get_type(attr) == IFA_ADDRESS)
			address = mnl_attr_get_payload(attr);
		else if (mnl_attr_get_type(attr) == IFA_FLAGS)
			flags = mnl_attr_get_u32(attr);
	}
	/* On a point-to-point device IFA_ADDRESS is the peer's, IFA_LOCAL ours. */
	if (local)
		address = local;
	if (!address || header->ifa_scope != RT_SCOPE_UNIVERSE || (flags & IFA_F_DADFAILED) ||
	    (header->ifa_family != AF_INET && header->ifa_family != AF_INET6))
		return MNL_CB_OK;
	struct netlink_addr *item = vec_add(addrs);

	item->ifindex = header->ifa_index;
	item->temporary =
		header->ifa_family == AF_INET6 && (flags & (IFA_F_TEMPORARY | IFA_F_DEPRECATED));
	if (header->ifa_family == AF_INET) {
		__be32 v4;

		memcpy(&v4, address, sizeof(v4));
		item->addr = addr_from_v4(v4);
	} else {
		memcpy(&item->addr, address, sizeof(item->addr));
	}
	return MNL_CB_OK;
}

int netlink_addresses(struct netlink_addrs *ret_addrs, struct err *err)
{
	char buffer[MNL_NLMSG_HDRLEN + sizeof(struct ifaddrmsg)];
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct netlink_addrs addrs = { 0 };
	int r;

	request->nlmsg_type = RTM_GETADDR;
	mnl_nlmsg_put_extra_header(request, sizeof(struct ifaddrmsg));
	r = netlink_dump(request, address_visit, &addrs);
	if (r) {
		vec_free(&addrs);
		return err_sys(err, r, "cannot read the devices' addresses");
	}
	*ret_addrs = addrs;
	return 0;
}

/* ------------------------------------------------------------------- XDP -- */

static void ack_text(const struct nlmsghdr *message, char *ret_text, size_t size)
{
	const struct nlmsgerr *error = mnl_nlmsg_get_payload(message);
	const struct nlattr *attr;
	size_t offset = sizeof(*error);

	if (!(message->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	if (!(message->nlmsg_flags & NLM_F_CAPPED))
		offset += error->msg.nlmsg_len - sizeof(error->msg);
	mnl_attr_for_each(attr, message, offset)
	{
		if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG)
			snprintf(ret_text, size, "%s", mnl_attr_get_str(attr));
	}
}

static int xdp_set(struct mnl_socket *nl, int ifindex, int prog_fd, uint32_t flags, char *ret_text,
		   size_t size)
{
	char buffer[NETLINK_BUFFER];
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct ifinfomsg *header;
	struct nlattr *nest;
	ssize_t length;

	request->nlmsg_type = RTM_SETLINK;
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	header = mnl_nlmsg_put_extra_header(request, sizeof(*header));
	header->ifi_index = ifindex;
	nest = mnl_attr_nest_start(request, IFLA_XDP);
	mnl_attr_put_u32(request, IFLA_XDP_FD, (uint32_t)prog_fd);
	mnl_attr_put_u32(request, IFLA_XDP_FLAGS, flags);
	mnl_attr_nest_end(request, nest);
	if (mnl_socket_sendto(nl, request, request->nlmsg_len) < 0)
		return -errno;
	length = mnl_socket_recvfrom(nl, buffer, sizeof(buffer));
	if (length < (ssize_t)(MNL_NLMSG_HDRLEN + sizeof(struct nlmsgerr)))
		return length < 0 ? -errno : -EPROTO;
	request = (struct nlmsghdr *)buffer;
	if (request->nlmsg_type != NLMSG_ERROR)
		return -EPROTO;
	ack_text(request, ret_text, size);
	return ((struct nlmsgerr *)mnl_nlmsg_get_payload(request))->error;
}

int netlink_xdp_refusal(int ifindex, int prog_fd, uint32_t flags, char *ret_text, size_t size)
{
	struct mnl_socket *nl;
	int r = netlink_open(&nl);

	ret_text[0] = '\0';
	if (r)
		return r;
	r = xdp_set(nl, ifindex, prog_fd, flags | XDP_FLAGS_UPDATE_IF_NOEXIST, ret_text, size);
	if (!r)
		xdp_set(nl, ifindex, -1, flags, ret_text, size);
	mnl_socket_close(nl);
	return r;
}

/* -------------------------------------------------------------------- TC -- */

static int filter_visit(const struct nlmsghdr *message, void *arg)
{
	const struct tcmsg *header = mnl_nlmsg_get_payload(message);

	/* A chain's head comes along with handle 0. */
	if (header->tcm_handle)
		(*(int *)arg)++;
	return MNL_CB_OK;
}

int netlink_clsact_filters(int ifindex)
{
	static const uint16_t directions[] = { TC_H_MIN_INGRESS, TC_H_MIN_EGRESS };
	int found = 0;

	for (size_t i = 0; i < ARRAY_LEN(directions); i++) {
		char buffer[MNL_NLMSG_HDRLEN + sizeof(struct tcmsg)];
		struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
		struct tcmsg *header;
		int r;

		request->nlmsg_type = RTM_GETTFILTER;
		header = mnl_nlmsg_put_extra_header(request, sizeof(*header));
		header->tcm_ifindex = ifindex;
		header->tcm_parent = TC_H_MAKE(TC_H_CLSACT, directions[i]);
		r = netlink_dump(request, filter_visit, &found);
		if (r)
			return r;
	}
	return found;
}

/* ---------------------------------------------------------------- driver -- */

void netlink_driver(const char *device, char *ret_driver, size_t size, unsigned int *ret_mtu)
{
	cleanup_close int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };
	struct ifreq request = { 0 };

	snprintf(ret_driver, size, "?");
	*ret_mtu = 0;
	if (fd < 0)
		return;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", device);
	request.ifr_data = (char *)&info;
	if (!ioctl(fd, SIOCETHTOOL, &request))
		snprintf(ret_driver, size, "%s", info.driver);
	if (!ioctl(fd, SIOCGIFMTU, &request))
		*ret_mtu = (unsigned int)request.ifr_mtu;
}

/* ------------------------------------------------------------------ VLAN -- */

static bool strips_tags(const char *device)
{
	cleanup_close int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ethtool_value flags = { .cmd = ETHTOOL_GFLAGS };
	struct ifreq request = { .ifr_data = (char *)&flags };

	if (fd < 0)
		return false;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", device);
	return !ioctl(fd, SIOCETHTOOL, &request) && flags.data & ETH_FLAG_RXVLAN;
}

struct vlan_search {
	uint32_t below; /* ifindex */
	int found;
};

static int vlan_visit(const struct nlmsghdr *message, void *arg)
{
	const struct ifinfomsg *header = mnl_nlmsg_get_payload(message);
	struct vlan_search *search = arg;
	const struct nlattr *attr, *inner;
	uint32_t below = 0;
	bool vlan = false;

	mnl_attr_for_each(attr, message, sizeof(*header))
	{
		if (mnl_attr_get_type(attr) == IFLA_LINK)
			below = mnl_attr_get_u32(attr);
		if (mnl_attr_get_type(attr) != IFLA_LINKINFO)
			continue;
		mnl_attr_for_each_nested(inner, attr)
		{
			if (mnl_attr_get_type(inner) == IFLA_INFO_KIND)
				vlan = !strcmp(mnl_attr_get_str(inner), "vlan");
		}
	}
	if (vlan && below == search->below && !search->found)
		search->found = header->ifi_index;
	return MNL_CB_OK;
}

int netlink_hidden_vlan(const char *device)
{
	char buffer[MNL_NLMSG_HDRLEN + sizeof(struct ifinfomsg)];
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct vlan_search search = { .below = if_nametoindex(device) };

	if (!strips_tags(device))
		return 0;
	request->nlmsg_type = RTM_GETLINK;
	mnl_nlmsg_put_extra_header(request, sizeof(struct ifinfomsg));
	return netlink_dump(request, vlan_visit, &search) ? 0 : search.found;
}
