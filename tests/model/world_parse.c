/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words of the tables of cases. A statement is a line:
 *
 *	config  zone=Z masqueradeAll externalIPs nopods addr=A npa=NETWORK
 *	host    NAME ZONE
 *	svc     NAME TYPE ADDRESS… PORT… lb=A lbproxy=A ext=A range=NETWORK ext-local int-local
 *	        affinity publish dist=D headless label=headless|proxy pods created=DAY
 *	slice   SVC NAME [v6] PORT…
 *	ep      SVC ADDRESS STATE node=N zone=Z hz=Z hn=N slice=NAME
 *	legacy  SVC ADDRESS STATE node=N
 *	pod     SVC ADDRESS[,ADDRESS] STATE node=N phase=P PORT…
 *
 * PORT: [name:]80/TCP[>target][@nodeport]; in a range, _ is a blank. STATE: ready (if none is
 * given), silent, notready, terminating, dead. Pods L… are on this node, R… on node "there".
 */
#include "tests/model/world.h"

#include <stdlib.h>
#include <string.h>

#define MAX_WORDS 24

struct words {
	char text[512];
	char *item[MAX_WORDS];
	size_t n;
};

static void words_split(const char *line, struct words *words)
{
	char *rest = words->text, *word;

	words->n = 0;
	snprintf(words->text, sizeof(words->text), "%s", line);
	while ((word = strsep(&rest, " \t\n")))
		if (*word && words->n < MAX_WORDS)
			words->item[words->n++] = word;
}

static void copy(char *to, const char *text)
{
	snprintf(to, TEXT, "%s", text);
}

/* The value of "key=value" where the word has that key, or NULL. */
static const char *value_of(const char *word, const char *key)
{
	size_t length = strlen(key);

	return !strncmp(word, key, length) && word[length] == '=' ? word + length + 1 : NULL;
}

/* Adds the comma-separated values. */
static bool add_names(const char *word, const char *key, struct texts *texts)
{
	const char *value = value_of(word, key);
	char all[256], *rest = all, *one;

	if (!value)
		return false;
	snprintf(all, sizeof(all), "%s", value);
	while ((one = strsep(&rest, ",")))
		texts_add(texts, one);
	return true;
}

/* The same for addresses and networks; blanks are written as underscores. */
static bool add_values(const char *word, const char *key, struct texts *texts)
{
	const char *value = value_of(word, key);
	char all[256], expanded[TEXT], *rest = all, *one;

	if (!value)
		return false;
	snprintf(all, sizeof(all), "%s", value);
	while ((one = strsep(&rest, ","))) {
		for (char *p = one; *p; p++)
			if (*p == '_')
				*p = ' ';
		texts_add(texts, alias_expand(one, expanded));
	}
	return true;
}

static bool set_value(const char *word, const char *key, char *to)
{
	const char *value = value_of(word, key);

	if (value)
		copy(to, value);
	return value;
}

static bool set_flag(const char *word, const char *name, bool *flag)
{
	if (strcmp(word, name) != 0)
		return false;
	*flag = true;
	return true;
}

/* "[name:]80/TCP[>target][@nodeport]" */
static bool port_parse(const char *word, struct world_port *port)
{
	char text[TEXT], *at, *target, *slash, *colon, *number = text;

	copy(text, word);
	memset(port, 0, sizeof(*port));
	slash = strchr(text, '/');
	if (!slash)
		return false;
	at = strchr(slash, '@');
	if (at)
		*at++ = '\0';
	target = strchr(slash, '>');
	if (target)
		*target++ = '\0';
	*slash++ = '\0';
	colon = strchr(text, ':');
	if (colon) {
		*colon = '\0';
		copy(port->name, text);
		number = colon + 1;
	}
	port->port = (unsigned int)strtoul(number, NULL, 10);
	snprintf(port->proto, sizeof(port->proto), "%.7s", slash);
	port->node_port = at ? (unsigned int)strtoul(at, NULL, 10) : 0;
	port->target = target ? (unsigned int)strtoul(target, NULL, 10) : 0;
	if (target && !port->target)
		copy(port->target_name, target);
	return port->port;
}

static bool add_port(const char *word, struct world_port *ports, size_t *n)
{
	return *n < MAX_PORTS && port_parse(word, &ports[*n]) && ++*n;
}

static bool set_state(const char *word, enum state *state)
{
	static const char *const names[] = {
		[STATE_READY] = "ready",	[STATE_SILENT] = "silent",
		[STATE_NOT_READY] = "notready", [STATE_TERMINATING] = "terminating",
		[STATE_DEAD] = "dead",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!strcmp(word, names[i])) {
			*state = (enum state)i;
			return true;
		}
	}
	return false;
}

