/* SPDX-License-Identifier: Apache-2.0 */
#include "user/datapath/devices.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <net/if.h>
#include <string.h>

#include "user/datapath/handle.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"

int device_view_load(const struct config *config, struct device_view *ret_view, struct err *err)
{
	struct device_view view = { .node_addresses = &config->node_addresses };
	int r = netlink_addresses(&view.addrs, err);

	if (!r)
		*ret_view = view;
	return r;
}

void device_view_add_nic(struct device_view *view, uint32_t ifindex)
{
	vec_push(&view->nics, ifindex);
}

void device_view_done(struct device_view *view)
{
	vec_free(&view->addrs);
	vec_free(&view->nics);
}

static bool view_is_nic(const struct device_view *view, uint32_t ifindex)
{
	for (size_t i = 0; i < view->nics.n; i++)
		if (view->nics.items[i] == ifindex)
			return true;
	return false;
}

/* The better of two candidates: permanent before temporary, then the earlier one. */
static const struct netlink_addr *address_better(const struct netlink_addr *best,
						 const struct netlink_addr *next)
{
	return !best || (best->temporary && !next->temporary) ? next : best;
}

static void address_choose(const struct device_view *view, uint32_t ifindex, bool v4,
			   struct lb_addr *ret_addr)
{
	const struct netlink_addr *own = NULL, *other = NULL;

	for (size_t i = 0; i < view->addrs.n; i++) {
		const struct netlink_addr *addr = &view->addrs.items[i];

		if (addr_is_v4(&addr->addr) != v4)
			continue;
		if (addr->ifindex == ifindex)
			own = address_better(own, addr);
		else if (view_is_nic(view, addr->ifindex))
			other = address_better(other, addr);
	}
	if (own) {
		*ret_addr = own->addr;
		return;
	}
	for (size_t i = 0; i < view->node_addresses->n; i++) {
		if (addr_is_v4(&view->node_addresses->items[i]) == v4) {
			*ret_addr = view->node_addresses->items[i];
			return;
		}
	}
	if (other)
		*ret_addr = other->addr;
}

void device_fill(const struct device_view *view, uint32_t ifindex, uint32_t flags,
		 struct lb_device *ret_device)
{
	struct lb_device device = { .flags = flags };

	address_choose(view, ifindex, true, &device.addr4);
	address_choose(view, ifindex, false, &device.addr6);
	*ret_device = device;
}

static int address_order(const void *a, const void *b)
{
	return addr_compare(a, b);
}

void device_addresses(const struct device_view *view, struct addr_list *ret_addresses)
{
	struct addr_list list = { 0 };
	size_t n = 0;

	for (size_t i = 0; i < view->node_addresses->n; i++)
		vec_push(&list, view->node_addresses->items[i]);
	for (size_t i = 0; !view->node_addresses->n && i < view->addrs.n; i++)
		if (view_is_nic(view, view->addrs.items[i].ifindex))
			vec_push(&list, view->addrs.items[i].addr);
	if (list.n)
		qsort(list.items, list.n, sizeof(*list.items), address_order);
	for (size_t i = 0; i < list.n; i++)
		if (!n || addr_compare(&list.items[n - 1], &list.items[i]))
			list.items[n++] = list.items[i];
	list.n = n;
	*ret_addresses = list;
}

static int device_put(int map_fd, uint32_t ifindex, const struct lb_device *device, struct err *err)
{
	struct lb_device now;
	int r;

	if (!bpf_map_lookup_elem(map_fd, &ifindex, &now) && !memcmp(&now, device, sizeof(now)))
		return 0;
	r = bpf_map_update_elem(map_fd, &ifindex, device, BPF_ANY);
	return r ? err_sys(err, r, "cannot enter device %u", ifindex) : 0;
}

int device_put_nic(int map_fd, const struct device_view *view, uint32_t ifindex, uint32_t flags,
		   struct err *err)
{
	struct lb_device device;

	device_fill(view, ifindex, flags, &device);
	return device_put(map_fd, ifindex, &device, err);
}

struct first_nic {
	uint32_t ifindex;
	struct lb_device device;
};

static int first_nic_visit(void *arg, uint32_t ifindex, const struct lb_device *device)
{
	struct first_nic *first = arg;

	if ((device->flags & LB_DEVICE_NIC) && (!first->ifindex || ifindex < first->ifindex))
		*first = (struct first_nic){ ifindex, *device };
	return 0;
}

