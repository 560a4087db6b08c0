/**
 * One YAML text to values with places. Refused beyond the grammar: equal keys, keys that are not text, tags, aliases
 * that expand without end, deep nesting, and integers that a double cannot hold.
 */
import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, Scalar } from 'yaml';
import type { Diagnostic, DiagnosticCode, Place } from './diagnostic.ts';
import type { Located, LocatedEntry } from './located.ts';

const maxNodes = 500_000;
const maxDepth = 64;

export type YamlResult =
  | { readonly ok: true; readonly root: Located }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

/** What is wrong with a document while it is walked. Thrown inside this file only. */
class Refused extends Error {
  readonly offset: number;
  readonly remedy: string;
  readonly code: DiagnosticCode;
  constructor(offset: number, problem: string, remedy: string, code: DiagnosticCode = 'CFG004') {
    super(problem);
    this.offset = offset;
    this.remedy = remedy;
    this.code = code;
  }
}

const remedies: Readonly<Record<string, readonly [DiagnosticCode, string]>> = {
  MULTIPLE_DOCS: ['CFG004', 'Put each document into a file of its own and load the folder.'],
  TAG_RESOLVE_FAILED: ['CFG004', 'Write the value without a tag.'],
  TAB_AS_INDENT: ['CFG002', 'Indent with spaces.'],
  BAD_INDENT: ['CFG002', 'Align it with the lines it belongs to.'],
  BLOCK_AS_IMPLICIT_KEY: ['CFG002', 'Put text that contains ": " into quotes.'],
};

export function parseYaml(text: string, file: string): YamlResult {
  const lines = new LineCounter();
  const place = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    schema: 'core',
    stringKeys: true,
    // Compares each key with all others of its map: the walk below finds equal ones in one look each.
    uniqueKeys: false,
  });
  const faults = [...document.errors, ...document.warnings];
  if (faults.length > 0) {
    const diagnostics = faults.slice(0, 50).map((fault): Diagnostic => {
      const [code, remedy] = remedies[fault.code] ?? ['CFG002', 'Correct the YAML at this place.'];
      return { code, place: place(fault.pos[0]), problem: fault.message.replace(/\.$/, ''), remedy };
    });
    return { ok: false, diagnostics };
  }
  try {
    const twice: Diagnostic[] = [];
    const root = locate(document, text, place, twice);
    return twice.length > 0 ? { ok: false, diagnostics: twice } : { ok: true, root };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const { code, offset, message, remedy } = error;
    return { ok: false, diagnostics: [{ code, place: place(offset), problem: message, remedy }] };
  }
}

/** Complaints about one file. */
const maxComplaints = 50;

function locate(document: Document, text: string, place: (offset: number) => Place, twice: Diagnostic[]): Located {
  let nodes = 0;
  let expanding = 0;
  // In the order of the file, so that an alias finds the anchor that is nearest before it, without a search.
  const anchors = new Map<string, Node>();
  const walk = (node: unknown, from: number, depth: number): Located => {
    const offset = rangeOf(node)?.[0] ?? from;
    if (++nodes > maxNodes)
      throw new Refused(offset, 'aliases expand to too many values', 'Write the values out, or use fewer aliases.');
    if (depth > maxDepth) throw new Refused(offset, `nested deeper than ${maxDepth}`, 'Nest less deeply.');
    const at = place(offset);
    if (isAlias(node)) {
      const target = anchors.get(node.source);
      if (target === undefined)
        throw new Refused(offset, `the alias *${node.source} has no anchor before it`, 'Write the value out.');
      expanding++;
      const located = walk(target, offset, depth + 1);
      expanding--;
      return located;
    }
    if (expanding === 0 && (isMap(node) || isSeq(node) || isScalar(node)) && node.anchor !== undefined)
      anchors.set(node.anchor, node);
    if (isMap(node)) {
      const entries = new Map<string, LocatedEntry>();
      for (const pair of node.items) {
        const start = rangeOf(pair.key)?.[0] ?? offset;
        const key = isScalar(pair.key) ? pair.key.value : undefined;
        if (typeof key !== 'string') throw new Refused(start, 'a key that is not text', 'Put the key into quotes.');
        if (key === '__proto__') throw new Refused(start, 'the key __proto__ is not accepted', 'Choose another name.');
        if (entries.has(key) && twice.length < maxComplaints)
          twice.push({
            code: 'CFG003',
            place: place(start),
            problem: `"${key}" stands twice in the same map`,
            remedy: 'Keep one of them.',
          });
        entries.set(key, { key: place(start), value: walk(pair.value, start, depth + 1) });
      }
      return { kind: 'map', at, entries };
    }
    if (isSeq(node)) return { kind: 'list', at, items: node.items.map((item) => walk(item, offset, depth + 1)) };
    const value = isScalar(node) ? node.value : null;
    if (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value))
      throw new Refused(offset, 'this number is too large to be exact', 'Put it into quotes.');
    if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean' && value !== null)
      throw new Refused(offset, 'a value that is neither text, number, boolean nor null', 'Put it into quotes.');
    const start = typeof value === 'string' && isScalar(node) ? startOf(node, value, text) : undefined;
    if (start === undefined) return { kind: 'scalar', at, value };
    const { line, column } = place(start);
    return { kind: 'scalar', at, value, spelled: { line, column } };
  };
  return walk(document.contents, 0, 0);
}

/** Where the value begins in the file, when it is spelled there as it is. */
function startOf(node: Scalar, value: string, text: string): number | undefined {
  const range = rangeOf(node);
  if (range === undefined) return undefined;
  const [start, end] = range;
  if (node.type === Scalar.PLAIN && text.slice(start, end) === value) return start;
  const quoted = node.type === Scalar.QUOTE_DOUBLE || node.type === Scalar.QUOTE_SINGLE;
  if (quoted && text.slice(start + 1, end - 1) === value) return start + 1;
  if (node.type !== Scalar.BLOCK_LITERAL) return undefined;
  const first = text.indexOf('\n', start) + 1;
  return first + (/^ */.exec(text.slice(first, first + 256))?.[0].length ?? 0);
}

function rangeOf(node: unknown): readonly [number, number, number] | undefined {
  return (node as Node | null | undefined)?.range ?? undefined;
}
