/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/agent/temp.h"

#include "user/agent/origin.h"
#include "user/agent/sync.h"

static void test_written_and_read(void **state)
{
	const struct temp *temp = *state;
	struct kubeconfig kubeconfig = { .server = "https://a:6443", .file = "/f", .context = "c" };
	struct origin origin;
	struct err err;

	temp_mkdir(temp, "run");
	origin_read(&temp->paths, &origin);
	assert_null(origin.server);
	assert_int_equal(origin_write(&temp->paths, &kubeconfig, &err), 0);
	origin_read(&temp->paths, &origin);
	assert_string_equal(origin.server, "https://a:6443");
	assert_string_equal(origin.kubeconfig, "/f");
	assert_string_equal(origin.context, "c");
	origin_done(&origin);
	kubeconfig.file = kubeconfig.context = NULL;
	assert_int_equal(origin_write(&temp->paths, &kubeconfig, &err), 0);
	origin_read(&temp->paths, &origin);
	assert_string_equal(origin.server, "https://a:6443");
	assert_null(origin.kubeconfig);
	origin_done(&origin);
	/* An agent without an API server makes the directory count again. */
	assert_int_equal(origin_write(&temp->paths, NULL, &err), 0);
	assert_int_equal(origin_write(&temp->paths, NULL, &err), 0);
	origin_read(&temp->paths, &origin);
	assert_null(origin.server);
}

/* Without an agent, an empty directory must not be taken for a cluster without Services. */
static void test_no_sync_without_the_agent(void **state)
{
	const struct temp *temp = *state;
	const struct config config = { .node_name = "n" };
	struct sync_result result;
	struct err err;

	temp_mkdir(temp, "run");
	temp_write(temp, "run/origin.json", "{\"server\":\"https://a:6443\"}");
	if (sync_now(&temp->paths, &config, &result, &err))
		fail_msg("%s", err.text);
	assert_int_equal(result.n_warnings, 1);
	assert_string_equal(result.warnings[0],
			    "the maps stay as they are: their objects are those of https://a:6443, "
			    "and no agent runs that would ask for them");
	assert_int_equal(result.operations, 0);
	sync_result_done(&result);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		temp_test(test_written_and_read),
		temp_test(test_no_sync_without_the_agent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
