import { useRef } from "react";

/** What has been written since the reader went elsewhere, in words. */
interface News {
  /** Where in the text the count has come to. */
  at: number;
  words: number;
}

/** Counts on in a text that grows. Pure; a word that is still being written counts when it is over. */
export function countNews({ at, words }: News, text: string): News {
  // What follows the last break may go on.
  const end = Math.max(text.lastIndexOf(" "), text.lastIndexOf("\n")) + 1;
  if (end <= at) return { at, words };
  return { at: end, words: words + (text.slice(at, end).match(/\S+/g)?.length ?? 0) };
}

/** How many words of the answer have come since the reader left its end. */
export function useNews(isFollowing: boolean, text: string): number {
  const news = useRef<News>({ at: 0, words: 0 });
  if (isFollowing || text.length < news.current.at) news.current = { at: text.length, words: 0 };
  else news.current = countNews(news.current, text);
  return news.current.words;
}
