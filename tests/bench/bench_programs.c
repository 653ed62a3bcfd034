/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/bench_programs.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdio.h>

#include "lb/types.h"
#include "lb_tc.skel.h"
#include "lb_xdp.skel.h"
#include "tests/packet/rig_parts.h"

#define INSTRUCTION 8 /* bytes */

struct bench_size bench_programs[BENCH_PROGRAMS_MAX];
size_t bench_programs_n;

static void program_read(struct bpf_program *program)
{
	struct bpf_prog_info info = { 0 };
	uint32_t length = sizeof(info);
	struct bench_size *to = &bench_programs[bench_programs_n];

	if (bench_programs_n == BENCH_PROGRAMS_MAX)
		return;
	network_must(bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &length), "info");
	snprintf(to->name, sizeof(to->name), "%s", bpf_program__name(program));
	to->instructions = (unsigned int)bpf_program__insn_cnt(program);
	to->translated = info.xlated_prog_len / INSTRUCTION;
	to->verified = info.verified_insns;
	to->native = info.jited_prog_len;
	bench_programs_n++;
}

void programs_read(void)
{
	struct bpf_program *program;

	bench_programs_n = 0;
	bpf_object__for_each_program (program, rig.xdp->obj)
		program_read(program);
	bpf_object__for_each_program (program, rig.tc->obj)
		program_read(program);
}
