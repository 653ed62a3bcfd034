/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a kubeconfig: no crash, and a refusal says why. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "user/k8s/kubeconfig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("kubeconfig", MFD_CLOEXEC);
	struct kubeconfig kubeconfig;
	struct err err = { "" };
	char path[32];

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (!kubeconfig_load(path, NULL, &kubeconfig, &err)) {
		if (!kubeconfig.server)
			abort();
		kubeconfig_done(&kubeconfig);
	} else if (!err.text[0]) {
		abort();
	}
	close(fd);
	return 0;
}
