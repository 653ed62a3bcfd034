/* SPDX-License-Identifier: Apache-2.0 */
/* Which addresses the Services of our class should have, given what all Services have. */
#include "tests/unit/model/world.h"

#include "user/model/load_balancer.h"

#define META(name, more) \
	"metadata: {name: " name ", uid: u-" name ", resourceVersion: '7'" more "}, "
#define SERVICE(name, more, spec, status)                   \
	"{apiVersion: v1, kind: Service, " META(            \
		name, more) "spec: {" PORTS ", " spec "}, " \
			    "status: {loadBalancer: {ingress: [" status "]}}}\n---\n"
#define OURS(name, spec, status) \
	SERVICE(name, "", "type: LoadBalancer, loadBalancerClass: lbctl.io/lb" spec, status)
#define PLAIN(name, spec, status) SERVICE(name, "", "type: LoadBalancer" spec, status)
#define BORN(time) ", creationTimestamp: '" time "'"
#define DUAL ", ipFamilyPolicy: RequireDualStack, ipFamilies: [IPv4, IPv6]"
#define PREFER ", ipFamilyPolicy: PreferDualStack, ipFamilies: [IPv4, IPv6]"

/* Lines "name [address...] [!] [(lack)]", "!" where the status has to be written. */
struct plan_case {
	const char *name;
	const char *stored;
	const char *expected;
	bool all; /* loadBalancerDefault */
	const char *pools;
};

#define EMPTY " (no address is left in loadBalancerPools)\n"

