/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prometheus' text format 0.0.4, one piece at a time. Names are given without their "lbctl_".
 * A family that would have no series is left out by its writer.
 */
#ifndef AGENT_METRICS_TEXT_H
#define AGENT_METRICS_TEXT_H

#include <stdint.h>
#include <stdio.h>

#include "user/util/histogram.h"

/* HELP and TYPE. The series of a family follow each other, with nothing in between. */
void metrics_family(FILE *out, const char *name, const char *type, const char *help);

/* before: '{' of the first label, ',' of the others. The brace at the end is the caller's. */
void metrics_label(FILE *out, char before, const char *key, const char *value);

/* What ends a series. */
void metrics_value(FILE *out, uint64_t value);
void metrics_seconds(FILE *out, uint64_t microseconds);

/* A family of one series without labels. */
void metrics_single(FILE *out, const char *name, const char *type, const char *help,
		    uint64_t value);

/* A series of one label, in a family that has begun. */
void metrics_labelled(FILE *out, const char *name, const char *key, const char *label,
		      uint64_t value);

/* A family of one histogram without labels; name ends in _seconds. */
void metrics_histogram(FILE *out, const char *name, const char *help,
		       const struct histogram *histogram);

#endif
