/* SPDX-License-Identifier: Apache-2.0 */
/* Pod-facing devices, socket hooks, and TC filters where there is no tcx. */
#include "tests/net/datapath/sandbox.h"

#include "user/datapath/devices.h"
#include "user/datapath/filter.h"
#include "user/datapath/handle.h"
#include "user/datapath/hooks.h"

static int devices_up(void **state)
{
	if (sandbox_up(state))
		return -1;
	RUN("ip link add eth0 type veth peer name peer0 && ip link set eth0 up && "
	    "ip link set peer0 up && ip addr add 10.9.0.1/24 dev eth0 && "
	    "ip addr add fd09::1/64 dev eth0 nodad && "
	    "for i in 1 2; do ip link add pod$i type veth peer name inner$i; done");
	return 0;
}

/* "pod1 pod", "eth0 native": one word each, in the order of the list. */
static void check_devices(const char *want)
{
	struct addr_list addresses = { 0 };
	struct datapath_devices devices;
	struct datapath *dp;
	char got[256] = "";

	OK(datapath_open(&box.paths, &dp, &box.err));
	OK(datapath_refresh_devices(dp, &box.config, &addresses, &box.err));
	OK(datapath_read_devices(dp, &devices, &box.err));
	for (size_t i = 0; i < devices.n; i++) {
		char v4[ADDR_TEXT], v6[ADDR_TEXT];
		size_t used = strlen(got);

		snprintf(got + used, sizeof(got) - used, "%s %s %s %s;", devices.items[i].name,
			 devices.items[i].mode, addr_format(&devices.items[i].value.addr4, v4),
			 addr_format(&devices.items[i].value.addr6, v6));
	}
	assert_string_equal(got, want);
	vec_free(&devices);
	vec_free(&addresses);
	datapath_close(dp);
}

static void check_pod(const char *device, bool attached)
{
	assert_string_equal(sandbox_link_program(device, "tc-ingress"),
			    attached ? "lb_tc_ingress" : "");
	assert_string_equal(sandbox_link_program(device, "tc-egress"),
			    attached ? "lb_tc_egress" : "");
}

/* -------------------------------------------------------------------- pods -- */

static void pods_come_and_go(void **state)
{
	(void)state;
	OK(sandbox_attach("eth0", ATTACH_AUTO, "pod*", "none"));
	check_pod("pod1", true);
	check_pod("inner1", false);
	check_devices("eth0 native 10.9.0.1 fd09::1;pod1 pod 10.9.0.1 fd09::1;"
		      "pod2 pod 10.9.0.1 fd09::1;");

	RUN("ip link del pod1; ip link add pod3 type veth peer name inner3");
	check_pod("pod3", false);
	OK(datapath_attach_pods(&box.paths, &box.err));
	check_pod("pod1", false);
	check_pod("pod3", true);
	check_devices("eth0 native 10.9.0.1 fd09::1;pod2 pod 10.9.0.1 fd09::1;"
		      "pod3 pod 10.9.0.1 fd09::1;");

	OK(sandbox_attach("eth0", ATTACH_AUTO, "inner*", NULL));
	check_pod("pod2", false);
	check_pod("inner2", true);
	OK(sandbox_detach("eth0"));
	check_pod("inner2", false);
	RUN("ip link del pod3; ip link add pod1 type veth peer name inner1");
}

static void nic_is_no_pod(void **state)
{
	(void)state;
	OK(sandbox_attach("eth0", ATTACH_TC, "*", "none"));
	assert_string_equal(sandbox_link_program("lo", "tc-ingress"), "");
	check_pod("pod1", true);
	OK(sandbox_attach("pod1", ATTACH_GENERIC, NULL, NULL));
	assert_string_equal(sandbox_link_program("pod1", "tc-ingress"), "lb_tc_handoff");
	OK(sandbox_detach(NULL));
}

static void pods_alone(void **state)
{
	(void)state;
	OK(sandbox_attach("", ATTACH_AUTO, "pod*", "none"));
	check_pod("pod1", true);
	check_devices("pod1 pod :: ::;pod2 pod :: ::;");
	OK(sandbox_detach(NULL));
	assert_false(sandbox_exists("bpf"));
}

/* ----------------------------------------------------------------- addresses -- */

static void addresses_follow(void **state)
{
	struct lb_addr node4 = addr_from_v4(htonl(0xc0000209));

	(void)state;
	OK(sandbox_attach("eth0", ATTACH_AUTO, "pod1", "none"));
	RUN("ip addr del 10.9.0.1/24 dev eth0; ip addr add 10.9.0.7/24 dev eth0");
	check_devices("eth0 native 10.9.0.7 fd09::1;pod1 pod 10.9.0.7 fd09::1;");
	RUN("ip addr del 10.9.0.7/24 dev eth0");
	check_devices("eth0 native :: fd09::1;pod1 pod :: fd09::1;");
	box.config.node_addresses = (struct addr_list){ .items = &node4, .n = 1 };
	check_devices("eth0 native 192.0.2.9 fd09::1;pod1 pod 192.0.2.9 fd09::1;");
	box.config.node_addresses = (struct addr_list){ 0 };
	RUN("ip addr add 10.9.0.1/24 dev eth0");
	OK(sandbox_detach(NULL));
}

/* ------------------------------------------------------------------- sockets -- */

static char *cgroup_new(const char *name)
{
	char *path = xasprintf("%s/tree/%s", box.root, name);

	RUN("mkdir -p %s/tree; mountpoint -q %s/tree || mount -t cgroup2 none %s/tree", box.root,
	    box.root, box.root);
	RUN("mkdir -p %s", path);
	return path;
}

