/** Takes the recorded prices of the demo's ticker from the package that ships them. */
import { mkdir, readFile, writeFile, cp } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const FILE = "@observablehq/sample-datasets/aapl.csv";
const SYMBOL = "AAPL";

/** Writes `<target>/demo/prices.json`: the closing price of each day. And beside it the licence under which it may be passed on. */
export async function writePrices(target) {
  const path = createRequire(import.meta.url).resolve(FILE);
  const [head = "", ...lines] = (await readFile(path, "utf8")).trim().split("\n");
  const columns = head.split(",");
  const [day, close] = [columns.indexOf("Date"), columns.indexOf("Close")];
  const rows = lines.map((line) => line.split(","));
  const days = rows.map((row) => row[day]);
  const prices = rows.map((row) => Number(Number(row[close]).toFixed(2)));
  if (prices.length < 1_000 || prices.some((price) => !(price > 0)))
    throw new Error(`${FILE} holds other prices.`);
  const folder = join(target, "demo");
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "prices.json"), JSON.stringify({ symbol: SYMBOL, days, prices }));
  await cp(join(dirname(path), "LICENSE"), join(folder, "prices.LICENSE"));
}
