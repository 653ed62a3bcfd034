/* SPDX-License-Identifier: Apache-2.0 */
/* Whole command lines on a state of their own, in the order of each story. */
#include "tests/unit/cmd/place.h"

#define STEPS 14

/* Manifests that the steps name as {file}. */
static const struct manifest manifests[] = {
	{ "svc", "{apiVersion: v1, kind: Service, metadata: {name: kubia, labels: {a: b}}, "
		 "spec: {selector: {app: kubia}, clusterIP: 10.96.0.7, "
		 "ports: [{port: 80, targetPort: 8080}]}}" },
	{ "svc-81", "{apiVersion: v1, kind: Service, metadata: {name: kubia, labels: {a: b}}, "
		    "spec: {selector: {app: kubia}, clusterIP: 10.96.0.7, "
		    "ports: [{port: 81, targetPort: 8080}]}}" },
	{ "unlabelled", "{apiVersion: v1, kind: Service, metadata: {name: kubia}, "
			"spec: {selector: {app: kubia}, ports: [{port: 80, targetPort: 8080}]}}" },
	{ "node-port", "{apiVersion: v1, kind: Service, metadata: {name: kubia}, spec: {type: "
		       "NodePort, clusterIP: 10.96.0.7, ports: [{port: 80, nodePort: 30123}]}}" },
	{ "thief", "{apiVersion: v1, kind: Service, metadata: {name: thief}, "
		   "spec: {clusterIP: 10.96.0.7, ports: [{port: 80}]}}" },
	{ "pod", "{apiVersion: v1, kind: Pod, metadata: {name: kubia-1, labels: {app: kubia}}, "
		 "spec: {containers: [{name: c, image: i, ports: [{containerPort: 8080}]}]}, "
		 "status: {podIP: 10.1.0.7, phase: Running}}" },
	{ "mixed", "{apiVersion: v1, kind: Secret, metadata: {name: s}, data: {a: YQ==}}\n---\n"
		   "{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: x}, "
		   "addressType: IPv4, endpoints: []}\n---\n"
		   "{apiVersion: v1, kind: Namespace, metadata: {name: web}}" },
	{ "secret-2", "{apiVersion: v1, kind: Secret, metadata: {name: s}, data: {a: Yg==}}" },
	{ "half-broken", "{apiVersion: v1, kind: Namespace, metadata: {name: web}}\n---\n"
			 "{apiVersion: v1, kind: Service, metadata: {name: x}, "
			 "spec: {ports: [{port: 70000}]}}" },
	{ "elsewhere", "{apiVersion: v1, kind: Service, metadata: {name: x, namespace: other}, "
		       "spec: {ports: [{port: 80}]}}" },
	{ "empty", "# nothing\n" },
};

struct step {
	const char *line; /* behind "lbctl" */
	int code;
	const char *out; /* all of it; NULL: whatever */
	const char *err; /* a part of it; "": nothing */
};

