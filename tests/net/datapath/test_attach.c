/* SPDX-License-Identifier: Apache-2.0 */
/* Attach, upgrade, switch, refuse, roll back, detach; against the kernel. */
#include "tests/net/datapath/sandbox.h"

#include "lb_xdp.skel.h"

static const char *const mode_names[] = { "auto", "native", "generic", "tc" };

static int devices_up(void **state)
{
	if (sandbox_up(state))
		return -1;
	RUN("ip link add eth0 type veth peer name peer0 && ip link set eth0 up && "
	    "ip link set peer0 up && ip addr add 10.9.0.1/24 dev eth0 && "
	    "ip link add eth1.5 type veth peer name peer1 && ip link set eth1.5 up && "
	    "ip link add br0 type bridge && ip link set br0 up");
	return 0;
}

static void check_mode(const char *device, enum attach_mode mode)
{
	bool tc = mode == ATTACH_TC;

	if (mode == ATTACH_AUTO)
		mode = ATTACH_NATIVE;
	assert_string_equal(sandbox_xdp(device), tc ? "none" : mode_names[mode]);
	assert_string_equal(sandbox_link_program(device, "xdp"), tc ? "" : "lb_xdp");
	assert_string_equal(sandbox_link_program(device, "tc-ingress"),
			    tc ? "lb_tc_ingress" : "lb_tc_handoff");
	assert_string_equal(sandbox_link_program(device, "tc-egress"), "lb_tc_egress");
}

static void attach_in_every_mode(void **state)
{
	(void)state;
	for (enum attach_mode mode = ATTACH_AUTO; mode <= ATTACH_TC; mode++) {
		OK(sandbox_attach("eth0 eth1.5", mode, NULL, "none"));
		check_mode("eth0", mode);
		check_mode("eth1.5", mode);
		OK(sandbox_detach(NULL));
		assert_string_equal(sandbox_xdp("eth0"), "none");
	}
}

static void switch_between_modes(void **state)
{
	(void)state;
	for (enum attach_mode from = ATTACH_NATIVE; from <= ATTACH_TC; from++) {
		for (enum attach_mode to = ATTACH_NATIVE; to <= ATTACH_TC; to++) {
			OK(sandbox_attach("eth0", from, NULL, "none"));
			OK(sandbox_attach("eth0", to, NULL, "none"));
			check_mode("eth0", to);
			if (from != to && from != ATTACH_TC)
				CONTAINS(box.report, "no longer");
			/* Without --mode, what was chosen stays. */
			OK(sandbox_attach("eth0", ATTACH_AUTO, NULL, NULL));
			check_mode("eth0", to);
		}
	}
	OK(sandbox_detach(NULL));
}

static void upgrade_keeps_maps_and_links(void **state)
{
	struct bpf_link_info links[2], after;
	uint32_t flow4, frontend;
	uint64_t seed;
	struct datapath *dp;

	(void)state;
	OK(sandbox_attach("eth0", ATTACH_AUTO, NULL, "none"));
	links[0] = sandbox_link("eth0", "xdp");
	links[1] = sandbox_link("eth0", "tc-egress");
	flow4 = sandbox_map_id("lb_flow4");
	frontend = sandbox_map_id("lb_frontend");
	OK(datapath_open(&box.paths, &dp, &box.err));
	seed = datapath_meta(dp)->config.seed;
	datapath_close(dp);

	box.config.masquerade_all = true;
	OK(sandbox_attach("eth0", ATTACH_AUTO, NULL, "none"));
	box.config.masquerade_all = false;
	after = sandbox_link("eth0", "xdp");
	assert_int_equal(after.id, links[0].id);
	assert_int_not_equal(after.prog_id, links[0].prog_id);
	after = sandbox_link("eth0", "tc-egress");
	assert_int_equal(after.id, links[1].id);
	assert_int_not_equal(after.prog_id, links[1].prog_id);
	assert_int_equal(sandbox_map_id("lb_flow4"), flow4);
	assert_int_equal(sandbox_map_id("lb_frontend"), frontend);
	OK(datapath_open(&box.paths, &dp, &box.err));
	assert_true(datapath_meta(dp)->config.seed == seed);
	assert_int_equal(datapath_meta(dp)->config.masquerade_all, 1);
	datapath_close(dp);
	OK(sandbox_detach(NULL));
}