static const struct plan_case cases[] = {
	{ .name = "a new one gets the first address", OURS("a", "", ""), "a 203.0.113.0 !\n" },
	{ .name = "what it has it keeps", OURS("a", "", "{ip: 203.0.113.3}"), "a 203.0.113.3\n" },
	{ .name = "also outside of the pools",
	  OURS("a", "", "{ip: 198.51.100.9}"),
	  "a 198.51.100.9\n" },
	{ .name = "two get two",
	  OURS("a", "", "") OURS("b", "", ""),
	  "a 203.0.113.0 !\nb 203.0.113.2 !\n" },
	{ .name = "the node's own address is given to nobody",
	  OURS("a", "", "{ip: 203.0.113.0}") OURS("b", "", ""),
	  "a 203.0.113.0\nb 203.0.113.2 !\n" },
	{ .name = "the oldest comes first",
	  SERVICE("a", BORN("2026-02-01T00:00:00Z"), "type: LoadBalancer", "")
		  SERVICE("b", BORN("2026-01-01T00:00:00Z"), "type: LoadBalancer", ""),
	  "b 203.0.113.0 !\na 203.0.113.2 !\n",
	  .all = true },
	{ .name = "without a class: somebody else's", PLAIN("a", "", ""), "" },
	{ .name = "without a class: ours when asked for",
	  PLAIN("a", "", ""),
	  "a 203.0.113.0 !\n",
	  .all = true },
	{ .name = "another class", PLAIN("a", ", loadBalancerClass: x.io/y", ""), "", .all = true },
	{ .name = "without a class, and served with a name",
	  PLAIN("a", "", "{hostname: x.example.com}"),
	  "",
	  .all = true },
	{ .name = "without a class, and served with a foreign address",
	  PLAIN("a", "", "{ip: 198.51.100.9}"),
	  "",
	  .all = true },
	{ .name = "other types have none",
	  SERVICE("a", "", "type: NodePort", ""),
	  "",
	  .all = true },
	{ .name = "one of another type now gives its address back",
	  SERVICE("a", "", "type: NodePort", "{ip: 203.0.113.0}"),
	  "a !\n" },
	{ .name = "which is nobody's before that is written",
	  SERVICE("a", "", "type: NodePort", "{ip: 203.0.113.0}") OURS("b", "", ""),
	  "a !\nb 203.0.113.2 !\n" },
	{ .name = "but not one that is none of ours",
	  SERVICE("a", "", "type: NodePort", "{ip: 198.51.100.9}"),
	  "" },
	{ .name = "one on its way out gets nothing new",
	  SERVICE("a", ", deletionTimestamp: '2026-01-01T00:00:00Z'",
		  "type: LoadBalancer, loadBalancerClass: lbctl.io/lb", ""),
	  "a\n" },
	{ .name = "and keeps what it has until it is gone",
	  SERVICE("a", ", deletionTimestamp: '2026-01-01T00:00:00Z'",
		  "type: LoadBalancer, loadBalancerClass: lbctl.io/lb", "{ip: 203.0.113.0}")
		  OURS("b", "", ""),
	  "a 203.0.113.0\nb 203.0.113.2 !\n" },
	{ .name = "none is left",
	  OURS("a", "", "") OURS("b", "", "") OURS("c", "", "") OURS("d", "", ""),
	  "a 203.0.113.0 !\nb 203.0.113.2 !\nc 203.0.113.3 !\nd" EMPTY },
	{ .name = "no pools", OURS("a", "", ""), "a" EMPTY, .pools = "" },
	{ .name = "addresses of other Services are taken, of whatever kind",
	  PLAIN("x", ", loadBalancerClass: x.io/y", "{ip: 203.0.113.0}")
		  SERVICE("z", "", "externalIPs: [203.0.113.2]", "") OURS("a", "", ""),
	  "a 203.0.113.3 !\n" },
	{ .name = "two with one address: the older one keeps it",
	  SERVICE("a", BORN("2026-02-01T00:00:00Z"),
		  "type: LoadBalancer, loadBalancerClass: lbctl.io/lb", "{ip: 203.0.113.0}")
		  SERVICE("b", BORN("2026-01-01T00:00:00Z"),
			  "type: LoadBalancer, loadBalancerClass: lbctl.io/lb",
			  "{ip: 203.0.113.0}"),
	  "b 203.0.113.0\na 203.0.113.2 !\n" },
	{ .name = "one with the address of somebody else's gets another",
	  PLAIN("x", ", loadBalancerClass: x.io/y", "{ip: 203.0.113.0}")
		  OURS("a", "", "{ip: 203.0.113.0}"),
	  "a 203.0.113.2 !\n" },
	{ .name = "the address it asks for",
	  OURS("a", ", loadBalancerIP: 203.0.113.3", ""),
	  "a 203.0.113.3 !\n" },
	{ .name = "the address it asks for, in place of the one it has",
	  OURS("a", ", loadBalancerIP: 203.0.113.3", "{ip: 203.0.113.0}"),
	  "a 203.0.113.3 !\n" },
	{ .name = "an asked one is kept from others, older ones too",
	  OURS("a", "", "{ip: 203.0.113.0}") OURS("b", "", "")
		  OURS("c", ", loadBalancerIP: 203.0.113.2", ""),
	  "a 203.0.113.0\nb 203.0.113.3 !\nc 203.0.113.2 !\n" },
	{ .name = "asked for, and another's",
	  OURS("a", "", "{ip: 203.0.113.3}") OURS("b", ", loadBalancerIP: 203.0.113.3", ""),
	  "a 203.0.113.3\nb (its loadBalancerIP is another Service's)\n" },
	{ .name = "asked for by two",
	  OURS("a", ", loadBalancerIP: 203.0.113.3", "")
		  OURS("b", ", loadBalancerIP: 203.0.113.3", ""),
	  "a 203.0.113.3 !\nb (its loadBalancerIP is another Service's)\n" },
	{ .name = "asked for, and in no pool",
	  OURS("a", ", loadBalancerIP: 198.51.100.1", ""),
	  "a (its loadBalancerIP is not in loadBalancerPools)\n" },
	{ .name = "asked for in vain, it keeps what it has",
	  OURS("a", ", loadBalancerIP: 198.51.100.1", "{ip: 203.0.113.0}"),
	  "a 203.0.113.0 (its loadBalancerIP is not in loadBalancerPools)\n" },
	{ .name = "both families", OURS("a", DUAL, ""), "a 203.0.113.0 2001:db8:: !\n" },
	{ .name = "the second family comes to the first",
	  OURS("a", DUAL, "{ip: 203.0.113.3}"),
	  "a 203.0.113.3 2001:db8:: !\n" },
	{ .name = "a family that goes takes its address along",
	  OURS("a", ", ipFamilies: [IPv4]", "{ip: 203.0.113.3}, {ip: '2001:db8::'}"),
	  "a 203.0.113.3 !\n" },
	{ .name = "IPv6 alone", OURS("a", ", ipFamilies: [IPv6]", ""), "a 2001:db8:: !\n" },
	{ .name = "asking for one family leaves the other alone",
	  OURS("a", DUAL ", loadBalancerIP: 203.0.113.3", "{ip: 203.0.113.0}, {ip: '2001:db8::2'}"),
	  "a 203.0.113.3 2001:db8::2 !\n" },
	{ .name = "a family without a pool is a lack where it is required",
	  OURS("a", DUAL, ""),
	  "a 203.0.113.0 !" EMPTY,
	  .pools = "203.0.113.0/30" },
	{ .name = "and none where it is preferred",
	  OURS("a", PREFER, ""),
	  "a 203.0.113.0 !\n",
	  .pools = "203.0.113.0/30" },
	{ .name = "the family of the cluster IP, where the server does not fill in families",
	  OURS("a", ", clusterIP: 'fd00:10:96::7'", ""),
	  "a 2001:db8:: !\n" },
};

