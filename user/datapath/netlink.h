/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel says about devices by netlink and ioctl. */
#ifndef DATAPATH_NETLINK_H
#define DATAPATH_NETLINK_H

#include <stddef.h>
#include <stdint.h>

#include "user/util/addr.h"
#include "user/util/err.h"

/* A global-scope address that can be used as a source, in the kernel's order. */
struct netlink_addr {
	uint32_t ifindex;
	struct lb_addr addr;
	bool temporary; /* deprecated or a privacy address: the last choice */
};

struct netlink_addrs {
	struct netlink_addr *items;
	size_t n, room;
};

LB_CHECKED int netlink_addresses(struct netlink_addrs *ret_addrs, struct err *err);

/*
 * Why the kernel refuses an XDP program: the driver's own words, which bpf_link keeps to
 * itself, so the program is offered once more by RTM_SETLINK. Returns 0 when this
 * succeeds after all (and is undone), else -errno; ret_text is "" when there are no words.
 */
int netlink_xdp_refusal(int ifindex, int prog_fd, uint32_t flags, char *ret_text, size_t size);

/* Number of filters at the clsact qdisc of a device, both directions; -errno. */
int netlink_clsact_filters(int ifindex);

/* Driver name ("?" when unknown) and MTU (0). */
void netlink_driver(const char *device, char *ret_driver, size_t size, unsigned int *ret_mtu);

/*
 * The first VLAN device above a device that takes the tags off before XDP sees a frame; 0: there
 * is none, or the tags stay on.
 */
int netlink_hidden_vlan(const char *device);

#endif
