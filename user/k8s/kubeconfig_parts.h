/* SPDX-License-Identifier: Apache-2.0 */
/* The pieces that kubeconfig_load is put together from. Inside of kubeconfig. */
#ifndef K8S_KUBECONFIG_PARTS_H
#define K8S_KUBECONFIG_PARTS_H

#include "user/k8s/field.h"
#include "user/k8s/kubeconfig.h"

/* A copy; NULL when absent. */
char *kubeconfig_text(const struct field *map, const char *key);

/* A path, taken relative to the folder of the file that names it. */
char *kubeconfig_path(const char *folder, const char *path);

/* KEY, a path to a file that can be read, or KEY-data, base64. Both: the data counts. */
void kubeconfig_read_pem(const struct field *map, const char *key, const char *folder,
			 struct kubeconfig_pem *pem);

/* users[].user */
void kubeconfig_read_user(const struct field *user, const char *folder,
			  struct kubeconfig *kubeconfig);

#endif
