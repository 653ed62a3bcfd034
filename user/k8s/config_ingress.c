/* SPDX-License-Identifier: Apache-2.0 */
#include "user/k8s/config_parts.h"
#include "user/util/vec.h"

void config_read_ingress(const struct field *root, struct config *config)
{
	static const char *const keys[] = { "addresses", "httpPort", "httpsPort", NULL };
	struct ingress_config *ingress = &config->ingress;
	struct field map = field_get(root, "ingress");
	struct field addresses = field_get(&map, "addresses");
	struct field http = field_get(&map, "httpPort");
	struct field https = field_get(&map, "httpsPort");
	size_t n;

	if (!field_map(&map))
		return;
	config_check_keys(&map, keys);
	ingress->given = true;
	n = config_items(&addresses);
	for (size_t i = 0; i < n; i++) {
		struct field item = config_item(&addresses, i);
		struct lb_addr addr;

		field_required(&item);
		if (field_unicast(&item, &addr))
			vec_push(&ingress->addresses, addr);
	}
	ingress->http_port = (uint16_t)field_int(&http, 1, UINT16_MAX, ingress->http_port);
	ingress->https_port = (uint16_t)field_int(&https, 1, UINT16_MAX, ingress->https_port);
	if (ingress->http_port == ingress->https_port)
		field_fail(&https, "must not be httpPort");
}
