import type { Bundle } from "./bundle.ts";
import type { Transport } from "./look.ts";

/** Where one reader's bytes go. */
export interface Sink {
  /** Takes a bundle. False: the reader is behind; `onDrain` tells when to go on. */
  write(bundle: Bundle): boolean;
  /** Bytes taken and not yet passed on. */
  readonly buffered: number;
  /** How its bytes leave. Absent: as a web-standard body. */
  readonly transport?: Transport;
  /** What was sent, for who looks at it. */
  readonly sent?: number;
  /** Says once what to do when the sink drains and when the reader is gone. */
  attach(listener: SinkListener): void;
  /** Ends the body in good order. */
  end(): void;
  /** Cuts the connection. */
  destroy(): void;
}

export interface SinkListener {
  onDrain(): void;
  onClose(): void;
}