static const struct story {
	const char *name;
	struct step steps[STEPS];
} stories[] = {
	{ "apply: created, unchanged, configured",
	  { { "apply -f {svc} -f {pod}", 0, "service/kubia created\npod/kubia-1 created\n", "" },
	    { "apply -f {svc} -f {pod}", 0, "service/kubia unchanged\npod/kubia-1 unchanged\n",
	      "" },
	    { "apply -f {svc-81}", 0, "service/kubia configured\n", "" },
	    { "get svc --no-headers -o name", 0, "service/kubia\n", "" },
	    { "get endpoints --no-headers -o name", 0, "endpoints/kubia\n", "" } } },
	{ "apply: what the manifest does not name stays, what it no more names goes",
	  { { "apply -f {svc}", 0, "service/kubia created\n", "" },
	    { "apply -f {unlabelled}", 0, "service/kubia configured\n", "" },
	    { "get svc -l a=b -o name", 0, "", "" },
	    { "diff -f {svc}", 3, NULL, "" },
	    { "apply -f {unlabelled}", 0, "service/kubia unchanged\n", "" } } },
	{ "apply: a node port goes with the type",
	  { { "apply -f {node-port}", 0, "service/kubia created\n", "" },
	    { "apply -f {svc}", 0, "service/kubia configured\n", "" },
	    { "apply -f {svc}", 0, "service/kubia unchanged\n", "" } } },
	{ "apply: groups and namespaces in the messages",
	  { { "apply -n test -f {svc}", 0, "service/kubia created\n", "" },
	    { "apply -f {mixed}", 0,
	      "secret/s created\nendpointslice.discovery.k8s.io/x created\nnamespace/web created\n",
	      "" },
	    { "get svc", 0, "", "No resources found in default namespace.\n" },
	    { "get svc -n test -o name", 0, "service/kubia\n", "" },
	    { "get svc -A -o name", 0, "service/kubia\n", "" } } },
	{ "apply: a broken object keeps all others out",
	  { { "apply -f {half-broken}", 1, "", "spec.ports[0].port: Invalid value: 70000" },
	    { "get ns", 0, "", "No resources found\n" } } },
	{ "apply: an address that is taken keeps all others out",
	  { { "apply -f {svc}", 0, "service/kubia created\n", "" },
	    { "apply -f {pod} -f {thief}", 1, "", "error: service/thief: " },
	    { "get pods", 0, "", "No resources found in default namespace.\n" } } },
	{ "apply: usage and input",
	  { { "apply", 2, "", "must specify -f" },
	    { "apply -f {svc} --dry-run=maybe", 2, "", "Invalid dry-run value (maybe)" },
	    { "apply -f {svc} -o wide", 2, "", "is not one of name|json|yaml" },
	    { "apply -f {empty}", 1, "", "no objects passed to apply" },
	    { "apply -f /nonexistent/x.yaml", 1, "", "/nonexistent/x.yaml" },
	    { "apply -f {elsewhere} -n test", 1, "",
	      "the namespace from the provided object \"other\" does not match" },
	    { "apply -f {elsewhere}", 0, "service/x created\n", "" } } },
	{ "dry run changes nothing",
	  { { "apply -f {svc} --dry-run", 0, "service/kubia created (dry run)\n", "" },
	    { "apply -f {svc} --dry-run=server", 0, "service/kubia created (server dry run)\n",
	      "" },
	    { "apply -f {svc} --dry-run=client -o name", 0, "service/kubia\n", "" },
	    { "get svc", 0, "", "No resources found in default namespace.\n" },
	    { "apply -f {svc} --dry-run=none", 0, "service/kubia created\n", "" },
	    { "delete svc kubia --dry-run", 0, "service \"kubia\" deleted (dry run)\n", "" },
	    { "get svc -o name", 0, "service/kubia\n", "" } } },
	{ "create: only what is not there",
	  { { "create -f {svc}", 0, "service/kubia created\n", "" },
	    { "create -f {svc}", 1, "",
	      "Error from server (AlreadyExists): services \"kubia\" already exists\n" },
	    { "create -f {pod} -f {svc}", 1, "", "AlreadyExists" },
	    { "get pods", 0, "", "No resources found in default namespace.\n" },
	    { "apply -f {svc}", 0, "service/kubia configured\n", "" } } },
	{ "delete",
	  { { "apply -f {svc} -f {pod} -f {mixed}", 0, NULL, "" },
	    { "delete svc nope", 1, "",
	      "Error from server (NotFound): services \"nope\" not found" },
	    { "delete svc nope --ignore-not-found", 0, "No resources found\n", "" },
	    { "delete svc kubia nope", 1, "service \"kubia\" deleted\n", "not found" },
	    { "delete endpointslice/x ns/web", 0,
	      "endpointslice.discovery.k8s.io \"x\" deleted\nnamespace \"web\" deleted\n", "" },
	    { "delete pod -l app=other", 0, "No resources found\n", "" },
	    { "delete pod -l app=kubia", 0, "pod \"kubia-1\" deleted\n", "" },
	    { "delete secret --all -o name", 0, "secret/s\n", "" },
	    { "delete -f {svc}", 1, "", "not found" },
	    { "delete -f {svc} --ignore-not-found", 0, "No resources found\n", "" },
	    { "delete svc", 2, "", "resource(s) were provided, but no name was specified" },
	    { "delete svc a --all", 2, "", "name cannot be provided" },
	    { "delete", 2, "", "needs -f" } } },
	{ "get: refusals",
	  { { "get svc nope", 1, "",
	      "Error from server (NotFound): services \"nope\" not found\n" },
	    { "get endpointslices nope", 1, "",
	      "endpointslices.discovery.k8s.io \"nope\" not found" },
	    { "get deployments", 1, "",
	      "error: the server doesn't have a resource type \"deployments\"\n" },
	    { "get svc x -A", 2, "", "cannot be retrieved by name across all namespaces" },
	    { "get svc x -l a", 2, "", "name cannot be provided when a selector is specified" },
	    { "get svc -o table", 2, "", "is not one of wide|json|yaml|name" },
	    { "get svc,pods -w", 2, "", "only specify a single resource type" },
	    { "get svc -l a=b=c", 2, "", "selector" },
	    { "get nodes", 0, "", "No resources found\n" },
	    { "get svc -o yaml", 0,
	      "apiVersion: v1\nitems: []\nkind: List\nmetadata:\n  resourceVersion: \"\"\n",
	      "" } } },
	{ "get: several kinds say which is which",
	  { { "apply -f {svc} -f {pod}", 0, NULL, "" },
	    { "get svc,pods -o name", 0, "service/kubia\npod/kubia-1\n", "" },
	    { "get svc/kubia po/kubia-1 po/nope -o name", 1, "service/kubia\npod/kubia-1\n",
	      "pods \"nope\" not found" } } },
	{ "describe",
	  { { "apply -f {svc}", 0, NULL, "" },
	    { "describe svc kubia", 0, NULL, "" },
	    { "describe svc kub", 0, NULL, "" },
	    { "describe svc nope", 1, "", "services \"nope\" not found" },
	    { "describe pods", 0, "", "No resources found in default namespace.\n" } } },
	{ "expose",
	  { { "apply -f {pod}", 0, NULL, "" },
	    { "expose pod kubia-1 --name kubia --port 80 --target-port 8080", 0,
	      "service/kubia exposed\n", "" },
	    { "get endpoints kubia -o name", 0, "endpoints/kubia\n", "" },
	    { "expose svc kubia --name outside --type NodePort", 0, "service/outside exposed\n",
	      "" },
	    { "expose svc/kubia", 1, "", "services \"kubia\" already exists" },
	    { "expose --selector app=kubia --name third --port 80,443", 0,
	      "service/third exposed\n", "" },
	    { "expose --selector app=kubia --name fourth", 1, "", "couldn't find port" },
	    { "expose --selector app --name fourth --port 80", 1, "", "only KEY=VALUE" },
	    { "expose pod kubia-1 --port http", 1, "", "\"http\" is not a port" },
	    { "expose pod nope --port 80", 1, "", "pods \"nope\" not found" },
	    { "expose ns x --port 80", 1, "", "not found" },
	    { "expose", 2, "", "needs an object" },
	    { "get svc -l app=kubia -o name", 0, "service/kubia\nservice/outside\n", "" } } },
	{ "diff",
	  { { "apply -f {svc} -f {mixed}", 0, NULL, "" },
	    { "diff -f {svc}", 0, "", "" },
	    { "diff -f {svc-81}", 3, NULL, "" },
	    { "diff -f {pod}", 3, NULL, "" },
	    { "diff -f {secret-2}", 3, NULL, "" },
	    { "diff -f {thief}", 1, "", "error: service/thief: " },
	    { "diff", 2, "", "must specify -f" },
	    { "get svc,pods -o name", 0, "service/kubia\n", "" } } },
};

