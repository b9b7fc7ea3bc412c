import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { openLivePage, overflowOf } from "../support/live-page.ts";
import { closeQuiet, reply, supportDesk, typing } from "../support/support-desk.ts";

const desk = supportDesk();
const { ask, openDesk } = desk;
const streams = () => `${desk.url}/v1/streams/support/tickets`;
const row = (page: Page, subject: string) => page.locator(".support-row", { hasText: subject });
const subjects = (page: Page) => page.locator(".support-row-subject").allInnerTexts();
const said = (page: Page) => page.locator(".support-text").allInnerTexts();
const changes = (page: Page) => page.locator(".support-change").allInnerTexts();

/** Names the agent of a page. */
async function call(page: Page, name: string): Promise<void> {
  await page.getByLabel("You answer as").fill(name);
  await page.keyboard.press("Enter");
}

test("a ticket is opened, taken, answered, closed and reopened, and each side sees it happen", async () => {
  const agent = await openDesk();
  await call(agent.page, "Robin");
  const customer = await ask("The tap drips");
  await row(agent.page, "The tap drips").click();
  await expect.poll(() => said(agent.page)).toEqual(["The tap drips, since Monday."]);
  await agent.page.getByText("Ada is here").waitFor();
  await customer.page.getByText("Robin is reading it").waitFor();

  await agent.page.getByLabel("Assigned to").selectOption("Robin");
  await customer.page.getByText("Ticket updated: Robin took the ticket.").waitFor();
  await customer.page.getByText("With Robin").waitFor();
  await reply(agent.page).fill("Which one?\nThe left?");
  await reply(agent.page).press("Enter");
  await expect
    .poll(() => said(customer.page))
    .toEqual(["The tap drips, since Monday.", "Which one?\nThe left?"]);
  await row(agent.page, "Answered").waitFor();
  await agent.page.getByRole("button", { name: "Close" }).click();
  await customer.page.getByText("Ticket updated: Robin closed the ticket.").waitFor();
  await row(agent.page, "Closed").waitFor();
  await reply(customer.page).fill("It drips again.");
  await customer.page.getByRole("button", { name: "Reopen and send" }).click();
  await agent.page.getByText("Ticket updated: Ada reopened the ticket.").waitFor();
  await expect.poll(() => said(agent.page)).toContain("It drips again.");
  await row(agent.page, "Waiting").waitFor();
  // Whoever comes later is told the same.
  await customer.page.reload();
  await expect.poll(() => said(customer.page)).toEqual(await said(agent.page));
  await customer.page.getByRole("link", { name: "All your tickets" }).click();
  await expect.poll(() => subjects(customer.page)).toEqual(["The tap drips"]);
  await closeQuiet(agent, customer);
});

test("who types is seen on the other side, and not by who stopped or sent it", async () => {
  const customer = await ask("The door squeaks");
  const agent = await openDesk(`/${customer.key}`);
  await call(agent.page, "Robin");
  await reply(agent.page).pressSequentially("On");
  await expect.poll(() => typing(customer.page)).toBe("Agent Robin is typing…");
  expect(await typing(agent.page)).toBe("");
  await reply(agent.page).press("Enter");
  await expect.poll(() => typing(customer.page)).toBe("");
  await reply(customer.page).pressSequentially("Ye");
  await expect.poll(() => typing(agent.page)).toBe("Ada is typing…");
  await reply(customer.page).fill("");
  await expect.poll(() => typing(agent.page)).toBe("");
  await closeQuiet(agent, customer);
});

test("both sides in two windows of one browser are two", async () => {
  const customer = await ask("Two windows");
  const agent = await customer.page.context().newPage();
  await agent.goto(`${desk.url}/live/support/desk/${customer.key}`);
  await agent.getByText("Ada is here").waitFor();
  await customer.page.getByText("is reading it").waitFor();
  await reply(customer.page).pressSequentially("He");
  await expect.poll(() => typing(agent)).toBe("Ada is typing…");
  expect(await typing(customer.page)).toBe("");
  await closeQuiet(customer);
});

