// The controls of a camera on its page: a slider, switch, menu or button for each.

/**
 * @typedef {object} Control As the API tells it.
 * @property {string} name
 * @property {string} about
 * @property {'number' | 'switch' | 'menu' | 'button' | 'bits'} kind
 * @property {number} least
 * @property {number} most
 * @property {number} step
 * @property {number} default
 * @property {number | null} value
 * @property {{ value: number, about: string }[]} menu
 * @property {boolean} read_only
 * @property {boolean} inactive
 */

/** A slider that is moved sends what it stands at no more often than this. */
const PAUSE_MS = 120;

/** Fills the card with the controls at `url`; it stays hidden for a camera that has none.
 * @param {HTMLElement} card @param {string} url */
export async function show(card, url) {
  const list = card.querySelector('[data-list]');
  const fault = card.querySelector('[data-fault]');
  if (!(list instanceof HTMLElement) || !(fault instanceof HTMLElement)) return;

  /** @param {RequestInit} [request] */
  const ask = async (request) => {
    const answer = await fetch(url, request);
    const body = await answer.json();
    if (!answer.ok) throw new Error(body.error);
    return /** @type {Control[]} */ (body.controls);
  };

  /** @type {Record<string, number>} */
  let wanted = {};
  let waiting = false;
  /** Collects what is turned within a moment into one request. @param {string} name @param {number} value */
  const turn = async (name, value) => {
    wanted[name] = value;
    if (waiting) return;
    waiting = true;
    await new Promise((done) => setTimeout(done, PAUSE_MS));
    waiting = false;
    const body = JSON.stringify(wanted);
    wanted = {};
    try {
      draw(await ask({ method: 'PATCH', headers: { 'Content-Type': 'application/json' }, body }));
      fault.textContent = '';
    } catch (error) {
      fault.textContent = error instanceof Error ? error.message : `${error}`;
    }
  };

  /** @type {Map<string, Row>} */
  const rows = new Map();
  /** @param {Control[]} controls */
  const draw = (controls) => {
    for (const control of controls) {
      if (control.kind === 'bits' || (control.read_only && control.value === null)) continue;
      let row = rows.get(control.name);
      if (!row) {
        row = new Row(control, turn);
        rows.set(control.name, row);
        list.append(row.element);
      }
      row.update(control);
    }
    card.hidden = rows.size === 0;
  };

  try {
    draw(await ask());
  } catch {
    // Not plugged in, most likely: the picture says so.
  }
}

/** One control. */
class Row {
  element = document.createElement('div');
  #input;
  #value = document.createElement('output');
  #reset = document.createElement('button');

  /** @param {Control} control @param {(name: string, value: number) => void} turn */
  constructor(control, turn) {
    const { name } = control;
    this.element.className = 'control';
    const label = document.createElement('label');
    label.textContent = control.about;
    label.htmlFor = `control-${name}`;
    this.#input = input(control);
    this.#input.id = label.htmlFor;
    const live = control.kind === 'number' ? 'input' : control.kind === 'button' ? 'click' : 'change';
    this.#input.addEventListener(live, () => {
      this.#value.textContent = control.kind === 'number' ? this.#input.value : '';
      turn(name, this.#number(control));
    });
    this.#reset.type = 'button';
    this.#reset.textContent = 'Reset';
    this.#reset.title = `Back to ${control.default}`;
    this.#reset.addEventListener('click', () => turn(name, control.default));
    this.element.append(label, this.#value, this.#input, this.#reset);
  }

  /** @param {Control} control */
  update(control) {
    const { kind, value } = control;
    const off = control.inactive || control.read_only;
    this.#input.disabled = off;
    this.#reset.disabled = off || value === control.default;
    this.#reset.hidden = kind === 'button';
    if (value === null) return;
    if (this.#input instanceof HTMLInputElement && kind === 'switch') this.#input.checked = value !== 0;
    else this.#input.value = `${value}`;
    if (kind === 'number') this.#value.textContent = `${value}`;
  }

  /** @param {Control} control */
  #number(control) {
    if (control.kind === 'button') return 1;
    if (this.#input instanceof HTMLInputElement && control.kind === 'switch') return this.#input.checked ? 1 : 0;
    return Number(this.#input.value);
  }
}

/** @param {Control} control */
function input(control) {
  if (control.kind === 'button') {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = 'Do it';
    return button;
  }
  if (control.kind === 'menu') {
    const select = document.createElement('select');
    select.append(...control.menu.map(({ value, about }) => new Option(about, `${value}`)));
    return select;
  }
  const field = document.createElement('input');
  if (control.kind === 'switch') {
    field.type = 'checkbox';
    return field;
  }
  field.type = 'range';
  field.min = `${control.least}`;
  field.max = `${control.most}`;
  field.step = `${control.step}`;
  return field;
}
