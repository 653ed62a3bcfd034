/* SPDX-License-Identifier: Apache-2.0 */
/* What the state does not ask for any more goes. */
#include <bpf/bpf.h>
#include <net/if.h>
#include <string.h>

#include "user/datapath/filter.h"
#include "user/datapath/hooks.h"
#include "user/datapath/pin.h"
#include "user/util/cleanup.h"

static bool device_is_wanted(const struct attach_state *state, const char *device, bool xdp)
{
	const struct attach_nic *nic = attach_state_nic(state, device);

	if (nic)
		return !xdp || nic->mode != ATTACH_TC;
	return !xdp && attach_state_is_pod(state, device);
}

static bool link_is_wanted(const struct attach_state *state, const char *name)
{
	char device[IF_NAMESIZE];

	if (pin_link_device(name, HOOK_XDP, device, sizeof(device)))
		return device_is_wanted(state, device, true);
	if (pin_link_device(name, HOOK_TC_INGRESS, device, sizeof(device)) ||
	    pin_link_device(name, HOOK_TC_EGRESS, device, sizeof(device)))
		return device_is_wanted(state, device, false);
	return attach_state_has_sockets(state);
}

static int prune_link(void *arg, const char *name)
{
	struct hooks *hooks = arg;
	cleanup_free char *path = pin_path(hooks->paths, "link", name);

	if (!link_is_wanted(hooks->state, name) || !link_is_alive(path))
		link_remove(path);
	return 0;
}

static void prune_filters(struct hooks *hooks)
{
	struct attach_state *state = hooks->state;
	size_t kept = 0;

	for (size_t i = 0; i < state->filters.n; i++) {
		struct attach_filter *filter = &state->filters.items[i];
		unsigned int ifindex = if_nametoindex(filter->device);

		if (ifindex && device_is_wanted(state, filter->device, false))
			state->filters.items[kept++] = *filter;
		else if (ifindex)
			filter_remove((int)ifindex, filter->qdisc);
	}
	state->filters.n = kept;
}

static int prune_device(void *arg, uint32_t ifindex, const struct lb_device *device)
{
	struct hooks *hooks = arg;
	char name[IF_NAMESIZE];

	(void)device;
	if (!if_indextoname(ifindex, name) || !device_is_wanted(hooks->state, name, false))
		bpf_map_delete_elem(hooks->device_map, &ifindex);
	return 0;
}

void hooks_prune(struct hooks *hooks)
{
	pin_each(hooks->paths, "link", prune_link, hooks);
	prune_filters(hooks);
	/* Last, so that no program runs on a device that it does not know. */
	device_each(hooks->device_map, prune_device, hooks);
}
