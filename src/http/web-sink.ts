import type { Sink, SinkListener } from "../hub/sink.ts";

const HIGH_WATER_BYTES = 16_384;

/** A sink that is the body of a web-standard Response: for runtimes without a socket of Node, and for calls without any. */
export function createWebSink(headers: Record<string, string>): { sink: Sink; response: Response } {
  let listener: SinkListener | undefined;
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  let sent = 0;
  let isBehind = false;
  let isOver = false;
  const body = new ReadableStream<Uint8Array>(
    {
      start(given) {
        controller = given;
      },
      pull() {
        if (!isBehind) return;
        isBehind = false;
        listener?.onDrain();
      },
      cancel() {
        isOver = true;
        listener?.onClose();
      },
    },
    new ByteLengthQueuingStrategy({ highWaterMark: HIGH_WATER_BYTES }),
  );
  const sink: Sink = {
    write({ payload }) {
      if (isOver) return false;
      sent += payload.length;
      controller?.enqueue(payload);
      isBehind = (controller?.desiredSize ?? 0) <= 0;
      return !isBehind;
    },
    get sent() {
      return sent;
    },
    get buffered() {
      return HIGH_WATER_BYTES - (controller?.desiredSize ?? 0);
    },
    attach(given) {
      listener = given;
    },
    end() {
      if (!isOver) controller?.close();
      isOver = true;
    },
    destroy() {
      if (!isOver) controller?.error(new Error("the reader took nothing for too long"));
      isOver = true;
    },
  };
  return { sink, response: new Response(body, { headers }) };
}
