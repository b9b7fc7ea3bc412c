import type { ReaderReport } from "./reader.ts";
import type { TortureReport } from "./report.ts";

/** Counts what the readers of one run have made of it. Where they differ, those are wrong whose text is not what the run's writer said, or
 *  not what most of them read: one that is wrong is not counted as often as there are readers. Undefined: it never saw the end. */
export function judge(reports: readonly (ReaderReport | undefined)[], total: TortureReport): void {
  const right = commonest(reports.flatMap((report) => (isAsSaid(report) ? [outcomeOf(report)] : [])));
  for (const report of reports) {
    total.readers += 1;
    total.gaps += report?.gaps ?? 0;
    total.doubles += report?.doubles ?? 0;
    total.resets += report?.resets ?? 0;
    if (!isAsSaid(report) || outcomeOf(report) !== right) total.losses += 1;
    if (report === undefined) total.unended += 1;
  }
}

function isAsSaid(report: ReaderReport | undefined): report is ReaderReport {
  return report !== undefined && report.sha256 === (report.said ?? report.sha256);
}

function outcomeOf({ sha256, reason }: ReaderReport): string {
  return `${sha256} ${reason}`;
}

function commonest(outcomes: readonly string[]): string | undefined {
  const countOf = (outcome: string) => outcomes.filter((other) => other === outcome).length;
  return outcomes.toSorted((one, other) => countOf(other) - countOf(one))[0];
}
