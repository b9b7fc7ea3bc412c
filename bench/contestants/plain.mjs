/** What the contestants on Node's http share: `GET /read/{stream}` and `POST /publish/{stream}`. */
export const plainPaths = {
  readPath: (stream) => `/read/${stream}`,
  publishPath: (stream) => `/publish/${stream}`,
};

/** The sets of readers by stream. */
export function createRooms() {
  const rooms = new Map();
  return (stream) => {
    let room = rooms.get(stream);
    if (room === undefined) rooms.set(stream, (room = new Set()));
    return room;
  };
}

export function streamOf(url) {
  return url.slice(url.lastIndexOf("/") + 1);
}

/** A body of a POST as text. */
export function readBody(request, onBody) {
  let text = "";
  request.setEncoding("utf8");
  request.on("data", (piece) => {
    text += piece;
  });
  request.on("end", () => onBody(text));
}

export const listen = (server, port) =>
  new Promise((resolve) => void server.listen(port, "127.0.0.1", 4_096, resolve));
