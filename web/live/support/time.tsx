import type { ReactNode } from "react";

/** A time of day; with the day, if that was not today. Nothing where it was not said. */
export function Time({ at }: { at: number }): ReactNode {
  if (at === 0) return undefined;
  const date = new Date(at);
  const isToday = date.toDateString() === new Date().toDateString();
  const time = date.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
  const day = isToday ? "" : `${date.toLocaleDateString("en-GB", { day: "numeric", month: "short" })}, `;
  return (
    <time dateTime={date.toISOString()}>
      {day}
      {time}
    </time>
  );
}
