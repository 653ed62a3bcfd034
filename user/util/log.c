/* SPDX-License-Identifier: Apache-2.0 */
#include "user/util/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LOG_LINE 1024

struct log_level {
	const char *journal; /* sd-daemon(3) */
	const char *word;
};

static const struct log_level level_info = { "<6>", "" };
static const struct log_level level_warn = { "<4>", "warning: " };
static const struct log_level level_error = { "<3>", "error: " };

/* JOURNAL_STREAM is inherited by children whose stderr goes elsewhere: compare the file. */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char own[64];
	struct stat st;

	if (!stream || fstat(STDERR_FILENO, &st))
		return false;
	snprintf(own, sizeof(own), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	return strcmp(stream, own) == 0;
}

static void log_stamp(char *text, size_t size)
{
	time_t now = time(NULL);
	struct tm tm;

	localtime_r(&now, &tm);
	strftime(text, size, "%F %T ", &tm);
}

/* Texts carry names and errors from outside: what they hold must not start a new line. */
static void log_clean(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			*text = ' ';
}

/* One write a line: lines of several processes do not mix. */
static void log_write(const struct log_level *level, const char *format, va_list args)
{
	char text[LOG_LINE], stamp[32] = "";

	vsnprintf(text, sizeof(text), format, args);
	log_clean(text);
	if (stderr_is_journal()) {
		dprintf(STDERR_FILENO, "%s%s\n", level->journal, text);
		return;
	}
	if (isatty(STDERR_FILENO))
		log_stamp(stamp, sizeof(stamp));
	dprintf(STDERR_FILENO, "%s%s%s\n", stamp, level->word, text);
}

void log_info(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_write(&level_info, format, args);
	va_end(args);
}

void log_warn(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_write(&level_warn, format, args);
	va_end(args);
}

void log_error(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_write(&level_error, format, args);
	va_end(args);
}
