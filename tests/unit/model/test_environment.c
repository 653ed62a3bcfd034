/* SPDX-License-Identifier: Apache-2.0 */
/* The variables of a container, case by case, by the kubelet's rules. */
#include "tests/unit/model/world.h"

#include "user/model/environment.h"

#define IN(ns, name, spec)                                                               \
	"---\n{apiVersion: v1, kind: Service, metadata: {name: " name ", namespace: " ns \
	"}, spec: {" spec "}}\n"
#define SVC(name, spec) IN("default", name, spec)
#define MASTER SVC("kubernetes", "clusterIP: 10.96.0.1, ports: [{name: https, port: 443}]")
#define MASTER_ENV                                                                         \
	"KUBERNETES_SERVICE_HOST=10.96.0.1\nKUBERNETES_SERVICE_PORT=443\n"                 \
	"KUBERNETES_SERVICE_PORT_HTTPS=443\nKUBERNETES_PORT=tcp://10.96.0.1:443\n"         \
	"KUBERNETES_PORT_443_TCP=tcp://10.96.0.1:443\nKUBERNETES_PORT_443_TCP_PROTO=tcp\n" \
	"KUBERNETES_PORT_443_TCP_PORT=443\nKUBERNETES_PORT_443_TCP_ADDR=10.96.0.1\n"

