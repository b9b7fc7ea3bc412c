#!/usr/bin/env node
/** node bench/profile.mjs file.cpuprofile: where a server's time went, by function itself. Made by `npm run bench -- fan-out
 *  --only millrace --profile folder`. */
import { readFileSync } from "node:fs";

const SHOWN = 14;

for (const path of process.argv.slice(2)) {
  const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(path, "utf8"));
  const byId = new Map(nodes.map((node) => [node.id, node.callFrame]));
  const self = new Map();
  let total = 0;
  for (const [index, id] of samples.entries()) {
    const { functionName, url, lineNumber } = byId.get(id);
    if (functionName === "(idle)") continue;
    const file = url.split("/").slice(-2).join("/");
    const name = `${functionName || "(anonymous)"} ${file}${file === "" ? "" : `:${lineNumber + 1}`}`;
    self.set(name, (self.get(name) ?? 0) + timeDeltas[index]);
    total += timeDeltas[index];
  }
  console.log(`${path}: ${(total / 1e6).toFixed(2)} s busy`);
  for (const [name, micros] of [...self].sort((a, b) => b[1] - a[1]).slice(0, SHOWN))
    console.log(`${((micros / total) * 100).toFixed(1).padStart(6)} %  ${name}`);
}
