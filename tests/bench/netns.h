/* SPDX-License-Identifier: Apache-2.0 */
/* What the benchmarks on real traffic share: network namespaces by name and one CPU. */
#ifndef BENCH_NETNS_H
#define BENCH_NETNS_H

/* Ends the program with "NAME: what: why" when result is negative; errno says why. */
void must(int result, const char *what);

/* The calling thread moves into the namespace "ID-NAME-HOST". */
void netns_enter(const char *id, const char *name, const char *host);

/* This process runs on CPU 0 from now on, before all that is not real-time. */
void cpu_take(void);

/* Tells on a terminal which round it is. */
void progress(unsigned int round, unsigned int rounds);

#endif
