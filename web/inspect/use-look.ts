import { useEffect, useState } from "react";

const LOOK_MS = 2_000;

/** Asks again and again while the page is seen. `key`: what is asked for; with another one it begins anew. */
export function useLook<Found>(
  look: () => Promise<Found>,
  key: string,
): { found: Found | undefined; refusal: string; lookNow: () => void; refuse: (error: unknown) => void } {
  const [found, setFound] = useState<Found>();
  const [refusal, setRefusal] = useState("");
  const [turn, setTurn] = useState(0);
  const refuse = (error: unknown) => setRefusal(error instanceof Error ? error.message : String(error));

  useEffect(() => {
    let isOver = false;
    const onTime = async () => {
      if (document.hidden) return;
      try {
        const answer = await look();
        if (isOver) return;
        setFound(answer);
        setRefusal("");
      } catch (error) {
        if (!isOver) refuse(error);
      }
    };
    void onTime();
    const timer = setInterval(() => void onTime(), LOOK_MS);
    return () => {
      isOver = true;
      clearInterval(timer);
    };
    // `look` is what `key` says.
  }, [key, turn]);

  return { found, refusal, lookNow: () => setTurn((before) => before + 1), refuse };
}
