/* SPDX-License-Identifier: Apache-2.0 */
#ifndef K8S_CHECK_SERVICE_H
#define K8S_CHECK_SERVICE_H

#include "user/k8s/field.h"
#include "user/k8s/object.h"

/* The rules that bind several fields of a Service; each field by itself was read without error. */
void service_check(const struct field *spec, const struct service *service);

#endif
