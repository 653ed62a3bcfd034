/* SPDX-License-Identifier: Apache-2.0 */
/* lb_device: what the programs know of a device, and the addresses it masquerades with. */
#ifndef DATAPATH_DEVICES_H
#define DATAPATH_DEVICES_H

#include "lb/types.h"
#include "user/datapath/netlink.h"
#include "user/k8s/config.h"

/* What the addresses of a device are chosen from. */
struct device_view {
	struct netlink_addrs addrs;
	const struct addr_list *node_addresses; /* of the configuration */
	struct {
		uint32_t *items;
		size_t n, room;
	} nics; /* ifindexes of the attached NICs */
};

LB_CHECKED int device_view_load(const struct config *config, struct device_view *ret_view,
				struct err *err);
void device_view_add_nic(struct device_view *view, uint32_t ifindex);
void device_view_done(struct device_view *view);

/*
 * Of each family: the device's own first global address, else the configuration's, else
 * another NIC's, else zero.
 */
void device_fill(const struct device_view *view, uint32_t ifindex, uint32_t flags,
		 struct lb_device *ret_device);

/* nodeAddresses of the configuration if given, else those of the NICs; sorted, unique. */
void device_addresses(const struct device_view *view, struct addr_list *ret_addresses);

/* Writes the entry of a NIC. */
LB_CHECKED int device_put_nic(int map_fd, const struct device_view *view, uint32_t ifindex,
			      uint32_t flags, struct err *err);

/* The entry of the first NIC; all zero when there is none. */
void device_first_nic(int map_fd, struct lb_device *ret_nic);

/* Writes the entry of a pod-facing device, which has the addresses of the first NIC. */
LB_CHECKED int device_put_pod(int map_fd, uint32_t ifindex, const struct lb_device *nic,
			      struct err *err);

/* Calls visit for each entry until it returns non-zero. It may delete the entry. */
int device_each(int map_fd,
		int (*visit)(void *arg, uint32_t ifindex, const struct lb_device *device),
		void *arg);

#endif
