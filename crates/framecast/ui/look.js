// How <framecast-camera> looks inside. Its size and corners are the page's business.

const CSS = `
:host { display: block; position: relative; overflow: hidden; background: #0b0d10; color: #fff; font: 500 0.8125rem/1.4 system-ui, sans-serif; }
:host([hidden]), [hidden] { display: none !important; }
canvas, img { display: block; width: 100%; height: 100%; object-fit: contain; transition: filter .4s, opacity .4s; }
:host(:not([data-mood="live"], [data-mood="past"], [data-mood="unknown"])) :is(canvas, img) { filter: grayscale(1) brightness(.55); }
p { position: absolute; inset: 0; display: grid; place-content: center; margin: 0; padding: .75em 1em 2.25em; text-align: center; text-wrap: balance; overflow-wrap: anywhere; text-shadow: 0 1px 4px #000; }
p a { color: inherit; }
div { position: absolute; inset: auto 0 0; display: flex; align-items: center; gap: .5em; padding: 1.6em .9em .6em; background: linear-gradient(transparent, #000a); text-shadow: 0 1px 2px #0009; container-type: inline-size; }
b { flex: 1; min-width: 0; font-weight: 600; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
span { font-variant-numeric: tabular-nums; opacity: .85; white-space: nowrap; }
@container (max-width: 15rem) { em { display: none; } }
em { font-style: normal; }
i { flex: none; width: .5em; height: .5em; border-radius: 50%; background: #8a94a3; transition: background .4s; }
:host([data-mood="live"]) i { background: #34d399; }
:host([data-mood="past"]) i { background: #6cb2ff; }
:host([data-mood="stale"]) i { background: #f59e0b; }
:host([data-mood="waiting"]) i { animation: pulse 1.6s ease-in-out infinite; }
@keyframes pulse { 50% { opacity: .25; } }
@media (prefers-reduced-motion: reduce) { canvas, img, i { transition: none; } i { animation: none !important; } }
`;

/** @type {CSSStyleSheet | undefined} */
let shared;

/** One sheet for all cameras of a page. Made in script, so it needs no leave from a content security policy. */
export function sheet() {
  if (!shared) {
    shared = new CSSStyleSheet();
    shared.replaceSync(CSS);
  }
  return shared;
}
