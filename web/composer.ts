/** Where a question is written. */
export interface Composer {
  read: () => string;
  write: (text: string) => void;
  focus: () => void;
  /** Says at the box why this text is not sent. */
  refuse: (reason: string) => void;
}

/** Makes the prompt box: Enter sends, Shift+Enter breaks the line, and it grows with its text. */
export function createComposer(
  form: HTMLFormElement,
  box: HTMLTextAreaElement,
  onSend: () => void,
): Composer {
  const fit = () => {
    box.style.height = "auto";
    box.style.height = `${box.scrollHeight}px`;
  };
  box.addEventListener("input", () => {
    box.setCustomValidity("");
    fit();
  });
  addEventListener("resize", fit);
  box.addEventListener("keydown", (event) => {
    // The Enter that ends a composition belongs to the input method; Safari tells it by the code 229 alone.
    if (event.key !== "Enter" || event.shiftKey || isComposing(event)) return;
    event.preventDefault();
    onSend();
  });
  form.addEventListener("click", (event) => {
    if (event.target === form) box.focus();
  });

  return {
    read: () => box.value.trim(),
    write(text) {
      box.value = text;
      fit();
    },
    focus: () => box.focus(),
    refuse(reason) {
      box.setCustomValidity(reason);
      box.reportValidity();
    },
  };
}

/** Whether a key belongs to an input method that is still composing a word. */
export function isComposing(event: KeyboardEvent): boolean {
  return event.isComposing || event.keyCode === 229;
}
