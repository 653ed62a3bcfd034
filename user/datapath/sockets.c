/* SPDX-License-Identifier: Apache-2.0 */
#include "user/datapath/sockets.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "lb_iter.skel.h"
#include "user/datapath/handle.h"
#include "user/datapath/sockets_end.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"

/* ------------------------------------------------------------ the iterator -- */

/* Its two maps are those of the hooks. What else its headers speak of is not made. */
static int iter_maps_prepare(const struct datapath *dp, struct lb_iter *iter)
{
	struct bpf_map *map;
	int r;

	bpf_object__for_each_map (map, iter->obj) {
		if (map == iter->maps.lb_backend)
			r = bpf_map__reuse_fd(map, dp->map[MAP_BACKEND]);
		else if (map == iter->maps.lb_socket)
			r = bpf_map__reuse_fd(map, dp->map[MAP_SOCKET]);
		else
			r = bpf_map__set_autocreate(map, false);
		if (r)
			return r;
	}
	return 0;
}

static int iter_open(struct datapath *dp, struct err *err)
{
	libbpf_print_fn_t before = libbpf_set_print(NULL);
	struct lb_iter *iter = lb_iter__open();
	int r = iter ? iter_maps_prepare(dp, iter) : -errno;

	r = r ?: lb_iter__load(iter);
	libbpf_set_print(before);
	if (r) {
		sockets_close(iter);
		return err_sys(err, r, "cannot load the program that looks for them");
	}
	dp->iter = iter;
	return 0;
}

void sockets_close(struct lb_iter *iter)
{
	lb_iter__destroy(iter);
}

static int iter_begin(const struct datapath *dp, int *ret_fd, struct err *err)
{
	struct bpf_link *link = bpf_program__attach_iter(dp->iter->progs.lb_void_sockets, NULL);
	int fd;

	if (!link)
		return err_sys(err, -errno, "cannot look through open files");
	fd = bpf_iter_create(bpf_link__fd(link));
	bpf_link__destroy(link); /* what reads it keeps it */
	if (fd < 0)
		return err_sys(err, fd, "cannot look through open files");
	*ret_fd = fd;
	return 0;
}

/* -------------------------------------------------------------------- sweep -- */

static int voids_read(int fd, struct void_list *list, struct err *err)
{
	VEC(char) bytes = { 0 };
	char buffer[64 * sizeof(struct lb_void_socket)];
	ssize_t n;

	/* A record may come in two pieces. */
	while ((n = read(fd, buffer, sizeof(buffer))) > 0 || (n < 0 && errno == EINTR)) {
		for (ssize_t i = 0; i < n; i++)
			vec_push(&bytes, buffer[i]);
	}
	if (n < 0) {
		vec_free(&bytes);
		return err_sys(err, -errno, "cannot look through open files");
	}
	for (size_t at = 0; at + sizeof(*list->items) <= bytes.n; at += sizeof(*list->items))
		memcpy(vec_add(list), bytes.items + at, sizeof(*list->items));
	vec_free(&bytes);
	return 0;
}

int sockets_sweep(struct datapath *dp, size_t *ret_ended, struct err *err)
{
	struct void_list list = { 0 };
	cleanup_close int fd = -EBADF;
	size_t ended = 0;
	int r;

	if (dp->map[MAP_SOCKET] < 0) {
		*ret_ended = 0;
		return 0;
	}
	r = dp->iter ? 0 : iter_open(dp, err);
	if (!dp->iter)
		return r;
	r = iter_begin(dp, &fd, err);
	r = r ?: voids_read(fd, &list, err);
	if (!r && list.n)
		r = sockets_end(&list, &ended, err);
	vec_free(&list);
	if (!r)
		*ret_ended = ended;
	return r;
}
