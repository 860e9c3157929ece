// SPDX-License-Identifier: Apache-2.0
import { setTimeout as sleep } from "node:timers/promises";

// Waits until claim() holds (it may be async), for at most ms.
export async function until(claim, what, ms = 10000) {
  const end = performance.now() + ms;
  for (;;) {
    const value = await claim();
    if (value) return value;
    if (performance.now() > end) throw new Error(`waited ${ms} ms in vain: ${what}`);
    await sleep(5); // poll-ok: the only polling line of these tests
  }
}
