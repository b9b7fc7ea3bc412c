/** Keeps the end of the page in sight, for a reader who is there. */
export interface Follower {
  /** To be called after the page has grown. */
  keep: () => void;
  /** Goes to the end and stays there. */
  follow: () => void;
  readonly isFollowing: boolean;
  /** Hears the reader no more. */
  close: () => void;
}

/** As near to the end as this counts as being there. */
const NEAR_PX = 32;
const BEYOND_PX = 1e9;
const UP_KEYS = new Set(["PageUp", "ArrowUp", "Home"]);
/** A finger that moves less may only be pressing. */
const MOVE_PX = 4;

/** The reader owns the scroll: any move up ends the following, being back at the end or on the way there begins it again. */
export function createFollower(onChange: () => void): Follower {
  const page = document.documentElement;
  let isFollowing = true;
  let top = scrollY;

  const fromEnd = () => page.scrollHeight - innerHeight - scrollY;
  const set = (next: boolean) => {
    if (next === isFollowing) return;
    isFollowing = next;
    onChange();
  };
  const toEnd = () => {
    // Beyond the end is the end: where that is need not be asked for, which would cost a layout.
    scrollTo({ top: BEYOND_PX, behavior: "instant" });
    top = scrollY;
  };

  const onScroll = () => {
    const former = top;
    top = scrollY;
    // The first pixels of a move up count, though the end is still near; text that shrank leaves the page at its end.
    if (top < former) set(fromEnd() <= 1);
    else if (top > former && fromEnd() <= NEAR_PX) set(true);
  };
  // The wheel is heard before the page has moved: text that arrives in between must not pull it back.
  // And a turn that reaches the end reaches it though the end goes on before the page has moved.
  const onWheel = ({ deltaY, ctrlKey }: WheelEvent) => {
    if (ctrlKey) return;
    if (deltaY < 0 && scrollY > 0) set(false);
    else if (deltaY > 0 && !isFollowing && fromEnd() <= deltaY) set(true);
  };
  // So is a finger, which text that arrives meanwhile would pull back for as long as it moves.
  let finger = 0;
  const onTouchStart = ({ touches }: TouchEvent) => {
    finger = touches[0]?.clientY ?? 0;
  };
  const onTouchMove = ({ touches }: TouchEvent) => {
    if ((touches[0]?.clientY ?? 0) > finger + MOVE_PX && scrollY > 0) set(false);
  };
  // And a key, whose way up the browser may take in many small steps.
  const onKeyDown = ({ key, target, defaultPrevented }: KeyboardEvent) => {
    const isText = target instanceof Element && target.closest("input, textarea, select") !== null;
    if (isText || defaultPrevented) return;
    if (UP_KEYS.has(key) && scrollY > 0) set(false);
    else if (key === "End") set(true);
  };
  addEventListener("keydown", onKeyDown);
  addEventListener("scroll", onScroll, { passive: true });
  addEventListener("wheel", onWheel, { passive: true });
  addEventListener("touchstart", onTouchStart, { passive: true });
  addEventListener("touchmove", onTouchMove, { passive: true });

  return {
    keep() {
      // A move whose event has not come yet: the bar's, or that of a search in the page.
      if (isFollowing) onScroll();
      if (isFollowing) toEnd();
    },
    follow() {
      set(true);
      toEnd();
    },
    get isFollowing() {
      return isFollowing;
    },
    close() {
      removeEventListener("scroll", onScroll);
      removeEventListener("keydown", onKeyDown);
      removeEventListener("wheel", onWheel);
      removeEventListener("touchstart", onTouchStart);
      removeEventListener("touchmove", onTouchMove);
    },
  };
}