static void check_step(const struct place *place, const struct step *step)
{
	struct run run = place_run(place, step->line);

	if (run.code != step->code)
		fail_msg("%s: exit %d, not %d: %s", step->line, run.code, step->code, run.err);
	if (step->out && strcmp(run.out, step->out) != 0)
		fail_msg("%s: printed \"%s\"", step->line, run.out);
	if (*step->err ? !strstr(run.err, step->err) : *run.err)
		fail_msg("%s: complained \"%s\"", step->line, run.err);
	run_done(&run);
}

static void check_story(void **state)
{
	const struct story *story = *state;
	struct place place;

	place_make(&place, manifests, ARRAY_LEN(manifests));
	for (const struct step *step = story->steps; step->line; step++)
		check_step(&place, step);
	place_remove(&place);
}

/* What get prints, apply takes back. */
static void check_round_trip(void **state)
{
	struct place place;
	cleanup_free char *path = NULL;
	struct run run;
	FILE *file;

	(void)state;
	place_make(&place, manifests, ARRAY_LEN(manifests));
	check_step(&place, &(struct step){ "apply -f {svc} -f {pod} -f {mixed}", 0, NULL, "" });
	run = place_run(&place, "get svc,pods,secrets,endpointslices,ns -o yaml");
	path = xasprintf("%s/back.yaml", place.root);
	file = fopen(path, "we");
	assert_non_null(file);
	fputs(run.out, file);
	fclose(file);
	run_done(&run);
	check_step(&place, &(struct step){ "delete -f {back} --ignore-not-found", 0, NULL, "" });
	check_step(&place, &(struct step){ "apply -f {back}", 0, NULL, "" });
	run = place_run(&place, "get svc kubia -o json");
	assert_non_null(strstr(run.out, "\"clusterIP\": \"10.96.0.7\""));
	run_done(&run);
	place_remove(&place);
}

