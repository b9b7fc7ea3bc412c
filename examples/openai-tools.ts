// A model calls functions of the page, through the openai package. It asks again with what came of them, until the model has answered.
import OpenAI from "openai";

const client = new OpenAI({
  baseURL: new URL("/v1", location.href).href,
  apiKey: "none",
  dangerouslyAllowBrowser: true,
});

/** Shows an answer as it is written. The model may ask for the text that is marked in the page, and for the time here. */
export async function askAboutPage(output: HTMLElement, model: string, question: string) {
  const runner = client.chat.completions.runTools({
    model,
    stream: true,
    messages: [{ role: "user", content: question }],
    tools: [
      {
        type: "function",
        function: {
          name: "marked_text",
          description: "Gives the text that the person has marked in the page.",
          parameters: { type: "object", properties: {} },
          function: () => String(getSelection()),
        },
      },
      {
        type: "function",
        function: {
          name: "local_time",
          description: "Tells what time it is where the person is.",
          parameters: { type: "object", properties: { locale: { type: "string" } } },
          parse: JSON.parse,
          function: ({ locale }: { locale?: string }) => new Date().toLocaleString(locale),
        },
      },
    ],
  });
  runner.on("content", (text) => output.append(text));
  await runner.done();
  output.dataset["reason"] = "stop";
}
