import { useEffect, useState } from "react";

/** Whether so much time has passed since a moment; looks again when it has. */
export function useElapsed(since: number | undefined, ms: number): boolean {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    setNow(Date.now());
    if (since === undefined) return undefined;
    const timer = setTimeout(() => setNow(Date.now()), Math.max(0, since + ms - Date.now()) + 5);
    return () => clearTimeout(timer);
  }, [since, ms]);
  return since !== undefined && now - since >= ms;
}
