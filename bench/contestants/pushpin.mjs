import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";

const PUSHPIN = "/usr/bin/pushpin";

/** Pushpin, from Debian: readers are held by it, and what is to be said is posted to its control port. Its own test route stands for
 *  the application that would tell it to hold them; that is asked once per reader, and then never again. */
export default {
  title: "Pushpin",
  files: [PUSHPIN],
  readPath: () => "/stream",
  publishPath: () => "/publish/",
  publishPort,
  // Of more it refuses some: "Accept service unavailable."
  atOnce: 32,
  publishBody: ['{"items":[{"channel":"test","formats":{"http-stream":{"content":"data: ', '\\n\\n"}}}]}'],
  version() {
    try {
      return execFileSync("dpkg-query", ["-W", "-f=${Version}", "pushpin"], { encoding: "utf8" });
    } catch {
      return undefined;
    }
  },
  command({ port, folder }) {
    mkdirSync(`${folder}/log`);
    writeFileSync(`${folder}/routes`, "* test\n");
    writeFileSync(
      `${folder}/pushpin.conf`,
      `[global]
include=/usr/lib/pushpin/internal.conf
rundir=${folder}
ipc_prefix=b-
[runner]
services=condure,pushpin-proxy,pushpin-handler
http_port=127.0.0.1:${port}
logdir=${folder}/log
log_level=1
client_maxconn=12000
[proxy]
routesfile=${folder}/routes
[handler]
push_in_http_addr=127.0.0.1
push_in_http_port=${publishPort(port)}
push_in_spec=ipc://${folder}/b-push
push_in_sub_specs=ipc://${folder}/b-sub
command_spec=ipc://${folder}/b-command
message_rate=0
message_wait=0
`,
    );
    return { command: PUSHPIN, args: [`--config=${folder}/pushpin.conf`] };
  },
};

/** Pushpin hears on no control port above 32767. */
function publishPort(port) {
  return 20_000 + (port % 12_000);
}
