/* SPDX-License-Identifier: Apache-2.0 */
#include "user/model/environment.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>

#include "user/util/cleanup.h"
#include "user/util/vec.h"

#define MASTER "kubernetes"
#define MASTER_NAMESPACE "default"

/* Takes over name and value. */
static void variable_set(struct environment *env, char *name, char *value)
{
	vec_push(env, ((struct variable){ name, value }));
}

/* By name; of one name in the order they were set. */
static int variable_compare(const void *a, const void *b)
{
	const struct variable *const *x = a, *const *y = b;
	int order = strcmp((*x)->name, (*y)->name);

	return order ? order : (*x > *y) - (*x < *y);
}

/* Of variables of one name, the first one's place and the last one's value stay. */
static void variables_unify(struct environment *env)
{
	struct variable **sorted = xcalloc(env->n + 1, sizeof(*sorted)), *first = NULL;
	size_t kept = 0;

	for (size_t i = 0; i < env->n; i++)
		sorted[i] = &env->items[i];
	qsort(sorted, env->n, sizeof(*sorted), variable_compare);
	for (size_t i = 0; i < env->n; i++) {
		if (!first || strcmp(first->name, sorted[i]->name) != 0) {
			first = sorted[i];
			continue;
		}
		free(first->value);
		first->value = TAKE_PTR(sorted[i]->value);
		free(TAKE_PTR(sorted[i]->name));
	}
	free(sorted);
	for (size_t i = 0; i < env->n; i++) {
		if (env->items[i].name)
			env->items[kept++] = env->items[i];
	}
	env->n = kept;
}

/* Upper case, and no dash. Dots and leading digits stay: the kubelet leaves them, too. */
static char *name_mangle(const char *name)
{
	char *mangled = xstrdup(name);

	for (char *c = mangled; *c; c++)
		*c = *c == '-' ? '_' : (char)toupper((unsigned char)*c);
	return mangled;
}

static const char *protocol_lower(uint8_t proto)
{
	return proto == IPPROTO_UDP ? "udp" : proto == IPPROTO_SCTP ? "sctp" : "tcp";
}

static void link_add(struct environment *env, const char *prefix, const char *ip,
		     const struct lb_addr *addr, const struct service_port *port, bool first)
{
	const char *proto = protocol_lower(port->proto);
	cleanup_free char *upper = name_mangle(proto);
	cleanup_free char *name = xasprintf("%s_PORT_%u_%s", prefix, port->port, upper);
	char host_port[ADDR_PORT_TEXT];

	addr_port_format(addr, htons(port->port), host_port);
	if (first)
		variable_set(env, xasprintf("%s_PORT", prefix),
			     xasprintf("%s://%s", proto, host_port));
	variable_set(env, xstrdup(name), xasprintf("%s://%s", proto, host_port));
	variable_set(env, xasprintf("%s_PROTO", name), xstrdup(proto));
	variable_set(env, xasprintf("%s_PORT", name), xasprintf("%u", port->port));
	variable_set(env, xasprintf("%s_ADDR", name), xstrdup(ip));
}

static void service_add(struct environment *env, const struct object *object)
{
	const struct service *service = object->service;
	const struct lb_addr *addr = &service->cluster_ips[0];
	cleanup_free char *prefix = name_mangle(object->name);
	char ip[ADDR_TEXT];

	addr_format(addr, ip);
	variable_set(env, xasprintf("%s_SERVICE_HOST", prefix), xstrdup(ip));
	variable_set(env, xasprintf("%s_SERVICE_PORT", prefix),
		     xasprintf("%u", service->ports[0].port));
	for (size_t i = 0; i < service->n_ports; i++) {
		cleanup_free char *port = name_mangle(service->ports[i].name);

		if (*port)
			variable_set(env, xasprintf("%s_SERVICE_PORT_%s", prefix, port),
				     xasprintf("%u", service->ports[i].port));
	}
	for (size_t i = 0; i < service->n_ports; i++)
		link_add(env, prefix, ip, addr, &service->ports[i], i == 0);
}

static bool has_cluster_ip(const struct object *object)
{
	const struct service *service = object->service;

	return service->type != SERVICE_EXTERNAL_NAME && !service->headless &&
	       service->n_cluster_ips && service->n_ports;
}

/* default/kubernetes where it has to be added to those of the namespace, else NULL. */
static const struct object *master_find(const struct store *store, const char *ns)
{
	const struct object *master = store_find(store, K8S_SERVICE, MASTER_NAMESPACE, MASTER);
	const struct object *own = store_find(store, K8S_SERVICE, ns, MASTER);

	if (!master || master == own || !has_cluster_ip(master))
		return NULL;
	return own && has_cluster_ip(own) ? NULL : master;
}

void environment_make(const struct store *store, const char *ns, struct environment *ret_env)
{
	struct store_view services = store_list(store, K8S_SERVICE, ns);
	const struct object *master = master_find(store, ns);
	struct environment env = { 0 };

	for (size_t i = 0; i < services.n; i++) {
		if (master && strcmp(master->name, services.items[i]->name) < 0)
			service_add(&env, TAKE_PTR(master));
		if (has_cluster_ip(services.items[i]))
			service_add(&env, services.items[i]);
	}
	if (master)
		service_add(&env, master);
	variables_unify(&env);
	*ret_env = env;
}

void environment_done(struct environment *env)
{
	for (size_t i = 0; i < env->n; i++) {
		free(env->items[i].name);
		free(env->items[i].value);
	}
	vec_free(env);
}
