/* SPDX-License-Identifier: Apache-2.0 */
#include "user/k8s/config_parts.h"

void config_read_metrics(const struct field *root, struct config *config)
{
	static const char *const keys[] = { "listen", NULL };
	struct field map = field_get(root, "metrics");
	struct field listen = field_get(&map, "listen");
	struct addr_port at;
	const char *text;

	if (!field_map(&map))
		return;
	config_check_keys(&map, keys);
	text = field_string(&listen);
	if (!text)
		return;
	/* No port is the usual one for all, and 0 would be another each time. */
	if (addr_port_parse(text, &at.addr, &at.port) || !at.port)
		field_invalid(&listen, "must be address:port (e.g. 127.0.0.1:9100, [::]:9100)");
	else
		config->metrics = (struct metrics_config){ true, at };
}
