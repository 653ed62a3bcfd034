/* SPDX-License-Identifier: Apache-2.0 */
/* The forms that Kubernetes asks of names. Each returns NULL, or why text is not one. */
#ifndef K8S_NAMES_H
#define K8S_NAMES_H

#include <stdbool.h>

const char *name_dns1123_label(const char *text);
const char *name_dns1123_subdomain(const char *text);
const char *name_dns1035_label(const char *text);
const char *name_port(const char *text);      /* IANA_SVC_NAME */
const char *name_qualified(const char *text); /* a label's key: [prefix/]name */
const char *name_label_value(const char *text);
const char *name_config_key(const char *text); /* a Secret's key */

#endif
