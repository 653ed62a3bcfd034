/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates: ours, those of clients, and those of pods. */
#include <string.h>

#include "user/ingress/render_parts.h"
#include "user/util/cleanup.h"
#include "user/util/vec.h"

bool render_any_clients(const struct ingress_rules *rules)
{
	for (size_t i = 0; i < rules->routes.n; i++)
		if (rules->routes.items[i].clients)
			return true;
	return false;
}

/* ------------------------------------------------------------------ crt-list -- */

static void certificate_print(FILE *out, const struct ingress_certificate *certificate)
{
	fprintf(out, RENDER_FOLDER "/%s_%s.pem", certificate->secret->ns,
		certificate->secret->name);
}

static bool certificate_is_for(const struct ingress_certificate *certificate, const char *host,
			       bool wildcard)
{
	for (size_t i = 0; i < certificate->n_hosts; i++)
		if (wildcard ? rules_host_matches(certificate->hosts[i], host)
			     : !strcmp(certificate->hosts[i], host))
			return true;
	return false;
}

/* The certificate of a host as others see it, in a line of its own that asks for the client's. */
static void guarded_print(FILE *out, const struct ingress_rules *rules, const char *host,
			  const struct object *secret)
{
	cleanup_free char *ask =
		xasprintf(" [ca-file " RENDER_FOLDER "/%s_%s.ca.pem verify optional] %s\n",
			  secret->ns, secret->name, host);
	size_t n = 0;

	for (int wildcard = 0; wildcard <= 1 && !n; wildcard++) {
		for (size_t i = 0; i < rules->certificates.n; i++) {
			if (!certificate_is_for(&rules->certificates.items[i], host, wildcard))
				continue;
			certificate_print(out, &rules->certificates.items[i]);
			fputs(ask, out);
			n++;
		}
	}
	if (!n)
		fprintf(out, RENDER_FOLDER "/default.pem%s", ask);
}

static bool host_is_first(const struct ingress_rules *rules, size_t route)
{
	for (size_t i = 0; i < route; i++)
		if (rules->routes.items[i].clients &&
		    !strcmp(rules->routes.items[i].host, rules->routes.items[route].host))
			return false;
	return true;
}

void render_crt_list(FILE *out, const struct ingress_rules *rules)
{
	bool guarded = render_any_clients(rules);

	fputs(RENDER_FOLDER "/default.pem\n", out);
	for (size_t i = 0; i < rules->routes.n; i++) {
		const struct ingress_route *route = &rules->routes.items[i];

		if (route->clients && host_is_first(rules, i))
			guarded_print(out, rules, route->host, route->clients);
	}
	for (size_t i = 0; i < rules->certificates.n; i++) {
		const struct ingress_certificate *certificate = &rules->certificates.items[i];
		size_t n = 0;

		for (size_t k = 0; k < certificate->n_hosts; k++) {
			if (guarded && rules_clients(rules, certificate->hosts[k]))
				continue;
			if (!n++)
				certificate_print(out, certificate);
			fprintf(out, " %s", certificate->hosts[k]);
		}
		if (!certificate->n_hosts)
			certificate_print(out, certificate);
		if (n || !certificate->n_hosts)
			fputc('\n', out);
	}
}

/* ------------------------------------------------------------------- clients -- */

/*
 * Which authorities a client was verified by follows from the name that it asked for in the
 * handshake; the rule from the Host of the request. So they have to be one: otherwise whoever has a
 * certificate for one host could ask for another.
 */
void render_clients(FILE *out, const struct ingress_route *route)
{
	if (!route->clients)
		return;
	fputs("\thttp-request deny deny_status 403 unless { ssl_fc }\n"
	      "\thttp-request return status 421 content-type text/plain string "
	      "\"the name of the handshake is another\\n\" "
	      "unless { ssl_fc_sni,lower,strcmp(txn.host) eq 0 }\n",
	      out);
	if (route->options->clients == INGRESS_CLIENTS_ON)
		fputs("\thttp-request return status 400 content-type text/plain string "
		      "\"no client certificate was sent\\n\" "
		      "unless { ssl_c_used } { ssl_c_verify 0 }\n",
		      out);
	fputs("\thttp-request set-header ssl-client-verify NONE\n"
	      "\thttp-request set-header ssl-client-verify SUCCESS if { ssl_c_used } { "
	      "ssl_c_verify 0 }\n"
	      "\thttp-request set-header ssl-client-subject-dn %[ssl_c_s_dn(,0,rfc2253)]\n"
	      "\thttp-request set-header ssl-client-issuer-dn %[ssl_c_i_dn(,0,rfc2253)]\n",
	      out);
}

/* ---------------------------------------------------------------------- pods -- */

static void verify_print(FILE *out, const struct ingress_rules *rules,
			 const struct ingress_route *route)
{
	const struct ingress_upstream *upstream = &route->options->upstream;
	const struct ingress_authority *authority = rules_authority(rules, route->upstream);
	cleanup_free char *name = upstream->name ? xstrdup(upstream->name)
						 : xasprintf("%s.%s.svc", route->backend->service,
							     route->ingress->ns);

	fputs(" ssl", out);
	if (upstream->verify)
		fprintf(out,
			" verify required ca-file " RENDER_FOLDER "/%s_%s.ca.pem verifyhost %s",
			route->upstream->ns, route->upstream->name, name);
	else
		fputs(" verify none", out);
	if (upstream->verify || upstream->sni)
		fprintf(out, " sni str(%s)", name);
	if (authority && authority->pem)
		fprintf(out, " crt " RENDER_FOLDER "/%s_%s.client.pem", route->upstream->ns,
			route->upstream->name);
}

void render_upstream(FILE *out, const struct ingress_rules *rules,
		     const struct ingress_route *route)
{
	enum ingress_protocol protocol = route->options->protocol;

	if (protocol == INGRESS_HTTPS || protocol == INGRESS_H2)
		verify_print(out, rules, route);
	if (protocol == INGRESS_H2C)
		fputs(" proto h2", out);
	if (protocol == INGRESS_H2)
		fputs(" alpn h2", out);
}
