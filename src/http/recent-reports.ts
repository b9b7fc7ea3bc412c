import type { DeliveryReport } from "./metrics.ts";

/** What somebody's client has reported. */
export interface RecentReport extends DeliveryReport {
  /** Unix milliseconds. */
  at: number;
  who: string;
  request: string;
}

const MAX_REPORTS = 100;

/** The last reports of clients, for who looks. */
export function createRecentReports(): {
  add: (report: RecentReport) => void;
  /** Latest first. */
  list: () => RecentReport[];
} {
  const reports: RecentReport[] = [];
  return {
    add(report) {
      if (report.gaps + report.doubles === 0) return;
      reports.push(report);
      if (reports.length > MAX_REPORTS) reports.shift();
    },
    list: () => reports.toReversed(),
  };
}