/* The tail-call array of the running program must hold its programs after any upgrade. */
static void tails_stay_filled(void **state)
{
	(void)state;
	OK(sandbox_attach("eth0", ATTACH_AUTO, NULL, "none"));
	OK(sandbox_attach("eth0", ATTACH_AUTO, NULL, "none"));
	for (__u32 i = 0; i < LB_TAIL_COUNT; i++) {
		cleanup_free char *path = pin_path(&box.paths, "prog", "lb_xdp_tail");
		cleanup_close int fd = bpf_obj_get(path);
		__u32 id = 0;

		assert_true(fd >= 0);
		assert_int_equal(bpf_map_lookup_elem(fd, &i, &id), 0);
		assert_true(id != 0);
	}
	OK(sandbox_detach(NULL));
}

static void further_device_keeps_the_first(void **state)
{
	(void)state;
	OK(sandbox_attach("eth0", ATTACH_GENERIC, NULL, "none"));
	OK(sandbox_attach("eth1.5", ATTACH_NATIVE, NULL, NULL));
	check_mode("eth0", ATTACH_GENERIC);
	check_mode("eth1.5", ATTACH_NATIVE);
	OK(sandbox_detach("eth0"));
	assert_string_equal(sandbox_xdp("eth0"), "none");
	assert_string_equal(sandbox_link_program("eth0", "tc-egress"), "");
	check_mode("eth1.5", ATTACH_NATIVE);
	assert_int_equal(sandbox_detach("eth0"), -ENODEV);
	CONTAINS(box.err.text, "attached are: eth1.5");
	OK(sandbox_detach("eth1.5"));
	assert_false(sandbox_exists("bpf"));
}

/* ---------------------------------------------------------------- refusals -- */

static void unknown_device(void **state)
{
	(void)state;
	assert_int_equal(sandbox_attach("eth9", ATTACH_AUTO, NULL, "none"), -ENODEV);
	CONTAINS(box.err.text, "eth9");
	assert_int_equal(sandbox_attach("", ATTACH_AUTO, NULL, "none"), -EINVAL);
	assert_false(sandbox_exists("bpf"));
}

/* Large frames come in several buffers, and native XDP takes them. */
static void native_takes_jumbo_frames(void **state)
{
	(void)state;
	RUN("ip link set eth0 mtu 9000; ip link set peer0 mtu 9000");
	OK(sandbox_attach("eth0", ATTACH_NATIVE, NULL, "none"));
	check_mode("eth0", ATTACH_NATIVE);
	OK(sandbox_detach(NULL));
	RUN("ip link set eth0 mtu 1500; ip link set peer0 mtu 1500");
}

/* A veth refuses when its peer sends on more queues than it receives on. */
static void native_is_refused(void **state)
{
	(void)state;
	RUN("ip link add few numrxqueues 1 numtxqueues 1 mtu 9000 type veth "
	    "peer name many numrxqueues 4 numtxqueues 4 mtu 9000");
	RUN("ip link set few up; ip link set many up");
	assert_int_not_equal(sandbox_attach("few", ATTACH_NATIVE, NULL, "none"), 0);
	CONTAINS(box.err.text, "driver veth");
	CONTAINS(box.err.text, "queues");
	CONTAINS(box.err.text, "MTU 9000");
	CONTAINS(box.err.text, "--mode generic or tc");
	assert_false(sandbox_exists("bpf"));
	assert_string_equal(box.report, "");

	OK(sandbox_attach("few", ATTACH_AUTO, NULL, "none"));
	check_mode("few", ATTACH_TC);
	CONTAINS(box.report, "queues");
	OK(sandbox_detach(NULL));
	RUN("ip link del few");
}

/* What was refused once is tried again, and taken when the reason is gone. */
static void native_after_all(void **state)
{
	(void)state;
	RUN("ip link add few numrxqueues 4 numtxqueues 1 type veth "
	    "peer name many numrxqueues 1 numtxqueues 4");
	RUN("ethtool -L few rx 1; ip link set few up; ip link set many up");
	OK(sandbox_attach("few", ATTACH_AUTO, NULL, "none"));
	check_mode("few", ATTACH_TC);
	RUN("ethtool -L few rx 4");
	OK(sandbox_attach("few", ATTACH_AUTO, NULL, "none"));
	check_mode("few", ATTACH_NATIVE);
	OK(sandbox_detach(NULL));
	RUN("ip link del few");
}

