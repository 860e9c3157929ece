// SPDX-License-Identifier: Apache-2.0
// A fetch that notes each attempt an SDK makes: when it was sent, when its head came, what the head said.
export function recorder() {
  const attempts = [];
  const record = async (input, init) => {
    const attempt = { sentAt: performance.now(), headAt: 0, status: 0, headers: null, body: "" };
    attempts.push(attempt);
    const response = await fetch(input, init);
    attempt.headAt = performance.now();
    attempt.status = response.status;
    attempt.headers = response.headers;
    if (response.status >= 400) attempt.body = await response.clone().text();
    return response;
  };
  return { attempts, fetch: record };
}