/* An address that the manifest names no more stays with the Service, and so does its identity. */
static void check_kept(void **state)
{
	struct place place;
	struct run before, after;
	const char *uid;

	(void)state;
	place_make(&place, manifests, ARRAY_LEN(manifests));
	check_step(&place, &(struct step){ "apply -f {svc}", 0, NULL, "" });
	before = place_run(&place, "get svc kubia -o yaml");
	check_step(&place, &(struct step){ "apply -f {unlabelled}", 0, NULL, "" });
	after = place_run(&place, "get svc kubia -o yaml");
	assert_non_null(strstr(after.out, "\n  clusterIP: 10.96.0.7\n"));
	assert_null(strstr(after.out, "\n    a: b\n"));
	uid = strstr(after.out, "\n  uid: ");
	assert_non_null(uid);
	assert_memory_equal(strstr(before.out, "\n  uid: "), uid, strlen("\n  uid: ") + 36);
	run_done(&before);
	run_done(&after);
	place_remove(&place);
}

/* Values of Secrets stay out of diff, and that they differ does not. */
static void check_secret_diff(void **state)
{
	struct place place;
	struct run run;

	(void)state;
	place_make(&place, manifests, ARRAY_LEN(manifests));
	check_step(&place, &(struct step){ "apply -f {mixed}", 0, NULL, "" });
	run = place_run(&place, "diff -f {secret-2}");
	assert_non_null(strstr(run.out, "\n-  a: '*** (before)'\n+  a: '*** (after)'\n"));
	assert_null(strstr(run.out, "Yg=="));
	run_done(&run);
	place_remove(&place);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_LEN(stories) + 3];

	for (size_t i = 0; i < ARRAY_LEN(stories); i++)
		tests[i] = (struct CMUnitTest){ .name = stories[i].name,
						.test_func = check_story,
						.initial_state = (void *)&stories[i] };
	tests[ARRAY_LEN(stories)] = (struct CMUnitTest)cmocka_unit_test(check_round_trip);
	tests[ARRAY_LEN(stories) + 1] = (struct CMUnitTest)cmocka_unit_test(check_secret_diff);
	tests[ARRAY_LEN(stories) + 2] = (struct CMUnitTest)cmocka_unit_test(check_kept);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
