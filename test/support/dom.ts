import { JSDOM } from "jsdom";

const { window } = new JSDOM("", { pretendToBeVisual: true });

/** A document for React in Node: to be imported before `react-dom`. What else Node has stays Node's. */
Object.assign(globalThis, {
  window,
  document: window.document,
  navigator: window.navigator,
  requestAnimationFrame: window.requestAnimationFrame,
  addEventListener: window.addEventListener.bind(window),
  removeEventListener: window.removeEventListener.bind(window),
});
