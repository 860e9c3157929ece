/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_SCENARIO_CERTIFICATE_H
#define BENCH_SCENARIO_CERTIFICATE_H

#include "weir/base/status.h"

/* A P-256 key and a certificate of its own for 127.0.0.1 and localhost, a day, in one PEM file. */
enum weir_status certificate_write(const char *folder, const char *name) WEIR_MUST_CHECK;

#endif
