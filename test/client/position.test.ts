import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { spanOf, take } from "../../src/client/position.ts";
import type { StreamKind } from "../../src/protocol/event.ts";

const at = (offset: number) => `aaaaaaaa.${offset}`;
const judge = (kind: StreamKind, own: number, offset: number, span = 1) =>
  take({ kind, cursor: at(own) }, { cursor: at(offset), span });

describe("a position", () => {
  it.each(["log", "chat"] as const)("on a %s wants the former offset plus the span", (kind) => {
    expect(judge(kind, 4, 5)).toBe("next");
    expect(judge(kind, 4, 7, 3)).toBe("next");
    expect(judge(kind, 4, 4)).toBe("known");
    expect(judge(kind, 4, 2, 2)).toBe("known");
    expect(judge(kind, 4, 6)).toBe("hole");
    expect(judge(kind, 4, 6, 4)).toBe("overlap");
  });

  it("on a state stream only rises", () => {
    expect(judge("state", 4, 9)).toBe("next");
    expect(judge("state", 4, 4)).toBe("known");
  });

  it("takes what comes first, where it stands nowhere", () => {
    expect(take({ kind: "log", cursor: undefined }, { cursor: at(9), span: 1 })).toBe("next");
  });

  it("reads a span only where the protocol put it", () => {
    expect(spanOf("chat", { span: 3 })).toBe(3);
    expect(spanOf("chat", {})).toBe(1);
    expect(spanOf("log", { span: 3 })).toBe(1);
  });

  it("applies each appended event once, however events are merged, repeated and lost", () => {
    const piece = fc.record({
      span: fc.integer({ min: 1, max: 5 }),
      fate: fc.constantFrom("come", "lost", "twice"),
    });
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        let end = 0;
        let own = 0;
        for (const { span, fate } of pieces) {
          end += span;
          for (let times = fate === "lost" ? 0 : fate === "twice" ? 2 : 1; times > 0; times--) {
            const verdict = judge("chat", own, end, span);
            expect(verdict).toBe(own === end ? "known" : own === end - span ? "next" : "hole");
            own = end;
          }
        }
      }),
    );
  });
});
