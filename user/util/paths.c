/* SPDX-License-Identifier: Apache-2.0 */
#include "user/util/paths.h"

#include <stdlib.h>

#include "user/util/vec.h"

void paths_init(struct paths *paths, const char *root, const char *config)
{
	if (root && *root) {
		*paths = (struct paths){
			.state = xasprintf("%s/state", root),
			.bpf = xasprintf("%s/bpf", root),
			.run = xasprintf("%s/run", root),
			.config = config ? xstrdup(config) : xasprintf("%s/config.yaml", root),
			.own_bpffs = 1,
		};
	} else {
		*paths = (struct paths){
			.state = xstrdup("/var/lib/lbctl/state"),
			.bpf = xstrdup("/sys/fs/bpf/lbctl"),
			.run = xstrdup("/run/lbctl"),
			.config = xstrdup(config ? config : "/etc/lbctl/config.yaml"),
		};
	}
	paths->socket = xasprintf("%s/agent.sock", paths->run);
}

void paths_done(struct paths *paths)
{
	free(paths->state);
	free(paths->bpf);
	free(paths->run);
	free(paths->config);
	free(paths->socket);
	*paths = (struct paths){ 0 };
}