static char *plan_text(const struct load_balancer_list *list)
{
	char *text = NULL, addr[ADDR_TEXT];
	size_t size;
	FILE *out = open_memstream(&text, &size);

	for (size_t i = 0; i < list->n; i++) {
		const struct load_balancer *balancer = &list->items[i];

		fprintf(out, "%s", balancer->service->name);
		for (size_t j = 0; j < balancer->n_addrs; j++)
			fprintf(out, " %s", addr_format(&balancer->addrs[j], addr));
		fprintf(out, "%s", balancer->differs ? " !" : "");
		if (balancer->lack)
			fprintf(out, " (%s)", load_balancer_lack_text(balancer->lack));
		fputc('\n', out);
	}
	fclose(out);
	return text;
}

static void test_plan(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct plan_case *row = &cases[i];
		const char *pools = row->pools ? row->pools : "203.0.113.0/30 2001:db8::/126";
		struct config config = world_config("10.96.0.0/12", *pools ? pools : NULL);
		struct store *store = world_new(row->stored);
		cleanup_free char *text = NULL;
		struct load_balancer_list list;

		config.load_balancer_default = row->all;
		load_balancer_plan(store, &config, &list);
		text = plan_text(&list);
		if (strcmp(text, row->expected) != 0)
			fail_msg("%s:\n%snot\n%s", row->name, text, row->expected);
		load_balancer_list_free(&list);
		store_free(store);
		world_config_done(&config);
	}
}

/* Written as a patch and read back, there is nothing left to write. */
static void test_patch(void **state)
{
	struct config config = world_config("10.96.0.0/12", "203.0.113.0/30 2001:db8::/126");
	struct store *store = world_new(OURS("a", DUAL, ""));
	struct load_balancer_list list;
	cleanup_json json_t *patch = NULL;
	cleanup_free char *text = NULL;

	(void)state;
	load_balancer_plan(store, &config, &list);
	patch = load_balancer_patch(&list.items[0]);
	text = json_dumps(patch, JSON_COMPACT | JSON_SORT_KEYS);
	assert_string_equal(text, "{\"metadata\":{\"resourceVersion\":\"7\",\"uid\":\"u-a\"},"
				  "\"status\":{\"loadBalancer\":{\"ingress\":["
				  "{\"ip\":\"203.0.113.0\",\"ipMode\":\"VIP\"},"
				  "{\"ip\":\"2001:db8::\",\"ipMode\":\"VIP\"}]}}}");
	load_balancer_list_free(&list);
	store_free(store);
	store = world_new(OURS("a", DUAL, "{ip: 203.0.113.0}, {ip: '2001:db8::'}"));
	load_balancer_plan(store, &config, &list);
	assert_int_equal(list.n, 1);
	assert_false(list.items[0].differs);
	load_balancer_list_free(&list);
	store_free(store);
	world_config_done(&config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plan),
		cmocka_unit_test(test_patch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
