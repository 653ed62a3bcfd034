/* SPDX-License-Identifier: Apache-2.0 */
/* Figures as a picture: SVG, written by hand, since it needs a few lines and words only. */
#ifndef BENCH_PLOT_H
#define BENCH_PLOT_H

#include <stdio.h>

#include "tests/bench/bench_report.h"

/* Left: established flows, ns by their number. Right: a bar for each other case. */
void plot_svg(const struct bench_run *run, FILE *out);

#endif
