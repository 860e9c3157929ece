// SPDX-License-Identifier: Apache-2.0
// What the machine does not have: an error of one line, without a trace.
export function missing(what) {
  const error = new Error(`missing: ${what}`);
  error.stack = error.message;
  return error;
}
