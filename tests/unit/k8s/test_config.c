/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration: defaults, every key, and the message for each mistake. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lb/maps.h"
#include "user/k8s/config.h"
#include "user/k8s/range.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"

#define HEAD "apiVersion: lbctl.io/v1\nkind: Configuration\n"

static char path[] = "/tmp/test_config.XXXXXX";

static int setup(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static int teardown(void **state)
{
	(void)state;
	return unlink(path);
}

static void file_write(const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static int load(const char *text, struct config *config, struct err *err)
{
	file_write(text);
	return config_load(path, true, config, err);
}

static void check_prefixes(const struct prefix_list *list, const char *want)
{
	char got[512] = "", text[PREFIX_TEXT];

	for (size_t i = 0; i < list->n; i++) {
		size_t used = strlen(got);

		snprintf(got + used, sizeof(got) - used, "%s%s", i ? " " : "",
			 prefix_format(&list->items[i], text));
	}
	assert_string_equal(got, want);
}

static void check_defaults(const struct config *config)
{
	char host[256];

	gethostname(host, sizeof(host));
	assert_string_equal(config->node_name, host);
	assert_null(config->zone);
	assert_int_equal(config->node_addresses.n, 0);
	check_prefixes(&config->pod_cidrs, "");
	check_prefixes(&config->service_cidrs, "10.96.0.0/12 fd00:10:96::/112");
	check_prefixes(&config->node_port_addresses, "");
	check_prefixes(&config->load_balancer_pools, "");
	assert_int_equal(config->node_port_first, 30000);
	assert_int_equal(config->node_port_last, 32767);
	assert_int_equal(config->snat_first, 10000);
	assert_int_equal(config->snat_last, 29999);
	assert_false(config->external_ips || config->masquerade_all ||
		     config->load_balancer_default);
	assert_int_equal(config->flows, LB_DEFAULT_FLOWS);
	assert_int_equal(config->timeouts.tcp_half_open, 60);
	assert_int_equal(config->timeouts.tcp_established, 86400);
	assert_int_equal(config->timeouts.tcp_closing, 30);
	assert_int_equal(config->timeouts.udp_one_way, 30);
	assert_int_equal(config->timeouts.udp_replied, 180);
}

static const char *const empty[] = { "", "# nothing\n", "---\n", HEAD, HEAD "serviceCIDR:\n" };

static void test_defaults(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(empty); i++) {
		struct config config;
		struct err err = { "" };

		if (load(empty[i], &config, &err))
			fail_msg("%s", err.text);
		check_defaults(&config);
		config_done(&config);
	}
}

static void test_missing(void **state)
{
	struct config config;
	struct err err = { "" };

	(void)state;
	assert_int_equal(config_load("/nowhere/config.yaml", false, &config, &err), 0);
	check_defaults(&config);
	config_done(&config);
	assert_int_equal(config_load("/nowhere/config.yaml", true, &config, &err), -ENOENT);
	assert_string_equal(err.text, "/nowhere/config.yaml: No such file or directory");
}

static void test_all_keys(void **state)
{
	struct config config;
	struct err err = { "" };
	char text[ADDR_TEXT];

	(void)state;
	if (load(HEAD "nodeName: w1\n"
		      "zone: z1\n"
		      "nodeAddresses: [192.0.2.1, \"2001:db8::1\"]\n"
		      "podCIDRs: [10.244.1.0/24, \"fd00:1::/64\"]\n"
		      "serviceCIDR: 10.0.0.0/16\n"
		      "nodePortRange: \"20000-20100\"\n"
		      "nodePortAddresses: [192.0.2.0/24]\n"
		      "externalIPs: true\n"
		      "masqueradeAll: true\n"
		      "loadBalancerDefault: true\n"
		      "loadBalancerPools:\n- 203.0.113.0/28\n- 198.51.100.10-198.51.100.13\n"
		      "snatPorts: \"40000-50000\"\n"
		      "flows: 4096\n"
		      "timeouts: {tcpHalfOpen: 1, tcpEstablished: 2, tcpClosing: 3, udpOneWay: 4,"
		      " udpReplied: 5}\n",
		 &config, &err))
		fail_msg("%s", err.text);
	assert_string_equal(config.node_name, "w1");
	assert_string_equal(config.zone, "z1");
	assert_int_equal(config.node_addresses.n, 2);
	assert_string_equal(addr_format(&config.node_addresses.items[1], text), "2001:db8::1");
	check_prefixes(&config.pod_cidrs, "10.244.1.0/24 fd00:1::/64");
	check_prefixes(&config.service_cidrs, "10.0.0.0/16");
	assert_int_equal(config.node_port_first, 20000);
	assert_int_equal(config.node_port_last, 20100);
	check_prefixes(&config.node_port_addresses, "192.0.2.0/24");
	assert_true(config.external_ips && config.masquerade_all && config.load_balancer_default);
	check_prefixes(&config.load_balancer_pools,
		       "203.0.113.0/28 198.51.100.10/31 198.51.100.12/31");
	assert_int_equal(config.snat_first, 40000);
	assert_int_equal(config.snat_last, 50000);
	assert_int_equal(config.flows, 4096);
	assert_int_equal(config.timeouts.tcp_half_open, 1);
	assert_int_equal(config.timeouts.tcp_established, 2);
	assert_int_equal(config.timeouts.tcp_closing, 3);
	assert_int_equal(config.timeouts.udp_one_way, 4);
	assert_int_equal(config.timeouts.udp_replied, 5);
	config_done(&config);
}

static void check_servers(const struct addr_port_list *list, const char *want)
{
	char got[512] = "", text[ADDR_PORT_TEXT];

	for (size_t i = 0; i < list->n; i++) {
		size_t used = strlen(got);

		snprintf(got + used, sizeof(got) - used, "%s%s", i ? " " : "",
			 addr_port_format(&list->items[i].addr, list->items[i].port, text));
	}
	assert_string_equal(got, want);
}

static const struct {
	const char *text, *domain, *addresses, *listen, *upstreams;
	bool upstreams_given, kernel;
} dns[] = {
	{ HEAD, "cluster.local", "10.96.0.10 fd00:10:96::a", "", "", false, true },
	{ HEAD "serviceCIDR: 10.0.0.0/16\n", "cluster.local", "10.0.0.10", "", "", false, true },
	{ HEAD "serviceCIDR: 10.0.0.0/29\n", "cluster.local", "", "", "", false, true },
	{ HEAD "dns: {domain: Example.ORG., address: 10.1.2.3, listen: [127.0.0.1, '[::1]:5353'], "
	       "upstreams: [9.9.9.9, '2001:db8::1'], kernel: false}\n",
	  "example.org", "10.1.2.3", "127.0.0.1:53 [::1]:5353", "9.9.9.9:53 [2001:db8::1]:53", true,
	  false },
	{ HEAD "dns: {upstreams: []}\n", "cluster.local", "10.96.0.10 fd00:10:96::a", "", "", true,
	  true },
};

static void test_dns(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(dns); i++) {
		struct config config;
		struct err err;
		char got[128] = "", text[ADDR_TEXT];

		if (load(dns[i].text, &config, &err))
			fail_msg("%s", err.text);
		assert_string_equal(config.dns.domain, dns[i].domain);
		for (size_t j = 0; j < config.dns.addresses.n; j++) {
			if (j)
				strcat(got, " ");
			strcat(got, addr_format(&config.dns.addresses.items[j], text));
		}
		assert_string_equal(got, dns[i].addresses);
		check_servers(&config.dns.listen, dns[i].listen);
		check_servers(&config.dns.upstreams, dns[i].upstreams);
		assert_int_equal(config.dns.upstreams_given, dns[i].upstreams_given);
		assert_int_equal(config.dns.kernel, dns[i].kernel);
		config_done(&config);
	}
}

