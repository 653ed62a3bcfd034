/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/agent/temp.h"

#include <sys/socket.h>
#include <sys/un.h>

#include "user/agent/notify.h"

static int listen_at(const char *path, size_t length)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	memcpy(at.sun_path, path, length);
	assert_int_equal(
		bind(fd, (struct sockaddr *)&at, offsetof(struct sockaddr_un, sun_path) + length),
		0);
	return fd;
}

static void expect(int fd, const char *begin)
{
	char text[128];
	ssize_t n = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);

	assert_true(n > 0);
	text[n] = '\0';
	assert_int_equal(strncmp(text, begin, strlen(begin)), 0);
}

static void test_path(void **state)
{
	struct temp *temp = *state;
	cleanup_free char *path = xasprintf("%s/notify", temp->root);
	cleanup_close int fd = listen_at(path, strlen(path));

	setenv("NOTIFY_SOCKET", path, 1);
	notify_send("READY=1");
	expect(fd, "READY=1");
	notify_reloading();
	expect(fd, "RELOADING=1\nMONOTONIC_USEC=");
}

static void test_abstract(void **state)
{
	struct temp *temp = *state;
	cleanup_free char *name = xasprintf("@%s", temp->root);
	cleanup_free char *path = xstrdup(name);
	cleanup_close int fd = -EBADF;

	path[0] = '\0';
	fd = listen_at(path, strlen(name));
	setenv("NOTIFY_SOCKET", name, 1);
	notify_send("STOPPING=1");
	expect(fd, "STOPPING=1");
}

/* Nobody listens, or there is no such place: telling is silent, and does not block. */
static void test_nobody(void **state)
{
	static const char *const places[] = { "", "relative", "/nowhere/notify" };
	char longer[300];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		setenv("NOTIFY_SOCKET", places[i], 1);
		notify_send("READY=1");
	}
	memset(longer, 'x', sizeof(longer) - 1);
	longer[0] = '/';
	longer[sizeof(longer) - 1] = '\0';
	setenv("NOTIFY_SOCKET", longer, 1);
	notify_send("READY=1");
	unsetenv("NOTIFY_SOCKET");
	notify_send("READY=1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		temp_test(test_path),
		temp_test(test_abstract),
		cmocka_unit_test(test_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
