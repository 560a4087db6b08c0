/**
 * Aho-Corasick over every anchor of a set. Most of a text cannot begin an anchor: three characters at a time are looked
 * up in a table, and only where that says so the automaton walks. Both are linear in the text, whatever is in it. Anchors
 * that begin with a character beyond ASCII are found by their first two: there are too many of these for columns of their own.
 */
import { foldOf } from './fold.ts';

/** Of six bits each, so that three of them make a key. */
const maxColumns = 63;
const keyBits = 18;
const keyMask = (1 << keyBits) - 1;
/** Bits of `filter`. */
export const startsAnchor = 1;
export const startsNumber = 2;
export const startsColons = 4;

export interface Automaton {
  readonly anchors: readonly string[];
  /** The column of each code unit; 0 for what stands in no anchor. */
  readonly columns: Uint8Array;
  readonly width: number;
  /** `next[state * width + column]` */
  readonly next: Int32Array;
  readonly depth: Uint8Array;
  /** `ends[outputs[state]]` to `ends[outputs[state + 1] - 1]` are the anchors that end in a state. */
  readonly outputs: Int32Array;
  readonly ends: Int32Array;
  readonly lengths: Uint8Array;
  /** By anchor: 1 where it is ASCII, whose characters have columns of their own, so that what ends in its state is it. */
  readonly exact: Uint8Array;
  /** What may begin with three characters. */
  readonly filter: Uint8Array;
  /** By hash of two code units: the list of `lists` of anchors that these are, beyond ASCII. */
  readonly listOf: Uint16Array;
  /** By hash of three: that of longer ones that begin with them. Many have the first two alike in scripts without spaces. */
  readonly longerOf: Uint16Array;
  /** By code unit: 1 where an anchor beyond ASCII begins with it. */
  readonly begins: Uint8Array;
  /** By code unit: one more than the anchor that it is. */
  readonly singles: Uint16Array;
  readonly lists: readonly (readonly number[])[];
}

const maxAnchor = 255;

/** @param anchors folded, of 1 to 255 code units */
export function compileAutomaton(anchors: readonly string[]): Automaton {
  const columns = columnsOf(anchors);
  const width = 1 + columns.reduce((most, column) => Math.max(most, column), 0);
  const trie = trieOf(anchors, columns, width);
  const lengths = Uint8Array.from(anchors, (anchor) => anchor.length);
  const exact = Uint8Array.from(anchors, (anchor) => (/^[\0-\x7f]*$/.test(anchor) ? 1 : 0));
  const filter = filterOf(anchors, columns);
  return { anchors, columns, width, ...linked(trie, width), lengths, exact, filter, ...listsOf(anchors) };
}

const isBeyondAscii = (code: number): boolean => (foldOf[code] as number) >= 128;

const hashOf = (first: number, second: number): number => ((first * 131) ^ second) & 0xffff;

function listsOf(anchors: readonly string[]): Pick<Automaton, 'listOf' | 'longerOf' | 'lists' | 'singles' | 'begins'> {
  const listOf = new Uint16Array(0x1_0000);
  const longerOf = new Uint16Array(0x1_0000);
  const lists: number[][] = [[]];
  const firsts = new Set<number>();
  const singles = new Uint16Array(0x1_0000);
  const add = (of: Uint16Array, hash: number, id: number): void => {
    if (of[hash] === 0) of[hash] = lists.push([]) - 1;
    lists[of[hash] as number]?.push(id);
  };
  for (const [id, anchor] of anchors.entries()) {
    const first = anchor.charCodeAt(0);
    if (first < 128) continue;
    firsts.add(first);
    const two = hashOf(first, anchor.charCodeAt(1));
    if (anchor.length > 2) add(longerOf, hashOf(two, anchor.charCodeAt(2)), id);
    else if (anchor.length > 1) add(listOf, two, id);
    else singles[first] = id + 1;
  }
  for (const list of lists) list.sort((a, b) => (anchors[a] ?? '').length - (anchors[b] ?? '').length);
  return { listOf, longerOf, lists, singles, begins: Uint8Array.from(foldOf, (code) => (firsts.has(code) ? 1 : 0)) };
}

