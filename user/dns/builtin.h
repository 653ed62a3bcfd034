/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Service by which the DNS server is found: kube-system/kube-dns with the DNS address as its
 * cluster IP, and this node as its only endpoint. Nobody has to apply it.
 */
#ifndef DNS_BUILTIN_H
#define DNS_BUILTIN_H

#include "user/k8s/config.h"
#include "user/model/resolve.h"

#define BUILTIN_NAMESPACE "kube-system"
#define BUILTIN_NAME "kube-dns"
#define BUILTIN_PORT 53

/*
 * Adds what is missing: the Service and its EndpointSlices, or the slices alone where somebody
 * wrote the Service without a selector. false: the address belongs to another DNS server, which is
 * left alone, or there is none.
 */
bool builtin_add(struct store *store, const struct config *config);

/* Lets the packet programs answer at the Service's address what they know. */
void builtin_mark(struct desired *desired, const struct config *config);

#endif
