/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose objects the maps of this instance hold: those of its state directory, or of an API server.
 * The agent writes it down (run/origin.json) for the commands: without it, one that syncs while no
 * agent runs would take an empty directory for a cluster without Services.
 */
#ifndef AGENT_ORIGIN_H
#define AGENT_ORIGIN_H

#include "user/k8s/kubeconfig.h"
#include "user/util/paths.h"

/* All owned. */
struct origin {
	char *server;	  /* NULL: the state directory */
	char *kubeconfig; /* a path; NULL with a server: the service account of the pod */
	char *context;
};

void origin_done(struct origin *origin);

/* What cannot be read is the state directory. */
void origin_read(const struct paths *paths, struct origin *ret_origin);

/* kubeconfig NULL: the state directory. */
LB_CHECKED int origin_write(const struct paths *paths, const struct kubeconfig *kubeconfig,
			    struct err *err);

/* How the server of the origin is asked. */
LB_CHECKED int origin_kubeconfig(const struct origin *origin, struct kubeconfig *ret_kubeconfig,
				 struct err *err);

#endif
