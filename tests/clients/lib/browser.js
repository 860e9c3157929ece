// SPDX-License-Identifier: Apache-2.0
// Debian's Chromium, headless, and what is looked at in a page of weir's.
import fs from "node:fs";
import { chromium } from "playwright-core";
import { listen } from "./console.js";
import { missing } from "./missing.js";

const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
const args = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync"];

export async function launch() {
  if (!fs.existsSync(executablePath))
    throw missing(`chromium at ${executablePath} (Debian's package chromium, or say where with CHROMIUM)`);
  try {
    return await chromium.launch({ executablePath, args });
  } catch (e) {
    throw missing(`a browser that starts: ${String(e.message).split("\n")[0]}`);
  }
}

// A tab that notes what judges its page on the console, and whatever it asks the network for.
export async function openTab(browser, options) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const asked = [];
  const said = await listen(context, page);
  page.on("request", (r) => { if (!r.url().startsWith("data:")) asked.push(r.url()); });
  return { context, page, said, asked, forget() { said.length = asked.length = 0; } };
}

// Runs inside the page: texts with their contrast, and whatever sticks out.
export function inspect() {
  const channel = (v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);
  const parse = (color) => color.match(/[\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const ground = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const c = parse(getComputedStyle(e).backgroundColor);
      if (c.length === 3 || c[3] === 1) return c;
    }
    return [255, 255, 255];
  };
  const contrast = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);

  const texts = [], sticking = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const text = node.textContent.trim();
    const element = node.parentElement;
    if (text === "" || element.closest("style, svg")) continue;
    const style = getComputedStyle(element);
    const range = document.createRange();
    range.selectNodeContents(node);
    const box = range.getBoundingClientRect();
    if (box.left < 0 || box.right > document.documentElement.clientWidth + 0.5 || box.height === 0) sticking.push(text);
    texts.push({ text, size: parseFloat(style.fontSize), ratio: contrast(luminance(parse(style.color)), luminance(ground(element))) });
  }
  const root = document.documentElement;
  return {
    texts, sticking,
    lang: root.lang, title: document.title,
    overflow: root.scrollWidth - root.clientWidth,
    landmarks: ["main", "footer", "h1"].map((n) => document.querySelectorAll(n).length),
    unlabelled: [...document.querySelectorAll("svg:not([aria-hidden=true]), img:not([alt]), section:not([aria-labelledby])")].length,
    styled: getComputedStyle(document.body).display === "flex",
    animations: document.getAnimations().length,
  };
}
