import { memo, useState } from "react";
import type { ReactNode } from "react";
import type { WireRow } from "./wire-record.ts";

/** The frames of the wire, the latest last. */
export function WireRows({ rows }: { rows: readonly WireRow[] }): ReactNode {
  return (
    <ol>
      {rows.map((row) => (
        <Row key={row.key} row={row} />
      ))}
    </ol>
  );
}

const Row = memo(function Row({ row }: { row: WireRow }): ReactNode {
  if (row.kind === "mark") {
    return (
      <li className="wire-mark" data-tone={row.tone}>
        <span className="wire-time">{timeOf(row.at)}</span>
        <span>{row.text}</span>
      </li>
    );
  }
  return (
    <li className="wire-frame" data-replay={row.isReplay} data-fault={row.fault}>
      <Frame row={row} />
    </li>
  );
});

function Frame({ row }: { row: Extract<WireRow, { kind: "frame" }> }): ReactNode {
  const [isOpen, setOpen] = useState(false);
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <span className="wire-time">{timeOf(row.at)}</span>
        <span className="wire-name">{row.name}</span>
        {row.fault !== undefined && <span className="wire-fault">{row.fault}</span>}
        {row.isReplay && <span className="wire-replay">replayed</span>}
        <span className="wire-id">{shortId(row.id)}</span>
        <span className="wire-size">{row.bytes} B</span>
        <span className="wire-data">{row.gist}</span>
      </summary>
      {isOpen && (
        <pre>
          {row.id !== undefined && `id: ${row.id}\n`}
          {format(row.data)}
        </pre>
      )}
    </details>
  );
}

/** The offset alone, which is what moves: the rest stands in the open frame. */
function shortId(id: string | undefined): string {
  const cursor = id?.split("~").at(-1);
  return cursor === undefined ? "" : `.${cursor.split(".").at(-1) ?? ""}`;
}

function timeOf(at: number): string {
  const date = new Date(at);
  return `${pad(date.getMinutes(), 2)}:${pad(date.getSeconds(), 2)}.${pad(date.getMilliseconds(), 3)}`;
}

function pad(part: number, length: number): string {
  return String(part).padStart(length, "0");
}

function format(data: string): string {
  try {
    return JSON.stringify(JSON.parse(data), undefined, 2);
  } catch {
    return data; // Damaged on its way: it is shown as it came.
  }
}
