/* SPDX-License-Identifier: Apache-2.0 */
#include "user/util/age.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum {
	MINUTE = 60,
	HOUR = 60 * MINUTE,
	DAY = 24 * HOUR,
	YEAR = 365 * DAY,
};

/* One range: up to `below`, in this unit and the rest in the next one, if any. */
static const struct range {
	int64_t below;
	int32_t unit, rest;
	const char *suffix, *rest_suffix;
} ranges[] = {
	{ 2 * MINUTE, 1, 0, "s", "" },		{ 10 * MINUTE, MINUTE, 1, "m", "s" },
	{ 3 * HOUR, MINUTE, 0, "m", "" },	{ 8 * HOUR, HOUR, MINUTE, "h", "m" },
	{ 2 * DAY, HOUR, 0, "h", "" },		{ 8 * DAY, DAY, HOUR, "d", "h" },
	{ 2 * (int64_t)YEAR, DAY, 0, "d", "" }, { 8 * (int64_t)YEAR, YEAR, DAY, "y", "d" },
	{ INT64_MAX, YEAR, 0, "y", "" },
};

const char *age_format(int64_t seconds, char *text)
{
	const struct range *range = ranges;
	int64_t rest = 0;

	if (seconds < -1)
		return strcpy(text, "<invalid>");
	if (seconds < 0)
		seconds = 0; /* clocks of two machines differ by that much */
	while (seconds >= range->below && range->below != INT64_MAX)
		range++;
	if (range->rest)
		rest = seconds % range->unit / range->rest;
	if (rest)
		snprintf(text, AGE_TEXT, "%lld%s%lld%s", (long long)(seconds / range->unit),
			 range->suffix, (long long)rest, range->rest_suffix);
	else
		snprintf(text, AGE_TEXT, "%lld%s", (long long)(seconds / range->unit),
			 range->suffix);
	return text;
}

const char *age_since(const char *timestamp, time_t now, char *text)
{
	time_t then;

	if (!timestamp || timestamp_parse(timestamp, &then))
		return strcpy(text, "<unknown>");
	return age_format((int64_t)now - then, text);
}

const char *timestamp_format(time_t time, char *text)
{
	struct tm tm;

	if (!gmtime_r(&time, &tm) || !strftime(text, TIMESTAMP_TEXT, "%Y-%m-%dT%H:%M:%SZ", &tm))
		return strcpy(text, "");
	return text;
}

static int parse_offset(const char *text, int *ret_seconds)
{
	unsigned int hours, minutes;
	int length = 0;
	char sign;

	if (!strcmp(text, "Z") || !strcmp(text, "z")) {
		*ret_seconds = 0;
		return 0;
	}
	if (sscanf(text, "%c%2u:%2u%n", &sign, &hours, &minutes, &length) != 3 || length != 6 ||
	    text[length] || (sign != '+' && sign != '-') || hours > 23 || minutes > 59)
		return -EINVAL;
	*ret_seconds = (int)(hours * HOUR + minutes * MINUTE) * (sign == '-' ? -1 : 1);
	return 0;
}

int timestamp_parse(const char *text, time_t *ret_time)
{
	struct tm tm = { 0 };
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	int offset;

	if (!end)
		return -EINVAL;
	if (*end == '.') {
		size_t digits = strspn(end + 1, "0123456789");

		if (!digits)
			return -EINVAL;
		end += 1 + digits;
	}
	if (parse_offset(end, &offset))
		return -EINVAL;
	*ret_time = timegm(&tm) - offset;
	return 0;
}
