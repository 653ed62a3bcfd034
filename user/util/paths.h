/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where an instance keeps its things. Without --root the system's own places;
 * with it, everything below that directory, so that instances live side by side.
 *
 *	             default                     --root DIR
 *	state        /var/lib/lbctl/state        DIR/state
 *	bpf          /sys/fs/bpf/lbctl           DIR/bpf      (a bpffs, mounted by attach)
 *	run          /run/lbctl                  DIR/run      (agent.sock, lock)
 *	config       /etc/lbctl/config.yaml      DIR/config.yaml
 */
#ifndef UTIL_PATHS_H
#define UTIL_PATHS_H

struct paths {
	char *state;
	char *bpf;
	char *run;
	char *config;
	char *socket;  /* run/agent.sock */
	int own_bpffs; /* bpf is a mount point of its own, not a folder of /sys/fs/bpf */
};

/* root NULL or "": the defaults. config NULL: the table above. */
void paths_init(struct paths *paths, const char *root, const char *config);
void paths_done(struct paths *paths);

#endif
