/** Work on the page's thread goes on for so long before the browser gets its turn. */
const TURN_MS = 6;

/** A piece of work; true as long as more of it is left. */
type Task = () => boolean;

const tasks: Task[] = [];
let isWaiting = false;

/** Does work after what is urgent, in turns so short that nobody feels them. */
export function later(task: Task): void {
  tasks.push(task);
  if (isWaiting) return;
  isWaiting = true;
  setTimeout(work);
}

function work(): void {
  const until = performance.now() + TURN_MS;
  while (tasks[0] !== undefined && performance.now() < until) if (!tasks[0]()) tasks.shift();
  isWaiting = tasks.length > 0;
  if (isWaiting) setTimeout(work);
}
