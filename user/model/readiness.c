/* SPDX-License-Identifier: Apache-2.0 */
#include "user/model/readiness.h"

#include <string.h>

bool readiness_pod_ended(const struct pod *pod)
{
	return pod->phase && (!strcmp(pod->phase, "Failed") || !strcmp(pod->phase, "Succeeded"));
}

bool readiness_of_pod(const struct pod *pod)
{
	if (readiness_pod_ended(pod) || !pod->n_ips)
		return false;
	if (pod->has_ready)
		return pod->ready;
	if (pod->has_probe)
		return false;
	return !pod->phase || !strcmp(pod->phase, "Running");
}
