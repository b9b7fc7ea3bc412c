import { useEffect, useRef, useState } from "react";
import type { FocusEvent, PointerEvent } from "react";
import { holdOrder, sortTickets } from "./order.ts";
import type { Order } from "./order.ts";
import type { Tickets } from "./use-tickets.ts";

/** How long after a touch the order is held still: a finger points before it touches. */
const TOUCH_MS = 1_500;

/** The order of lists that does not move under the pointer, nor under the focus of a keyboard. */
export interface Hold {
  orderOf: (tickets: Pick<Tickets, "list" | "isReady" | "tickets">) => Order;
  /** Sorts now. */
  sort: () => void;
  /** For the element that holds the lists. */
  handlers: {
    onPointerEnter: (event: PointerEvent) => void;
    onPointerDown: (event: PointerEvent) => void;
    onPointerLeave: (event: PointerEvent) => void;
    onFocus: (event: FocusEvent) => void;
    onBlur: (event: FocusEvent) => void;
  };
}

export function useHold(): Hold {
  const [isPointed, setPointed] = useState(false);
  const [isFocused, setFocused] = useState(false);
  const [, setSorted] = useState(0);
  const shown = useRef(new Map<string, readonly string[]>());
  const leaving = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(leaving.current), []);

  function point(isHere: boolean, afterMs = 0): void {
    clearTimeout(leaving.current);
    if (afterMs === 0) setPointed(isHere);
    else leaving.current = setTimeout(() => setPointed(isHere), afterMs);
  }

  return {
    orderOf({ list, isReady, tickets }) {
      const sorted = sortTickets(tickets).map(({ key }) => key);
      const order = holdOrder(shown.current.get(list), sorted, isPointed || isFocused);
      if (isReady) shown.current.set(list, order.keys);
      return order;
    },
    sort() {
      shown.current.clear();
      setSorted((count) => count + 1);
    },
    handlers: {
      onPointerEnter: () => point(true),
      onPointerDown: () => point(true),
      onPointerLeave: ({ pointerType }) => point(false, pointerType === "touch" ? TOUCH_MS : 0),
      onFocus: ({ target }) => setFocused(target.matches(":focus-visible")),
      onBlur: ({ currentTarget, relatedTarget }) => {
        if (!currentTarget.contains(relatedTarget)) setFocused(false);
      },
    },
  };
}
