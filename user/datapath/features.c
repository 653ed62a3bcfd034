/* SPDX-License-Identifier: Apache-2.0 */
#include "user/datapath/features.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <unistd.h>

#include "user/datapath/link.h"
#include "user/datapath/sockets_end.h"
#include "user/util/cleanup.h"

/* r0 = value; exit */
#define PROGRAM(value)                                                                 \
	{                                                                              \
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = (value) }, \
			{ .code = BPF_JMP | BPF_EXIT },                                \
	}

static int program_load(enum bpf_prog_type type, struct bpf_prog_load_opts *options, int value)
{
	const struct bpf_insn program[] = PROGRAM(value);

	return bpf_prog_load(type, NULL, "GPL", program, ARRAY_LEN(program), options);
}

/* Takes a descriptor, or a negative errno. */
static int found(int fd)
{
	if (fd < 0)
		return fd == -EPERM ? fd : 0;
	close(fd);
	return 1;
}

static int all_found(const int *results, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (results[i] != 1)
			return results[i];
	return 1;
}

/* ------------------------------------------------------------------ required -- */

static int btf_try(void)
{
	struct btf *btf = btf__load_vmlinux_btf();

	if (libbpf_get_error(btf))
		return 0;
	btf__free(btf);
	return 1;
}

static int xdp_frags_try(void)
{
	LIBBPF_OPTS(bpf_prog_load_opts, options, .prog_flags = BPF_F_XDP_HAS_FRAGS);

	return found(program_load(BPF_PROG_TYPE_XDP, &options, XDP_PASS));
}

/* The loopback device has no native mode: a kernel with links says so, others know no such request.
 */
static int xdp_link_try(void)
{
	LIBBPF_OPTS(bpf_link_create_opts, options, .flags = XDP_FLAGS_DRV_MODE);
	cleanup_close int fd = program_load(BPF_PROG_TYPE_XDP, NULL, XDP_PASS);
	int link = fd;

	if (fd >= 0)
		link = bpf_link_create(fd, (int)if_nametoindex("lo"), BPF_XDP, &options);
	return link == -EOPNOTSUPP || link == -EEXIST ? 1 : found(link);
}

static int mapped_maps_try(void)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);

	return found(bpf_map_create(BPF_MAP_TYPE_ARRAY, NULL, 4, 64, 1, &options));
}

static int ring_buffer_try(void)
{
	return libbpf_probe_bpf_map_type(BPF_MAP_TYPE_RINGBUF, NULL);
}

static int fib_lookup_try(void)
{
	const int results[] = {
		libbpf_probe_bpf_helper(BPF_PROG_TYPE_XDP, BPF_FUNC_fib_lookup, NULL),
		libbpf_probe_bpf_helper(BPF_PROG_TYPE_SCHED_CLS, BPF_FUNC_fib_lookup, NULL),
	};

	return all_found(results, ARRAY_LEN(results));
}

static int redirect_neigh_try(void)
{
	return libbpf_probe_bpf_helper(BPF_PROG_TYPE_SCHED_CLS, BPF_FUNC_redirect_neigh, NULL);
}

/* ------------------------------------------------------------------ optional -- */

static int tcx_try(void)
{
	__u32 n = 0;
	unsigned int loopback = if_nametoindex("lo");
	int r = bpf_prog_query((int)loopback, (enum bpf_attach_type)LINK_TCX_INGRESS, 0, NULL, NULL,
			       &n);

	return r ? found(r) : 1;
}

static int socket_hooks_try(void)
{
	LIBBPF_OPTS(bpf_prog_load_opts, connect, .expected_attach_type = BPF_CGROUP_INET4_CONNECT);
	LIBBPF_OPTS(bpf_prog_load_opts, peer, .expected_attach_type = BPF_CGROUP_INET4_GETPEERNAME);
	const int results[] = {
		found(program_load(BPF_PROG_TYPE_CGROUP_SOCK_ADDR, &connect, 1)),
		found(program_load(BPF_PROG_TYPE_CGROUP_SOCK_ADDR, &peer, 1)),
		libbpf_probe_bpf_helper(BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_FUNC_sk_storage_get,
					NULL),
	};

	return all_found(results, ARRAY_LEN(results));
}

static int set_retval_try(void)
{
	return libbpf_probe_bpf_helper(BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_FUNC_set_retval, NULL);
}

/* What an iterator is attached to is a function's number in the kernel's types. */
static int file_iterator_try(void)
{
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = BPF_TRACE_ITER);
	struct btf *btf = btf__load_vmlinux_btf();
	int id;

	if (libbpf_get_error(btf))
		return 0;
	id = btf__find_by_name_kind(btf, "bpf_iter_task_file", BTF_KIND_FUNC);
	btf__free(btf);
	if (id <= 0)
		return 0;
	options.attach_btf_id = (__u32)id;
	return found(program_load(BPF_PROG_TYPE_TRACING, &options, 0));
}

static int test_run_try(void)
{
	unsigned char frame[64] = { 0 };
	/* Zeros are a frame, too: nobody looks into it. */
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = sizeof(frame));
	cleanup_close int fd = program_load(BPF_PROG_TYPE_XDP, NULL, XDP_PASS);

	if (fd < 0)
		return found(fd);
	return !bpf_prog_test_run_opts(fd, &options) && options.retval == XDP_PASS;
}

const struct feature features[] = {
	{ "btf", "programs find the kernel's types", NULL, btf_try },
	{ "xdp-links", "programs at network devices, replaced in one step", NULL, xdp_link_try },
	{ "xdp-frags", "devices with an MTU above a page", NULL, xdp_frags_try },
	{ "mapped-maps", "flow tables that are read while they change", NULL, mapped_maps_try },
	{ "ring-buffer", "events of lbctl monitor", NULL, ring_buffer_try },
	{ "fib-lookup", "the next hop of what is sent on", NULL, fib_lookup_try },
	{ "redirect-neigh", "the neighbour of a masqueraded packet", NULL, redirect_neigh_try },
	{ "set-retval", "a process is refused as by a closed port", NULL, set_retval_try },
	{ "tcx", "TC programs that live beside those of others", "filters of clsact", tcx_try },
	{ "socket-hooks", "connections are translated once, when they are made",
	  "attach --cgroup none: packets are, by TC", socket_hooks_try },
	{ "file-iterator", "sockets of former backends are found", "they last until they end",
	  file_iterator_try },
	{ "end-sockets", "and ended", "they last until they end", sockets_end_try },
	{ "test-runs", "lbctl explain asks the programs", "explain does not work", test_run_try },
	{ 0 },
};

int features_permitted(struct err *err)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, NULL, 4, 4, 1, NULL);

	/* What is missing is an answer here, not a warning. */
	libbpf_set_print(NULL);
	if (fd < 0)
		return err_sys(err, fd, "cannot make a map");
	close(fd);
	return 0;
}
