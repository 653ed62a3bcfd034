/* SPDX-License-Identifier: Apache-2.0 */
#include "user/agent/metrics.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <string.h>

#include "user/util/cleanup.h"
#include "user/util/proto.h"
#include "user/util/vec.h"

/* ------------------------------------------------------------------ format -- */

static void family_begin(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP lbctl_%s %s\n# TYPE lbctl_%s %s\n", name, help, name, type);
}

/* What is not known to be a name may hold anything. */
static void label_write(FILE *out, char before, const char *key, const char *value)
{
	fprintf(out, "%c%s=\"", before, key);
	while (*value) {
		size_t plain = strcspn(value, "\\\"\n");

		fwrite(value, 1, plain, out);
		value += plain;
		if (!*value)
			break;
		fprintf(out, "\\%c", *value == '\n' ? 'n' : *value);
		value++;
	}
	fputc('"', out);
}

static void value_write(FILE *out, uint64_t value)
{
	fprintf(out, " %" PRIu64 "\n", value);
}

static void seconds_write(FILE *out, uint64_t microseconds)
{
	fprintf(out, " %" PRIu64 ".%06" PRIu64 "\n", microseconds / 1000000,
		microseconds % 1000000);
}

/* A family of one series. */
static void single_write(FILE *out, const char *name, const char *type, const char *help,
			 uint64_t value)
{
	family_begin(out, name, type, help);
	fprintf(out, "lbctl_%s", name);
	value_write(out, value);
}

/* ------------------------------------------------------------------- agent -- */

static void agent_write(FILE *out, const struct metrics *metrics)
{
	const struct status *status = metrics->status;

	family_begin(out, "build_info", "gauge", "Always 1; the label tells which lbctl this is.");
	fputs("lbctl_build_info", out);
	label_write(out, '{', "version", metrics->version);
	fputs("} 1\n", out);
	single_write(out, "attached", "gauge", "Whether the datapath is attached.",
		     status->attached);
	single_write(out, "sync_total", "counter", "Syncs of the maps with the objects.",
		     status->syncs);
	single_write(out, "sync_errors_total", "counter", "Syncs that failed.", status->failures);
	single_write(out, "sync_last_success_timestamp_seconds", "gauge",
		     "When a sync succeeded the last time; 0: none has.",
		     (uint64_t)status->last_sync);
	family_begin(out, "sync_duration_seconds", "gauge", "How long the last sync took.");
	fputs("lbctl_sync_duration_seconds", out);
	seconds_write(out, status->duration);
	single_write(out, "services", "gauge", "Services that the maps should hold.",
		     status->services);
	single_write(out, "backends", "gauge", "Backends that the maps should hold.",
		     status->backends);
}

/* ---------------------------------------------------------------- counters -- */

/* A Service's port, or one of its backends. */
struct counted {
	const struct lb_name *name;
	const struct lb_backend *backend; /* NULL: the port itself */
	struct lb_stats stats;
	size_t labels, labels_length; /* in the list's text */
};

struct counted_list {
	struct counted *items;
	size_t n, room;
	char *labels; /* of all, which several families have */
};

static int counted_compare(const void *a, const void *b)
{
	const struct counted *x = a, *y = b;
	int order = strcmp(x->name->namespace, y->name->namespace);

	if (!order)
		order = strcmp(x->name->name, y->name->name);
	if (!order)
		order = (int)ntohs(x->name->port) - (int)ntohs(y->name->port);
	if (!order)
		order = (int)x->name->proto - (int)y->name->proto;
	if (!order && x->backend)
		order = addr_compare(&x->backend->addr, &y->backend->addr);
	if (!order && x->backend)
		order = (int)ntohs(x->backend->port) - (int)ntohs(y->backend->port);
	return order;
}

/*
 * A Service of two families has an id for each in the maps: one series here, since two of the same
 * labels would have the whole answer refused.
 */
static void counted_merge(struct counted_list *list)
{
	size_t n = 0;

	if (list->n)
		qsort(list->items, list->n, sizeof(*list->items), counted_compare);
	for (size_t i = 0; i < list->n; i++) {
		const struct counted *item = &list->items[i];

		if (n && !counted_compare(&list->items[n - 1], item)) {
			list->items[n - 1].stats.packets += item->stats.packets;
			list->items[n - 1].stats.bytes += item->stats.bytes;
			list->items[n - 1].stats.connections += item->stats.connections;
		} else {
			list->items[n++] = *item;
		}
	}
	list->n = n;
}

