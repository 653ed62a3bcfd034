/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <unistd.h>

#include "user/datapath/cgroup.h"
#include "user/datapath/filter.h"
#include "user/datapath/handle.h"
#include "user/datapath/hooks.h"
#include "user/datapath/pin.h"
#include "user/datapath/ports.h"
#include "user/datapath/privilege.h"
#include "user/datapath/teardown.h"
#include "user/util/cleanup.h"

int teardown(const struct paths *paths, const struct attach_state *state, struct err *err)
{
	/* Elsewhere, devices of the same name and ports are somebody else's. */
	bool here = !attach_state_check_netns(state, NULL);
	int r;

	link_remove_all(paths);
	for (size_t i = 0; here && i < state->filters.n; i++) {
		unsigned int ifindex = if_nametoindex(state->filters.items[i].device);

		if (ifindex)
			filter_remove((int)ifindex, state->filters.items[i].qdisc);
	}
	r = pin_remove_all(paths, err);
	if (r)
		return r;
	if (here)
		ports_release(state->ports);
	if (state->cgroup_mounted)
		cgroup_unmount(paths);
	attach_state_remove(paths);
	return 0;
}

static int state_forget(struct attach_state *state, const char *name, struct err *err)
{
	struct attach_nic *nic = attach_state_nic(state, name);
	char known[256] = "";
	size_t used = 0;

	if (nic) {
		*nic = state->nics.items[--state->nics.n];
		return 0;
	}
	for (size_t i = 0; i < state->nics.n && used < sizeof(known); i++)
		used += (size_t)snprintf(known + used, sizeof(known) - used, "%s%s", i ? ", " : "",
					 state->nics.items[i].name);
	return err_set(err, -ENODEV, "%s: not attached (attached are: %s)", name,
		       *known ? known : "none");
}

static int detach_some(const struct paths *paths, struct attach_state *state, struct err *err)
{
	struct hooks hooks = { .paths = paths, .state = state, .device_map = -EBADF };
	int r = handle_open_map(paths, MAP_DEVICE, &hooks.device_map, err);

	if (r)
		return r;
	hooks_prune(&hooks);
	close(hooks.device_map);
	return attach_state_save(paths, state, err);
}

static bool anything_pinned(const struct paths *paths)
{
	cleanup_free char *path = pin_path(paths, NULL, "link");
	unsigned int abi;

	return !access(path, F_OK) || pin_other_abi(paths, &abi);
}

int datapath_detach(const struct paths *paths, const char *const *devices, size_t n,
		    struct err *err)
{
	struct attach_state state = { 0 };
	cleanup_close int lock = -EBADF;
	int r = privilege_check(err);

	if (!r && !anything_pinned(paths))
		r = err_set(err, -ENOENT, "nothing is attached");
	r = r ?: pin_lock(paths, &lock, err);
	r = r ?: attach_state_load(paths, &state, err);
	if (devices)
		r = r ?: attach_state_check_netns(&state, err);
	for (size_t i = 0; devices && i < n && !r; i++)
		r = state_forget(&state, devices[i], err);
	if (!r && (!devices || !state.nics.n))
		r = teardown(paths, &state, err);
	else if (!r)
		r = detach_some(paths, &state, err);
	attach_state_done(&state);
	return r;
}