static const struct {
	const char *text, *listen; /* NULL: nowhere */
} metrics[] = {
	{ HEAD, NULL },
	{ HEAD "metrics: {}\n", NULL },
	{ HEAD "metrics: {listen: 0.0.0.0:9100}\n", "0.0.0.0:9100" },
	{ HEAD "metrics: {listen: '[fd00::1]:80'}\n", "[fd00::1]:80" },
};

static void test_health(void **state)
{
	static const struct {
		const char *text;
		bool given;
		size_t n;
	} rows[] = {
		{ HEAD, false, 0 },
		{ HEAD "health: {}\n", false, 0 },
		{ HEAD "health: {listen: []}\n", true, 0 },
		{ HEAD "health: {listen: 0.0.0.0:10256}\n", true, 1 },
		{ HEAD "health: {listen: [127.0.0.1:1, '[::]:2']}\n", true, 2 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct config config;
		struct err err;

		if (load(rows[i].text, &config, &err))
			fail_msg("%s", err.text);
		assert_int_equal(config.health.given, rows[i].given);
		assert_int_equal(config.health.listen.n, rows[i].n);
		config_done(&config);
	}
}

static void test_metrics(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(metrics); i++) {
		const struct addr_port *at;
		struct config config;
		struct err err;
		char text[ADDR_PORT_TEXT];

		if (load(metrics[i].text, &config, &err))
			fail_msg("%s", err.text);
		at = &config.metrics.listen;
		assert_int_equal(config.metrics.on, !!metrics[i].listen);
		if (metrics[i].listen)
			assert_string_equal(addr_port_format(&at->addr, at->port, text),
					    metrics[i].listen);
		config_done(&config);
	}
}

