/* SPDX-License-Identifier: Apache-2.0 */
/* show devices, show meta */
#include <string.h>

#include "user/cmd/show.h"
#include "user/util/cleanup.h"

static int device_rows(struct show *show, json_t *rows, struct err *err)
{
	struct datapath_devices devices;
	int r = datapath_read_devices(show->dp, &devices, err);

	if (r)
		return r;
	for (size_t i = 0; i < devices.n; i++) {
		const struct datapath_device *device = &devices.items[i];
		bool nic = device->value.flags & LB_DEVICE_NIC;

		json_array_append_new(rows, json_pack("{s:s, s:I, s:s, s:s, s:o, s:o}", "device",
						      device->name, "ifindex",
						      (json_int_t)device->ifindex, "role",
						      nic ? "nic" : "pods", "mode", device->mode,
						      "ipv4", show_addr(&device->value.addr4),
						      "ipv6", show_addr(&device->value.addr6)));
	}
	free(devices.items);
	return 0;
}

static const struct show_column device_columns[] = {
	{ "DEVICE", "device", false },
	{ "IFINDEX", "ifindex", true },
	{ "ROLE", "role", false },
	{ "MODE", "mode", false },
	{ "IPV4", "ipv4", false },
	{ "IPV6", "ipv6", false },
	{ 0 },
};

const struct show_kind show_devices = {
	.name = "devices",
	.columns = device_columns,
	.nothing = "No devices are attached.",
	.rows = device_rows,
};

/* --------------------------------------------------------------------- meta -- */

static json_t *cidr_list(const struct lb_config *config)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < config->pod_cidrs && i < LB_POD_CIDRS; i++) {
		const struct lb_prefix *lb = &config->pod_cidr[i];
		struct prefix prefix = { .addr = lb->addr, .v4 = addr_is_v4(&lb->addr) };
		char text[PREFIX_TEXT];

		for (int word = prefix.v4 ? 3 : 0; word < 4; word++)
			prefix.bits += (uint8_t)__builtin_popcount(lb->mask.word[word]);
		json_array_append_new(list, json_string(prefix_format(&prefix, text)));
	}
	return list;
}

static json_t *timeouts_object(const struct lb_config *config)
{
	const uint32_t *tcp = config->tcp_timeout, *udp = config->udp_timeout;
	uint32_t hz = config->hz;

	return json_pack("{s:I, s:I, s:I, s:I, s:I}", "tcpHalfOpen",
			 (json_int_t)(tcp[LB_FLOW_HALF_OPEN] / hz), "tcpEstablished",
			 (json_int_t)(tcp[LB_FLOW_ESTABLISHED] / hz), "tcpClosing",
			 (json_int_t)(tcp[LB_FLOW_CLOSED] / hz), "udpOneWay",
			 (json_int_t)(udp[LB_FLOW_HALF_OPEN] / hz), "udpReplied",
			 (json_int_t)(udp[LB_FLOW_ESTABLISHED] / hz));
}

/* The seed stays out: who knows it can aim flows at one set of the table. */
static json_t *meta_object(const struct show *show)
{
	const struct lb_meta *meta = datapath_meta(show->dp);
	const struct lb_config *config = &meta->config;
	char ports[16];

	snprintf(ports, sizeof(ports), "%u-%u", config->snat_first,
		 config->snat_first + config->snat_count - 1u);
	return json_pack("{s:s, s:i, s:s?, s:s?, s:i, s:I, s:s, s:b, s:o, s:o}", "build",
			 meta->build, "abi", (int)meta->abi, "pods", datapath_pods(show->dp),
			 "cgroup", datapath_cgroup(show->dp), "hz", (int)config->hz, "flows",
			 ((json_int_t)config->flow4_mask + 1) * LB_FLOW_WAYS, "snatPorts", ports,
			 "masqueradeAll", config->masquerade_all, "podCIDRs", cidr_list(config),
			 "timeouts", timeouts_object(config));
}

static void print_meta(FILE *out, const json_t *meta)
{
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)meta, key, value) {
		if (json_is_object(value)) {
			print_meta(out, value);
			continue;
		}
		fprintf(out, "%s:\t", key);
		show_cell(out, value);
		fputc('\n', out);
	}
}

static int meta_run(struct show *show, struct err *err)
{
	cleanup_json json_t *meta = meta_object(show);
	cleanup_free char *text = NULL;
	struct table table = TABLE_DESCRIBE;
	size_t size;
	FILE *out;

	(void)err;
	if (show->output == OUTPUT_JSON || show->output == OUTPUT_YAML) {
		output_json(stdout, show->output, meta);
		return 0;
	}
	out = open_memstream(&text, &size);
	print_meta(out, meta);
	fclose(out);
	table_print(&table, stdout, text);
	return 0;
}

const struct show_kind show_meta = {
	.name = "meta",
	.run = meta_run,
};
