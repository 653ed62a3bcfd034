/* SPDX-License-Identifier: Apache-2.0 */
#include "user/datapath/hooks.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "user/datapath/cgroup.h"
#include "user/datapath/filter.h"
#include "user/datapath/pin.h"
#include "user/util/cleanup.h"

struct socket_hook {
	enum program program;
	enum bpf_attach_type type;
	const char *name; /* link/cgroup-<name> */
};

static const struct socket_hook socket_hooks[] = {
	{ PROGRAM_CONNECT4, BPF_CGROUP_INET4_CONNECT, "connect4" },
	{ PROGRAM_CONNECT6, BPF_CGROUP_INET6_CONNECT, "connect6" },
	{ PROGRAM_SENDMSG4, BPF_CGROUP_UDP4_SENDMSG, "sendmsg4" },
	{ PROGRAM_SENDMSG6, BPF_CGROUP_UDP6_SENDMSG, "sendmsg6" },
	{ PROGRAM_RECVMSG4, BPF_CGROUP_UDP4_RECVMSG, "recvmsg4" },
	{ PROGRAM_RECVMSG6, BPF_CGROUP_UDP6_RECVMSG, "recvmsg6" },
	{ PROGRAM_GETPEERNAME4, BPF_CGROUP_INET4_GETPEERNAME, "getpeername4" },
	{ PROGRAM_GETPEERNAME6, BPF_CGROUP_INET6_GETPEERNAME, "getpeername6" },
};

void hooks_report(const struct hooks *hooks, const char *device, const char *hook, const char *how,
		  const char *format, ...)
{
	char text[512], line[640];
	va_list args;

	if (!hooks->report)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	snprintf(line, sizeof(line), "%-15s  %-10s  %-7s  %s", device, hook, how, text);
	hooks->report(hooks->arg, line);
}

/* -------------------------------------------------------------------- TC -- */

static struct attach_filter *filter_entry(struct attach_state *state, const char *device)
{
	struct attach_filter *filter;

	for (size_t i = 0; i < state->filters.n; i++)
		if (!strcmp(state->filters.items[i].device, device))
			return &state->filters.items[i];
	filter = vec_add(&state->filters);
	snprintf(filter->device, sizeof(filter->device), "%s", device);
	return filter;
}

static int tc_filter(struct hooks *hooks, const char *device, int ifindex, bool egress, int fd)
{
	bool qdisc;
	int r = filter_attach(ifindex, egress, fd, &qdisc);

	if (!r)
		filter_entry(hooks->state, device)->qdisc |= qdisc;
	return r;
}

/* A tcx link; where the kernel does not know the type, a filter. */
static int tc_attach(struct hooks *hooks, const char *device, int ifindex, bool egress,
		     enum program program, struct err *err)
{
	const char *hook = egress ? HOOK_TC_EGRESS : HOOK_TC_INGRESS;
	cleanup_free char *path = pin_link_path(hooks->paths, device, hook);
	struct link_spec spec = { .type = egress ? LINK_TCX_EGRESS : LINK_TCX_INGRESS,
				  .target = ifindex,
				  .id = (uint64_t)ifindex };
	int fd = hooks->programs->fd[program];
	int r = hooks->attach_tcx(path, &spec, fd);
	bool tcx = r != -EINVAL;

	if (!tcx)
		r = tc_filter(hooks, device, ifindex, egress, fd);
	if (r)
		return err_sys(err, r, "%s: cannot attach to %s", device, hook);
	hooks_report(hooks, device, hook, tcx ? "tcx" : "clsact", "%s", program_rows[program].name);
	return 0;
}

/* ------------------------------------------------------------------- NIC -- */

static bool mode_is_xdp(enum attach_mode mode)
{
	return mode == ATTACH_NATIVE || mode == ATTACH_GENERIC;
}

static int nic_flags(struct hooks *hooks, int ifindex, enum attach_mode mode, struct err *err)
{
	uint32_t flags = LB_DEVICE_NIC | (mode == ATTACH_NATIVE ? LB_DEVICE_XDP : 0);

	return device_put_nic(hooks->device_map, hooks->view, (uint32_t)ifindex, flags, err);
}

/* Native and generic exclude each other: TC ingress takes all the work in between. */
static int nic_leave_xdp(struct hooks *hooks, const struct attach_nic *was, int ifindex,
			 struct err *err)
{
	cleanup_free char *path = pin_link_path(hooks->paths, was->name, HOOK_XDP);
	struct hooks quiet = *hooks; /* the line that counts comes later */
	int r = nic_flags(hooks, ifindex, ATTACH_TC, err);