static const struct {
	const char *text, *error;
} errors[] = {
	{ HEAD "nodPort: 1\n", ":3: nodPort: unknown key" },
	{ HEAD "timeouts:\n  tcpHalfOpn: 1\n", ":4: timeouts.tcpHalfOpn: unknown key" },
	{ "kind: Configuration\n", ":1: apiVersion: Required value" },
	{ "apiVersion: lbctl.io/v1\n", ":1: kind: Required value" },
	{ "apiVersion: lbctl.io/v2\nkind: Configuration\n",
	  ":1: apiVersion: Unsupported value: \"lbctl.io/v2\": supported values: \"lbctl.io/v1\"" },
	{ "apiVersion: lbctl.io/v1\nkind: Service\n",
	  ":2: kind: Unsupported value: \"Service\": supported values: \"Configuration\"" },
	{ "- a\n", ":1: expected a mapping, got a list" },
	{ HEAD "---\n" HEAD, ": must be one document" },
	{ HEAD "flows: 4096\nflows: 8192\n", ":4: duplicate key \"flows\"" },
	{ HEAD "nodeName: A B\n",
	  ":3: nodeName: Invalid value: \"A B\": a lowercase RFC 1123 subdomain must consist of "
	  "lower case alphanumeric characters, '-' or '.', and must start and end with an "
	  "alphanumeric character" },
	{ HEAD "nodeAddresses: [127.0.0.1]\n",
	  ":3: nodeAddresses[0]: Invalid value: \"127.0.0.1\": may not be in the loopback range "
	  "(127.0.0.0/8, ::1/128)" },
	{ HEAD "podCIDRs: [10.0.0.0]\n",
	  ":3: podCIDRs[0]: Invalid value: \"10.0.0.0\": must be a valid CIDR value, (e.g. "
	  "10.9.8.0/24 or 2001:db8::/64)" },
	{ HEAD "serviceCIDR:\n- 10.0.0.0/16\n- \n", ":5: serviceCIDR[1]: Required value" },
	{ HEAD "serviceCIDR: 10\n", ":3: serviceCIDR: expected a list, got a number" },
	{ HEAD "nodePortRange: 30000\n", ":3: nodePortRange: expected a string, got a number" },
	{ HEAD "nodePortRange: 32767-30000\n",
	  ":3: nodePortRange: Invalid value: \"32767-30000\": must be a range of ports, (e.g. "
	  "30000-32767)" },
	{ HEAD "snatPorts: 20000-30000\n",
	  ":3: snatPorts: must not overlap nodePortRange (30000-32767)" },
	{ HEAD "nodePortRange: 29999-30000\n",
	  ":1: snatPorts: must not overlap nodePortRange (29999-30000)" },
	{ HEAD "externalIPs: \"yes\"\n", ":3: externalIPs: expected a boolean, got a string" },
	{ HEAD "loadBalancerPools: [10.0.0.9-10.0.0.1]\n",
	  ":3: loadBalancerPools[0]: Invalid value: \"10.0.0.9-10.0.0.1\": must be a range of "
	  "addresses of one family, (e.g. 10.0.0.10-10.0.0.20)" },
	{ HEAD "loadBalancerPools: [10.0.0.9-fd00::1]\n",
	  ":3: loadBalancerPools[0]: Invalid value: \"10.0.0.9-fd00::1\": must be a range of "
	  "addresses of one family, (e.g. 10.0.0.10-10.0.0.20)" },
	{ HEAD "flows: 10\n",
	  ":3: flows: Invalid value: 10: must be between 1024 and 67108864, inclusive" },
	{ HEAD "timeouts: {udpReplied: 0}\n",
	  ":3: timeouts.udpReplied: Invalid value: 0: must be between 1 and 1000000, inclusive" },
	{ HEAD "timeouts: 60\n", ":3: timeouts: expected a mapping, got a number" },
	{ HEAD "metrics: {lissen: 127.0.0.1:9100}\n", ":3: metrics.lissen: unknown key" },
	{ HEAD "metrics: {maxSeries: -1}\n",
	  ":3: metrics.maxSeries: Invalid value: -1: must be between 0 and 4294967295, "
	  "inclusive" },
	{ HEAD "metrics: {listen: 127.0.0.1}\n",
	  ":3: metrics.listen: Invalid value: \"127.0.0.1\": must be address:port (e.g. "
	  "127.0.0.1:9100, [::]:9100)" },
	{ HEAD "metrics: {listen: 127.0.0.1:0}\n",
	  ":3: metrics.listen: Invalid value: \"127.0.0.1:0\": must be address:port (e.g. "
	  "127.0.0.1:9100, [::]:9100)" },
	{ HEAD "health: {listen: 10256}\n", ":3: health.listen: expected a list, got a number" },
	{ HEAD "health: {listen: '0.0.0.0'}\n",
	  ":3: health.listen: Invalid value: \"0.0.0.0\": must be address:port (e.g. "
	  "0.0.0.0:10256, [::]:10256)" },
	{ HEAD "dns: {domian: a}\n", ":3: dns.domian: unknown key" },
	{ HEAD "ingress: {port: 80}\n", ":3: ingress.port: unknown key" },
	{ HEAD "ingress: {httpPort: 443}\n", ":3: ingress.httpsPort: must not be httpPort" },
	{ HEAD "dns: {domain: a_b}\n",
	  ":3: dns.domain: Invalid value: \"a_b\": a lowercase RFC 1123 subdomain must consist of "
	  "lower case alphanumeric characters, '-' or '.', and must start and end with an "
	  "alphanumeric character" },
	{ HEAD "dns: {address: [10.0.0.1, 10.0.0.2]}\n",
	  ":3: dns.address[1]: must not have a second address of one family" },
	{ HEAD "dns: {listen: [127.0.0.1:0]}\n",
	  ":3: dns.listen[0]: Invalid value: \"127.0.0.1:0\": must be an address, or address:port "
	  "(e.g. 127.0.0.1:53, [::1]:53)" },
	{ HEAD "dns: {upstreams: [dns.example]}\n",
	  ":3: dns.upstreams[0]: Invalid value: \"dns.example\": must be an address, or "
	  "address:port (e.g. 127.0.0.1:53, [::1]:53)" },
	{ HEAD "dns: {kernel: 1}\n", ":3: dns.kernel: expected a boolean, got a number" },
	{ HEAD "flows: [\n", ":3: did not find expected node content, while parsing a flow node" },
};

