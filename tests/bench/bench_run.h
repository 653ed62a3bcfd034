/* SPDX-License-Identifier: Apache-2.0 */
/* Runs cases: packets of a case through its program, and how long each took. */
#ifndef BENCH_RUN_H
#define BENCH_RUN_H

#include "tests/bench/bench_case.h"

/* A case, ready to run; its stage stands. */
struct bench_runner;

struct bench_runner *runner_new(const struct bench_case *c);
void runner_free(struct bench_runner *runner);

/* Makes the stage's flows, established, in both families that it has. */
void runner_make_flows(size_t stage);

/* One round: a burst of the generator alone, and one of the case. ns a packet. */
void runner_round(struct bench_runner *runner, double *ret_generator, double *ret_total);

#endif
