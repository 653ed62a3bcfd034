/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A node for one test program: its own network and mount namespaces, its own root folder, and
 * devices made with ip(8). All of it ends with the process.
 */
#ifndef SANDBOX_H
#define SANDBOX_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lb/maps.h"
#include "user/datapath/datapath.h"
#include "user/datapath/pin.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"

static struct sandbox {
	char root[32];
	struct paths paths;
	struct config config;
	struct err err;
	char report[8192];
} box;

/* A shell command that must succeed. */
#define RUN(...)                                                      \
	do {                                                          \
		cleanup_free char *command_ = xasprintf(__VA_ARGS__); \
		if (system(command_))                                 \
			fail_msg("failed: %s", command_);             \
	} while (0)

/* 0, or the test fails with the error's text. */
#define OK(call)                                                            \
	do {                                                                \
		int code_ = (call);                                         \
		if (code_)                                                  \
			fail_msg("%s: %d: %s", #call, code_, box.err.text); \
	} while (0)

#define CONTAINS(text, part)                                             \
	do {                                                             \
		if (!strstr(text, part))                                 \
			fail_msg("\"%s\" is not in \"%s\"", part, text); \
	} while (0)

static inline void sandbox_report(void *arg, const char *line)
{
	size_t used = strlen(box.report);

	(void)arg;
	snprintf(box.report + used, sizeof(box.report) - used, "%s\n", line);
}

/* Attaches what is listed, separated by blanks. */
static inline int sandbox_attach(const char *devices, enum attach_mode mode, const char *pods,
				 const char *cgroup)
{
	cleanup_free char *copy = xstrdup(devices);
	struct attach_options options = { .mode = mode, .pods = pods, .cgroup = cgroup };
	const char *names[8];
	char *rest = copy;

	for (char *name; (name = strsep(&rest, " "));)
		if (*name)
			names[options.n_devices++] = name;
	options.devices = names;
	box.report[0] = '\0';
	return datapath_attach(&box.paths, &box.config, &options, sandbox_report, NULL, &box.err);
}

static inline int sandbox_detach(const char *device)
{
	return datapath_detach(&box.paths, device ? &device : NULL, device ? 1 : 0, &box.err);
}

static inline int sandbox_up(void **state)
{
	(void)state;
	strcpy(box.root, "/tmp/lbt-XXXXXX");
	if (!mkdtemp(box.root) || unshare(CLONE_NEWNET | CLONE_NEWNS) ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return -1;
	paths_init(&box.paths, box.root, NULL);
	box.config = (struct config){
		.snat_first = 10000,
		.snat_last = 29999,
		.flows = 4096,
		.timeouts = { 60, 86400, 30, 30, 180 },
	};
	return system("ip link set lo up") ? -1 : 0;
}

static inline int sandbox_down(void **state)
{
	struct err ignored;

	(void)state;
	(void)!datapath_detach(&box.paths, NULL, 0, &ignored);
	paths_done(&box.paths);
	cleanup_free char *command = xasprintf("rm -rf --one-file-system %s", box.root);

	return system(command) ? -1 : 0;
}

static inline bool sandbox_exists(const char *file)
{
	cleanup_free char *path = xasprintf("%s/%s", box.root, file);

	return !access(path, F_OK);
}

/* The name of the program behind a pinned link; "" when there is no such link. */
static inline const char *sandbox_link_program(const char *device, const char *hook)
{
	static struct bpf_prog_info info;
	cleanup_free char *path = pin_link_path(&box.paths, device, hook);
	cleanup_close int link = bpf_obj_get(path);
	cleanup_close int prog = -EBADF;
	struct bpf_link_info link_info = { 0 };
	__u32 size = sizeof(link_info);

	memset(&info, 0, sizeof(info));
	if (link < 0 || bpf_obj_get_info_by_fd(link, &link_info, &size))
		return "";
	prog = bpf_prog_get_fd_by_id(link_info.prog_id);
	size = sizeof(info);
	if (prog >= 0)
		bpf_obj_get_info_by_fd(prog, &info, &size);
	return info.name;
}

/* Ids by which the kernel knows a pin; 0: there is none. */
static inline uint32_t sandbox_map_id(const char *name)
{
	cleanup_free char *path = pin_path(&box.paths, NULL, name);
	cleanup_close int fd = bpf_obj_get(path);
	struct bpf_map_info info = { 0 };
	__u32 size = sizeof(info);

	return fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size) ? 0 : info.id;
}

static inline struct bpf_link_info sandbox_link(const char *device, const char *hook)
{
	cleanup_free char *path = pin_link_path(&box.paths, device, hook);
	cleanup_close int fd = bpf_obj_get(path);
	struct bpf_link_info info = { 0 };
	__u32 size = sizeof(info);

	if (fd >= 0)
		bpf_obj_get_info_by_fd(fd, &info, &size);
	return info;
}

/* "native", "generic" or "none", as the kernel says. */
static inline const char *sandbox_xdp(const char *device)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);

	if (bpf_xdp_query((int)if_nametoindex(device), 0, &query))
		return "?";
	switch (query.attach_mode) {
	case XDP_ATTACHED_NONE:
		return "none";
	case XDP_ATTACHED_DRV:
		return "native";
	case XDP_ATTACHED_SKB:
		return "generic";
	default:
		return "several";
	}
}

#endif
