/* SPDX-License-Identifier: GPL-2.0-only */
/* The configuration, written once before the programs are loaded: branches on it cost nothing. */
#ifndef LB_CONFIG_BPF_H
#define LB_CONFIG_BPF_H

#include "kernel.bpf.h"
#include <bpf/bpf_helpers.h>

#include "lb/types.h"

const volatile struct lb_config lb_config;

#endif
