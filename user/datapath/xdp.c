/* SPDX-License-Identifier: Apache-2.0 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <string.h>
#include <unistd.h>

#include "user/datapath/hooks.h"
#include "user/datapath/pin.h"
#include "user/util/cleanup.h"

/* A page less headroom, skb_shared_info and an Ethernet header with a VLAN tag. */
#define ONE_PAGE_MTU(page) ((unsigned int)(page)-256 - 320 - 18)

int xdp_check_foreign(const struct paths *paths, const char *device, struct err *err)
{
	cleanup_free char *path = pin_link_path(paths, device, HOOK_XDP);
	LIBBPF_OPTS(bpf_xdp_query_opts, query);
	struct bpf_prog_info info = { 0 };
	__u32 size = sizeof(info), id;
	cleanup_close int fd = -EBADF;

	if (link_is_alive(path) || bpf_xdp_query((int)if_nametoindex(device), 0, &query))
		return 0;
	id = query.prog_id ?: query.drv_prog_id ?: query.skb_prog_id ?: query.hw_prog_id;
	if (!id)
		return 0;
	fd = bpf_prog_get_fd_by_id(id);
	if (fd >= 0)
		bpf_obj_get_info_by_fd(fd, &info, &size);
	return err_set(
		err, -EBUSY,
		"%s: another XDP program is attached, \"%s\" (id %u); end what put it there (or "
		"`ip link set dev %s xdp off`), or attach with --mode tc",
		device, info.name, id, device);
}

/* Puts the refusal in words: who refuses, why, and what may help. */
static int xdp_refused(const char *device, int ifindex, int prog_fd, uint32_t flags, int code,
		       struct err *err)
{
	const char *mode = flags == XDP_FLAGS_DRV_MODE ? "native" : "generic";
	unsigned int mtu, page_mtu = ONE_PAGE_MTU(getpagesize());
	char driver[32], text[256], hint[128] = "";

	netlink_xdp_refusal(ifindex, prog_fd, flags, text, sizeof(text));
	netlink_driver(device, driver, sizeof(driver), &mtu);
	if (flags == XDP_FLAGS_DRV_MODE && mtu > page_mtu)
		snprintf(hint, sizeof(hint), ", MTU %u: most drivers take at most about %u", mtu,
			 page_mtu);
	return err_set(err, code, "driver %s refuses %s XDP: %s%s%s%s", driver, mode,
		       *text ? text : "it does not say why", *text ? "" : ", ",
		       *text ? "" : strerror(-code), hint);
}

static int xdp_try(struct hooks *hooks, const char *device, int ifindex, enum attach_mode mode,
		   struct err *err)
{
	cleanup_free char *path = pin_link_path(hooks->paths, device, HOOK_XDP);
	uint32_t flags = mode == ATTACH_NATIVE ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE;
	struct link_spec spec = { BPF_XDP, ifindex, (uint64_t)ifindex, flags };
	int fd = hooks->programs->fd[PROGRAM_XDP];
	int r = link_attach(path, &spec, fd);

	return r ? xdp_refused(device, ifindex, fd, flags, r, err) : 0;
}

/* A frame without its tag is taken for one of the device itself. */
static void xdp_warn_vlan(struct hooks *hooks, const char *device)
{
	int vlan = netlink_hidden_vlan(device);
	char name[IF_NAMESIZE];

	if (vlan && if_indextoname((unsigned int)vlan, name))
		hooks_report(hooks, device, "warning", "-",
			     "it takes VLAN tags off before XDP sees them, and %s is above it: "
			     "`ethtool -K %s rxvlan off`",
			     name, device);
}

int xdp_attach(struct hooks *hooks, const struct attach_nic *nic, int ifindex,
	       enum attach_mode *ret_mode, struct err *err)
{
	bool automatic = nic->asked == ATTACH_AUTO;
	enum attach_mode mode = automatic ? ATTACH_NATIVE : nic->asked;
	struct err cause;
	char driver[32];
	unsigned int mtu;
	int r = xdp_try(hooks, nic->name, ifindex, mode, &cause);

	if (!r) {
		netlink_driver(nic->name, driver, sizeof(driver), &mtu);
		hooks_report(hooks, nic->name, HOOK_XDP, attach_mode_text(mode),
			     "driver %s, MTU %u", driver, mtu);
		xdp_warn_vlan(hooks, nic->name);
		*ret_mode = mode;
		return 0;
	}
	if (!automatic)
		return err_set(err, r, "%s: %s; --mode %s works with any driver", nic->name,
			       cause.text, mode == ATTACH_NATIVE ? "generic or tc" : "tc");
	hooks_report(hooks, nic->name, HOOK_XDP, "-",
		     "%s; TC does the work, --mode generic is the other choice", cause.text);
	*ret_mode = ATTACH_TC;
	return 0;
}
