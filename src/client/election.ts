/** The part of the browser's Web Locks that is used. */
export interface LocksLike {
  request(
    name: string,
    options: { signal?: AbortSignal; steal?: boolean },
    callback: () => Promise<void>,
  ): Promise<unknown>;
  query(): Promise<{ held?: { name?: string; clientId?: string }[] }>;
}

export interface ElectionOptions {
  locks: LocksLike;
  name: string;
  onElected: () => void;
  /** Another has stolen the lock: what it stood for is to be given up at once. */
  onRobbed: () => void;
}

/** Who leads: whoever holds the lock. */
export interface Election {
  /** Waits for its turn; nothing if it waits or leads already. */
  queue(): void;
  /** Who leads now, by a name that is the browser's. */
  leader(): Promise<string | undefined>;
  /** Takes the lock from one who does not answer, if it is that one's still: of all who take it at once, one does. */
  steal(from: Promise<string | undefined>): Promise<void>;
  /** Gives up the lock, or its place in the queue. */
  leave(): void;
}

/** Makes one candidate for one lock. */
export function createElection({ locks, name, onElected, onRobbed }: ElectionOptions): Election {
  /** Ends the present candidacy, whether it waits or leads. */
  let leave: (() => void) | undefined;
  let isIn = false;

  async function leader(): Promise<string | undefined> {
    return (await locks.query()).held?.find((lock) => lock.name === name)?.clientId;
  }

  function run(isSteal: boolean): void {
    leave?.();
    const abort = new AbortController();
    let release: (() => void) | undefined;
    let isOurs = true;
    const end = () => {
      isOurs = false;
      abort.abort();
      release?.();
    };
    leave = end;
    locks
      // `steal` and `signal` exclude each other.
      .request(name, isSteal ? { steal: true } : { signal: abort.signal }, () => {
        if (!isOurs) return Promise.resolve();
        onElected();
        return new Promise<void>((resolve) => (release = resolve));
      })
      .catch(() => {
        // Robbed, or our own abort, after which it is no longer ours.
        if (!isOurs) return;
        leave = undefined;
        onRobbed();
      });
  }

  return {
    queue() {
      isIn = true;
      if (leave === undefined) run(false);
    },
    leader,
    async steal(from) {
      await locks.request(`${name} steal`, {}, async () => {
        if ((await leader()) === (await from) && isIn) run(true);
      });
    },
    leave() {
      isIn = false;
      leave?.();
      leave = undefined;
    },
  };
}
