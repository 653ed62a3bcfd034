/* SPDX-License-Identifier: Apache-2.0 */
/* A URL, from the rule that it meets to the pods. Asks the objects: HAProxy works by the same
 * rules. */
#include "user/cmd/explain_url.h"

#include <ctype.h>
#include <string.h>

#include "user/cmd/print.h"
#include "user/cmd/resource.h"
#include "user/ingress/certificate.h"
#include "user/ingress/rules.h"
#include "user/model/slices.h"
#include "user/util/cleanup.h"
#include "user/util/table.h"
#include "user/util/vec.h"

struct url {
	bool secure;
	char *host, *path;
};

bool explain_url_asked(const struct cli *cli)
{
	return cli->n_args == 1 && strstr(cli->args[0], "://");
}

static int url_parse(const char *text, struct url *ret_url)
{
	const char *rest = strstr(text, "://") + 3;
	size_t host = strcspn(rest, ":/?#");
	const char *path = rest + strcspn(rest, "/?#");
	bool secure = !strncmp(text, "https:", 6);

	if ((!secure && strncmp(text, "http:", 5) != 0) || !host)
		return -1;
	*ret_url = (struct url){
		.secure = secure,
		.host = xasprintf("%.*s", (int)host, rest),
		.path = xasprintf("%s%.*s", *path == '/' ? "" : "/", (int)strcspn(path, "?#"),
				  path),
	};
	for (char *c = ret_url->host; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return 0;
}

static void certificate_tell(FILE *out, const struct ingress_rules *rules, const struct url *url)
{
	const struct ingress_certificate *certificate = rules_certificate(rules, url->host);
	cleanup_free char *subject = certificate ? certificate_subject(certificate->pem) : NULL;

	if (!url->secure)
		return;
	if (certificate)
		fprintf(out, "Certificate:\tsecret %s/%s, %s\n", certificate->secret->ns,
			certificate->secret->name, subject);
	else
		fprintf(out, "Certificate:\tnone is for this name: CN=%s\n",
			CERTIFICATE_DEFAULT_NAME);
}

static void endpoints_tell(FILE *out, const struct store *store, const struct object *service,
			   const struct ingress_backend *backend)
{
	struct object_list slices = { 0 };

	slices_of_service(store, service, &slices);
	for (size_t i = 0; i < service->service->n_ports; i++) {
		const struct service_port *port = &service->service->ports[i];

		if (backend->port_name ? strcmp(port->name, backend->port_name) != 0
				       : port->port != backend->port)
			continue;
		fputs("Endpoints:\t", out);
		print_service_endpoints(out, &slices, port);
		fputc('\n', out);
	}
	object_list_free(&slices);
}

static void service_tell(FILE *out, const struct store *store, const struct ingress_route *route)
{
	const struct ingress_backend *backend = route->backend;
	const struct object *service;
	char text[ADDR_PORT_TEXT];

	if (!backend->service)
		return;
	service = store_find(store, K8S_SERVICE, route->ingress->ns, backend->service);
	fprintf(out, "Service:\t%s/%s", route->ingress->ns, backend->service);
	if (!service)
		fputs(", which is not there", out);
	else if (!route->listed && route->servers.n)
		fprintf(out, ", by %s in the kernel",
			addr_port_format(&route->servers.items[0].addr,
					 route->servers.items[0].port, text));
	else if (route->listed)
		fputs(", its pods one by one", out);
	fputc('\n', out);
	if (service)
		endpoints_tell(out, store, service, backend);
}

static void route_tell(FILE *out, const struct store *store, const struct ingress_rules *rules,
		       const struct ingress_entry *entry, const struct url *url)
{
	const struct ingress_route *route = &rules->routes.items[entry->route];
	const char *host = *entry->host ? entry->host : "*";
	static const char *const matches[] = {
		[INGRESS_EXACT] = "Exact",
		[INGRESS_REGEX] = "regular expression",
		[INGRESS_PREFIX] = "Prefix",
	};

	fprintf(out, "Ingress:\t%s/%s\n", route->ingress->ns, route->ingress->name);
	if (route->path)
		fprintf(out, "Rule:\thost %s, path %s (%s)\n", host, route->path,
			matches[entry->match]);
	else
		fputs("Rule:\tnone; its default backend\n", out);
	certificate_tell(out, rules, url);
	if (route->clients)
		fprintf(out, "Clients:\tshow a certificate by secret %s/%s%s\n", route->clients->ns,
			route->clients->name,
			route->options->clients == INGRESS_CLIENTS_OPTIONAL ? ", or none" : "");
	service_tell(out, store, route);
	for (size_t i = 0; i < rules->routes.n; i++)
		if (rules->routes.items[i].main == entry->route && i != entry->route)
			fprintf(out, "Canary:\tingress %s/%s takes a part\n",
				rules->routes.items[i].ingress->ns,
				rules->routes.items[i].ingress->name);
	for (size_t i = 0; i < rules->problems.n; i++)
		if (rules->problems.items[i].object == route->ingress)
			fprintf(out, "Problem:\t%s\n", rules->problems.items[i].text);
	if (route->refused || (!route->listed && !route->servers.n))
		fputs("Answer:\t503\n", out);
	else if (route->redirect && !url->secure)
		fputs("Answer:\t308, to https\n", out);
	else
		fputs("Answer:\twhat an endpoint says\n", out);
}

static void url_tell(FILE *out, const struct store *store, const struct url *url)
{
	const struct ingress_entry *entry;
	struct ingress_rules rules;

	rules_make(store, NULL, &rules);
	entry = rules_find(&rules, url->host, url->path);
	fprintf(out, "Host:\t%s\nPath:\t%s\n", url->host, url->path);
	if (entry) {
		route_tell(out, store, &rules, entry, url);
	} else {
		fputs("Ingress:\tnone has this host and path\n", out);
		certificate_tell(out, &rules, url);
		fputs("Answer:\t404\n", out);
	}
	rules_done(&rules);
}

int explain_url(struct cli *cli)
{
	struct table table = TABLE_DESCRIBE;
	cleanup_free char *text = NULL;
	struct store *store;
	struct url url;
	struct err err;
	size_t size;
	FILE *out;

	if (url_parse(cli->args[0], &url))
		return cli_usage(cli, "\"%s\" is no http or https URL", cli->args[0]);
	if (resource_store_load(cli, &store, &err)) {
		free(url.host);
		free(url.path);
		return cli_fail(&err);
	}
	out = open_memstream(&text, &size);
	url_tell(out, store, &url);
	fclose(out);
	table_print(&table, stdout, text);
	store_free(store);
	free(url.host);
	free(url.path);
	return CLI_OK;
}
