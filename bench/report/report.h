/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_REPORT_REPORT_H
#define BENCH_REPORT_REPORT_H

#include "weir/base/status.h"

/* Makes FOLDER/report.html from the results (*.json) in it.  Complaints go to stderr. */
enum weir_status report_folder(const char *folder) WEIR_MUST_CHECK;

#endif
