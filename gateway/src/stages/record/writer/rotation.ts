/** The record by which one signing key hands over to the next. Each signs the same statement. */
import { sign } from 'node:crypto';
import type { NoteSigner } from '../log/note.ts';

/** Two keys, and `seq`, the index of the record that holds their signatures in the log of this origin. */
export interface Rotation<Key> {
  readonly origin: string;
  readonly seq: number;
  readonly from: Key;
  readonly to: Key;
}

/** What both keys sign. */
export function rotationStatement({ origin, seq, from, to }: Rotation<string>): string {
  return `sallyport log key rotation v1\n${origin}\n${seq}\n${from}\n${to}\n`;
}

export function rotation({ origin, seq, from, to }: Rotation<NoteSigner>) {
  const statement = Buffer.from(rotationStatement({ origin, seq, from: from.verifierKey, to: to.verifierKey }));
  return {
    event: 'rotated' as const,
    from: from.verifierKey,
    key: to.verifierKey,
    signatures: [sign(null, statement, from.privateKey), sign(null, statement, to.privateKey)].map((each) =>
      each.toString('base64'),
    ),
  };
}
