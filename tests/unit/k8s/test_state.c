/* SPDX-License-Identifier: Apache-2.0 */
/* The state directory: layout, modes, and that a kill at any moment leaves old or new. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "user/k8s/state.h"
#include "user/util/cleanup.h"

#define KILLS 60

static struct object *make(const char *text)
{
	struct object_list list = { 0 };
	struct object *object;
	struct err err = { "" };

	if (manifest_parse("t", text, strlen(text), "default", &list, &err))
		fail_msg("%s", err.text);
	assert_int_equal(list.n, 1);
	object = list.items[0];
	vec_free(&list);
	return object;
}

static void put(const char *dir, const char *text)
{
	struct object *object = make(text);
	struct err err = { "" };

	if (state_put(dir, object, &err))
		fail_msg("%s", err.text);
	object_free(object);
}

static void check_load(const char *dir, const char *want)
{
	struct object_list list = { 0 };
	struct err err = { "" };
	char got[512] = "";

	if (state_load(dir, &list, &err))
		fail_msg("%s", err.text);
	for (size_t i = 0; i < list.n; i++) {
		size_t used = strlen(got);

		snprintf(got + used, sizeof(got) - used, "%s%s/%s/%s", i ? " " : "",
			 k8s_kinds[list.items[i]->kind].singular, list.items[i]->ns,
			 list.items[i]->name);
	}
	object_list_free(&list);
	assert_string_equal(got, want);
}

static mode_t mode_of(const char *dir, const char *name)
{
	cleanup_free char *path = xasprintf("%s/%s", dir, name);
	struct stat st;

	if (stat(path, &st))
		fail_msg("%s: %s", path, strerror(errno));
	return st.st_mode & 07777;
}

static void write_file(const char *dir, const char *name, const char *text)
{
	cleanup_free char *path = xasprintf("%s/%s", dir, name);
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static bool exists(const char *dir, const char *name)
{
	cleanup_free char *path = xasprintf("%s/%s", dir, name);

	return !access(path, F_OK);
}

static int setup(void **state)
{
	char dir[] = "/tmp/test_state.XXXXXX";

	if (!mkdtemp(dir))
		return -1;
	*state = strdup(dir);
	return 0;
}

static int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static int teardown(void **state)
{
	int r = nftw(*state, remove_entry, 16, FTW_DEPTH | FTW_PHYS);

	free(*state);
	return r;
}

#define SERVICE(name, port)                                                                  \
	"apiVersion: v1\nkind: Service\nmetadata: {name: " name ", namespace: shop}\nspec: " \
	"{ports: [{port: " port "}]}\n"
#define SECRET "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {k: eA==}\n"
#define NODE "apiVersion: v1\nkind: Node\nmetadata: {name: w1}\n"

static void test_layout(void **state)
{
	const char *dir = *state;

	umask(0);
	put(dir, SERVICE("kubia", "80"));
	put(dir, SECRET);
	put(dir, NODE);
	check_load(dir, "node//w1 service/shop/kubia secret/default/s");
	assert_int_equal(mode_of(dir, "services/shop/kubia.yaml"), 0644);
	assert_int_equal(mode_of(dir, "services/shop"), 0755);
	assert_int_equal(mode_of(dir, "nodes/w1.yaml"), 0644);
	assert_int_equal(mode_of(dir, "secrets/default/s.yaml"), 0600);
	assert_int_equal(mode_of(dir, "secrets/default"), 0700);
	assert_int_equal(mode_of(dir, "secrets"), 0700);
}

static void test_put_replaces(void **state)
{
	struct object_list list = { 0 };

	put(*state, SERVICE("kubia", "80"));
	put(*state, SERVICE("kubia", "81"));
	assert_int_equal(state_load(*state, &list, NULL), 0);
	assert_int_equal(list.n, 1);
	assert_int_equal(list.items[0]->service->ports[0].port, 81);
	object_list_free(&list);
}

static void test_delete(void **state)
{
	struct err err = { "" };

	put(*state, SERVICE("kubia", "80"));
	put(*state, NODE);
	assert_int_equal(state_delete(*state, K8S_SERVICE, "shop", "kubia", &err), 0);
	check_load(*state, "node//w1");
	assert_int_equal(state_delete(*state, K8S_SERVICE, "shop", "kubia", &err), -ENOENT);
	assert_int_equal(state_delete(*state, K8S_NODE, "", "w1", &err), 0);
	check_load(*state, "");
}

static void test_delete_stays_inside(void **state)
{
	write_file(*state, "outside.yaml", "kept");
	put(*state, NODE);
	assert_int_equal(state_delete(*state, K8S_NODE, "", "../outside", NULL), -ENOENT);
	assert_int_equal(state_delete(*state, K8S_SERVICE, "..", "outside", NULL), -ENOENT);
	assert_true(exists(*state, "outside.yaml"));
}

static void test_missing_is_empty(void **state)
{
	cleanup_free char *path = xasprintf("%s/none/at/all", (char *)*state);

	check_load(path, "");
}

static void test_lock_makes_and_sweeps(void **state)
{
	cleanup_free char *dir = xasprintf("%s/deep/state", (char *)*state);
	cleanup_close int fd = state_lock(dir, NULL);
	cleanup_close int other = -EBADF;

	assert_true(fd >= 0);
	put(dir, SERVICE("kubia", "80"));
	put(dir, NODE);
	write_file(dir, "services/shop/.tmp-dead", "half an obj");
	write_file(dir, "nodes/.tmp-dead", "");
	check_load(dir, "node//w1 service/shop/kubia");
	close(TAKE_FD(fd));
	other = state_lock(dir, NULL);
	assert_true(other >= 0);
	assert_false(exists(dir, "services/shop/.tmp-dead"));
	assert_false(exists(dir, "nodes/.tmp-dead"));
	check_load(dir, "node//w1 service/shop/kubia");
}

static void test_lock_excludes(void **state)
{
	cleanup_free char *path = xasprintf("%s/.lock", (char *)*state);
	cleanup_close int fd = state_lock(*state, NULL);
	cleanup_close int other = open(path, O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(flock(other, LOCK_EX | LOCK_NB), -1);
	assert_int_equal(errno, EWOULDBLOCK);
	close(TAKE_FD(fd));
	assert_int_equal(flock(other, LOCK_EX | LOCK_NB), 0);
}

/* Several nodes of one machine share a state: their folder is a link to it. */
static void test_link(void **state)
{
	cleanup_free char *real = xasprintf("%s/shared", (char *)*state);
	cleanup_free char *link = xasprintf("%s/state", (char *)*state);
	int fd;

	assert_int_equal(mkdir(real, 0755), 0);
	assert_int_equal(symlink("shared", link), 0);
	fd = state_lock(link, NULL);
	assert_true(fd >= 0);
	put(link, NODE);
	close(fd);
	check_load(real, "node//w1");
	check_load(link, "node//w1");
}

