/** An event of a stream without what it says, as `GET /v1/inspect/streams/{name}` tells it.
 *  Source: PROTOCOL.md "Inspection". */
export interface EventLook {
  cursor: string;
  /** Unix milliseconds. */
  at: number;
  type?: string;
  /** How many appended events it stands for, where that is more than one. */
  span?: number;
  /** The run that wrote it, or its author. */
  by?: string;
  /** Characters of JSON text. */
  length: number;
}