test("what is unread is the same in all tabs, stands in their titles, and is read in all when it is in one", async () => {
  const customer = await ask("Counted");
  const agent = await openDesk();
  const other = await agent.page.context().newPage();
  await other.goto(`${desk.url}/live/support/desk`);
  const tabs = [agent.page, other];
  const unread = (page: Page) => row(page, "Counted").locator(".support-unread").textContent();
  for (const page of tabs) await expect.poll(() => unread(page)).toBe("1 unread");
  for (const text of ["Hello?", "Is anybody there?"]) {
    await reply(customer.page).fill(text);
    await reply(customer.page).press("Enter");
  }
  for (const page of tabs) await expect.poll(() => unread(page)).toBe("3 unread");
  // The tickets of the other tests are counted, too.
  const counts = await agent.page.locator(".support-unread").allTextContents();
  const before = counts.reduce((sum, text) => sum + Number.parseInt(text || "0", 10), 0);
  for (const page of tabs) await expect.poll(() => page.title()).toBe(`(${before}) Support desk · Millrace`);
  await row(agent.page, "Counted").click();
  const after = before === 3 ? "" : `(${before - 3}) `;
  for (const page of tabs) {
    await expect.poll(() => unread(page)).toBe("");
    await expect.poll(() => page.title()).toBe(`${after}Support desk · Millrace`);
  }
  // The customer, who is elsewhere, is told of the answer in the title.
  await customer.page.goto(`${desk.url}/live/support`);
  await reply(agent.page).fill("Here I am.");
  await reply(agent.page).press("Enter");
  await expect.poll(() => customer.page.title()).toBe("(1) Support · Millrace");
  await row(customer.page, "Counted").click();
  await expect.poll(() => customer.page.title()).toBe("Support · Millrace");
  await other.close();
  await closeQuiet(agent, customer);
});

test("a ticket that two agents change at once: the later wins, and all see it", async () => {
  const customer = await ask("Wanted by two");
  const [one, two] = [await openDesk(`/${customer.key}`), await openDesk(`/${customer.key}`)];
  await call(one.page, "Robin");
  await call(two.page, "Kit");
  await Promise.all([
    one.page.getByLabel("Assigned to").selectOption("Robin"),
    two.page.getByLabel("Assigned to").selectOption("Kit"),
    customer.page.getByRole("button", { name: "Close" }).click(),
  ]);
  // What one has done stands there at once, and moves to its place when the log has given it one.
  const orders = () =>
    Promise.all([one, two, customer].map(async ({ page }) => (await changes(page)).join("\n")));
  await expect.poll(async () => new Set(await orders()).size).toBe(1);
  await expect.poll(async () => (await changes(customer.page)).length).toBe(3);
  await expect.poll(async () => new Set(await orders()).size).toBe(1);
  const order = await changes(customer.page);
  const later = order.findLast((line) => line.includes("took"))?.split(" ")[0];
  for (const { page } of [one, two]) {
    await expect.poll(() => changes(page)).toEqual(order);
    await expect.poll(() => page.getByLabel("Assigned to").inputValue()).toBe(later);
    // Who closed it has not taken the other's word back.
    await page.getByRole("button", { name: "Reopen", exact: true }).waitFor();
    await row(page, "Wanted by two").getByText(`With ${later}`).waitFor();
    await row(page, "Wanted by two").getByText("Closed").waitFor();
  }
  await customer.page.getByText(`With ${later}`).waitFor();
  await closeQuiet(one, two, customer);
});

test("no row moves under the pointer; when it has left, what changed last is in front", async () => {
  const first = await ask("Sorted: first");
  const second = await ask("Sorted: second");
  const agent = await openDesk();
  await expect
    .poll(async () => (await subjects(agent.page)).slice(0, 2))
    .toEqual(["Sorted: second", "Sorted: first"]);
  const target = row(agent.page, "Sorted: second");
  await target.hover();
  const before = { box: await target.boundingBox(), order: await subjects(agent.page) };
  await reply(first.page).fill("More of it.");
  await reply(first.page).press("Enter");
  const third = await ask("Sorted: third");
  await agent.page.getByRole("button", { name: "Sort now: 2 changed" }).waitFor();
  // What it says is the newest all the same.
  await row(agent.page, "More of it.").waitFor();
  expect({ box: await target.boundingBox(), order: await subjects(agent.page) }).toEqual(before);
  await agent.page.mouse.move(5, 5);
  await expect
    .poll(async () => (await subjects(agent.page)).slice(0, 3))
    .toEqual(["Sorted: third", "Sorted: first", "Sorted: second"]);
  await closeQuiet(agent, first, second, third);
});

test("the desk is worked by keys alone, and the focus goes along", async () => {
  const customer = await ask("By keys");
  const agent = await openDesk();
  await row(agent.page, "By keys").focus();
  await agent.page.keyboard.press("Enter");
  await agent.page.locator("#support-subject:focus", { hasText: "By keys" }).waitFor();
  const log = agent.page.getByRole("log", { name: "Messages" });
  await log.getByText("By keys, since Monday.").waitFor();
  for (const name of ["Assigned to", "Close", "Messages", "Reply"]) {
    await agent.page.keyboard.press("Tab");
    const focused = agent.page.locator(":focus");
    const said = await focused.evaluate((element) => {
      const labels = element instanceof HTMLSelectElement ? [...element.labels] : [];
      return (
        element.getAttribute("aria-label") ??
        labels[0]?.querySelector("span")?.textContent ??
        element.textContent
      );
    });
    expect(said).toBe(name);
  }
  await agent.page.keyboard.type("First line");
  await agent.page.keyboard.press("Shift+Enter");
  await agent.page.keyboard.type("second line");
  await agent.page.keyboard.press("Enter");
  await expect.poll(() => said(customer.page)).toContain("First line\nsecond line");
  await closeQuiet(agent, customer);
});