static int service_compare(const void *key, const void *item)
{
	const uint32_t *id = key;
	const struct actual_service *service = item;

	return (*id > service->id) - (*id < service->id);
}

static void services_collect(const struct metrics *metrics, struct counted_list *list)
{
	for (size_t i = 0; i < metrics->actual->n_services; i++)
		vec_push(list, ((struct counted){ &metrics->actual->services[i].name, NULL,
						  metrics->stats->services[i], 0, 0 }));
	counted_merge(list);
}

/* What a freed slot had counted is its Service's by now. */
static void backends_collect(const struct metrics *metrics, struct counted_list *list)
{
	const struct actual *actual = metrics->actual;

	for (size_t i = 0; i < actual->n_backends; i++) {
		const struct lb_backend *backend = &actual->backends[i].value;
		const struct actual_service *service = NULL;

		if (backend->service && actual->n_services)
			service = bsearch(&backend->service, actual->services, actual->n_services,
					  sizeof(*service), service_compare);
		if (service)
			vec_push(list, ((struct counted){ &service->name, backend,
							  metrics->stats->backends[i], 0, 0 }));
	}
	counted_merge(list);
}

static void counted_labels(FILE *out, const struct counted *item)
{
	char text[ADDR_PORT_TEXT], port[8];

	snprintf(port, sizeof(port), "%u", ntohs(item->name->port));
	label_write(out, '{', "namespace", item->name->namespace);
	label_write(out, ',', "service", item->name->name);
	label_write(out, ',', "port", port);
	label_write(out, ',', "protocol", proto_text(item->name->proto));
	if (item->backend)
		label_write(out, ',', "backend",
			    addr_port_format(&item->backend->addr, item->backend->port, text));
	fputc('}', out);
}

static void labels_render(struct counted_list *list)
{
	size_t size;
	FILE *out = open_memstream(&list->labels, &size);

	for (size_t i = 0; i < list->n; i++) {
		struct counted *item = &list->items[i];

		item->labels = (size_t)ftell(out);
		counted_labels(out, item);
		item->labels_length = (size_t)ftell(out) - item->labels;
	}
	fclose(out);
}

static void counted_done(struct counted_list *list)
{
	free(list->labels);
	vec_free(list);
}

struct counter {
	const char *name, *help;
	size_t offset; /* in struct lb_stats */
};

static const struct counter service_counters[] = {
	{ "service_packets_total", "Packets of clients, by Service.",
	  offsetof(struct lb_stats, packets) },
	{ "service_bytes_total", "Bytes of clients, by Service.",
	  offsetof(struct lb_stats, bytes) },
	{ "service_connections_total", "Connections, by Service.",
	  offsetof(struct lb_stats, connections) },
};

static const struct counter backend_counters[] = {
	{ "backend_packets_total", "Packets of clients, by backend.",
	  offsetof(struct lb_stats, packets) },
	{ "backend_bytes_total", "Bytes of clients, by backend.",
	  offsetof(struct lb_stats, bytes) },
	{ "backend_connections_total", "Connections, by backend.",
	  offsetof(struct lb_stats, connections) },
};

static void counters_write(FILE *out, const struct counter *counters, size_t n,
			   const struct counted_list *list)
{
	for (size_t i = 0; i < n && list->n; i++) {
		family_begin(out, counters[i].name, "counter", counters[i].help);
		for (size_t j = 0; j < list->n; j++) {
			const struct counted *item = &list->items[j];
			uint64_t value;

			memcpy(&value, (const char *)&item->stats + counters[i].offset,
			       sizeof(value));
			fprintf(out, "lbctl_%s", counters[i].name);
			fwrite(list->labels + item->labels, 1, item->labels_length, out);
			value_write(out, value);
		}
	}
}

/* ---------------------------------------------------------------- datapath -- */

static const char *const reason_labels[LB_REASON_COUNT] = {
#define REASON_LABEL(name, label, text, hint) [LB_REASON_##name] = label,
	LB_REASONS(REASON_LABEL)
#undef REASON_LABEL
};

static void drops_write(FILE *out, const struct datapath_stats *stats)
{
	family_begin(out, "drops_total", "counter",
		     "Packets and connections that were refused or dropped, by reason.");
	for (int i = 0; i < LB_REASON_COUNT; i++) {
		if (!datapath_reason_is_bad((enum lb_reason)i))
			continue;
		fputs("lbctl_drops_total", out);
		label_write(out, '{', "reason", reason_labels[i]);
		fputc('}', out);
		value_write(out, stats->reasons[i].packets);
	}
}

