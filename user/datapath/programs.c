/* SPDX-License-Identifier: Apache-2.0 */
#include "user/datapath/programs.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <unistd.h>

#include "user/datapath/pin.h"
#include "user/util/cleanup.h"

const struct program_row program_rows[PROGRAM_COUNT] = {
#define PROGRAM_ROW(id, function, in) [PROGRAM_##id] = { #function, OBJECT_##in },
	PROGRAMS(PROGRAM_ROW)
#undef PROGRAM_ROW
};

void programs_init(struct programs *programs)
{
	for (int i = 0; i < PROGRAM_COUNT; i++)
		programs->fd[i] = -EBADF;
}

void programs_open(const struct paths *paths, struct programs *programs)
{
	programs_init(programs);
	for (int i = 0; i < PROGRAM_COUNT; i++) {
		cleanup_free char *path = pin_path(paths, "prog", program_rows[i].name);
		int fd = bpf_obj_get(path);

		programs->fd[i] = fd < 0 ? -EBADF : fd;
	}
}

void programs_close(struct programs *programs)
{
	for (int i = 0; i < PROGRAM_COUNT; i++)
		if (programs->fd[i] >= 0)
			close(programs->fd[i]);
	programs_init(programs);
}
