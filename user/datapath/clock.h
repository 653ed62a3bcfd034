/* SPDX-License-Identifier: Apache-2.0 */
/* The programs' clock, jiffies, seen from here. */
#ifndef DATAPATH_CLOCK_H
#define DATAPATH_CLOCK_H

#include <stdint.h>

#include "user/util/err.h"

struct lb_clock;

LB_CHECKED int clock_open(struct lb_clock **ret_clock, struct err *err);
void clock_close(struct lb_clock *clock);

/* Jiffies now. */
LB_CHECKED int clock_read(struct lb_clock *clock, uint64_t *ret_jiffies, struct err *err);

/* The kernel's HZ, exactly. Takes some 50 ms. */
LB_CHECKED int clock_measure_hz(struct lb_clock *clock, uint32_t *ret_hz, struct err *err);

/* The HZ, out of those a kernel is built with, that fits; 0: none fits well enough. */
uint32_t clock_nearest_hz(uint64_t jiffies, uint64_t ns);

#endif
