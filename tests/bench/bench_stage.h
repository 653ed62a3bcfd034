/* SPDX-License-Identifier: Apache-2.0 */
/* A stage that stands: programs and maps of its own, with what a case needs of them. */
#ifndef BENCH_STAGE_H
#define BENCH_STAGE_H

#include "tests/bench/bench_case.h"
#include "user/util/addr.h"

/* Loads and fills; false: it would not fit into the memory that is free. */
bool stage_open(size_t index);

/* Turns all flows that are there into established ones. */
void stage_establish(size_t index);

/* The program that a case runs, -1 for RUN_NOTHING and the limits' own. */
int stage_program(size_t index, enum bench_program program);

/* The address of a service, and of no service. */
struct lb_addr stage_service(unsigned int number, bool v4);
struct lb_addr stage_stranger(bool v4);

/* The mapped flow table of a family, as entries; *ret_n of them. */
const void *stage_table(size_t index, bool v4, size_t *ret_n);

void stage_close(size_t index);

#endif
