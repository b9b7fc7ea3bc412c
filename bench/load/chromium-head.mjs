/** What Chromium 156 sends with a request of a page of the same origin, and one cookie of 36 bytes. */
const USUAL = `sec-ch-ua-platform: "Linux"\r
User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36\r
sec-ch-ua: "Not:A-Brand";v="8", "Chromium";v="156"\r
sec-ch-ua-mobile: ?0\r
Sec-Fetch-Site: same-origin\r
Sec-Fetch-Mode: cors\r
Sec-Fetch-Dest: empty\r
Referer: http://127.0.0.1:4000/\r
Accept-Language: en-US,en;q=0.9\r
Cookie: sid=0123456789abcdef0123456789abcdef\r
`;

const HEADS = {
  sse: `Connection: keep-alive\r\nPragma: no-cache\r\nCache-Control: no-cache\r\nAccept: text/event-stream\r\n${USUAL}`,
  fetch: `Connection: keep-alive\r\nAccept: */*\r\n${USUAL}`,
  ws: `Connection: Upgrade\r
Pragma: no-cache\r
Cache-Control: no-cache\r
User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36\r
Upgrade: websocket\r
Origin: http://127.0.0.1:4000\r
Sec-WebSocket-Version: 13\r
Accept-Language: en-US,en;q=0.9\r
Cookie: sid=0123456789abcdef0123456789abcdef\r
Sec-WebSocket-Key: asM+eiY3IY0c251G6AIyHg==\r
`,
};

/** A GET as `EventSource`, `fetch` or `WebSocket` sends it; without compression, which is measured apart.
 *  @param {"sse" | "fetch" | "ws"} kind */
export function chromiumGet(kind, port, path) {
  return `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${HEADS[kind]}\r\n`;
}

/** A text frame as a client sends it; the mask is zero, so that it can be read. */
export function clientFrame(text) {
  return `\x81${String.fromCharCode(0x80 | text.length)}\0\0\0\0${text}`;
}
