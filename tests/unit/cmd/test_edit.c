/* SPDX-License-Identifier: Apache-2.0 */
/* edit with editors that are one line of sed, and get -w beside a writer. */
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "tests/unit/cmd/place.h"

static const struct manifest manifests[] = {
	{ "svc", "{apiVersion: v1, kind: Service, metadata: {name: kubia}, spec: {selector: "
		 "{app: kubia}, clusterIP: 10.96.0.7, ports: [{port: 80, targetPort: 8080}]}}" },
	{ "other", "{apiVersion: v1, kind: Service, metadata: {name: other}, spec: "
		   "{ports: [{port: 80}]}}" },
};

static const struct row {
	const char *name, *editor;
	int code;
	const char *out, *err; /* all of out, a part of err */
	const char *has;       /* the object holds it afterwards */
} rows[] = {
	{ "saved as changed", "sed -i s/8080/8081/", 0, "service/kubia edited\n", "",
	  "targetPort: 8081" },
	{ "saved as it was", "true", 0, "", "Edit cancelled, no changes made.\n",
	  "targetPort: 8080" },
	{ "only comments changed", "sed -i 1i#hello", 0, "", "Edit cancelled, no changes made.\n",
	  "targetPort: 8080" },
	{ "emptied", "truncate -s 0", 0, "", "Edit cancelled, saved file was empty.\n",
	  "targetPort: 8080" },
	{ "a field removed", "sed -i /app:.kubia/d;s/selector:/selector:\\x20{}/", 0,
	  "service/kubia edited\n", "", "targetPort: 8080" },
	/* Opened again, the same editor has nothing left to break. */
	{ "not valid", "sed -i s/8080/99999/", 1, "",
	  "error: Edit cancelled, no valid changes were saved.\nA copy of your changes has been "
	  "stored to \"",
	  "targetPort: 8080" },
	{ "renamed", "sed -i s/name:.kubia/name:\\x20x/", 1, "", "no valid changes were saved",
	  "targetPort: 8080" },
	/* The second time, the error is in the file for the editor to see. */
	{ "mended after the error is shown",
	  "sed -i /99999.*inclusive/,$s/99999/8082/;t;s/8080/99999/", 0, "service/kubia edited\n",
	  "", "targetPort: 8082" },
	{ "the editor fails", "false", 1, "", "there was a problem with the editor \"false\"",
	  "targetPort: 8080" },
	{ "no such editor", "/nonexistent/editor", 1, "", "cannot run the editor: /nonexistent",
	  "targetPort: 8080" },
};

static void check_row(void **state)
{
	const struct row *row = *state;
	struct place place;
	struct run run;

	place_make(&place, manifests, ARRAY_LEN(manifests));
	setenv("TMPDIR", place.root, 1);
	setenv("KUBE_EDITOR", row->editor, 1);
	run = place_run(&place, "apply -f {svc}");
	assert_int_equal(run.code, 0);
	run_done(&run);
	run = place_run(&place, "edit svc kubia");
	if (run.code != row->code || strcmp(run.out, row->out) != 0 ||
	    (*row->err ? !strstr(run.err, row->err) : *run.err))
		fail_msg("exit %d, printed \"%s\", complained \"%s\"", run.code, run.out, run.err);
	run_done(&run);
	run = place_run(&place, "get svc kubia -o yaml");
	assert_non_null(strstr(run.out, row->has));
	run_done(&run);
	unsetenv("KUBE_EDITOR");
	unsetenv("TMPDIR");
	place_remove(&place);
}

static void check_refusals(void **state)
{
	static const struct {
		const char *words;
		int code;
		const char *err;
	} refusals[] = {
		{ "edit svc nope", 1, "services \"nope\" not found" },
		{ "edit svc", 2, "one object is needed" },
		{ "edit svc/a svc/b", 2, "one object is needed" },
		{ "edit foo x", 1, "the server doesn't have a resource type \"foo\"" },
	};
	struct place place;

	(void)state;
	place_make(&place, manifests, ARRAY_LEN(manifests));
	for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
		struct run run = place_run(&place, refusals[i].words);

		assert_int_equal(run.code, refusals[i].code);
		assert_non_null(strstr(run.err, refusals[i].err));
		run_done(&run);
	}
	place_remove(&place);
}

/* Reads until text is among what came; fails after ten seconds. */
static void expect(int fd, const char *text)
{
	char got[4096] = "";
	size_t used = 0;

	while (!strstr(got, text)) {
		struct pollfd wait = { .fd = fd, .events = POLLIN };
		ssize_t n;

		if (poll(&wait, 1, 10000) != 1)
			fail_msg("\"%s\" does not come, but \"%s\"", text, got);
		n = read(fd, got + used, sizeof(got) - 1 - used);
		if (n <= 0)
			fail_msg("\"%s\" does not come, but \"%s\" and the end", text, got);
		used += (size_t)n;
		got[used] = '\0';
	}
}

static pid_t start_watch(int *ret_fd)
{
	char *const argv[] = { (char *)"lbctl", (char *)"get", (char *)"svc", (char *)"-w", NULL };
	int fds[2];
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	fflush(stdout);
	fflush(stderr);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		dup2(fds[1], STDOUT_FILENO);
		close(fds[0]);
		close(fds[1]);
		_exit(cli_main(4, argv));
	}
	close(fds[1]);
	*ret_fd = fds[0];
	return pid;
}

static void run_quietly(const struct place *place, const char *words)
{
	struct run run = place_run(place, words);

	assert_int_equal(run.code, 0);
	run_done(&run);
}

static void check_watch(void **state)
{
	struct place place;
	int fd, status;
	pid_t pid;

	(void)state;
	place_make(&place, manifests, ARRAY_LEN(manifests));
	run_quietly(&place, "apply -f {svc}");
	pid = start_watch(&fd);
	expect(fd, "NAME    TYPE        CLUSTER-IP   EXTERNAL-IP   PORT(S)   AGE\nkubia   ");
	run_quietly(&place, "apply -f {other}");
	expect(fd, "other   ClusterIP   ");
	run_quietly(&place, "delete svc kubia");
	expect(fd, "kubia   ClusterIP   10.96.0.7");
	kill(pid, SIGTERM);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	close(fd);
	place_remove(&place);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_LEN(rows) + 2];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		tests[i] = (struct CMUnitTest){ .name = rows[i].name,
						.test_func = check_row,
						.initial_state = (void *)&rows[i] };
	tests[ARRAY_LEN(rows)] = (struct CMUnitTest)cmocka_unit_test(check_refusals);
	tests[ARRAY_LEN(rows) + 1] = (struct CMUnitTest)cmocka_unit_test(check_watch);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
