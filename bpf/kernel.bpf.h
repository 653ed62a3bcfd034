/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's types, of which we use packet headers and what the kernel promises to keep
 * (struct xdp_md and the like). Their layout is the wire's or the ABI's, so it must not be
 * looked up in the running kernel's own types: an older kernel may not know a field's name.
 */
#ifndef LB_KERNEL_BPF_H
#define LB_KERNEL_BPF_H

#define BPF_NO_PRESERVE_ACCESS_INDEX
#include "vmlinux.h"

#endif
