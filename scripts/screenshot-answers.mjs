/** What the model of the pictures says, by the question. */
export const ANSWERS = {
  "Plan a quiet weekend": `A weekend with **few decisions** in it:

- [x] Saturday morning: the market, on foot
- [x] Soup for two days
- [ ] Sunday: the path along the mill race
  - about 9 km, flat
  - back by train at 16:12
- [ ] Nothing after supper

> The best plan leaves room for the one you did not make.

Shall I look for the train back?`,

  "Why does the mean settle?": `Because the noise of independent draws cancels. Let $X_1, \\dots, X_n$ be independent with mean $\\mu$ and variance $\\sigma^2$, and

$$
\\bar X_n = \\frac{1}{n} \\sum_{i=1}^{n} X_i .
$$

Its variance is $\\sigma^2 / n$, so Chebyshev's inequality gives, for each $\\varepsilon > 0$,

$$
\\Pr\\left( \\left| \\bar X_n - \\mu \\right| \\ge \\varepsilon \\right) \\le \\frac{\\sigma^2}{n \\varepsilon^2} \\longrightarrow 0 .
$$

So with four times the draws the error halves: \\(\\sqrt{4} = 2\\). That costs $4 instead of $1, if a draw costs a dollar.`,

  "Compare two ways to stream": `Both keep **one** HTTP response open. What differs is what happens when it breaks.

| | SSE | WebSocket |
| :--- | :---: | ---: |
| Reconnects by itself | yes | no |
| Says where it was | \`Last-Event-ID\` | your code |
| Bytes per frame | 12 | 6 |

Reading one takes a few lines:

\`\`\`ts
// The browser comes back by itself, and says where it was.
const source = new EventSource("/v1/streams/run-42");

source.onmessage = ({ lastEventId, data }) => {
  const event = JSON.parse(data) as { type: string; text?: string };
  if (event.type === "text-delta") render(event.text ?? "");
  console.log(\`at \${lastEventId}, \${data.length} bytes\`);
};
\`\`\`

1. **Start** with SSE: proxies know it, and \`curl\` reads it.
2. **Measure** before you change:
   - the time to the first token
   - what a cut of five seconds costs
3. Change only if you send as much as you receive.

See [the standard](https://html.spec.whatwg.org/multipage/server-sent-events.html) for the rest.`,
};