/* ------------------------------------------------------------ statements -- */

static const char *config_parse(struct world *world, const struct words *words)
{
	for (size_t i = 1; i < words->n; i++) {
		const char *word = words->item[i];

		if (!strcmp(word, "nopods"))
			world->pod_cidrs.n = 0;
		else if (!set_value(word, "zone", world->zone) &&
			 !set_flag(word, "masqueradeAll", &world->masquerade_all) &&
			 !set_flag(word, "externalIPs", &world->serve_external_ips) &&
			 !add_values(word, "addr", &world->node_addresses) &&
			 !add_values(word, "npa", &world->node_port_addresses))
			return "an unknown word of config";
	}
	return NULL;
}

static bool service_word(struct world_service *service, const char *word)
{
	const char *value = value_of(word, "created");
	char expanded[TEXT];

	if (value) {
		service->created = (unsigned int)strtoul(value, NULL, 10);
		return true;
	}
	if (add_values(word, "lb", &service->balancer) ||
	    add_values(word, "lbproxy", &service->balancer_proxy) ||
	    add_values(word, "ext", &service->external_ips) ||
	    add_values(word, "range", &service->ranges) ||
	    set_flag(word, "ext-local", &service->external_local) ||
	    set_flag(word, "int-local", &service->internal_local) ||
	    set_flag(word, "affinity", &service->affinity) ||
	    set_flag(word, "publish", &service->publish_not_ready) ||
	    set_flag(word, "headless", &service->headless) ||
	    set_flag(word, "label=headless", &service->headless_label) ||
	    set_flag(word, "label=proxy", &service->proxy_label) ||
	    set_flag(word, "pods", &service->selector) ||
	    set_value(word, "dist", service->distribution))
		return true;
	if (strchr(word, '/'))
		return add_port(word, service->ports, &service->n_ports);
	alias_expand(word, expanded);
	if (!strpbrk(expanded, ".:"))
		return false;
	texts_add(&service->cluster_ips, expanded);
	return true;
}

static const char *service_parse(struct world *world, const struct words *words)
{
	struct world_service *service = &world->services[world->n_services];

	if (words->n < 3 || world->n_services == MAX_SERVICES)
		return "svc NAME TYPE, and not too many";
	world->n_services++;
	copy(service->name, words->item[1]);
	copy(service->type, words->item[2]);
	for (size_t i = 3; i < words->n; i++)
		if (!service_word(service, words->item[i]))
			return "an unknown word of svc";
	return NULL;
}

static struct world_slice *slice_find(struct world *world, const char *service, const char *name,
				      bool v4)
{
	for (size_t i = 0; i < world->n_slices; i++) {
		struct world_slice *slice = &world->slices[i];

		if (!strcmp(slice->service, service) && !strcmp(slice->name, name) &&
		    slice->v4 == v4)
			return slice;
	}
	return NULL;
}

static struct world_slice *slice_add(struct world *world, const char *service, const char *name,
				     bool v4)
{
	struct world_slice *slice = &world->slices[world->n_slices++];

	if (world->n_slices > MAX_SLICES)
		abort();
	copy(slice->service, service);
	copy(slice->name, name);
	slice->v4 = v4;
	return slice;
}

static const char *slice_parse(struct world *world, const struct words *words)
{
	bool v6 = words->n > 3 && !strcmp(words->item[3], "v6");
	struct world_slice *slice;

	if (words->n < 3)
		return "slice SVC NAME";
	slice = slice_add(world, words->item[1], words->item[2], !v6);
	for (size_t i = 3 + v6; i < words->n; i++)
		if (!add_port(words->item[i], slice->ports, &slice->n_ports))
			return "a wrong port of slice";
	return NULL;
}

/* The ports that a slice has when nobody says otherwise: those of its service. */
static void slice_default_ports(const struct world *world, struct world_slice *slice)
{
	for (size_t i = 0; i < world->n_services; i++) {
		const struct world_service *service = &world->services[i];

		if (strcmp(service->name, slice->service) != 0)
			continue;
		for (size_t j = 0; j < service->n_ports; j++) {
			struct world_port *port = &slice->ports[slice->n_ports++];

			*port = service->ports[j];
			port->port = port->target ? port->target : port->port;
		}
	}
}

