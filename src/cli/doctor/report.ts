import type { Finding } from "./finding.ts";

const WORDS: Record<Finding["level"], string> = {
  wrong: "WRONG",
  mind: "mind",
  note: "note",
  fine: "fine",
  untested: "not tested",
};

/** The findings for people: what is wrong in full, with what mends it; then the rest. */
export function reportFindings(url: string, findings: readonly Finding[]): string {
  const lines = [url, ""];
  for (const { check, level, sure, says, mend = [] } of findings) {
    const how = sure === undefined ? "" : ` (${sure})`;
    lines.push(`${WORDS[level].padEnd(11)}${check.padEnd(13)} ${says}${how}`);
    const width = Math.max(...mend.map(({ where }) => where.length));
    for (const { where, line } of mend) lines.push(`${" ".repeat(25)}${where.padEnd(width)}  ${line}`);
  }
  return `${lines.join("\n")}\n\n${summary(findings)}\n`;
}

function summary(findings: readonly Finding[]): string {
  const count = (level: Finding["level"]) => findings.filter((finding) => finding.level === level).length;
  const wrong = count("wrong");
  const mind = count("mind");
  const untested = count("untested");
  const found =
    wrong + mind === 0
      ? "Nothing is wrong."
      : `${wrong} ${wrong === 1 ? "thing is" : "things are"} wrong, ${mind} to mind.`;
  return untested === 0 ? found : `${found} Not tested: ${untested}.`;
}
