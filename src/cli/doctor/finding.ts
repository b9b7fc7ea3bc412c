/** What the doctor says of one thing that it looked at. */
export interface Finding {
  check: Check;
  /** `wrong`: readers lose something, or wait; `mind`: harm where something else comes to it; `note`: worth knowing. */
  level: "wrong" | "mind" | "note" | "fine" | "untested";
  /** How sure it is of what is wrong. */
  sure?: "certain" | "likely" | "possible";
  /** A sentence. */
  says: string;
  /** What mends it, and where. */
  mend?: Mend[];
}

export interface Mend {
  where: "nginx" | "Caddy" | "Cloudflare" | "code" | "doctor";
  line: string;
}

/** From where on something is found to be wrong. */
export interface Limits {
  /** The longest silence that is allowed, in milliseconds. */
  silenceMs: number;
  /** How long the first bytes may take, in milliseconds. */
  firstByteMs: number;
  /** How long an event may take on its way, in milliseconds. */
  deliveryMs: number;
}

/** In the order in which they are said. */
export const CHECKS = [
  "status",
  "headers",
  "first byte",
  "buffering",
  "compression",
  "heartbeat",
  "idle cut",
  "ids",
  "resume",
  "gap honesty",
  "end",
  "retry",
  "fields",
  "CORS",
  "HEAD",
  "HTTP version",
] as const;

export type Check = (typeof CHECKS)[number];

/** What mends the usual, by what is wrong. */
export const MENDS = {
  accel: { where: "code", line: 'response.setHeader("X-Accel-Buffering", "no")' },
  nginxBuffering: { where: "nginx", line: "proxy_buffering off;" },
  nginxHttp11: { where: "nginx", line: 'proxy_http_version 1.1; proxy_set_header Connection "";' },
  nginxTimeout: { where: "nginx", line: "proxy_read_timeout 60s;  # and a heartbeat each 15 s" },
  nginxGzip: { where: "nginx", line: "gzip off;  # or leave text/event-stream out of gzip_types" },
  nginxHttp2: { where: "nginx", line: "listen 443 ssl; http2 on;" },
  caddyFlush: { where: "Caddy", line: "reverse_proxy 127.0.0.1:4000 { flush_interval -1 }" },
  caddyEncode: {
    where: "Caddy",
    line: "encode { gzip; match { not header Content-Type text/event-stream* } }",
  },
  cloudflareBuffering: {
    where: "Cloudflare",
    line: "a Tunnel with a name, since Quick Tunnels hold GET streams back; and Cache-Control: no-transform from the code",
  },
  cloudflareIdle: {
    where: "Cloudflare",
    line: "a heartbeat each 15 s: its limit of 100 s of silence is fixed",
  },
  noTransform: { where: "code", line: 'response.setHeader("Cache-Control", "no-store, no-transform")' },
  contentType: {
    where: "code",
    line: 'response.setHeader("Content-Type", "text/event-stream; charset=utf-8")',
  },
  firstBytes: {
    where: "code",
    line: 'response.flushHeaders(); response.write(": open\\n\\n")  // before the first event',
  },
  heartbeat: {
    where: "code",
    line: 'setInterval(() => response.write("event: ping\\ndata: {}\\n\\n"), 15_000)',
  },
  ids: {
    where: "code",
    line: "write `id: ${epoch}.${offset}` with each event, from a log that outlives the connection",
  },
  resume: {
    where: "code",
    line: 'read request.headers["last-event-id"], and send what came after that id before what is new',
  },
  gap: {
    where: "code",
    line: 'write an event such as "stream-reset" where an id is unknown, then begin anew',
  },
  end: { where: "code", line: "answer 204 to who comes back with the last id of a stream that is over" },
  retry: { where: "code", line: "write `retry: ${1_500 + Math.round(Math.random() * 1_500)}` first" },
  fields: {
    where: "code",
    line: "write data as JSON, or one `data:` line for each of text.split(/\\r\\n|\\n|\\r/); refuse CR, LF and NUL in id and event",
  },
  cors: {
    where: "code",
    line: "answer Access-Control-Allow-Origin from a list, with Vary: Origin; never the origin that asked",
  },
  overload: {
    where: "code",
    line: "answer 200, `retry: 5000` and close: EventSource gives up for good at any other status",
  },
} as const satisfies Record<string, Mend>;
