/* SPDX-License-Identifier: Apache-2.0 */
#include "user/datapath/attached.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

#include "user/datapath/hooks.h"
#include "user/datapath/pin.h"
#include "user/util/cleanup.h"

struct reading {
	const struct paths *paths;
	struct attach_state state;
	uint32_t ours[PROGRAM_COUNT]; /* ids of the pinned programs, 0: not pinned */
	struct attached_list list;
};

static void programs_note(struct reading *reading)
{
	struct programs programs;

	programs_open(reading->paths, &programs);
	for (int i = 0; i < PROGRAM_COUNT; i++) {
		struct bpf_prog_info info = { 0 };
		__u32 size = sizeof(info);

		if (programs.fd[i] >= 0 && !bpf_obj_get_info_by_fd(programs.fd[i], &info, &size))
			reading->ours[i] = info.id;
	}
	programs_close(&programs);
}

static bool is_ours(const struct reading *reading, uint32_t id)
{
	for (int i = 0; i < PROGRAM_COUNT; i++)
		if (reading->ours[i] == id)
			return true;
	return false;
}

static void name_program(uint32_t id, struct attached *attached)
{
	cleanup_close int fd = bpf_prog_get_fd_by_id(id);
	struct bpf_prog_info info = { 0 };
	__u32 size = sizeof(info);

	if (fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &size))
		snprintf(attached->program, sizeof(attached->program), "%.15s", info.name);
}

static void link_judge(const struct reading *reading, const char *path, struct attached *attached)
{
	cleanup_close int fd = bpf_obj_get(path);
	struct bpf_link_info info = { 0 };
	__u32 size = sizeof(info);

	attached->state = ATTACHED_GONE;
	if (!link_is_alive(path) || fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size))
		return;
	attached->state = is_ours(reading, info.prog_id) ? ATTACHED_OK : ATTACHED_REPLACED;
	if (attached->state == ATTACHED_REPLACED)
		name_program(info.prog_id, attached);
}

/* The pin of "eth0%2e100-tc-ingress"; that of a socket hook is "cgroup-connect4". */
static void link_split(const char *name, struct attached *attached)
{
	static const char *const hooks[] = { HOOK_XDP, HOOK_TC_INGRESS, HOOK_TC_EGRESS };
	const char *dash = strchr(name, '-');

	for (size_t i = 0; i < ARRAY_LEN(hooks); i++) {
		if (pin_link_device(name, hooks[i], attached->device, sizeof(attached->device))) {
			snprintf(attached->hook, sizeof(attached->hook), "%s", hooks[i]);
			return;
		}
	}
	snprintf(attached->device, sizeof(attached->device), "%.*s",
		 dash ? (int)(dash - name) : (int)strlen(name), name);
	snprintf(attached->hook, sizeof(attached->hook), "%s", dash ? dash + 1 : "");
}

static int link_add(void *arg, const char *name)
{
	struct reading *reading = arg;
	struct attached *attached = vec_add(&reading->list);
	cleanup_free char *path = pin_path(reading->paths, "link", name);

	link_split(name, attached);
	link_judge(reading, path, attached);
	/* A pod's device ends with its pod; the agent tidies up behind it. */
	if (attached->state == ATTACHED_GONE && strcmp(attached->device, HOOK_CGROUP) != 0 &&
	    !attach_state_nic(&reading->state, attached->device) &&
	    !if_nametoindex(attached->device))
		reading->list.n--;
	return 0;
}

static bool is_listed(const struct reading *reading, const char *device, const char *hook)
{
	for (size_t i = 0; i < reading->list.n; i++)
		if (!strcmp(reading->list.items[i].device, device) &&
		    !strcmp(reading->list.items[i].hook, hook))
			return true;
	return false;
}

static void missing_add(struct reading *reading, const struct attach_nic *nic, const char *hook)
{
	struct attached *attached;

	if (is_listed(reading, nic->name, hook))
		return;
	attached = vec_add(&reading->list);
	snprintf(attached->device, sizeof(attached->device), "%s", nic->name);
	snprintf(attached->hook, sizeof(attached->hook), "%s", hook);
	attached->state = ATTACHED_GONE;
}

static bool has_filter(const struct attach_state *state, const char *device)
{
	for (size_t i = 0; i < state->filters.n; i++)
		if (!strcmp(state->filters.items[i].device, device))
			return true;
	return false;
}

int attached_read(const struct paths *paths, struct attached_list *ret_list, struct err *err)
{
	struct reading reading = { .paths = paths };
	struct attach_state *state = &reading.state;
	int r = attach_state_load(paths, state, err);

	if (r)
		return r;
	programs_note(&reading);
	pin_each(paths, "link", link_add, &reading);
	for (size_t i = 0; i < state->nics.n; i++) {
		const struct attach_nic *nic = &state->nics.items[i];

		if (nic->mode != ATTACH_TC)
			missing_add(&reading, nic, HOOK_XDP);
		if (has_filter(state, nic->name))
			continue;
		missing_add(&reading, nic, HOOK_TC_INGRESS);
		missing_add(&reading, nic, HOOK_TC_EGRESS);
	}
	attach_state_done(state);
	*ret_list = reading.list;
	return 0;
}
