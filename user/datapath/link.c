/* SPDX-License-Identifier: Apache-2.0 */
#include "user/datapath/link.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <unistd.h>

#include "user/datapath/pin.h"
#include "user/util/cleanup.h"

/* What the link is attached to; 0: its device or cgroup does not exist any more. */
static uint64_t link_id(int fd)
{
	struct bpf_link_info info = { 0 };
	__u32 size = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		return 0;
	/* tcx has its ifindex where XDP has it. */
	return info.type == BPF_LINK_TYPE_CGROUP ? info.cgroup.cgroup_id : info.xdp.ifindex;
}

static int link_create(const char *path, const struct link_spec *spec, int prog_fd)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = spec->flags);
	cleanup_close int fd =
		bpf_link_create(prog_fd, spec->target, (enum bpf_attach_type)spec->type, &opts);

	if (fd < 0)
		return fd;
	/* The old pin goes only now: for a moment both run, but never neither. */
	if (unlink(path) && errno != ENOENT)
		return -errno;
	return bpf_obj_pin(fd, path);
}

int link_attach(const char *path, const struct link_spec *spec, int prog_fd)
{
	cleanup_close int fd = bpf_obj_get(path);
	int r;

	if (fd < 0 && fd != -ENOENT)
		return fd;
	if (fd >= 0 && link_id(fd) == spec->id) {
		r = bpf_link_update(fd, prog_fd, NULL);
		if (r != -ENOLINK) /* the device went away since we asked */
			return r;
	}
	return link_create(path, spec, prog_fd);
}

void link_remove(const char *path)
{
	cleanup_close int fd = bpf_obj_get(path);

	if (fd >= 0)
		bpf_link_detach(fd);
	unlink(path);
}

static int remove_pinned(void *arg, const char *name)
{
	cleanup_free char *path = pin_path(arg, "link", name);

	link_remove(path);
	return 0;
}

void link_remove_all(const struct paths *paths)
{
	pin_each(paths, "link", remove_pinned, (void *)paths);
}

bool link_is_alive(const char *path)
{
	cleanup_close int fd = bpf_obj_get(path);

	return fd >= 0 && link_id(fd);
}