/* A freed slot is as good as an empty one. */
static size_t backends_used(const struct actual *actual)
{
	size_t n = 0;

	for (size_t i = 0; i < actual->n_backends; i++)
		n += actual->backends[i].value.service != 0;
	return n;
}

static void maps_write(FILE *out, const struct actual *actual)
{
	const struct {
		const char *label;
		size_t used, max;
	} maps[] = {
		{ "services", actual->n_services, actual->max_services },
		{ "frontends", actual->n_frontends, actual->max_frontends },
		{ "backends", backends_used(actual), actual->max_backends },
		{ "source_ranges", actual->n_ranges, actual->max_ranges },
	};

	for (size_t max = 0; max < 2; max++) {
		const char *name = max ? "map_max_entries" : "map_entries";

		family_begin(out, name, "gauge",
			     max ? "Entries that the map has room for."
				 : "Entries of the map that are in use.");
		for (size_t i = 0; i < ARRAY_LEN(maps); i++) {
			fprintf(out, "lbctl_%s", name);
			label_write(out, '{', "map", maps[i].label);
			fputc('}', out);
			value_write(out, max ? maps[i].max : maps[i].used);
		}
	}
}

static void datapath_write(FILE *out, const struct metrics *metrics)
{
	struct counted_list services = { 0 }, backends = { 0 };

	services_collect(metrics, &services);
	backends_collect(metrics, &backends);
	labels_render(&services);
	labels_render(&backends);
	counters_write(out, service_counters, ARRAY_LEN(service_counters), &services);
	counters_write(out, backend_counters, ARRAY_LEN(backend_counters), &backends);
	drops_write(out, metrics->stats);
	maps_write(out, metrics->actual);
	counted_done(&services);
	counted_done(&backends);
}

/* ------------------------------------------------------------------ probes -- */

/* Without the brace at the end. */
static void probe_labels(FILE *out, const struct target_key *key)
{
	bool pod = key->kind == K8S_POD;

	label_write(out, '{', "namespace", key->ns);
	label_write(out, ',', pod ? "pod" : "service", key->name);
	label_write(out, ',', pod ? "container" : "endpoint", key->part);
	label_write(out, ',', "probe", target_probe_word(key->probe));
}

static void probe_result_write(FILE *out, const struct prober_result *result)
{
	fputs("lbctl_probe_result", out);
	probe_labels(out, result->key);
	fputc('}', out);
	value_write(out, result->last != OUTCOME_FAILURE);
}

static void probe_duration_write(FILE *out, const struct prober_result *result)
{
	fputs("lbctl_probe_duration_seconds", out);
	probe_labels(out, result->key);
	fputc('}', out);
	seconds_write(out, result->latency);
}

static void probe_runs_write(FILE *out, const struct prober_result *result)
{
	static const char *const outcomes[OUTCOMES] = {
		[OUTCOME_SUCCESS] = "success",
		[OUTCOME_WARNING] = "warning",
		[OUTCOME_FAILURE] = "failure",
	};

	for (size_t i = 0; i < OUTCOMES; i++) {
		fputs("lbctl_probe_runs_total", out);
		probe_labels(out, result->key);
		label_write(out, ',', "result", outcomes[i]);
		fputc('}', out);
		value_write(out, result->runs[i]);
	}
}

/* Of probes that have run. */
static void probes_write(FILE *out, const struct metrics *metrics)
{
	static const struct {
		const char *name, *type, *help;
		void (*write)(FILE *out, const struct prober_result *result);
	} families[] = {
		{ "probe_result", "gauge", "1: the last run of the probe succeeded; 0: it failed.",
		  probe_result_write },
		{ "probe_duration_seconds", "gauge", "How long the last run of the probe took.",
		  probe_duration_write },
		{ "probe_runs_total", "counter", "Runs of the probe since the agent began.",
		  probe_runs_write },
	};

	for (size_t i = 0; i < ARRAY_LEN(families) && metrics->n_results; i++) {
		family_begin(out, families[i].name, families[i].type, families[i].help);
		for (size_t j = 0; j < metrics->n_results; j++)
			families[i].write(out, &metrics->results[j]);
	}
}

void metrics_write(FILE *out, const struct metrics *metrics)
{
	agent_write(out, metrics);
	if (metrics->actual)
		datapath_write(out, metrics);
	probes_write(out, metrics);
}
