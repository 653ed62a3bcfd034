/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a configuration file: no crash, and a refusal says why. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "user/k8s/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void error_count(void *arg, const char *text)
{
	size_t *n = arg;

	*n += *text != '\0';
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("config", MFD_CLOEXEC);
	struct config config;
	struct err err = { "" };
	size_t errors = 0;
	char path[32];

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (!config_load(path, true, &config, &err)) {
		if (config.snat_first > config.snat_last ||
		    config.node_port_first > config.node_port_last)
			abort();
		config_done(&config);
	} else if (!err.text[0]) {
		abort();
	}
	/* Checking finds what loading finds, and more. */
	if (!config_check(path, true, error_count, &errors) != !err.text[0] ||
	    !errors != !err.text[0])
		abort();
	close(fd);
	return 0;
}
