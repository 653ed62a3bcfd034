/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/agent/temp.h"

#include "user/agent/lock.h"

static void test_second_agent_is_refused(void **state)
{
	struct temp *temp = *state;
	struct err err = { "" };
	cleanup_close int first = lock_agent(&temp->paths, &err);
	cleanup_free char *pid = xasprintf("(pid %d)", getpid());

	assert_true(first >= 0);
	assert_int_equal(lock_agent(&temp->paths, &err), -EBUSY);
	assert_non_null(strstr(err.text, pid));
	assert_non_null(strstr(err.text, temp->paths.run));
}

static void test_agent_lock_ends_with_its_holder(void **state)
{
	struct temp *temp = *state;
	struct err err = { "" };
	int fd = lock_agent(&temp->paths, &err);

	assert_true(fd >= 0);
	close(fd);
	fd = lock_agent(&temp->paths, &err);
	assert_true(fd >= 0);
	close(fd);
}

static void test_sync_lock_is_exclusive(void **state)
{
	struct temp *temp = *state;
	struct lock_sync lock, other;
	struct err err = { "" };

	assert_int_equal(lock_sync_take(&temp->paths, 0, &lock, &err), 0);
	assert_int_equal(lock_sync_take(&temp->paths, 20, &other, &err), -EBUSY);
	assert_non_null(strstr(err.text, "sync.lock"));
	lock_sync_release(&lock);
	assert_int_equal(lock_sync_take(&temp->paths, 0, &other, &err), 0);
	lock_sync_release(&other);
}

static void test_writes_are_counted(void **state)
{
	struct temp *temp = *state;
	struct lock_sync lock;

	for (uint64_t i = 0; i < 3; i++) {
		assert_int_equal(lock_sync_take(&temp->paths, 0, &lock, NULL), 0);
		assert_int_equal(lock.writes, i);
		assert_int_equal(lock_sync_count(&lock, NULL), 0);
		assert_int_equal(lock.writes, i + 1);
		lock_sync_release(&lock);
	}
}

static void test_broken_count_starts_anew(void **state)
{
	struct temp *temp = *state;
	struct lock_sync lock;

	temp_mkdir(temp, "run");
	temp_write(temp, "run/sync.lock", "abc");
	assert_int_equal(lock_sync_take(&temp->paths, 0, &lock, NULL), 0);
	assert_int_equal(lock.writes, 0);
	lock_sync_release(&lock);
}

static void test_run_directory_cannot_be_made(void **state)
{
	struct temp *temp = *state;
	struct err err = { "" };

	temp_write(temp, "run", "a file is in the way");
	assert_int_equal(lock_agent(&temp->paths, &err), -ENOTDIR);
	assert_non_null(strstr(err.text, "agent.lock"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		temp_test(test_second_agent_is_refused),
		temp_test(test_agent_lock_ends_with_its_holder),
		temp_test(test_sync_lock_is_exclusive),
		temp_test(test_writes_are_counted),
		temp_test(test_broken_count_starts_anew),
		temp_test(test_run_directory_cannot_be_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