test("the commands of the page open a ticket and answer it, and the list is mended by who has it open", async () => {
  const agent = await openDesk();
  const copy = () => agent.page.locator("details.publish code").textContent();
  await promisify(execFile)("sh", ["-c", (await copy()) ?? ""]);
  await row(agent.page, "It has dripped since Monday.").click();
  await expect.poll(() => said(agent.page)).toEqual(["It has dripped since Monday."]);
  const answering = promisify(execFile)("sh", ["-c", (await copy()) ?? ""]);
  await expect.poll(() => typing(agent.page)).toBe("Ada is typing…");
  await answering;
  await expect.poll(() => said(agent.page)).toContain("Thank you.");
  await row(agent.page, "Ada: Thank you.").waitFor();
  // Removed is removed: nobody mends that.
  await fetch(`${streams()}/t1`, { method: "DELETE" });
  await agent.page.request.post(streams(), { data: { key: "t1", deleted: true } });
  await agent.page.getByText("This ticket was deleted.").waitFor();
  await closeQuiet(agent);
});

test("what was refused stays, says why, and can be sent again", async () => {
  const customer = await ask("Refused once");
  const path = `**/v1/streams/support/tickets/${customer.key}`;
  const error = { code: "event-too-large", message: "It is too large.", retryable: false };
  await customer.page.route(path, (route) =>
    route.request().method() === "POST" ? route.fulfill({ status: 413, json: { error } }) : route.continue(),
  );
  await reply(customer.page).fill("Never lost.");
  await reply(customer.page).press("Enter");
  await customer.page.getByText("Not sent. It is too large.").waitFor();
  await customer.page.getByText("Never lost.").waitFor();
  await customer.page.unroute(path);
  await customer.page.getByRole("button", { name: "Send again" }).click();
  await expect.poll(() => said(customer.page)).toContain("Never lost.");
  await expect.poll(() => customer.page.locator(".support-failed").count()).toBe(0);
  await customer.page.context().close();
});

test("a person who calls itself something odd is shown as text, and no longer than has room", async () => {
  const agent = await openDesk();
  const name = `<img src=x onerror=alert(1)> ${"x".repeat(200)}`;
  await agent.page.request.post(`${desk.url}/v1/presence/support/tickets`, {
    data: { browser: "f".repeat(20), data: { name, ticket: 7 } },
  });
  await agent.page.getByText("<img src=x").waitFor();
  const shown = await agent.page.locator(".support-agents .support-here", { hasText: "<img" }).innerText();
  expect(shown.trim()).toHaveLength(40);
  expect(await agent.page.locator(".support-agents img").count()).toBe(0);
  await closeQuiet(agent);
});

test.each([320, 390, 640])(
  "nothing is scrolled sideways at %i px, and the box to reply in is in sight",
  async (width) => {
    const key = `narrow${width}`;
    const text = "https://example.org/a-very-long-address-without-any-place-to-break-it".repeat(3);
    const { page } = await openLivePage(desk.browser, `${desk.url}/live/support`, {
      viewport: { width, height: 640 },
    });
    await page.request.put(streams(), { data: { kind: "state" } });
    await page.request.post(`${streams()}/${key}`, {
      data: { type: "ticket-open", subject: text, name: text, text },
    });
    await page.request.post(streams(), { data: { type: "ticket", key, subject: text, customer: text } });
    for (const path of ["", "/desk", `/desk/${key}`, `/tickets/${key}`]) {
      await page.goto(`${desk.url}/live/support${path}`);
      await page.locator("h1").waitFor();
      if (path.includes(key)) await page.locator(".support-message").waitFor();
      expect(await overflowOf(page), path).toBeLessThanOrEqual(0);
    }
    await page.goto(`${desk.url}/live/support/desk/t2`);
    await page.request.post(`${streams()}/t2`, {
      data: { type: "ticket-open", subject: "Short", text: "Hello" },
    });
    const box = await reply(page).boundingBox();
    expect((box?.y ?? 1e9) + (box?.height ?? 0)).toBeLessThanOrEqual(640);
    await page.context().close();
  },
);
