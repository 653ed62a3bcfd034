/* SPDX-License-Identifier: Apache-2.0 */
/* A plan for people: `+` comes, `~` changes, `-` goes. */
#include <arpa/inet.h>
#include <stdlib.h>

#include "user/plan/plan.h"
#include "user/util/proto.h"

#define SERVICE_TEXT 208
#define MAPPED_BITS 96

static int id_compare(const void *a, const void *b)
{
	const struct actual_service *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

/* "default/kubia:http", or "default/kubia" when the port has no name. */
static const char *service_text(const struct plan *plan, uint32_t id, char *text)
{
	const struct actual_service key = { .id = id };
	const struct actual_service *found =
		plan->n_names ? bsearch(&key, plan->names, plan->n_names, sizeof(key), id_compare)
			      : NULL;

	if (!found)
		snprintf(text, SERVICE_TEXT, "service %u", id);
	else
		snprintf(text, SERVICE_TEXT, "%s/%s%s%s", found->name.namespace, found->name.name,
			 found->name.port_name[0] ? ":" : "", found->name.port_name);
	return text;
}

static const char *count_text(uint32_t n, char *text, size_t size)
{
	snprintf(text, size, n == 1 ? "%u backend" : "%u backends", n);
	return text;
}

static void print_service(FILE *out, const struct plan *plan, const struct plan_op *op, char sign)
{
	const struct lb_name *name = op->service.name;
	char service[SERVICE_TEXT];

	fprintf(out, "%c service %s %u/%s %s\n", sign, service_text(plan, op->service.id, service),
		ntohs(name->port), proto_text(name->proto),
		name->flags & LB_NAME_IPV6 ? "IPv6" : "IPv4");
}

static void print_backend(FILE *out, const struct plan *plan, const struct plan_op *op, char sign)
{
	const struct lb_backend *value = &op->backend.value;
	char service[SERVICE_TEXT], addr[ADDR_PORT_TEXT];
	const char *state = "";

	if (value->flags & LB_BACKEND_GONE)
		state = ", gone";
	else if (value->flags & LB_BACKEND_DRAINING)
		state = ", draining";
	else if (value->flags & LB_BACKEND_TERMINATING)
		state = ", terminating";
	fprintf(out, "%c backend %s/%s", sign, addr_port_format(&value->addr, value->port, addr),
		proto_text(value->proto));
	if (op->backend.service)
		fprintf(out, " of %s", service_text(plan, op->backend.service, service));
	fprintf(out, "%s\n", state);
}

static void print_frontend(FILE *out, const struct plan *plan, const struct plan_op *op, char sign)
{
	char service[SERVICE_TEXT], addr[ADDR_PORT_TEXT], count[32];

	fprintf(out, "%c frontend %s/%s → %s", sign,
		addr_port_format(&op->frontend.key.addr, op->frontend.key.port, addr),
		proto_text(op->frontend.key.proto),
		service_text(plan, op->frontend.value.service, service));
	if (op->kind == PLAN_FRONTEND_SET)
		fprintf(out, " %s", count_text(op->frontend.backends, count, sizeof(count)));
	fputc('\n', out);
}

static void print_table(FILE *out, const struct plan *plan, const struct plan_op *op)
{
	char service[SERVICE_TEXT], count[32];

	fprintf(out, "+ table of %s: %s in %u slots\n",
		service_text(plan, op->maglev.service, service),
		count_text(op->maglev.n, count, sizeof(count)), op->maglev.len);
}

static void print_range(FILE *out, const struct plan *plan, const struct plan_op *op, char sign)
{
	char service[SERVICE_TEXT], addr[ADDR_TEXT];
	bool v4 = addr_is_v4(&op->range.addr);

	fprintf(out, "%c source range %s/%u of %s\n", sign, addr_format(&op->range.addr, addr),
		op->range.prefixlen - 32 - (v4 ? MAPPED_BITS : 0),
		service_text(plan, op->range.service, service));
}

void plan_print(FILE *out, const struct plan *plan)
{
	for (size_t i = 0; i < plan->n; i++) {
		const struct plan_op *op = &plan->ops[i];
		char set = op->change ? '~' : '+';

		switch (op->kind) {
		case PLAN_SERVICE_SET:
			print_service(out, plan, op, set);
			break;
		case PLAN_SERVICE_DELETE:
			print_service(out, plan, op, '-');
			break;
		case PLAN_BACKEND_SET:
			print_backend(out, plan, op, set);
			break;
		case PLAN_BACKEND_RETIRE:
			print_backend(out, plan, op, '-');
			break;
		case PLAN_MAGLEV_SET:
			print_table(out, plan, op);
			break;
		case PLAN_RANGE_SET:
			print_range(out, plan, op, '+');
			break;
		case PLAN_RANGE_DELETE:
			print_range(out, plan, op, '-');
			break;
		case PLAN_FRONTEND_SET:
			print_frontend(out, plan, op, set);
			break;
		case PLAN_FRONTEND_DELETE:
			print_frontend(out, plan, op, '-');
			break;
		}
	}
}
