/** The record by which one signing key hands over to the next. Each signs the same statement. */
import { sign } from 'node:crypto';
import type { NoteSigner } from '../log/note.ts';

/** What both keys sign. `seq` is the index of the record that holds the signatures. */
export function rotationStatement(origin: string, seq: number, from: string, to: string): string {
  return `sallyport log key rotation v1\n${origin}\n${seq}\n${from}\n${to}\n`;
}

export function rotation(origin: string, seq: number, from: NoteSigner, to: NoteSigner) {
  const statement = Buffer.from(rotationStatement(origin, seq, from.verifierKey, to.verifierKey));
  return {
    event: 'rotated' as const,
    from: from.verifierKey,
    key: to.verifierKey,
    signatures: [sign(null, statement, from.privateKey), sign(null, statement, to.privateKey)].map((each) =>
      each.toString('base64'),
    ),
  };
}