static void test_errors(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
		cleanup_free char *want = xasprintf("%s%s", path, errors[i].error);
		struct config config = { .flows = 7 };
		struct err err = { "" };

		if (!load(errors[i].text, &config, &err))
			fail_msg("accepted: %s", errors[i].text);
		assert_string_equal(err.text, want);
		assert_int_equal(config.flows, 7); /* untouched */
	}
}

static const struct {
	const char *range, *prefixes; /* NULL: refused */
} ranges[] = {
	{ "10.0.0.1-10.0.0.1", "10.0.0.1/32" },
	{ "10.0.0.0-10.0.0.255", "10.0.0.0/24" },
	{ "10.0.0.1-10.0.0.6", "10.0.0.1/32 10.0.0.2/31 10.0.0.4/31 10.0.0.6/32" },
	{ "10.0.0.255-10.0.1.0", "10.0.0.255/32 10.0.1.0/32" },
	{ "0.0.0.0-255.255.255.255", "0.0.0.0/1 128.0.0.0/1" },
	{ "255.255.255.254-255.255.255.255", "255.255.255.254/31" },
	{ "fd00::1-fd00::4", "fd00::1/128 fd00::2/127 fd00::4/128" },
	{ "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::/1 8000::/1" },
	{ "2000::-3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2000::/3" },
	{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127" },
	{ "10.0.0.1", NULL },
	{ "-10.0.0.1", NULL },
	{ "10.0.0.1-", NULL },
	{ "10.0.0.2-10.0.0.1", NULL },
	{ "10.0.0.1-10.0.0.2-10.0.0.3", NULL },
	{ "10.0.0.1 - 10.0.0.2", NULL },
};

static void test_ranges(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ranges); i++) {
		struct prefix_list list = { 0 };
		int r = range_parse_addrs(ranges[i].range, &list);

		if (!r != !!ranges[i].prefixes)
			fail_msg("%s: %d", ranges[i].range, r);
		check_prefixes(&list, ranges[i].prefixes ? ranges[i].prefixes : "");
		vec_free(&list);
	}
}

