/* SPDX-License-Identifier: Apache-2.0 */
/* The pieces that a reflector is put together from. Inside of reflector. */
#ifndef API_REFLECTOR_PARTS_H
#define API_REFLECTOR_PARTS_H

#include "user/api/reflector.h"

/* "discovery.k8s.io/v1" */
const char *reflector_api_version(const struct reflector *reflector);

/* Makes the frame ready for the answer to the next request. */
void reflector_frame(struct reflector *reflector);

/* The answer to a list has come to its end: is there another page? */
LB_CHECKED int reflector_page(struct reflector *reflector, struct err *err);

/* All that exists is there. */
void reflector_listed(struct reflector *reflector);

#endif
