/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that a command runs in its foreground. */
#ifndef UTIL_SPAWN_H
#define UTIL_SPAWN_H

#include "user/util/err.h"

/*
 * Runs argv (found by PATH, no shell) on the caller's terminal and waits. Interrupts are the
 * program's: they do not end the caller meanwhile. Fills its exit status; a program that
 * cannot be run or that a signal ended is an error.
 */
LB_CHECKED int spawn_wait(char *const argv[], int *ret_status, struct err *err);

#endif
