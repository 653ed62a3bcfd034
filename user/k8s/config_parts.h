/* SPDX-License-Identifier: Apache-2.0 */
/* The pieces that config_load is put together from. Inside of config. */
#ifndef K8S_CONFIG_PARTS_H
#define K8S_CONFIG_PARTS_H

#include "user/k8s/config.h"
#include "user/k8s/field.h"

/* A mistyped key would otherwise be a setting that silently does nothing. */
void config_check_keys(const struct field *map, const char *const *known);

/* One value, or a list of them. */
size_t config_items(const struct field *field);
struct field config_item(const struct field *field, size_t i);

/* dns: {domain, address, listen, upstreams, kernel} */
void config_read_dns(const struct field *root, struct config *config);

/* ingress: {addresses, httpPort, httpsPort} */
void config_read_ingress(const struct field *root, struct config *config);

/* metrics: {listen, perBackend, maxSeries} */
void config_read_metrics(const struct field *root, struct config *config);

/* health: {listen} */
void config_read_health(const struct field *root, struct config *config);

/* What follows from other keys, when all are read. */
void config_default_dns(struct config *config);

#endif