/* A failing second device must not disturb the first, nor leave anything of its own. */
static void failure_rolls_back(void **state)
{
	struct bpf_link_info before;
	struct datapath *dp;

	(void)state;
	OK(sandbox_attach("eth0", ATTACH_GENERIC, NULL, "none"));
	before = sandbox_link("eth0", "xdp");
	box.config.masquerade_all = true;
	assert_int_not_equal(sandbox_attach("eth0 br0", ATTACH_NATIVE, NULL, NULL), 0);
	box.config.masquerade_all = false;
	CONTAINS(box.err.text, "br0: driver bridge");
	check_mode("eth0", ATTACH_GENERIC);
	assert_int_equal(sandbox_link("eth0", "xdp").prog_id, before.prog_id);
	assert_string_equal(sandbox_link_program("br0", "tc-egress"), "");
	OK(datapath_open(&box.paths, &dp, &box.err));
	assert_int_equal(datapath_meta(dp)->config.masquerade_all, 0);
	datapath_close(dp);
	OK(sandbox_detach(NULL));
}

static void another_flow_table_size(void **state)
{
	struct bpf_link_info before;

	(void)state;
	OK(sandbox_attach("eth0", ATTACH_AUTO, NULL, "none"));
	before = sandbox_link("eth0", "xdp");
	box.config.flows = 8192;
	assert_int_equal(sandbox_attach("eth0", ATTACH_AUTO, NULL, NULL), -EEXIST);
	box.config.flows = 4096;
	CONTAINS(box.err.text, "set flows: 4096");
	assert_int_equal(sandbox_link("eth0", "xdp").prog_id, before.prog_id);
	OK(sandbox_detach(NULL));
}

static void foreign_xdp_program(void **state)
{
	struct lb_xdp *skel = lb_xdp__open_and_load();
	int ifindex = (int)if_nametoindex("eth0");

	(void)state;
	assert_non_null(skel);
	assert_int_equal(bpf_xdp_attach(ifindex, bpf_program__fd(skel->progs.lb_xdp_slow4),
					XDP_FLAGS_SKB_MODE, NULL),
			 0);
	assert_int_equal(sandbox_attach("eth0", ATTACH_AUTO, NULL, "none"), -EBUSY);
	CONTAINS(box.err.text, "\"lb_xdp_slow4\"");
	assert_string_equal(sandbox_xdp("eth0"), "generic");
	OK(sandbox_attach("eth0", ATTACH_TC, NULL, "none"));
	assert_string_equal(sandbox_xdp("eth0"), "generic");
	OK(sandbox_detach(NULL));
	bpf_xdp_detach(ifindex, XDP_FLAGS_SKB_MODE, NULL);
	lb_xdp__destroy(skel);
}

static void another_network_namespace(void **state)
{
	cleanup_close int home = -EBADF;

	(void)state;
	OK(sandbox_attach("eth0", ATTACH_AUTO, NULL, "none"));
	home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	assert_true(home >= 0);
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	RUN("ip link add eth0 type dummy 2>/dev/null || ip link add eth0 type veth");
	assert_int_equal(sandbox_attach("eth0", ATTACH_AUTO, NULL, NULL), -EXDEV);
	CONTAINS(box.err.text, "another network namespace");
	assert_int_equal(datapath_attach_pods(&box.paths, &box.err), -EXDEV);
	assert_int_equal(setns(home, CLONE_NEWNET), 0);
	check_mode("eth0", ATTACH_NATIVE);
	OK(sandbox_detach(NULL));
}

/* ------------------------------------------------------------ left-overs -- */

static void device_made_anew(void **state)
{
	(void)state;
	OK(sandbox_attach("eth0 eth1.5", ATTACH_AUTO, NULL, "none"));
	RUN("ip link del eth1.5; ip link add eth1.5 type veth peer name peer1");
	OK(sandbox_attach("eth1.5", ATTACH_AUTO, NULL, NULL));
	check_mode("eth0", ATTACH_AUTO);
	check_mode("eth1.5", ATTACH_AUTO);
	RUN("ip link del eth1.5");
	OK(sandbox_attach("eth0", ATTACH_AUTO, NULL, NULL));
	CONTAINS(box.report, "eth1.5");
	CONTAINS(box.report, "forgotten");
	assert_string_equal(sandbox_link_program("eth1.5", "xdp"), "");
	RUN("ip link add eth1.5 type veth peer name peer1");
	OK(sandbox_detach(NULL));
}

