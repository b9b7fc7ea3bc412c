/** A simulated notification, as the stream `demo/notifications` says it. Shape: what web/notif.ts reads. */
export interface SimulatedNotice {
  title: string;
  text: string;
  topic: string;
  at: number;
  simulated: true;
}

const NOTICES: readonly [topic: string, title: string, text: string][] = [
  ["gauges", "Headwater is up by 4 cm", "The gauge above the weir, since this morning."],
  ["visitors", "A school class has booked Tuesday", "24 children, 10:00, the short tour."],
  ["grain", "Two tonnes of rye have arrived", "Bay 2. Moisture 13.1 %."],
  ["wheel", "The wheel stands still for an hour", "Bearing 3 is greased, as each month."],
  ["gauges", "Tailwater is back to normal", "The gauge below the wheel."],
  ["grain", "The order for the bakery is ready", "40 sacks, to be fetched before six."],
  ["wheel", "The wheel turns again", "7.2 turns a minute."],
];

/** Makes notifications that are made up, one after the other, round and round. */
export function createNotices(): { next: (now: number) => SimulatedNotice } {
  let turn = 0;
  return {
    next(at) {
      const [topic, title, text] = NOTICES[turn++ % NOTICES.length] ?? ["", "", ""];
      return { title, text, topic, at, simulated: true };
    },
  };
}
