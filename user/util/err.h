/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors: functions return 0 or -errno, and fill a struct err with what is
 * worth telling a person. Libraries never print; commands print once.
 */
#ifndef UTIL_ERR_H
#define UTIL_ERR_H

struct err {
	char text[512]; /* one line, no trailing newline; longer texts are cut */
};

#define LB_PRINTF(text, first) __attribute__((format(printf, text, first)))
#define LB_CHECKED __attribute__((warn_unused_result))

/* Fills err (may be NULL) and returns code, so that callers write `return err_set(…)`. */
int err_set(struct err *err, int code, const char *format, ...) LB_PRINTF(3, 4);

/* Puts "context: " in front of the text and returns code. */
int err_wrap(struct err *err, int code, const char *format, ...) LB_PRINTF(3, 4);

/* err_set with ": strerror(-code)" behind the text. */
int err_sys(struct err *err, int code, const char *format, ...) LB_PRINTF(3, 4);

#endif
