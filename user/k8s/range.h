/* SPDX-License-Identifier: Apache-2.0 */
/* "first-last" in the configuration. */
#ifndef K8S_RANGE_H
#define K8S_RANGE_H

#include "user/k8s/config.h"

/* "30000-32767". 0 or -EINVAL. */
int range_parse_ports(const char *text, uint16_t *ret_first, uint16_t *ret_last);

/* "10.0.0.10-10.0.0.20": appends the prefixes that make it up. 0 or -EINVAL. */
int range_parse_addrs(const char *text, struct prefix_list *list);

#endif
