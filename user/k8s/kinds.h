/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What decode.c and object.c call for each kind. A decoder reads the whole tree, reports
 * to the field's reading, and returns its typed part also when something was wrong.
 */
#ifndef K8S_KINDS_H
#define K8S_KINDS_H

#include "user/k8s/field.h"
#include "user/k8s/object.h"

struct service *service_decode(const struct field *root);
void service_free(struct service *service);

struct endpoints *endpoints_decode(const struct field *root);
void endpoints_free(struct endpoints *endpoints);

struct endpoint_slice *slice_decode(const struct field *root);
void slice_free(struct endpoint_slice *slice);

/* Its strings no longer borrow from the tree, but for the Service's name. */
void slice_detach(struct endpoint_slice *slice);

struct pod *pod_decode(const struct field *root);
void pod_free(struct pod *pod);
void pod_containers_free(struct pod *pod);

struct node *node_decode(const struct field *root);
void node_free(struct node *node);

/* The name of the field is the kind; the ports are those of its container. */
struct probe *probe_decode(const struct field *field, enum probe_kind kind,
			   const struct container_port *ports, size_t n_ports);

/* The text of a Service's annotation, reported to its field. */
struct probe *probe_decode_text(const struct field *text);

struct ingress *ingress_decode(const struct field *root);
void ingress_free(struct ingress *ingress);

/* Checked only: nothing works with their inside yet. stringData is folded into data. */
void secret_check(const struct field *root);
void ingress_class_check(const struct field *root);

/* The annotation lbctl.io/weight: the share of new connections, 1…100; 0 when absent. */
uint16_t weight_decode(const struct field *metadata);

/* What several kinds share: `protocol`, TCP when absent. */
uint8_t protocol_decode(const struct field *port);

/* Labels that were checked, or a selector, sorted by key. The caller owns the list. */
struct label *labels_decode(const struct field *map, size_t *ret_n);

#endif
