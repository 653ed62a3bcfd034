/* SPDX-License-Identifier: Apache-2.0 */
#include "user/datapath/request.h"

#include <errno.h>
#include <stdio.h>

#include "user/datapath/cgroup.h"

int request_check(const struct attach_options *options, struct err *err)
{
	if (!options->n_devices && !options->pods)
		return err_set(err, -EINVAL, "name a device, or a pattern with --pods");
	for (size_t i = 0; i < options->n_devices; i++)
		if (!if_nametoindex(options->devices[i]))
			return err_set(err, -ENODEV,
				       "%s: there is no such device (`ip link` lists them)",
				       options->devices[i]);
	return 0;
}

static void request_add_nic(struct attach_state *state, const char *name, enum attach_mode mode)
{
	struct attach_nic *nic = attach_state_nic(state, name);

	if (!nic) {
		nic = vec_add(&state->nics);
		snprintf(nic->name, sizeof(nic->name), "%s", name);
		nic->asked = mode;
		nic->mode = ATTACH_TC; /* until XDP is there */
	} else if (mode != ATTACH_AUTO) {
		nic->asked = mode; /* auto leaves alone what somebody once chose */
	}
}

static void text_replace(char **text, const char *by)
{
	free(*text);
	*text = xstrdup(by);
}

int request_merge(const struct paths *paths, const struct attach_options *options,
		  const struct attach_state *was, struct attach_state *ret_state, struct err *err)
{
	struct attach_state state;
	size_t kept = 0;
	int r = 0;

	attach_state_copy(was, &state);
	for (size_t i = 0; i < state.nics.n; i++)
		if (if_nametoindex(state.nics.items[i].name))
			state.nics.items[kept++] = state.nics.items[i];
	state.nics.n = kept;
	for (size_t i = 0; i < options->n_devices; i++)
		request_add_nic(&state, options->devices[i], options->mode);
	state.netns = attach_state_netns();
	if (options->pods)
		text_replace(&state.pods, options->pods);
	if (options->cgroup)
		text_replace(&state.cgroup, options->cgroup);
	else if (!state.cgroup)
		r = cgroup_root(paths, &state.cgroup, &state.cgroup_mounted, err);
	if (r)
		attach_state_done(&state);
	else
		*ret_state = state;
	return r;
}
