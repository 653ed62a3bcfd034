/* SPDX-License-Identifier: Apache-2.0 */
/* The pieces of JSON that EndpointSlices and Endpoints are put together from. */
#ifndef MODEL_ENDPOINT_JSON_H
#define MODEL_ENDPOINT_JSON_H

#include "user/model/members.h"

/* A copy of metadata.labels; an empty object when there are none. */
json_t *labels_copy(const struct object *object);

/* Metadata of an object made for a service, as old as the service is. Takes over labels. */
json_t *metadata_json(const struct object *service, const char *name, json_t *labels);

/* {name, port, protocol, appProtocol}; an empty name is left out unless keep_name. */
json_t *port_json(const char *name, bool keep_name, uint8_t proto, uint16_t port,
		  const char *app_protocol);

/* targetRef of a pod. */
json_t *pod_reference_json(const struct object *pod);

/* A slice's endpoint, of a pod that a selector chose … */
json_t *endpoint_json(const struct member *member);

/* … and of an address somebody wrote into an Endpoints object. */
json_t *mirrored_json(const struct endpoint *endpoint, const char *ns);

/* Sets a member to a string unless the string is NULL. */
void json_set_text(json_t *json, const char *key, const char *text);

#endif
