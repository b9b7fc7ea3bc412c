import { expect, test } from "vitest";
import { openDesk } from "../../examples/library.ts";

test("server code appends, follows and summarizes a ticket, typed by itself", async () => {
  const desk = await openDesk({ log: "memory" });
  try {
    const followed = (async () => {
      const texts: string[] = [];
      for await (const { text, at } of desk.follow(42)) texts.push(`${at.getFullYear() > 2_000} ${text}`);
      return texts;
    })();
    await desk.comment(42, "ann", "It is broken", "c1");
    await desk.comment(42, "ann", "It is broken", "c1");
    await desk.comment(42, "bob", "Looking", "c2");
    await desk.solve(42);
    expect(await followed).toEqual(["true It is broken", "true Looking"]);

    const { run, ended } = await desk.summarize(42);
    await ended;
    const answer = await desk.millrace.fetch(new Request(`http://localhost/v1/runs/${run}`));
    expect(await answer.json()).toMatchObject({
      text: "Ticket 42:\n- ann: It is broken\n- bob: Looking\n",
      reason: "stop",
    });
  } finally {
    await desk.millrace.close();
  }
});