void device_first_nic(int map_fd, struct lb_device *ret_nic)
{
	struct first_nic first = { 0 };

	device_each(map_fd, first_nic_visit, &first);
	*ret_nic = first.device;
}

int device_put_pod(int map_fd, uint32_t ifindex, const struct lb_device *nic, struct err *err)
{
	struct lb_device device = *nic;

	device.flags = LB_DEVICE_POD;
	return device_put(map_fd, ifindex, &device, err);
}

int device_each(int map_fd,
		int (*visit)(void *arg, uint32_t ifindex, const struct lb_device *device),
		void *arg)
{
	uint32_t key, next;
	bool more = !bpf_map_get_next_key(map_fd, NULL, &next);
	int r = 0;

	while (more && !r) {
		struct lb_device device;

		key = next;
		more = !bpf_map_get_next_key(map_fd, &key, &next);
		if (!bpf_map_lookup_elem(map_fd, &key, &device))
			r = visit(arg, key, &device);
	}
	return r;
}

/* --------------------------------------------------------------- refresh -- */

struct refresh {
	int map_fd;
	struct device_view view;
	struct lb_device nic; /* the first one */
	struct err *err;
};

static int refresh_collect(void *arg, uint32_t ifindex, const struct lb_device *device)
{
	struct refresh *refresh = arg;
	char name[IF_NAMESIZE];

	if (!if_indextoname(ifindex, name))
		bpf_map_delete_elem(refresh->map_fd, &ifindex);
	else if (device->flags & LB_DEVICE_NIC)
		device_view_add_nic(&refresh->view, ifindex);
	return 0;
}

static int refresh_nic(void *arg, uint32_t ifindex, const struct lb_device *device)
{
	struct refresh *refresh = arg;

	if (!(device->flags & LB_DEVICE_NIC))
		return 0;
	return device_put_nic(refresh->map_fd, &refresh->view, ifindex, device->flags,
			      refresh->err);
}

static int refresh_pod(void *arg, uint32_t ifindex, const struct lb_device *device)
{
	struct refresh *refresh = arg;

	if (device->flags & LB_DEVICE_NIC)
		return 0;
	return device_put_pod(refresh->map_fd, ifindex, &refresh->nic, refresh->err);
}

int datapath_refresh_devices(struct datapath *dp, const struct config *config,
			     struct addr_list *ret_addresses, struct err *err)
{
	struct refresh refresh = { .map_fd = dp->map[MAP_DEVICE], .err = err };
	int r = attach_state_check_netns(&dp->state, err);

	r = r ?: device_view_load(config, &refresh.view, err);
	if (r)
		return r;
	device_each(refresh.map_fd, refresh_collect, &refresh);
	r = device_each(refresh.map_fd, refresh_nic, &refresh);
	device_first_nic(refresh.map_fd, &refresh.nic);
	r = r ?: device_each(refresh.map_fd, refresh_pod, &refresh);
	if (!r)
		device_addresses(&refresh.view, ret_addresses);
	device_view_done(&refresh.view);
	return r;
}

/* ------------------------------------------------------------------- show -- */

struct device_list {
	struct datapath *dp;
	struct datapath_devices devices;
};

static int list_add(void *arg, uint32_t ifindex, const struct lb_device *value)
{
	struct device_list *list = arg;
	struct datapath_device *device = vec_add(&list->devices);
	const struct attach_nic *nic;

	device->ifindex = ifindex;
	device->value = *value;
	if (!if_indextoname(ifindex, device->name))
		snprintf(device->name, sizeof(device->name), "?");
	nic = attach_state_nic(&list->dp->state, device->name);
	device->mode = !(value->flags & LB_DEVICE_NIC) ? "pod"
		       : nic			       ? attach_mode_text(nic->mode)
						       : "?";
	return 0;
}

static int list_order(const void *a, const void *b)
{
	const struct datapath_device *x = a, *y = b;
	int order = (int)(y->value.flags & LB_DEVICE_NIC) - (int)(x->value.flags & LB_DEVICE_NIC);

	return order ? order : strcmp(x->name, y->name);
}

int datapath_read_devices(struct datapath *dp, struct datapath_devices *ret_devices,
			  struct err *err)
{
	struct device_list list = { .dp = dp };
	int r = attach_state_check_netns(&dp->state, err);

	if (r)
		return r;
	device_each(dp->map[MAP_DEVICE], list_add, &list);
	if (list.devices.n)
		qsort(list.devices.items, list.devices.n, sizeof(*list.devices.items), list_order);
	*ret_devices = list.devices;
	return 0;
}
