/** From a draft to what is stored: commitments, the sealed private part, and the canonical public part. */
import { sha256Hex } from '../hash.ts';
import type { SubjectKeys } from '../keys/subjects.ts';
import type { Stored } from '../log/segment.ts';
import { longestEntry } from '../log/tiles.ts';
import type { Draft, PublicPart } from '../record/build.ts';
import { canonical, type PlainObject } from '../record/canonical.ts';
import { commitment, type PartName, sealParts } from '../record/private.ts';
import type { Room } from '../room.ts';

/** Where a record stands, when it was written (milliseconds since the epoch), and whose keys seal it. */
export interface Place {
  readonly seq: number;
  readonly origin: string;
  readonly written: number;
  readonly keys: SubjectKeys;
}

const nothing = Buffer.alloc(0);

/** Both parts are good for as long as the room. */
export function store(draft: Draft, place: Place, room: Room): Stored {
  const { public: known, about, args, result, kept } = draft;
  const { seq, written, keys } = place;
  const texts = { about: room.text(about), args: room.text(args), result: room.text(result) };
  // Mostly the text is kept as it was.
  const bytesOf = (keep: string, text: string, bytes: Buffer): Buffer => (keep === text ? bytes : room.text(keep));
  const parts = [texts.about, bytesOf(kept.args, args, texts.args), bytesOf(kept.result, result, texts.result)];
  const sealed = parts.every(({ length }) => length === 0) ? nothing : sealParts(keys, place, parts, room);
  const promise = (part: PartName, text: Buffer): PlainObject | undefined =>
    text.length === 0 ? undefined : { bytes: text.length, commitment: commitment(keys, seq, part, text) };
  // Sorted by name, so that the canonical form need not sort; every name is named, so that none can be forgotten.
  const fields: { readonly [Name in keyof Required<PublicPart>]: PublicPart[Name] | undefined } & PlainObject = {
    about: promise('about', texts.about),
    arguments: promise('arguments', texts.args),
    bytesIn: known.bytesIn,
    bytesOut: known.bytesOut,
    capability: known.capability,
    capture: known.capture,
    cause: known.cause,
    code: known.code,
    connections: known.connections,
    cost: known.cost,
    decision: known.decision,
    definition: known.definition,
    detail: known.detail,
    direction: known.direction,
    ended: known.ended,
    era: known.era,
    id: known.id,
    kind: known.kind,
    latency: known.latency,
    method: known.method,
    outcome: known.outcome,
    parent: known.parent,
    private: sealed.length === 0 ? undefined : sha256Hex(sealed),
    reason: known.reason,
    result: promise('result', texts.result),
    revision: known.revision,
    seq,
    server: known.server,
    session: known.session,
    subject: keys.pseudonym,
    tier: known.tier,
    time: known.time,
    transport: known.transport,
    v: 1,
    written,
  };
  let entry = room.text(canonical(fields));
  // Lists and details are bounded one by one; should they be too long together, they go and the record says so.
  if (entry.length > longestEntry)
    entry = room.text(canonical({ ...fields, connections: undefined, detail: undefined, shortened: true }));
  return { entry, sealed };
}