static void error_append(void *arg, const char *text)
{
	FILE *out = arg;

	assert_memory_equal(text, path, strlen(path));
	fprintf(out, "%s\n", text + strlen(path));
}

/* Everything that is wrong, each once, from top to bottom. */
static void test_check(void **state)
{
	static const struct {
		const char *text, *errors;
	} cases[] = {
		{ HEAD, "" },
		{ "", "" },
		{ HEAD "flows: 1\n",
		  ":3: flows: Invalid value: 1: must be between 1024 and 67108864, "
		  "inclusive\n" },
		{ HEAD "zzz: 1\nnodeName: X\npodCIDRs: [a, 10.0.0.0/8, b]\n"
		       "timeouts: {tcpClosing: 0, tcp: 1}\n",
		  ":3: zzz: unknown key\n"
		  ":4: nodeName: Invalid value: \"X\": a lowercase RFC 1123 subdomain must consist "
		  "of "
		  "lower case alphanumeric characters, '-' or '.', and must start and end with an "
		  "alphanumeric character\n"
		  ":5: podCIDRs[0]: Invalid value: \"a\": must be a valid CIDR value, (e.g. "
		  "10.9.8.0/24 "
		  "or 2001:db8::/64)\n"
		  ":5: podCIDRs[2]: Invalid value: \"b\": must be a valid CIDR value, (e.g. "
		  "10.9.8.0/24 "
		  "or 2001:db8::/64)\n"
		  ":6: timeouts.tcp: unknown key\n"
		  ":6: timeouts.tcpClosing: Invalid value: 0: must be between 1 and 1000000, "
		  "inclusive\n" },
		{ "kind: Configuration\n", ":1: apiVersion: Required value\n" },
		{ "a: [\n", ":1: did not find expected node content, while parsing a flow node\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cleanup_free char *told = NULL;
		size_t size;
		FILE *out = open_memstream(&told, &size);
		int code;

		file_write(cases[i].text);
		code = config_check(path, true, error_append, out);
		fclose(out);
		assert_string_equal(told, cases[i].errors);
		assert_int_equal(code, *cases[i].errors ? -EINVAL : 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults), cmocka_unit_test(test_missing),
		cmocka_unit_test(test_all_keys), cmocka_unit_test(test_dns),
		cmocka_unit_test(test_errors),	 cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_health),	 cmocka_unit_test(test_metrics),
		cmocka_unit_test(test_check),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