function columnsOf(anchors: readonly string[]): Uint8Array {
  const ascii = new Map<number, number>();
  // Digits and what shapes are made of have columns of their own in any case.
  const used = new Set(`0123456789abcdef.:-${anchors.join('')}`);
  for (const sign of used) if (sign.charCodeAt(0) < 128) ascii.set(sign.charCodeAt(0), ascii.size + 1);
  // Characters beyond ASCII share what is left; what ends there is compared with its anchor again.
  const others = Math.max(4, maxColumns - ascii.size);
  const columns = new Uint8Array(0x1_0000);
  for (let code = 0; code < columns.length; code++) {
    const plain = foldOf[code] ?? 0;
    columns[code] = plain < 128 ? (ascii.get(plain) ?? 0) : ascii.size + 1 + (plain % others);
  }
  return columns;
}

interface Trie {
  readonly states: number;
  readonly next: Int32Array;
  readonly depth: Uint8Array;
  readonly own: ReadonlyMap<number, readonly number[]>;
}

function trieOf(anchors: readonly string[], columns: Uint8Array, width: number): Trie {
  const most = 1 + anchors.reduce((sum, anchor) => sum + anchor.length, 0);
  const next = new Int32Array(most * width);
  const depth = new Uint8Array(most);
  const own = new Map<number, number[]>();
  let states = 1;
  for (const [id, anchor] of anchors.entries()) {
    if (anchor === '' || anchor.length > maxAnchor) throw new Error(`anchor of ${anchor.length} characters`);
    if (anchor.charCodeAt(0) >= 128) continue;
    let state = 0;
    for (let at = 0; at < anchor.length; at++) {
      const cell = state * width + (columns[anchor.charCodeAt(at)] ?? 0);
      if (next[cell] === 0) {
        depth[states] = (depth[state] ?? 0) + 1;
        next[cell] = states++;
      }
      state = next[cell] ?? 0;
    }
    own.set(state, [...(own.get(state) ?? []), id]);
  }
  return { states, next: next.slice(0, states * width), depth: depth.slice(0, states), own };
}

/** Fills the transitions of failure in, breadth first, and joins what ends in a state with what ends in its suffixes. */
function linked({ states, next, depth, own }: Trie, width: number) {
  const fail = new Int32Array(states);
  const queue: number[] = [0];
  for (const state of queue) {
    const base = (fail[state] ?? 0) * width;
    for (let column = 0; column < width; column++) {
      const cell = state * width + column;
      const child = next[cell] ?? 0;
      const other = state === 0 ? 0 : (next[base + column] ?? 0);
      if (child !== 0) {
        fail[child] = other;
        queue.push(child);
      } else next[cell] = other;
    }
  }
  const all: (readonly number[])[] = Array.from({ length: states }, () => []);
  for (const state of queue) all[state] = [...(own.get(state) ?? []), ...(all[fail[state] ?? 0] ?? [])];
  const outputs = new Int32Array(states + 1);
  for (let state = 0; state < states; state++) outputs[state + 1] = (outputs[state] ?? 0) + (all[state]?.length ?? 0);
  return { next, depth, outputs, ends: Int32Array.from(all.flat()) };
}

function filterOf(anchors: readonly string[], columns: Uint8Array): Uint8Array {
  const filter = new Uint8Array(1 << keyBits);
  const every = [...new Set(columns)];
  const columnsIn = (signs: string): readonly number[] => Array.from(signs, (sign) => columns[sign.charCodeAt(0)] ?? 0);
  const mark = (bit: number, lists: readonly (readonly number[])[]): void => {
    for (const first of lists[0] ?? every)
      for (const second of lists[1] ?? every)
        for (const third of lists[2] ?? every) {
          const key = keyOf(first, second, third);
          filter[key] = (filter[key] ?? 0) | bit;
        }
  };
  for (const anchor of anchors) mark(startsAnchor, anchor.slice(0, 3).split('').map(columnsIn));
  const digits = columnsIn('0123456789');
  const hex = columnsIn('0123456789abcdef');
  mark(startsNumber, [digits, digits, digits]);
  mark(startsNumber, [digits, columnsIn('.'), digits]);
  mark(startsColons, [hex, columnsIn(':-'), hex]);
  mark(startsColons, [columnsIn(':'), columnsIn(':'), hex]);
  mark(startsColons, [hex, columnsIn(':'), columnsIn(':')]);
  return filter;
}

function keyOf(first: number, second: number, third: number): number {
  return ((first << 12) ^ (second << 6) ^ third) & keyMask;
}

export interface Listener {
  anchor(id: number, from: number, to: number): void;
  shape(bits: number, at: number): void;
}