static const struct {
	const char *name, *text, *error;
} wrong[] = {
	{ "services/shop/kubia.yaml", "kind: [",
	  ":1: did not find expected node content, while "
	  "parsing a flow node" },
	{ "services/shop/kubia.yaml", "", ":1: must hold one object, not 0" },
	{ "services/shop/kubia.yaml", SERVICE("kubia", "0"),
	  ":4: spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive" },
	{ "services/shop/kubia.yaml", SERVICE("other", "80"),
	  ":1: holds service \"other\" of namespace \"shop\", which belongs elsewhere" },
	{ "services/shop/kubia.yaml", SERVICE("kubia", "80") "---\n" SERVICE("b", "80"),
	  ":1: must hold one object, not 2" },
	{ "nodes/w2.yaml", SERVICE("w2", "80"),
	  ":1: holds service \"w2\" of namespace \"shop\", which belongs elsewhere" },
};

static void test_wrong_files(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		cleanup_free char *want =
			xasprintf("%s/%s%s", (char *)*state, wrong[i].name, wrong[i].error);
		cleanup_free char *path = xasprintf("%s/%s", (char *)*state, wrong[i].name);
		struct object_list list = { 0 };
		struct err err = { "" };

		put(*state, SERVICE("kubia", "80"));
		put(*state, NODE);
		write_file(*state, wrong[i].name, wrong[i].text);
		assert_int_not_equal(state_load(*state, &list, &err), 0);
		assert_string_equal(err.text, want);
		assert_int_equal(list.n, 0);
		unlink(path);
	}
}

/* What is written is what is read, whole tree, order of keys included. */
static void test_identity(void **state)
{
	static const char text[] =
		"kind: Service\napiVersion: v1\nmetadata: {name: a, annotations: {x: \"1\", y: "
		"\"a\\nb\", z: \"yes\"}}\nspec: {ports: [{port: 80}], unknown: [1, 2.5, null, "
		"{}]}\n";
	struct object *object = make(text);
	struct object_list list = { 0 };
	cleanup_free char *want = json_dumps(object->json, 0), *got = NULL;

	assert_int_equal(state_put(*state, object, NULL), 0);
	assert_int_equal(state_load(*state, &list, NULL), 0);
	got = json_dumps(list.items[0]->json, 0);
	assert_string_equal(got, want);
	object_list_free(&list);
	object_free(object);
}

