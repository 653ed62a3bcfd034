/* SPDX-License-Identifier: Apache-2.0 */
#include "user/dns/records.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <libknot/descriptor.h>
#include <libknot/wire.h>
#include <stdio.h>
#include <string.h>

#include "user/dns/backends.h"
#include "user/util/vec.h"

struct recorder {
	struct builder *builder;
	struct name svc; /* svc.<domain> */
	struct name ns;	 /* of the namespace at hand */
	const char *ns_text;
	uint32_t cluster_ip_names; /* names before this one are not of endpoints */
};

/* One Service: its name and the zone's index of it. */
struct owner {
	struct name name;
	uint32_t index;
};

void records_add_address(struct builder *builder, uint32_t name, const struct lb_addr *addr)
{
	if (addr_is_v4(addr))
		builder_record(builder, name, KNOT_RRTYPE_A, ZONE_TTL, &addr->word[3], 4);
	else
		builder_record(builder, name, KNOT_RRTYPE_AAAA, ZONE_TTL, addr->word, 16);
}

/* Where a cluster IP has the name of the address, endpoints do not get it, too. */
static void pointer_add(struct recorder *r, const struct lb_addr *addr, const struct name *target)
{
	struct name reverse;
	uint32_t index;

	name_reverse(addr, &reverse);
	index = builder_name(r->builder, reverse.wire, reverse.size);
	if (index >= r->cluster_ip_names)
		builder_record(r->builder, index, KNOT_RRTYPE_PTR, ZONE_TTL, target->wire,
			       target->size);
}

static void label_lower(char *label)
{
	for (; *label; label++)
		*label = (char)tolower((unsigned char)*label);
}

static const char *protocol_label(uint8_t proto)
{
	return proto == IPPROTO_UDP ? "_udp" : proto == IPPROTO_SCTP ? "_sctp" : "_tcp";
}

/* _port._protocol.service. The name of the protocol alone exists, too. */
static void port_add(struct builder *b, const struct owner *service, const char *port_name,
		     uint8_t proto, uint16_t port, const struct name *target)
{
	const char *proto_label = protocol_label(proto);
	char port_label[NAME_LABEL + 1];
	uint8_t data[6 + NAME_SIZE] = { 0 };
	struct name protocol, name;
	int length = snprintf(port_label, sizeof(port_label), "_%s", port_name);

	label_lower(port_label);
	if (!*port_name || length >= (int)sizeof(port_label) || !port ||
	    !name_child(proto_label, strlen(proto_label), service->name.wire, service->name.size,
			&protocol) ||
	    !name_child(port_label, (size_t)length, protocol.wire, protocol.size, &name))
		return;
	builder_name(b, protocol.wire, protocol.size);
	knot_wire_write_u16(data + 4, port);
	memcpy(data + 6, target->wire, target->size);
	builder_record(b, builder_name(b, name.wire, name.size), KNOT_RRTYPE_SRV, ZONE_TTL, data,
		       6 + target->size);
}

/* ------------------------------------------------------------- the Service's own -- */

static bool has_cluster_ip(const struct service *service)
{
	return service->type != SERVICE_EXTERNAL_NAME && !service->headless &&
	       service->n_cluster_ips;
}

static void cluster_ips_add(struct recorder *r, const struct owner *owner,
			    const struct service *service)
{
	for (size_t i = 0; i < service->n_cluster_ips; i++) {
		records_add_address(r->builder, owner->index, &service->cluster_ips[i]);
		pointer_add(r, &service->cluster_ips[i], &owner->name);
	}
	for (size_t i = 0; i < service->n_ports; i++) {
		const struct service_port *port = &service->ports[i];

		port_add(r->builder, owner, port->name, port->proto, port->port, &owner->name);
	}
}

/* An address is no name: such a Service has no record, as in CoreDNS. */
static void alias_add(struct recorder *r, const struct service *service, const struct name *name)
{
	struct name target;
	struct lb_addr addr;

	if (!service->external_name || !addr_parse(service->external_name, &addr) ||
	    name_parse(service->external_name, &target))
		return;
	builder_record(r->builder, builder_name(r->builder, name->wire, name->size),
		       KNOT_RRTYPE_CNAME, ZONE_TTL, target.wire, target.size);
}

/* ------------------------------------------------------------------- endpoints -- */

