/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads a field of the context. The compiler likes to compute the field's address
 * first, which the verifier refuses ("dereference of modified ctx ptr"), so the load is
 * written out.
 */
#ifndef LB_CONTEXT_BPF_H
#define LB_CONTEXT_BPF_H

#define context_field(type, ctx, field)                                                            \
	({                                                                                         \
		type field_;                                                                       \
		asm volatile(                                                                      \
			"%[to] = *(u32 *)(%[from] + %[at])"                                        \
			: [to] "=r"(field_)                                                        \
			: [from] "r"(ctx), [at] "i"(__builtin_offsetof(__typeof__(*(ctx)), field)) \
			: "memory");                                                               \
		field_;                                                                            \
	})

#endif
