/* SPDX-License-Identifier: Apache-2.0 */
/* What of the datapath needs no kernel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/datapath/clock.h"
#include "user/datapath/devices.h"
#include "user/datapath/pin.h"
#include "user/datapath/settings.h"
#include "user/datapath/state.h"
#include "user/util/cleanup.h"

/* --------------------------------------------------------------------- clock -- */

static const struct {
	const char *name;
	uint64_t jiffies, ns;
	uint32_t hz;
} clock_rows[] = {
	{ "100", 4, 40000000, 100 },
	{ "250", 10, 40000000, 250 },
	{ "300", 12, 40000000, 300 },
	{ "1000", 40, 40000000, 1000 },
	{ "250, a little late", 10, 41500000, 250 },
	{ "between 250 and 300", 11, 40000000, 0 },
	{ "nothing near", 20, 40000000, 0 },
	{ "no jiffies", 0, 0, 0 },
};

static void nearest_hz(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(clock_rows); i++) {
		uint32_t hz = clock_nearest_hz(clock_rows[i].jiffies, clock_rows[i].ns);

		if (hz != clock_rows[i].hz)
			fail_msg("%s: %u", clock_rows[i].name, hz);
	}
}

/* ------------------------------------------------------------- configuration -- */

static void flow_sets(void **state)
{
	static const struct {
		uint32_t flows, sets;
	} rows[] = { { 0, 1 },
		     { 1, 1 },
		     { 4, 1 },
		     { 5, 2 },
		     { 4096, 1024 },
		     { 4097, 2048 },
		     { 1000, 256 },
		     { 1 << 18, 1 << 16 },
		     { UINT32_MAX, 1u << 30 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(settings_flow_sets(rows[i].flows), rows[i].sets);
}

static struct config config_of(struct flow_timeouts timeouts)
{
	return (struct config){
		.snat_first = 10000, .snat_last = 10000, .flows = 4096, .timeouts = timeouts
	};
}

static void config_in_jiffies(void **state)
{
	const struct config config = config_of((struct flow_timeouts){ 60, 86400, 30, 20, 180 });
	struct lb_config lb;

	(void)state;
	assert_int_equal(settings_make(&config, 250, 42, &lb, NULL), 0);
	assert_true(lb.seed == 42);
	assert_int_equal(lb.snat_first, 10000);
	assert_int_equal(lb.snat_count, 1);
	assert_int_equal(lb.flow4_mask, 1023);
	assert_int_equal(lb.tcp_timeout[LB_FLOW_HALF_OPEN], 15000);
	assert_int_equal(lb.tcp_timeout[LB_FLOW_REPLIED], 15000);
	assert_int_equal(lb.tcp_timeout[LB_FLOW_ESTABLISHED], 21600000);
	assert_int_equal(lb.tcp_timeout[LB_FLOW_CLOSED], 7500);
	assert_int_equal(lb.udp_timeout[LB_FLOW_HALF_OPEN], 5000);
	assert_int_equal(lb.udp_timeout[LB_FLOW_ESTABLISHED], 45000);
	assert_int_equal(lb.refresh, 1000);
}

static void extreme_timeouts(void **state)
{
	const struct config longest =
		config_of((struct flow_timeouts){ UINT32_MAX, UINT32_MAX, 60, 60, 60 });
	const struct config shortest = config_of((struct flow_timeouts){ 2, 60, 60, 60, 60 });
	const struct config none = config_of((struct flow_timeouts){ 0 });
	struct lb_config lb;

	(void)state;
	assert_int_equal(settings_make(&longest, 1000, 0, &lb, NULL), 0);
	assert_int_equal(lb.tcp_timeout[LB_FLOW_ESTABLISHED], INT32_MAX);
	assert_int_equal(settings_make(&shortest, 1000, 0, &lb, NULL), 0);
	assert_int_equal(lb.refresh, 500); /* an active flow is not taken for an idle one */
	assert_int_equal(settings_make(&none, 1000, 0, &lb, NULL), 0);
	assert_int_equal(lb.refresh, 1);
}

static void pod_cidrs(void **state)
{
	struct prefix prefixes[LB_POD_CIDRS + 1] = { 0 };
	struct config config = config_of((struct flow_timeouts){ 60, 60, 60, 60, 60 });
	struct lb_config lb;
	struct err err;

	(void)state;
	assert_int_equal(prefix_parse("172.17.0.0/16", &prefixes[0]), 0);
	config.pod_cidrs = (struct prefix_list){ .items = prefixes, .n = 1 };
	assert_int_equal(settings_make(&config, 250, 0, &lb, &err), 0);
	assert_int_equal(lb.pod_cidrs, 1);
	assert_int_equal(lb.pod_cidr[0].mask.word[3], htonl(0xffff0000));
	config.pod_cidrs.n = LB_POD_CIDRS + 1;
	assert_int_equal(settings_make(&config, 250, 0, &lb, &err), -E2BIG);
	assert_non_null(strstr(err.text, "podCIDRs"));
}

/* ----------------------------------------------------------------------- pins -- */

static void link_names(void **state)
{
	static const struct {
		const char *device, *hook, *file;
	} rows[] = {
		{ "eth0", "xdp", "eth0-xdp" },
		{ "eth0.100", "tc-ingress", "eth0%2e100-tc-ingress" },
		{ "a-b-xdp", "xdp", "a-b-xdp-xdp" },
		{ "50%", "tc-egress", "50%25-tc-egress" },
		{ "...............", "xdp", "%2e%2e%2e%2e%2e%2e%2e%2e%2e%2e%2e%2e%2e%2e%2e-xdp" },
	};
	const struct paths paths = { .bpf = (char *)"/b" };
	char device[IF_NAMESIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_free char *path = pin_link_path(&paths, rows[i].device, rows[i].hook);
		cleanup_free char *want = xasprintf("/b/v%d/link/%s", LB_ABI, rows[i].file);

		assert_string_equal(path, want);
		assert_true(pin_link_device(strrchr(path, '/') + 1, rows[i].hook, device,
					    sizeof(device)));
		assert_string_equal(device, rows[i].device);
	}
	assert_false(pin_link_device("eth0-xdp", "tc-ingress", device, sizeof(device)));
	assert_false(pin_link_device("-xdp", "xdp", device, sizeof(device)));
	assert_false(pin_link_device("xdp", "xdp", device, sizeof(device)));
}

/* ---------------------------------------------------------------------- state -- */

static void state_comes_back(void **state)
{
	char folder[] = "/tmp/lb-state-XXXXXX";
	const struct paths paths = { .run = mkdtemp(folder) };
	struct attach_state saved = { .netns = 4026531840, .cgroup_mounted = true }, loaded;
	struct attach_nic nic = { "eth0.5", ATTACH_AUTO, ATTACH_TC };
	struct attach_filter filter = { "veth1", true };
	struct err err;

	(void)state;
	vec_push(&saved.nics, nic);
	vec_push(&saved.filters, filter);
	saved.pods = xstrdup("veth\"*");
	saved.ports = xstrdup("10000-19999");
	assert_int_equal(attach_state_save(&paths, &saved, &err), 0);
	assert_int_equal(attach_state_load(&paths, &loaded, &err), 0);
	assert_int_equal(loaded.nics.n, 1);
	assert_memory_equal(&loaded.nics.items[0].name, "eth0.5", 7);
	assert_int_equal(loaded.nics.items[0].asked, ATTACH_AUTO);
	assert_int_equal(loaded.nics.items[0].mode, ATTACH_TC);
	assert_int_equal(loaded.filters.n, 1);
	assert_string_equal(loaded.filters.items[0].device, "veth1");
	assert_true(loaded.filters.items[0].qdisc);
	assert_string_equal(loaded.pods, "veth\"*");
	assert_string_equal(loaded.ports, "10000-19999");
	assert_null(loaded.cgroup);
	assert_true(loaded.cgroup_mounted);
	assert_true(loaded.netns == saved.netns);
	attach_state_done(&saved);
	attach_state_done(&loaded);
	attach_state_remove(&paths);
	assert_int_equal(attach_state_load(&paths, &loaded, &err), 0);
	assert_int_equal(loaded.nics.n, 0);
	assert_int_equal(rmdir(folder), 0);
}

static void pods_by_pattern(void **state)
{
	struct attach_state attached = { .pods = (char *)"*" };
	struct attach_nic nic = { "eth0", ATTACH_AUTO, ATTACH_TC };

	(void)state;
	vec_push(&attached.nics, nic);
	assert_true(attach_state_is_pod(&attached, "veth1"));
	assert_false(attach_state_is_pod(&attached, "eth0"));
	assert_false(attach_state_is_pod(&attached, "lo"));
	attached.pods = (char *)"cali*";
	assert_false(attach_state_is_pod(&attached, "veth1"));
	attached.pods = NULL;
	assert_false(attach_state_is_pod(&attached, "cali1"));
	vec_free(&attached.nics);
}

/* -------------------------------------------------------------------- devices -- */

/* Devices 2 and 3 are NICs, 4 is none of ours. */
static struct netlink_addr kernel_addrs[8];

static struct netlink_addrs addrs_parse(const char *text)
{
	struct netlink_addrs addrs = { .items = kernel_addrs };
	char copy[256], *rest = copy;

	snprintf(copy, sizeof(copy), "%s", text);
	for (char *word; (word = strsep(&rest, " ")) && *word;) {
		struct netlink_addr *addr = &kernel_addrs[addrs.n++];
		char *at = strchr(word, '@');

		*at = '\0';
		assert_int_equal(addr_parse(word, &addr->addr), 0);
		addr->ifindex = (uint32_t)atoi(at + 1);
		addr->temporary = strchr(at + 1, 't');
	}
	return addrs;
}

static const struct device_row {
	const char *name;
	const char *addrs;   /* "address@ifindex", with a t: temporary */
	const char *node;    /* nodeAddresses, or NULL */
	const char *v4, *v6; /* of device 2 */
	const char *all;     /* what refresh returns */
} device_rows[] = {
	{ "nothing", "", NULL, "::", "::", "" },
	{ "its own first", "10.0.0.5@2 10.0.0.4@2 fd00::5@2", NULL, "10.0.0.5", "fd00::5",
	  "10.0.0.4 10.0.0.5 fd00::5 " },
	{ "temporary ones last", "fd00::7@2t fd00::8@2", NULL, "::", "fd00::8",
	  "fd00::7 fd00::8 " },
	{ "only a temporary one", "fd00::7@2t", NULL, "::", "fd00::7", "fd00::7 " },
	{ "another NIC's", "10.0.0.6@3", NULL, "10.0.0.6", "::", "10.0.0.6 " },
	{ "not a stranger's", "10.0.0.6@4", NULL, "::", "::", "" },
	{ "the configuration's before another NIC's", "10.0.0.6@3", "192.0.2.1", "192.0.2.1",
	  "::", "192.0.2.1 " },
	{ "its own before the configuration's", "10.0.0.6@2", "192.0.2.1", "10.0.0.6",
	  "::", "192.0.2.1 " },
	{ "each once", "10.0.0.6@2 10.0.0.6@3", NULL, "10.0.0.6", "::", "10.0.0.6 " },
};

static void check_device(const struct device_row *row)
{
	struct device_view view = { .addrs = addrs_parse(row->addrs) };
	struct addr_list node = { 0 }, all;
	char text[ADDR_TEXT], got[128] = "";
	struct lb_device device;
	struct lb_addr addr;

	if (row->node) {
		assert_int_equal(addr_parse(row->node, &addr), 0);
		node = (struct addr_list){ .items = &addr, .n = 1 };
	}
	view.node_addresses = &node;
	device_view_add_nic(&view, 2);
	device_view_add_nic(&view, 3);
	device_fill(&view, 2, LB_DEVICE_NIC, &device);
	if (strcmp(addr_format(&device.addr4, text), row->v4))
		fail_msg("%s: IPv4 %s", row->name, text);
	if (strcmp(addr_format(&device.addr6, text), row->v6))
		fail_msg("%s: IPv6 %s", row->name, text);
	device_addresses(&view, &all);
	for (size_t i = 0; i < all.n; i++) {
		strcat(got, addr_format(&all.items[i], text));
		strcat(got, " ");
	}
	if (strcmp(got, row->all))
		fail_msg("%s: \"%s\"", row->name, got);
	vec_free(&all);
	vec_free(&view.nics);
}

static void device_values(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(device_rows); i++)
		check_device(&device_rows[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nearest_hz),	     cmocka_unit_test(flow_sets),
		cmocka_unit_test(config_in_jiffies), cmocka_unit_test(extreme_timeouts),
		cmocka_unit_test(pod_cidrs),	     cmocka_unit_test(link_names),
		cmocka_unit_test(state_comes_back),  cmocka_unit_test(pods_by_pattern),
		cmocka_unit_test(device_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
