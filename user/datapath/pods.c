/* SPDX-License-Identifier: Apache-2.0 */
/* Pod-facing devices that appear and vanish while an instance is attached. */
#include <errno.h>
#include <unistd.h>

#include "user/datapath/handle.h"
#include "user/datapath/hooks.h"
#include "user/datapath/pin.h"
#include "user/util/cleanup.h"

int datapath_attach_pods(const struct paths *paths, struct err *err)
{
	struct attach_state state = { 0 };
	struct programs programs;
	struct hooks hooks = { .paths = paths,
			       .state = &state,
			       .was = &state,
			       .programs = &programs,
			       .device_map = -EBADF,
			       .attach_tcx = link_attach };
	cleanup_close int lock = -EBADF;
	size_t filters;
	int r = pin_lock(paths, &lock, err);

	if (r)
		return r;
	programs_open(paths, &programs);
	r = handle_open_map(paths, MAP_DEVICE, &hooks.device_map, err);
	r = r ?: attach_state_load(paths, &state, err);
	r = r ?: attach_state_check_netns(&state, err);
	filters = state.filters.n;
	r = r ?: hooks_attach_pods(&hooks, true, err);
	if (!r) {
		hooks_prune(&hooks);
		if (filters || state.filters.n) /* nothing else can have changed */
			r = attach_state_save(paths, &state, err);
	}
	if (hooks.device_map >= 0)
		close(hooks.device_map);
	programs_close(&programs);
	attach_state_done(&state);
	return r;
}