	quiet.report = NULL;
	r = r ?: tc_attach(&quiet, was->name, ifindex, false, PROGRAM_TC_INGRESS, err);
	if (r)
		return r;
	link_remove(path);
	hooks_report(hooks, was->name, HOOK_XDP, "-", "no longer %s", attach_mode_text(was->mode));
	return 0;
}

static int nic_attach(struct hooks *hooks, struct attach_nic *nic, struct err *err)
{
	const struct attach_nic *was = attach_state_nic(hooks->was, nic->name);
	enum attach_mode wanted = nic->asked == ATTACH_AUTO ? ATTACH_NATIVE : nic->asked;
	enum attach_mode before = was ? was->mode : ATTACH_AUTO;
	int ifindex = (int)if_nametoindex(nic->name);
	int r = nic_flags(hooks, ifindex, before, err);

	r = r ?: tc_attach(hooks, nic->name, ifindex, true, PROGRAM_TC_EGRESS, err);
	if (!r && mode_is_xdp(before) && before != wanted)
		r = nic_leave_xdp(hooks, was, ifindex, err);
	if (r)
		return r;
	nic->mode = ATTACH_TC;
	if (mode_is_xdp(wanted)) {
		r = xdp_attach(hooks, nic, ifindex, &nic->mode, err);
		r = r ?: nic_flags(hooks, ifindex, nic->mode, err);
	}
	return r
		       ?: tc_attach(hooks, nic->name, ifindex, false,
				    nic->mode == ATTACH_TC ? PROGRAM_TC_INGRESS
							   : PROGRAM_TC_HANDOFF,
				    err);
}

/* ------------------------------------------------------------------ pods -- */

static int pod_attach(struct hooks *hooks, const char *device, int ifindex,
		      const struct lb_device *nic, struct err *err)
{
	int r = device_put_pod(hooks->device_map, (uint32_t)ifindex, nic, err);

	r = r ?: tc_attach(hooks, device, ifindex, false, PROGRAM_TC_INGRESS, err);
	return r ?: tc_attach(hooks, device, ifindex, true, PROGRAM_TC_EGRESS, err);
}

static bool pod_has_links(struct hooks *hooks, const char *device)
{
	cleanup_free char *ingress = pin_link_path(hooks->paths, device, HOOK_TC_INGRESS);
	cleanup_free char *egress = pin_link_path(hooks->paths, device, HOOK_TC_EGRESS);

	return link_is_alive(ingress) && link_is_alive(egress);
}

int hooks_attach_pods(struct hooks *hooks, bool only_new, struct err *err)
{
	struct if_nameindex *all = if_nameindex();
	struct lb_device nic;
	int r = 0;

	if (!all)
		return err_sys(err, -errno, "cannot list the devices");
	device_first_nic(hooks->device_map, &nic);
	for (struct if_nameindex *item = all; item->if_index && !r; item++) {
		if (!attach_state_is_pod(hooks->state, item->if_name) ||
		    (only_new && pod_has_links(hooks, item->if_name)))
			continue;
		r = pod_attach(hooks, item->if_name, (int)item->if_index, &nic, err);
		/* Pods come and go: a device that left meanwhile is no failure. */
		if (r && !if_nametoindex(item->if_name))
			r = 0;
	}
	if_freenameindex(all);
	return r;
}

/* --------------------------------------------------------------- sockets -- */

static int sockets_attach(struct hooks *hooks, struct err *err)
{
	const char *path = hooks->state->cgroup;
	cleanup_close int fd = -EBADF;
	uint64_t id;
	int r;

	if (!attach_state_has_sockets(hooks->state))
		return 0;
	r = cgroup_open(path, &fd, &id, err);
	for (size_t i = 0; i < ARRAY_LEN(socket_hooks) && !r; i++) {
		const struct socket_hook *hook = &socket_hooks[i];
		cleanup_free char *pin = pin_link_path(hooks->paths, HOOK_CGROUP, hook->name);
		struct link_spec spec = { .type = hook->type, .target = fd, .id = id };

		r = link_attach(pin, &spec, hooks->programs->fd[hook->program]);
		if (r)
			return err_sys(err, r, "%s: cannot attach the socket hook %s", path,
				       hook->name);
	}
	if (!r)
		hooks_report(hooks, HOOK_CGROUP, "socket", "link",
			     "%s: connect, sendmsg, recvmsg, getpeername of both families", path);
	return r;
}

int hooks_attach(struct hooks *hooks, struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < hooks->state->nics.n && !r; i++)
		r = nic_attach(hooks, &hooks->state->nics.items[i], err);
	r = r ?: hooks_attach_pods(hooks, false, err);
	return r ?: sockets_attach(hooks, err);
}