/* ------------------------------------------------------------------ many -- */

#define MANY 40

static size_t count(const char *dir)
{
	struct object_list list = { 0 };
	size_t n;

	assert_int_equal(state_load(dir, &list, NULL), 0);
	n = list.n;
	object_list_free(&list);
	return n;
}

/* Written together, deleted together; what cannot be written keeps all others out. */
static void test_many(void **state)
{
	struct object *objects[MANY];
	struct state_change changes[MANY];
	cleanup_free char *blocked = xasprintf("%s/services/other", (char *)*state);
	struct err err = { "" };
	size_t done;

	for (int i = 0; i < MANY; i++) {
		cleanup_free char *text = xasprintf(
			"{apiVersion: v1, kind: Service, metadata: {name: s%d, namespace: %s}, "
			"spec: {ports: [{port: 80}]}}",
			i, i == MANY - 1 ? "other" : "shop");

		objects[i] = make(text);
		changes[i] = (struct state_change){ K8S_SERVICE, objects[i]->ns, objects[i]->name,
						    objects[i] };
	}
	put(*state, SERVICE("kubia", "80"));
	write_file(*state, "services/other", "");
	assert_int_equal(state_write(*state, changes, MANY, &done, &err), -ENOTDIR);
	assert_int_equal(done, 0);
	unlink(blocked);
	assert_int_equal(count(*state), 1);
	assert_int_equal(state_write(*state, changes, MANY, &done, &err), 0);
	assert_int_equal(done, MANY);
	assert_int_equal(count(*state), MANY + 1);
	for (int i = 0; i < MANY; i++)
		changes[i].object = NULL;
	assert_int_equal(state_write(*state, changes, MANY, &done, &err), 0);
	assert_int_equal(count(*state), 1);
	/* The first is gone already: the rest stays. */
	changes[1].object = objects[1];
	assert_int_equal(state_write(*state, changes, 2, &done, &err), -ENOENT);
	assert_int_equal(done, 0);
	assert_int_equal(count(*state), 1);
	for (int i = 0; i < MANY; i++)
		object_free(objects[i]);
}

/* ----------------------------------------------------------------- crash -- */

/*
 * Two versions, long enough that writing takes several writes, told apart by every
 * line: a mix of both would show.
 */
static struct object *version(char mark)
{
	struct object *object = make(SERVICE("kubia", "80"));
	json_t *annotations = json_object();

	for (int i = 0; i < 500; i++) {
		char key[16], value[81];

		snprintf(key, sizeof(key), "k%d", i);
		memset(value, mark, 80);
		value[80] = '\0';
		json_object_set_new(annotations, key, json_string(value));
	}
	json_object_set_new(json_object_get(object->json, "metadata"), "annotations", annotations);
	return object;
}

static void __attribute__((noreturn))
write_forever(const char *dir, const struct object *a, const struct object *b)
{
	for (;;) {
		int fd = state_lock(dir, NULL);

		if (fd < 0 || state_put(dir, a, NULL) || state_put(dir, b, NULL))
			_exit(1);
		close(fd);
	}
}

static void check_whole(const char *dir, const struct object *a, const struct object *b)
{
	struct object_list list = { 0 };
	struct err err = { "" };

	if (state_load(dir, &list, &err))
		fail_msg("%s", err.text);
	assert_int_equal(list.n, 1);
	assert_true(json_equal(list.items[0]->json, a->json) ||
		    json_equal(list.items[0]->json, b->json));
	object_list_free(&list);
}

static void test_kill(void **state)
{
	struct object *a = version('a'), *b = version('b');
	unsigned int seed = 1;

	assert_int_equal(state_put(*state, a, NULL), 0);
	for (int i = 0; i < KILLS; i++) {
		struct timespec pause = { .tv_nsec = rand_r(&seed) % 6000000 };
		int status;
		pid_t child = fork();

		assert_true(child >= 0);
		if (!child)
			write_forever(*state, a, b);
		nanosleep(&pause, NULL);
		check_whole(*state, a, b); /* while it writes */
		kill(child, SIGKILL);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status));
		check_whole(*state, a, b);
	}
	object_free(a);
	object_free(b);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_layout),
		CASE(test_put_replaces),
		CASE(test_delete),
		CASE(test_delete_stays_inside),
		CASE(test_missing_is_empty),
		CASE(test_lock_makes_and_sweeps),
		CASE(test_lock_excludes),
		CASE(test_link),
		CASE(test_wrong_files),
		CASE(test_identity),
		CASE(test_many),
		CASE(test_kill),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
