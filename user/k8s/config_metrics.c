/* SPDX-License-Identifier: Apache-2.0 */
#include "user/k8s/config_parts.h"

static void listen_read(const struct field *listen, struct metrics_config *metrics)
{
	const char *text = field_string(listen);

	if (!text)
		return;
	/* No port is the usual one for all, and 0 would be another each time. */
	metrics->on = !addr_port_parse(text, &metrics->listen.addr, &metrics->listen.port) &&
		      metrics->listen.port;
	if (!metrics->on)
		field_invalid(listen, "must be address:port (e.g. 127.0.0.1:9100, [::]:9100)");
}

void config_read_metrics(const struct field *root, struct config *config)
{
	static const char *const keys[] = { "listen", "perBackend", "maxSeries", NULL };
	struct metrics_config *metrics = &config->metrics;
	struct field map = field_get(root, "metrics");
	struct field listen = field_get(&map, "listen");
	struct field per_backend = field_get(&map, "perBackend");
	struct field max_series = field_get(&map, "maxSeries");

	if (!field_map(&map))
		return;
	config_check_keys(&map, keys);
	listen_read(&listen, metrics);
	metrics->per_backend = field_bool(&per_backend, metrics->per_backend);
	metrics->max_series =
		(size_t)field_int(&max_series, 0, UINT32_MAX, (int64_t)metrics->max_series);
}
