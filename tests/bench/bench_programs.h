/* SPDX-License-Identifier: Apache-2.0 */
/* How large the packet programs are, and what the verifier had to look at. */
#ifndef BENCH_PROGRAMS_H
#define BENCH_PROGRAMS_H

#include <stddef.h>

#define BENCH_PROGRAMS_MAX 32

struct bench_size {
	char name[16];
	unsigned int instructions; /* as compiled, without subprograms */
	unsigned int translated;   /* as the kernel runs them */
	unsigned int verified;	   /* looked at until the verifier was content */
	unsigned int native;	   /* bytes of machine code */
};

extern struct bench_size bench_programs[BENCH_PROGRAMS_MAX];
extern size_t bench_programs_n;

/* Reads them from the stage whose turn it is. */
void programs_read(void);

#endif
