/* SPDX-License-Identifier: Apache-2.0 */
#include "user/datapath/handle.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "user/datapath/pin.h"
#include "user/datapath/sockets.h"
#include "user/util/cleanup.h"

const char *const shared_map_names[MAP_COUNT] = {
#define MAP_NAME(id, name) [MAP_##id] = #name,
	SHARED_MAPS(MAP_NAME)
#undef MAP_NAME
};

int handle_open_map(const struct paths *paths, enum shared_map map, int *ret_fd, struct err *err)
{
	cleanup_free char *path = pin_path(paths, NULL, shared_map_names[map]);
	int fd = bpf_obj_get(path);

	if (fd == -ENOENT)
		return err_set(err, fd, "nothing is attached (no %s): `lbctl attach DEV`", path);
	if (fd == -EPERM || fd == -EACCES)
		return err_set(err, fd, "no permission to open %s: run as root", path);
	if (fd < 0)
		return err_sys(err, fd, "cannot open %s", path);
	*ret_fd = fd;
	return 0;
}

int handle_read_meta(const struct paths *paths, struct lb_meta *ret_meta, struct err *err)
{
	cleanup_close int fd = -EBADF;
	struct lb_meta meta;
	__u32 key = 0;
	int r = handle_open_map(paths, MAP_META, &fd, err);

	if (r)
		return r;
	r = bpf_map_lookup_elem(fd, &key, &meta);
	if (r)
		return err_sys(err, r, "cannot read lb_meta");
	if (meta.magic != LB_MAGIC || meta.abi != LB_ABI)
		return err_set(err, -ENOENT,
			       "an attach was interrupted before it was complete: attach again");
	*ret_meta = meta;
	return 0;
}

static int map_region(struct datapath *dp, enum shared_map map, size_t item, void **ret_region,
		      struct err *err)
{
	void *region = mmap(NULL, (size_t)dp->max[map] * item, PROT_READ | PROT_WRITE, MAP_SHARED,
			    dp->map[map], 0);

	if (region == MAP_FAILED)
		return err_sys(err, -errno, "cannot map %s", shared_map_names[map]);
	*ret_region = region;
	return 0;
}

/* Takes note of a map's size. */
static int map_measure(struct datapath *dp, enum shared_map map, struct err *err)
{
	struct bpf_map_info info = { 0 };
	__u32 size = sizeof(info);
	int r = bpf_obj_get_info_by_fd(dp->map[map], &info, &size);

	if (r)
		return err_sys(err, r, "cannot read %s", shared_map_names[map]);
	dp->max[map] = info.max_entries;
	return 0;
}

static int maps_open(struct datapath *dp, const struct paths *paths, struct err *err)
{
	for (int i = 0; i < MAP_COUNT; i++) {
		int r = handle_open_map(paths, (enum shared_map)i, &dp->map[i], err);

		if (r == -ENOENT && i == MAP_SOCKET)
			continue;
		r = r ?: map_measure(dp, (enum shared_map)i, err);
		if (r)
			return r;
	}
	return 0;
}

static int maps_adopt(struct datapath *dp, const int fds[MAP_COUNT], struct err *err)
{
	for (int i = 0; i < MAP_COUNT; i++) {
		int r;

		if (fds[i] < 0)
			continue;
		dp->map[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 0);
		r = dp->map[i] < 0 ? err_sys(err, -errno, "cannot open %s", shared_map_names[i])
				   : map_measure(dp, (enum shared_map)i, err);
		if (r)
			return r;
	}
	return 0;
}

static int regions_map(struct datapath *dp, struct err *err)
{
	int r = map_region(dp, MAP_BACKEND, sizeof(*dp->backends), (void **)&dp->backends, err);

	dp->n_slots = dp->max[MAP_MAGLEV] * LB_MAGLEV_LINE;
	r = r
		    ?: map_region(dp, MAP_BACKEND_STATS, sizeof(*dp->counters),
				  (void **)&dp->counters, err);
	r = r
		    ?: map_region(dp, MAP_MAGLEV, sizeof(struct lb_maglev_line),
				  (void **)&dp->slots, err);
	return r ?: map_region(dp, MAP_BLOOM, sizeof(*dp->bloom), (void **)&dp->bloom, err);
}

static struct datapath *handle_new(void)
{
	struct datapath *dp = xcalloc(1, sizeof(*dp));

	for (int i = 0; i < MAP_COUNT; i++)
		dp->map[i] = -EBADF;
	dp->cpus = libbpf_num_possible_cpus();
	return dp;
}

int datapath_open(const struct paths *paths, struct datapath **ret, struct err *err)
{
	struct datapath *dp = handle_new();
	int r;

	dp->run = xstrdup(paths->run);
	r = dp->cpus < 0 ? err_sys(err, dp->cpus, "cannot count the CPUs") : 0;
	r = r ?: handle_read_meta(paths, &dp->meta, err);
	r = r ?: attach_state_load(paths, &dp->state, err);
	r = r ?: maps_open(dp, paths, err);
	r = r ?: regions_map(dp, err);
	if (r)
		datapath_close(dp);
	else
		*ret = dp;
	return r;
}

int handle_adopt(const int fds[MAP_COUNT], struct datapath **ret, struct err *err)
{
	struct datapath *dp = handle_new();
	int r = dp->cpus < 0 ? err_sys(err, dp->cpus, "cannot count the CPUs") : 0;

	r = r ?: maps_adopt(dp, fds, err);
	r = r ?: regions_map(dp, err);
	if (r)
		datapath_close(dp);
	else
		*ret = dp;
	return r;
}

void datapath_close(struct datapath *dp)
{
	if (!dp)
		return;
	if (dp->backends)
		munmap(dp->backends, dp->max[MAP_BACKEND] * sizeof(*dp->backends));
	if (dp->counters)
		munmap(dp->counters, dp->max[MAP_BACKEND_STATS] * sizeof(*dp->counters));
	if (dp->slots)
		munmap(dp->slots, dp->n_slots * sizeof(*dp->slots));
	if (dp->bloom)
		munmap(dp->bloom, dp->max[MAP_BLOOM] * sizeof(*dp->bloom));
	for (int i = 0; i < MAP_COUNT; i++)
		if (dp->map[i] >= 0)
			close(dp->map[i]);
	sockets_close(dp->iter);
	attach_state_done(&dp->state);
	free(dp->run);
	free(dp);
}

const struct lb_meta *datapath_meta(const struct datapath *dp)
{
	return &dp->meta;
}

const char *datapath_pods(const struct datapath *dp)
{
	return dp->state.pods;
}

const char *datapath_cgroup(const struct datapath *dp)
{
	return dp->state.cgroup;
}
