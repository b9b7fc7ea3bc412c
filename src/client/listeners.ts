import type { Attendance } from "./attendance.ts";
import type { Told } from "./delivery.ts";

/** What is listened to in one place, and where its person is. */
export interface Listeners {
  listen: (stream: string, onTold: (told: Told) => void) => () => void;
  attend: (attendance: Attendance) => () => void;
  /** The streams of which something is to be told. */
  readonly streams: ReadonlySet<string>;
  /** One for each stream: of several the latest holds. */
  readonly attendances: ReadonlyMap<string, Attendance>;
  tell: (stream: string, told: Told) => void;
  clear: () => void;
}

/** Makes an empty set of listeners. `onChange` is called after each change of what is listened to or attended. */
export function createListeners(onChange: () => void): Listeners {
  const listeners = new Map<string, Set<(told: Told) => void>>();
  const present = new Map<string, Set<Attendance>>();

  function add<T>(sets: Map<string, Set<T>>, stream: string, one: T): () => void {
    const set = sets.get(stream) ?? new Set<T>();
    sets.set(stream, set.add(one));
    onChange();
    return () => {
      if (!set.delete(one)) return;
      if (set.size === 0 && sets.get(stream) === set) sets.delete(stream);
      onChange();
    };
  }

  return {
    // Of its own: the same function may be given twice.
    listen: (stream, onTold) => add(listeners, stream, (told: Told) => onTold(told)),
    attend: (attendance) => add(present, attendance.stream, { ...attendance }),
    get streams() {
      return new Set([...listeners.keys(), ...present.keys()]);
    },
    get attendances() {
      return new Map(
        [...present].flatMap(([stream, set]) => [...set].slice(-1).map((one) => [stream, one] as const)),
      );
    },
    tell(stream, told) {
      for (const listener of listeners.get(stream) ?? []) listener(told);
    },
    clear() {
      listeners.clear();
      present.clear();
    },
  };
}
