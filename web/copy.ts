const SAID_MS = 2000;

/** Copies a text and says so on the label for two seconds. */
export async function copyText(text: string, label: Element): Promise<void> {
  const isCopied = await write(text);
  const before = label.getAttribute("data-label") ?? label.textContent;
  label.setAttribute("data-label", before);
  label.textContent = isCopied ? "Copied" : "Not copied";
  setTimeout(() => {
    label.textContent = before;
  }, SAID_MS);
}

async function write(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false; // Refused by the browser, or a page that is neither https nor on this machine.
  }
}