static void check_sockets(const char *cgroup, bool attached)
{
	struct stat st;

	assert_int_equal(stat(cgroup, &st), 0);
	for (const char *const *hook =
		     (const char *const[]){ "connect4", "connect6", "sendmsg4", "sendmsg6",
					    "recvmsg4", "recvmsg6", "getpeername4", "getpeername6",
					    NULL };
	     *hook; hook++) {
		cleanup_free char *program = xasprintf("lb_%s", *hook);

		assert_string_equal(sandbox_link_program("cgroup", *hook), attached ? program : "");
		if (attached)
			assert_int_equal(sandbox_link("cgroup", *hook).cgroup.cgroup_id, st.st_ino);
	}
}

static void sockets_of_a_cgroup(void **state)
{
	cleanup_free char *one = cgroup_new("lbt-one"), *two = cgroup_new("lbt-two");
	uint32_t storage;

	(void)state;
	OK(sandbox_attach("eth0", ATTACH_AUTO, NULL, one));
	check_sockets(one, true);
	storage = sandbox_map_id("lb_socket");
	OK(sandbox_attach("eth0", ATTACH_AUTO, NULL, NULL)); /* stays where it was */
	check_sockets(one, true);
	OK(sandbox_attach("eth0", ATTACH_AUTO, NULL, two));
	check_sockets(two, true);
	assert_int_equal(sandbox_map_id("lb_socket"), storage);
	OK(sandbox_attach("eth0", ATTACH_AUTO, NULL, "none"));
	check_sockets(two, false);
	OK(sandbox_detach(NULL));
	assert_int_not_equal(sandbox_attach("eth0", ATTACH_AUTO, NULL, box.root), 0);
	CONTAINS(box.err.text, "not a cgroup v2 folder");
	assert_false(sandbox_exists("bpf"));
	RUN("rmdir %s %s && umount %s/tree", one, two, box.root);
}

/* --------------------------------------------------------------- TC filters -- */

static int tcx_unknown(const char *path, const struct link_spec *spec, int prog_fd)
{
	(void)path;
	(void)spec;
	(void)prog_fd;
	return -EINVAL;
}

static void filters_are(const char *device, const char *ingress, const char *egress)
{
	RUN("test \"$(tc filter show dev %s ingress | grep -o 'lb_tc_[a-z]*' | head -1)\" = '%s'",
	    device, ingress);
	RUN("test \"$(tc filter show dev %s egress | grep -o 'lb_tc_[a-z]*' | head -1)\" = '%s'",
	    device, egress);
}

static void clsact_is(const char *device, bool there)
{
	RUN("%s tc qdisc show dev %s | grep -q clsact", there ? "" : "!", device);
}

/* The hooks of pods by filters, on an instance that is attached in the usual way. */
static void filters_without_tcx(void **state)
{
	struct attach_state attached = { .pods = (char *)"pod*" };
	struct device_view view = { 0 };
	struct programs programs;
	struct hooks hooks = { .paths = &box.paths,
			       .state = &attached,
			       .was = &attached,
			       .programs = &programs,
			       .view = &view,
			       .attach_tcx = tcx_unknown };

	(void)state;
	OK(sandbox_attach("eth0", ATTACH_AUTO, NULL, "none"));
	programs_open(&box.paths, &programs);
	OK(handle_open_map(&box.paths, MAP_DEVICE, &hooks.device_map, &box.err));
	RUN("tc qdisc add dev pod2 clsact");
	for (int again = 0; again < 2; again++) { /* replaced in place */
		OK(hooks_attach_pods(&hooks, false, &box.err));
		filters_are("pod1", "lb_tc_ingress", "lb_tc_egress");
		filters_are("pod2", "lb_tc_ingress", "lb_tc_egress");
		RUN("test $(tc filter show dev pod1 ingress | grep -c lb_tc_) = 1");
		assert_int_equal(attached.filters.n, 2);
	}
	OK(attach_state_save(&box.paths, &attached, &box.err)); /* as a later process sees it */
	vec_free(&attached.filters);
	OK(attach_state_load(&box.paths, &attached, &box.err));
	free(attached.pods);
	attached.pods = NULL;
	hooks_prune(&hooks);
	filters_are("pod1", "", "");
	filters_are("pod2", "", "");
	clsact_is("pod1", false);
	clsact_is("pod2", true); /* it was there before */
	RUN("tc qdisc del dev pod2 clsact");
	close(hooks.device_map);
	programs_close(&programs);
	attach_state_done(&attached);
	OK(sandbox_detach(NULL));
}

static void clsact_with_others_stays(void **state)
{
	struct programs programs;
	int ifindex = (int)if_nametoindex("pod1");
	bool qdisc;

	(void)state;
	OK(sandbox_attach("eth0", ATTACH_AUTO, NULL, "none"));
	programs_open(&box.paths, &programs);
	assert_int_equal(filter_attach(ifindex, false, programs.fd[PROGRAM_TC_INGRESS], &qdisc), 0);
	assert_true(qdisc);
	RUN("tc filter add dev pod1 egress prio 7 bpf da pinned %s/bpf/v2/prog/lb_tc_slow4",
	    box.root);
	filter_remove(ifindex, qdisc);
	filters_are("pod1", "", "lb_tc_slow");
	clsact_is("pod1", true);
	RUN("tc qdisc del dev pod1 clsact");
	programs_close(&programs);
	OK(sandbox_detach(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pods_come_and_go),
		cmocka_unit_test(nic_is_no_pod),
		cmocka_unit_test(pods_alone),
		cmocka_unit_test(addresses_follow),
		cmocka_unit_test(sockets_of_a_cgroup),
		cmocka_unit_test(filters_without_tcx),
		cmocka_unit_test(clsact_with_others_stays),
	};

	return cmocka_run_group_tests(tests, devices_up, sandbox_down);
}
