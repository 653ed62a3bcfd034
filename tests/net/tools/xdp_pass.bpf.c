/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does nothing, at the far end of a veth: the kernel hands over what XDP_TX sends into a veth only
 * when the receiving end has a program too. (XDP_REDIRECT is content with `gro on` there.)
 */
#include "vmlinux.h"

#include <bpf/bpf_helpers.h>

SEC("xdp.frags") int xdp_pass(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_PASS;
}