static const char *endpoint_parse(struct world *world, const struct words *words, bool legacy)
{
	char slice_name[TEXT] = "s", addr[TEXT];
	struct world_endpoint *endpoint;
	struct world_slice *slice;
	bool v4;

	if (words->n < 3)
		return "ep SVC ADDRESS";
	for (size_t i = 3; i < words->n; i++)
		set_value(words->item[i], "slice", slice_name);
	if (legacy)
		copy(slice_name, "legacy");
	alias_expand(words->item[2], addr);
	v4 = legacy || !strchr(addr, ':');
	slice = slice_find(world, words->item[1], slice_name, v4);
	if (!slice) {
		slice = slice_add(world, words->item[1], slice_name, v4);
		slice->legacy = legacy;
		slice_default_ports(world, slice);
	}
	if (slice->n_endpoints == MAX_ENDPOINTS)
		return "too many endpoints";
	endpoint = &slice->endpoints[slice->n_endpoints++];
	copy(endpoint->addr, addr);
	if (strchr("LlRr", *words->item[2]))
		copy(endpoint->node, strchr("Ll", *words->item[2]) ? "here" : "there");
	for (size_t i = 3; i < words->n; i++) {
		const char *word = words->item[i];

		if (!set_state(word, &endpoint->state) &&
		    !set_value(word, "node", endpoint->node) &&
		    !set_value(word, "zone", endpoint->zone) && !value_of(word, "slice") &&
		    !add_names(word, "hz", &endpoint->hint_zones) &&
		    !add_names(word, "hn", &endpoint->hint_nodes))
			return "an unknown word of ep";
	}
	return NULL;
}

static const char *pod_parse(struct world *world, const struct words *words)
{
	struct world_pod *pod = &world->pods[world->n_pods];
	char list[256];

	if (words->n < 3 || world->n_pods == MAX_PODS)
		return "pod SVC ADDRESS, and not too many";
	snprintf(pod->name, TEXT, "pod-%zu", world->n_pods++);
	copy(pod->service, words->item[1]);
	snprintf(list, sizeof(list), "addr=%s", words->item[2]);
	add_values(list, "addr", &pod->addrs);
	copy(pod->node, strchr("Ll", *words->item[2]) ? "here" : "there");
	copy(pod->phase, "Running");
	for (size_t i = 3; i < words->n; i++) {
		const char *word = words->item[i];

		if (!set_state(word, &pod->state) && !set_value(word, "node", pod->node) &&
		    !set_value(word, "phase", pod->phase) &&
		    !add_port(word, pod->ports, &pod->n_ports))
			return "an unknown word of pod";
	}
	return NULL;
}

static const char *host_parse(struct world *world, const struct words *words)
{
	if (words->n < 2 || world->n_hosts == MAX_HOSTS)
		return "host NAME ZONE, and not too many";
	copy(world->hosts[world->n_hosts].name, words->item[1]);
	copy(world->hosts[world->n_hosts].zone, words->n > 2 ? words->item[2] : "");
	world->n_hosts++;
	return NULL;
}

const char *world_parse(struct world *world, const char *line)
{
	struct words words;

	words_split(line, &words);
	if (!words.n)
		return NULL;
	if (!strcmp(words.item[0], "config"))
		return config_parse(world, &words);
	if (!strcmp(words.item[0], "host"))
		return host_parse(world, &words);
	if (!strcmp(words.item[0], "svc"))
		return service_parse(world, &words);
	if (!strcmp(words.item[0], "slice"))
		return slice_parse(world, &words);
	if (!strcmp(words.item[0], "ep"))
		return endpoint_parse(world, &words, false);
	if (!strcmp(words.item[0], "legacy"))
		return endpoint_parse(world, &words, true);
	if (!strcmp(words.item[0], "pod"))
		return pod_parse(world, &words);
	return "an unknown statement";
}

/* "C tcp V:80"; "-": a process of the node */
const char *question_parse(const char *text, struct world_question *ret_question)
{
	struct words words;
	char *colon;

	words_split(text, &words);
	if (words.n != 3)
		return "FROM PROTOCOL ADDRESS:PORT";
	memset(ret_question, 0, sizeof(*ret_question));
	if (strcmp(words.item[0], "-") != 0)
		alias_expand(words.item[0], ret_question->from);
	for (size_t i = 0; i < sizeof(ret_question->proto) - 1 && words.item[1][i]; i++)
		ret_question->proto[i] = (char)(words.item[1][i] & ~0x20);
	colon = strrchr(words.item[2], ':');
	if (!colon)
		return "no port";
	*colon = '\0';
	ret_question->port = (unsigned int)strtoul(colon + 1, NULL, 10);
	alias_expand(words.item[2], ret_question->to);
	return NULL;
}