static const struct environment_case {
	const char *name;
	const char *yaml;
	const char *ns;
	const char *expected;
} cases[] = {
	{ "nothing", "", "default", "" },
	{ "one unnamed port", SVC("kubia", "clusterIP: 10.96.0.5, ports: [{port: 80}]"), "default",
	  "KUBIA_SERVICE_HOST=10.96.0.5\nKUBIA_SERVICE_PORT=80\nKUBIA_PORT=tcp://10.96.0.5:80\n"
	  "KUBIA_PORT_80_TCP=tcp://10.96.0.5:80\nKUBIA_PORT_80_TCP_PROTO=tcp\n"
	  "KUBIA_PORT_80_TCP_PORT=80\nKUBIA_PORT_80_TCP_ADDR=10.96.0.5\n" },
	{ "several ports: their order is kept, the first one is the service's",
	  SVC("kubia", "clusterIP: 10.96.0.5, ports: [{name: https, port: 443}, {name: dns-udp, "
		       "port: 53, protocol: UDP}]"),
	  "default",
	  "KUBIA_SERVICE_HOST=10.96.0.5\nKUBIA_SERVICE_PORT=443\nKUBIA_SERVICE_PORT_HTTPS=443\n"
	  "KUBIA_SERVICE_PORT_DNS_UDP=53\nKUBIA_PORT=tcp://10.96.0.5:443\n"
	  "KUBIA_PORT_443_TCP=tcp://10.96.0.5:443\nKUBIA_PORT_443_TCP_PROTO=tcp\n"
	  "KUBIA_PORT_443_TCP_PORT=443\nKUBIA_PORT_443_TCP_ADDR=10.96.0.5\n"
	  "KUBIA_PORT_53_UDP=udp://10.96.0.5:53\nKUBIA_PORT_53_UDP_PROTO=udp\n"
	  "KUBIA_PORT_53_UDP_PORT=53\nKUBIA_PORT_53_UDP_ADDR=10.96.0.5\n" },
	{ "dashes become underscores",
	  SVC("my-shop-2", "clusterIP: 10.96.0.5, ports: [{port: 80}]"), "default",
	  "MY_SHOP_2_SERVICE_HOST=10.96.0.5\nMY_SHOP_2_SERVICE_PORT=80\n"
	  "MY_SHOP_2_PORT=tcp://10.96.0.5:80\nMY_SHOP_2_PORT_80_TCP=tcp://10.96.0.5:80\n"
	  "MY_SHOP_2_PORT_80_TCP_PROTO=tcp\nMY_SHOP_2_PORT_80_TCP_PORT=80\n"
	  "MY_SHOP_2_PORT_80_TCP_ADDR=10.96.0.5\n" },
	{ "SCTP", SVC("s", "clusterIP: 10.96.0.5, ports: [{port: 7, protocol: SCTP}]"), "default",
	  "S_SERVICE_HOST=10.96.0.5\nS_SERVICE_PORT=7\nS_PORT=sctp://10.96.0.5:7\n"
	  "S_PORT_7_SCTP=sctp://10.96.0.5:7\nS_PORT_7_SCTP_PROTO=sctp\nS_PORT_7_SCTP_PORT=7\n"
	  "S_PORT_7_SCTP_ADDR=10.96.0.5\n" },
	{ "one port number over two protocols",
	  SVC("d", "clusterIP: 10.96.0.5, ports: [{name: u, port: 53, protocol: UDP}, {name: t, "
		   "port: 53}]"),
	  "default",
	  "D_SERVICE_HOST=10.96.0.5\nD_SERVICE_PORT=53\nD_SERVICE_PORT_U=53\n"
	  "D_SERVICE_PORT_T=53\nD_PORT=udp://10.96.0.5:53\nD_PORT_53_UDP=udp://10.96.0.5:53\n"
	  "D_PORT_53_UDP_PROTO=udp\nD_PORT_53_UDP_PORT=53\nD_PORT_53_UDP_ADDR=10.96.0.5\n"
	  "D_PORT_53_TCP=tcp://10.96.0.5:53\nD_PORT_53_TCP_PROTO=tcp\nD_PORT_53_TCP_PORT=53\n"
	  "D_PORT_53_TCP_ADDR=10.96.0.5\n" },
	{ "IPv6: brackets in the URL only",
	  SVC("six", "clusterIP: 'fd00:10:96::5', ports: [{port: 80}]"), "default",
	  "SIX_SERVICE_HOST=fd00:10:96::5\nSIX_SERVICE_PORT=80\n"
	  "SIX_PORT=tcp://[fd00:10:96::5]:80\nSIX_PORT_80_TCP=tcp://[fd00:10:96::5]:80\n"
	  "SIX_PORT_80_TCP_PROTO=tcp\nSIX_PORT_80_TCP_PORT=80\n"
	  "SIX_PORT_80_TCP_ADDR=fd00:10:96::5\n" },
	{ "two families: the first address only",
	  SVC("both", "clusterIP: 10.96.0.5, clusterIPs: [10.96.0.5, 'fd00:10:96::5'], "
		      "ipFamilyPolicy: RequireDualStack, ipFamilies: [IPv4, IPv6], "
		      "ports: [{port: 80}]"),
	  "default",
	  "BOTH_SERVICE_HOST=10.96.0.5\nBOTH_SERVICE_PORT=80\nBOTH_PORT=tcp://10.96.0.5:80\n"
	  "BOTH_PORT_80_TCP=tcp://10.96.0.5:80\nBOTH_PORT_80_TCP_PROTO=tcp\n"
	  "BOTH_PORT_80_TCP_PORT=80\nBOTH_PORT_80_TCP_ADDR=10.96.0.5\n" },
	{ "headless, external and address-less services give none",
	  SVC("a", "clusterIP: None, ports: [{port: 80}]")
		  SVC("b", "type: ExternalName, externalName: example.com")
			  SVC("c", "ports: [{port: 80}]"),
	  "default", "" },
	{ "other namespaces' services are not there",
	  IN("shop", "kubia", "clusterIP: 10.96.0.5, ports: [{port: 80}]"), "default", "" },
	{ "default/kubernetes is everywhere", MASTER, "shop", MASTER_ENV },
	{ "once in its own namespace", MASTER, "default", MASTER_ENV },
	{ "a namespace's own kubernetes wins",
	  MASTER IN("shop", "kubernetes", "clusterIP: 10.96.0.9, ports: [{port: 1}]"), "shop",
	  "KUBERNETES_SERVICE_HOST=10.96.0.9\nKUBERNETES_SERVICE_PORT=1\n"
	  "KUBERNETES_PORT=tcp://10.96.0.9:1\nKUBERNETES_PORT_1_TCP=tcp://10.96.0.9:1\n"
	  "KUBERNETES_PORT_1_TCP_PROTO=tcp\nKUBERNETES_PORT_1_TCP_PORT=1\n"
	  "KUBERNETES_PORT_1_TCP_ADDR=10.96.0.9\n" },
	{ "but not a headless one",
	  MASTER IN("shop", "kubernetes", "clusterIP: None, ports: [{port: 1}]"), "shop",
	  MASTER_ENV },
	{ "services by name, the master among them",
	  MASTER IN("shop", "z", "clusterIP: 10.96.0.9, ports: [{port: 1}]")
		  IN("shop", "a", "clusterIP: 10.96.0.8, ports: [{port: 1}]"),
	  "shop",
	  "A_SERVICE_HOST=10.96.0.8\nA_SERVICE_PORT=1\nA_PORT=tcp://10.96.0.8:1\n"
	  "A_PORT_1_TCP=tcp://10.96.0.8:1\nA_PORT_1_TCP_PROTO=tcp\nA_PORT_1_TCP_PORT=1\n"
	  "A_PORT_1_TCP_ADDR=10.96.0.8\n" MASTER_ENV
	  "Z_SERVICE_HOST=10.96.0.9\nZ_SERVICE_PORT=1\nZ_PORT=tcp://10.96.0.9:1\n"
	  "Z_PORT_1_TCP=tcp://10.96.0.9:1\nZ_PORT_1_TCP_PROTO=tcp\nZ_PORT_1_TCP_PORT=1\n"
	  "Z_PORT_1_TCP_ADDR=10.96.0.9\n" },
	{ "one variable of two services: the later value, once",
	  SVC("a", "clusterIP: 10.96.0.8, ports: [{port: 1}]")
		  SVC("a-service", "clusterIP: 10.96.0.9, ports: [{port: 2}]"),
	  "default",
	  "A_SERVICE_HOST=10.96.0.8\nA_SERVICE_PORT=tcp://10.96.0.9:2\n"
	  "A_PORT=tcp://10.96.0.8:1\nA_PORT_1_TCP=tcp://10.96.0.8:1\nA_PORT_1_TCP_PROTO=tcp\n"
	  "A_PORT_1_TCP_PORT=1\nA_PORT_1_TCP_ADDR=10.96.0.8\n"
	  "A_SERVICE_SERVICE_HOST=10.96.0.9\nA_SERVICE_SERVICE_PORT=2\n"
	  "A_SERVICE_PORT_2_TCP=tcp://10.96.0.9:2\nA_SERVICE_PORT_2_TCP_PROTO=tcp\n"
	  "A_SERVICE_PORT_2_TCP_PORT=2\nA_SERVICE_PORT_2_TCP_ADDR=10.96.0.9\n" },
};

static char *environment_text(const struct environment *env)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	for (size_t i = 0; i < env->n; i++)
		fprintf(out, "%s=%s\n", env->items[i].name, env->items[i].value);
	fclose(out);
	return text;
}

static void test_environment(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct store *store = world_new(cases[i].yaml);
		struct environment env;
		char *text;

		environment_make(store, cases[i].ns, &env);
		text = environment_text(&env);
		if (strcmp(text, cases[i].expected) != 0)
			fail_msg("%s:\n%sexpected:\n%s", cases[i].name, text, cases[i].expected);
		free(text);
		environment_done(&env);
		store_free(store);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_environment) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