/** Tells everything that begins in `text[from, to)`, and what the text after it completes. Returns where to go on. */
export function walk(
  automaton: Automaton,
  { text, from, to }: { readonly text: string; readonly from: number; readonly to: number },
  listener: Listener,
): number {
  const { columns, filter } = automaton;
  // The text has an end that no anchor goes beyond: two characters that stand in none.
  const safe = Math.min(to, text.length - 2);
  let at = from;
  let key = startKey(automaton, text, at);
  while (at < to) {
    const third = at < safe ? (columns[text.charCodeAt(at + 2)] as number) : 0;
    key = ((key << 6) ^ third) & keyMask;
    const bits = filter[key] as number;
    if (bits === 0) {
      at++;
      continue;
    }
    if (isBeyondAscii(text.charCodeAt(at))) {
      if ((bits & startsAnchor) !== 0) look(automaton, { text, from: at }, listener);
      at++;
      continue;
    }
    if (bits > startsAnchor) listener.shape(bits, at);
    if ((bits & startsAnchor) === 0) {
      at++;
      continue;
    }
    at = climb(automaton, text, at, listener);
    key = startKey(automaton, text, at);
  }
  return at;
}

/** The columns of two characters, as the key has them before the third. */
function startKey({ columns }: Automaton, text: string, at: number): number {
  const first = at < text.length ? (columns[text.charCodeAt(at)] as number) : 0;
  const second = at + 1 < text.length ? (columns[text.charCodeAt(at + 1)] as number) : 0;
  return (first << 6) ^ second;
}

/** Walks the automaton from `at`. Returns where the next anchor may begin, which is after `at`. */
function climb(automaton: Automaton, text: string, at: number, listener: Listener): number {
  const { columns, next, width, depth, outputs, ends, lengths, exact } = automaton;
  let state = 0;
  let beyond = false;
  for (let here = at; here < text.length; ) {
    const code = text.charCodeAt(here);
    beyond ||= code >= 128;
    state = next[state * width + (columns[code] as number)] as number;
    here++;
    const deep = depth[state] as number;
    const start = here - deep;
    if (deep < 3 && start > at) {
      if (beyond) lookIn(automaton, { text, from: at + 1, to: start }, listener);
      return start;
    }
    const last = outputs[state + 1] as number;
    for (let output = outputs[state] as number; output < last; output++) {
      const id = ends[output] as number;
      const from = here - (lengths[id] as number);
      if (exact[id] === 1) listener.anchor(id, from, here);
      else tell(automaton, { text, from, id }, listener);
    }
  }
  if (beyond) lookIn(automaton, { text, from: at + 1, to: text.length }, listener);
  return text.length;
}

/** What begins beyond ASCII in a stretch that the automaton walked. */
function lookIn(
  automaton: Automaton,
  { text, from, to }: { readonly text: string; readonly from: number; readonly to: number },
  listener: Listener,
): void {
  for (let at = from; at < to; at++)
    if (isBeyondAscii(text.charCodeAt(at))) look(automaton, { text, from: at }, listener);
}

/** Tells the anchors that begin with a character beyond ASCII, the shorter ones first. */
function look(
  automaton: Automaton,
  { text, from }: { readonly text: string; readonly from: number },
  listener: Listener,
): void {
  const code = text.charCodeAt(from);
  if (automaton.begins[code] === 0) return;
  const first = foldOf[code] as number;
  const single = automaton.singles[first] as number;
  if (single !== 0) tell(automaton, { text, from, id: single - 1 }, listener);
  const second = from + 1 < text.length ? (foldOf[text.charCodeAt(from + 1)] as number) : 0;
  const third = from + 2 < text.length ? (foldOf[text.charCodeAt(from + 2)] as number) : 0;
  const two = hashOf(first, second);
  const list = automaton.listOf[two] as number;
  if (list !== 0) tellAll(automaton, { text, from, list }, listener);
  const longer = automaton.longerOf[hashOf(two, third)] as number;
  if (longer !== 0) tellAll(automaton, { text, from, list: longer }, listener);
}

function tellAll(
  automaton: Automaton,
  { text, from, list }: { readonly text: string; readonly from: number; readonly list: number },
  listener: Listener,
): void {
  const ids = automaton.lists[list] as readonly number[];
  for (let at = 0; at < ids.length; at++) tell(automaton, { text, from, id: ids[at] as number }, listener);
}

function tell(
  automaton: Automaton,
  { text, from, id }: { text: string; from: number; id: number },
  listener: Listener,
): void {
  const anchor = automaton.anchors[id] ?? '';
  for (let at = 0; at < anchor.length; at++)
    if ((foldOf[text.charCodeAt(from + at)] ?? 0) !== anchor.charCodeAt(at)) return;
  listener.anchor(id, from, from + anchor.length);
}
