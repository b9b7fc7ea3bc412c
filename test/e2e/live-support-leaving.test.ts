import { spawn } from "node:child_process";
import { expect, test } from "vitest";
import { closeQuiet, reply, supportDesk, typing } from "../support/support-desk.ts";

const CLIENT = new URL("../../dist/client/index.js", import.meta.url).href;

const desk = supportDesk();
const { ask, openDesk } = desk;

test("a customer whose browser dies while it types is neither typing nor here for long", async () => {
  const customer = await ask("A sudden end");
  const agent = await openDesk(`/${customer.key}`);
  await agent.page.getByText("Ada is here").waitFor();
  await reply(customer.page).pressSequentially("He");
  await expect.poll(() => typing(agent.page)).toBe("Ada is typing…");
  // A second after its signal, so that the way and the timers of a busy machine have theirs within the six.
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  await customer.page.context().close();
  const from = Date.now();
  await expect.poll(() => typing(agent.page), { interval: 50 }).toBe("");
  expect(Date.now() - from).toBeLessThanOrEqual(6_000);
  await agent.page.getByText("Ada is away").waitFor();
  expect(Date.now() - from).toBeLessThanOrEqual(6_000);
  await closeQuiet(agent);
});

test("typing without an end lasts as long as its sender lives, and six seconds more", async () => {
  const customer = await ask("A sender that stands still");
  const stream = `support/tickets/${customer.key}`;
  const code = `
    import { createClient } from ${JSON.stringify(CLIENT)};
    import { liveOf } from ${JSON.stringify(CLIENT.replace("index.js", "live.js"))};
    const typing = liveOf(createClient({ url: ${JSON.stringify(desk.url)} })).signals(${JSON.stringify(stream)}, "typing");
    setInterval(() => typing.send({ role: "agent", name: "Kit" }), 100);`;
  const sender = spawn(process.execPath, ["--input-type=module", "-e", code], { stdio: "inherit" });
  try {
    await expect.poll(() => typing(customer.page)).toBe("Agent Kit is typing…");
    // It is renewed: longer than one signal holds.
    await new Promise((resolve) => setTimeout(resolve, 7_000));
    expect(await typing(customer.page)).toBe("Agent Kit is typing…");
    sender.kill("SIGSTOP");
    const from = Date.now();
    await expect.poll(() => typing(customer.page), { interval: 50 }).toBe("");
    expect(Date.now() - from).toBeLessThanOrEqual(6_000);
  } finally {
    sender.kill("SIGKILL");
  }
  await closeQuiet(customer);
});
