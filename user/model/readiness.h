/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a pod may serve, as far as its object tells. Pure. */
#ifndef MODEL_READINESS_H
#define MODEL_READINESS_H

#include "user/k8s/object.h"

/*
 * The Ready condition where somebody wrote one. Otherwise a pod with a readiness probe is not
 * ready until its probe says so, and one without is ready as soon as it has an address and its
 * phase, if given, is Running.
 */
bool readiness_of_pod(const struct pod *pod);

/* Failed and Succeeded pods are no endpoints any more, whatever their conditions say. */
bool readiness_pod_ended(const struct pod *pod);

#endif