static void killed_attach_is_swept(void **state)
{
	cleanup_free char *stale = pin_path(&box.paths, "prog-1", "lb_xdp");
	cleanup_free char *folder = pin_path(&box.paths, NULL, "prog-1");
	cleanup_free char *prog = pin_path(&box.paths, "prog", "lb_xdp");
	cleanup_close int fd = -EBADF;

	(void)state;
	OK(sandbox_attach("eth0", ATTACH_AUTO, NULL, "none"));
	fd = bpf_obj_get(prog);
	assert_int_equal(mkdir(folder, 0700), 0);
	assert_int_equal(bpf_obj_pin(fd, stale), 0);
	OK(sandbox_attach("eth0", ATTACH_AUTO, NULL, NULL));
	assert_int_not_equal(access(folder, F_OK), 0);
	/* Killed before lb_meta was written: maps of any size are in nobody's way. */
	OK(sandbox_detach(NULL));
	OK(sandbox_attach("eth0", ATTACH_AUTO, NULL, "none"));
	cleanup_free char *meta = pin_path(&box.paths, NULL, "lb_meta");

	assert_int_equal(unlink(meta), 0);
	box.config.flows = 8192;
	OK(sandbox_attach("eth0", ATTACH_AUTO, NULL, "none"));
	box.config.flows = 4096;
	OK(sandbox_detach(NULL));
}

static const char *reserved_ports(void)
{
	static char text[64];
	cleanup_fclose FILE *in = fopen("/proc/sys/net/ipv4/ip_local_reserved_ports", "re");

	assert_non_null(in);
	if (!fgets(text, sizeof(text), in))
		text[0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return text;
}

static void ports_are_reserved(void **state)
{
	(void)state;
	RUN("sysctl -qw net.ipv4.ip_local_reserved_ports=8080,29990-30010");
	OK(sandbox_attach("eth0", ATTACH_AUTO, NULL, "none"));
	assert_string_equal(reserved_ports(), "8080,10000-30010");
	box.config.snat_first = 20000;
	OK(sandbox_attach("eth0", ATTACH_AUTO, NULL, NULL));
	assert_string_equal(reserved_ports(), "8080,20000-30010");
	box.config.snat_first = 10000;
	OK(sandbox_detach(NULL));
	assert_string_equal(reserved_ports(), "8080,29990-30010");
	RUN("sysctl -qw net.ipv4.ip_local_reserved_ports=");
}

/* The kernel frees after a grace period. */
static void check_gone(int (*open_by_id)(__u32 id), uint32_t id)
{
	int fd = 0;

	assert_true(id != 0);
	for (int tries = 0; tries < 100; tries++) {
		fd = open_by_id(id);
		if (fd == -ENOENT)
			return;
		close(fd);
		usleep(50000);
	}
	fail_msg("id %u is still there", id);
}

/* Programs, maps and links by id: after detach the kernel knows none of them any more. */
static void detach_leaves_nothing(void **state)
{
	static const char *const maps[] = { "lb_flow4", "lb_maglev", "lb_meta", "lb_device" };
	static const char *const hooks[] = { "xdp", "tc-ingress", "tc-egress" };
	uint32_t map_ids[ARRAY_LEN(maps)];
	struct bpf_link_info links[ARRAY_LEN(hooks)];

	(void)state;
	OK(sandbox_attach("eth0", ATTACH_AUTO, NULL, "none"));
	for (size_t i = 0; i < ARRAY_LEN(maps); i++)
		map_ids[i] = sandbox_map_id(maps[i]);
	for (size_t i = 0; i < ARRAY_LEN(hooks); i++)
		links[i] = sandbox_link("eth0", hooks[i]);
	OK(sandbox_detach(NULL));
	assert_false(sandbox_exists("bpf"));
	assert_false(sandbox_exists("run/attach.json"));
	for (size_t i = 0; i < ARRAY_LEN(maps); i++)
		check_gone(bpf_map_get_fd_by_id, map_ids[i]);
	for (size_t i = 0; i < ARRAY_LEN(hooks); i++) {
		check_gone(bpf_link_get_fd_by_id, links[i].id);
		check_gone(bpf_prog_get_fd_by_id, links[i].prog_id);
	}
	assert_int_equal(sandbox_detach(NULL), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(attach_in_every_mode),
		cmocka_unit_test(switch_between_modes),
		cmocka_unit_test(upgrade_keeps_maps_and_links),
		cmocka_unit_test(tails_stay_filled),
		cmocka_unit_test(further_device_keeps_the_first),
		cmocka_unit_test(unknown_device),
		cmocka_unit_test(native_takes_jumbo_frames),
		cmocka_unit_test(native_is_refused),
		cmocka_unit_test(native_after_all),
		cmocka_unit_test(failure_rolls_back),
		cmocka_unit_test(another_flow_table_size),
		cmocka_unit_test(foreign_xdp_program),
		cmocka_unit_test(another_network_namespace),
		cmocka_unit_test(device_made_anew),
		cmocka_unit_test(killed_attach_is_swept),
		cmocka_unit_test(ports_are_reserved),
		cmocka_unit_test(detach_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, devices_up, sandbox_down);
}
