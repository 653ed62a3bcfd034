/* SPDX-License-Identifier: Apache-2.0 */
/* Changes of the state directory leave another mark, and what is left alone the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "user/k8s/state_mark.h"

static void run(const char *command)
{
	assert_int_equal(system(command), 0);
}

/* ctime cannot be set: what is fresh gets old by waiting. */
static void check_mark(void **state)
{
	char dir[] = "/tmp/lb-mark-XXXXXX";
	uint64_t first, second;

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chdir(dir), 0);
	run("mkdir -p state/pods/default && echo 1 >state/pods/default/a.yaml");
	assert_int_equal(state_mark("state"), 0); /* too fresh to tell */
	sleep(3);
	first = state_mark("state");
	assert_int_not_equal(first, 0);
	assert_int_equal(state_mark("state"), first);
	run("touch state/.lock state/pods/default/.tmp-x"); /* none of ours */
	assert_int_equal(state_mark("state"), first);
	run("echo 2 >state/pods/default/a.yaml");
	assert_int_equal(state_mark("state"), 0);
	sleep(3);
	second = state_mark("state");
	assert_int_not_equal(second, 0);
	assert_int_not_equal(second, first);
	run("rm state/pods/default/a.yaml");
	assert_int_not_equal(state_mark("state"), second);
	run("rm -r state");
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(check_mark) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
