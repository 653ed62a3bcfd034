/* SPDX-License-Identifier: Apache-2.0 */
#include "user/k8s/config_parts.h"
#include "user/util/vec.h"

void config_read_health(const struct field *root, struct config *config)
{
	static const char *const keys[] = { "listen", NULL };
	struct field map = field_get(root, "health");
	struct field list = field_get(&map, "listen");
	size_t n;

	if (!field_map(&map))
		return;
	config_check_keys(&map, keys);
	n = config_items(&list);
	config->health.given = list.json;
	for (size_t i = 0; i < n; i++) {
		struct field item = config_item(&list, i);
		const char *text = field_string(&item);
		struct addr_port at;

		field_required(&item);
		if (!text)
			continue;
		if (addr_port_parse(text, &at.addr, &at.port) || !at.port)
			field_invalid(&item,
				      "must be address:port (e.g. 0.0.0.0:10256, [::]:10256)");
		else
			vec_push(&config->health.listen, at);
	}
}
