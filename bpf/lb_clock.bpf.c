/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads the kernel's clocks for the user side: the packet programs tell time in
 * jiffies, which no system call gives, and whose rate (HZ) no file tells reliably.
 * It is never attached; BPF_PROG_TEST_RUN calls it. Example: two runs 40 ms apart
 * that show 10 jiffies mean HZ 250.
 *
 * Bad at: single readings. A virtual CPU that was not scheduled makes jiffies jump,
 * so the caller measures over several and again when the result fits no known HZ.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

__u64 lb_clock_jiffies;
__u64 lb_clock_ns;

SEC("xdp")
int lb_clock(struct xdp_md *ctx)
{
	(void)ctx;
	lb_clock_jiffies = bpf_jiffies64();
	lb_clock_ns = bpf_ktime_get_ns();
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
