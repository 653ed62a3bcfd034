/* SPDX-License-Identifier: Apache-2.0 */
#include "user/datapath/filter.h"

#include <bpf/libbpf.h>
#include <errno.h>

#include "user/datapath/netlink.h"

#define FILTER_PRIORITY 1 /* before all others: what is ours is rewritten first */
#define FILTER_HANDLE 0x6c62

static enum bpf_tc_attach_point filter_point(bool egress)
{
	return egress ? BPF_TC_EGRESS : BPF_TC_INGRESS;
}

/* libbpf warns about a qdisc that exists already; that is the usual case here. */
static libbpf_print_fn_t filter_silence(void)
{
	return libbpf_set_print(NULL);
}

int filter_attach(int ifindex, bool egress, int prog_fd, bool *ret_qdisc)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = filter_point(egress));
	LIBBPF_OPTS(bpf_tc_opts, opts, .prog_fd = prog_fd, .flags = BPF_TC_F_REPLACE,
		    .handle = FILTER_HANDLE, .priority = FILTER_PRIORITY);
	libbpf_print_fn_t before = filter_silence();
	int r = bpf_tc_hook_create(&hook);
	bool created = !r;

	if (!r || r == -EEXIST)
		r = bpf_tc_attach(&hook, &opts);
	libbpf_set_print(before);
	if (!r)
		*ret_qdisc = created;
	return r;
}

void filter_remove(int ifindex, bool qdisc)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex);
	libbpf_print_fn_t before = filter_silence();

	for (int egress = 0; egress < 2; egress++) {
		LIBBPF_OPTS(bpf_tc_opts, opts, .handle = FILTER_HANDLE,
			    .priority = FILTER_PRIORITY);

		hook.attach_point = filter_point(egress);
		bpf_tc_detach(&hook, &opts);
	}
	if (qdisc && !netlink_clsact_filters(ifindex)) {
		hook.attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS;
		bpf_tc_hook_destroy(&hook);
	}
	libbpf_set_print(before);
}
