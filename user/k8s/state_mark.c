/* SPDX-License-Identifier: Apache-2.0 */
#include "user/k8s/state_mark.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MARK_DEPTH 4		   /* state/<plural>/<namespace>/<name>.yaml, and one to spare */
#define MARK_FRESH_NS 2000000000ll /* clocks of file systems are as coarse as this */

struct marking {
	uint64_t sum; /* of all entries: their order does not matter */
	int64_t newest;
};

static uint64_t mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * 0x9e3779b97f4a7c15ull;
	return hash ^ hash >> 29;
}

static void entry_mark(struct marking *marking, const char *name, const struct stat *st)
{
	int64_t changed = (int64_t)st->st_ctim.tv_sec * 1000000000 + st->st_ctim.tv_nsec;
	uint64_t hash = 1;

	for (; *name; name++)
		hash = mix(hash, (unsigned char)*name);
	hash = mix(mix(hash, st->st_ino), (uint64_t)st->st_size);
	hash = mix(mix(hash, (uint64_t)changed), (uint64_t)st->st_mtim.tv_nsec);
	marking->sum += mix(hash, (uint64_t)st->st_mtim.tv_sec);
	if (changed > marking->newest)
		marking->newest = changed;
}

static void dir_mark(struct marking *marking, int parent, const char *path, int depth)
{
	int fd = openat(parent, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	struct stat st;

	while (dir && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.' || fstatat(fd, entry->d_name, &st, 0))
			continue;
		if (!S_ISDIR(st.st_mode))
			entry_mark(marking, entry->d_name, &st);
		else if (depth)
			dir_mark(marking, fd, entry->d_name, depth - 1);
	}
	if (dir)
		closedir(dir);
	else if (fd >= 0)
		close(fd);
}

uint64_t state_mark(const char *dir)
{
	struct marking marking = { .sum = 1 };
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	dir_mark(&marking, AT_FDCWD, dir, MARK_DEPTH);
	if ((int64_t)now.tv_sec * 1000000000 + now.tv_nsec - marking.newest < MARK_FRESH_NS)
		return 0;
	return marking.sum ? marking.sum : 1;
}