/* The endpoint's own host name, else its address with dashes, as CoreDNS has it. */
static void host_label(const struct endpoint *endpoint, char *label, size_t size)
{
	char ip[ADDR_TEXT];
	size_t length;

	if (endpoint->hostname && *endpoint->hostname) {
		snprintf(label, size, "%s", endpoint->hostname);
		label_lower(label);
		return;
	}
	addr_format(&endpoint->addr, ip);
	for (char *c = ip; *c; c++) {
		if (*c == '.' || *c == ':')
			*c = '-';
	}
	length = strlen(ip);
	snprintf(label, size, "%s%s", ip, length && ip[length - 1] == '-' ? "0" : "");
}

struct host_visit {
	struct recorder *recorder;
	const struct object *object;
	struct owner owner;
};

static void backend_add(void *arg, const struct backend *backend)
{
	struct host_visit *visit = arg;
	struct builder *b = visit->recorder->builder;
	struct owner *owner = &visit->owner;
	char label[NAME_LABEL + 1];
	struct name host;

	host_label(backend->endpoint, label, sizeof(label));
	if (!name_child(label, strlen(label), owner->name.wire, owner->name.size, &host))
		return;
	owner->index = builder_name(b, owner->name.wire, owner->name.size);
	records_add_address(b, builder_name(b, host.wire, host.size), &backend->endpoint->addr);
	pointer_add(visit->recorder, &backend->endpoint->addr, &host);
	if (!visit->object->service->headless)
		return;
	records_add_address(b, owner->index, &backend->endpoint->addr);
	for (size_t i = 0; i < backend->n_ports; i++)
		port_add(b, owner, backend->ports[i].name, backend->ports[i].proto,
			 backend->ports[i].port, &host);
}

/* ------------------------------------------------------------------- the whole -- */

static bool owner_name(const struct recorder *r, const struct object *object, struct name *ret)
{
	return name_child(object->name, strlen(object->name), r->ns.wire, r->ns.size, ret);
}

/* Makes the namespace of the objects that follow the one at hand. */
static void namespace_enter(struct recorder *r, const char *ns)
{
	if (r->ns_text && !strcmp(r->ns_text, ns))
		return;
	r->ns_text = ns;
	if (name_child(ns, strlen(ns), r->svc.wire, r->svc.size, &r->ns))
		builder_name(r->builder, r->ns.wire, r->ns.size);
}

static void service_add(struct recorder *r, const struct object *object)
{
	const struct service *service = object->service;
	struct owner owner;

	namespace_enter(r, object->ns);
	if (!owner_name(r, object, &owner.name))
		return;
	if (service->type == SERVICE_EXTERNAL_NAME) {
		alias_add(r, service, &owner.name);
	} else if (has_cluster_ip(service)) {
		owner.index = builder_name(r->builder, owner.name.wire, owner.name.size);
		cluster_ips_add(r, &owner, service);
	}
}

static void endpoints_add(struct recorder *r, struct backends *backends,
			  const struct object *object)
{
	const struct service *service = object->service;
	struct host_visit visit = { .recorder = r, .object = object };

	if (service->type == SERVICE_EXTERNAL_NAME ||
	    !(service->headless || has_cluster_ip(service)))
		return;
	namespace_enter(r, object->ns);
	if (owner_name(r, object, &visit.owner.name))
		backends_each(backends, object, backend_add, &visit);
}

void records_add(struct builder *builder, const struct store *store)
{
	struct store_view namespaces = store_list(store, K8S_NAMESPACE, NULL);
	struct store_view services = store_list(store, K8S_SERVICE, NULL);
	const struct name *apex = &builder->zone->apex[ZONE_DOMAIN];
	struct recorder recorder = { .builder = builder };
	struct backends backends;

	if (!name_child("svc", 3, apex->wire, apex->size, &recorder.svc))
		return;
	namespace_enter(&recorder, "default");
	for (size_t i = 0; i < namespaces.n; i++)
		namespace_enter(&recorder, namespaces.items[i]->name);
	for (size_t i = 0; i < services.n; i++)
		service_add(&recorder, services.items[i]);
	recorder.cluster_ip_names = (uint32_t)builder->names.n;
	backends_init(&backends, store);
	for (size_t i = 0; i < services.n; i++)
		endpoints_add(&recorder, &backends, services.items[i]);
	backends_done(&backends);
}
