/**
 * A time stamping authority (RFC 3161): signs the digest of each checkpoint with its time. Checkpoint and token are kept
 * in `anchors/`, where the verifier finds them; `openssl ts -verify -token_in` understands them as well.
 */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { readFileSync } from '../../../../stores/own-files.ts';
import { writeWhole } from '../../../../stores/whole-file.ts';
import { sha256 } from '../../hash.ts';
import { type Anchor, anchorTimeout, answerBytes } from '../contract.ts';
import { makeNonce, readTimestamp, timestampQuery } from './timestamp.ts';

export function timestampAnchor({
  url,
  policy,
}: {
  readonly url: string;
  readonly policy?: string | undefined;
}): Anchor {
  const { host } = new URL(url);
  return {
    name: `timestamp ${host}`,
    async anchor({ note, size }, folder) {
      const path = join(folder, 'anchors', `rfc3161-${encodeURIComponent(host)}-${String(size).padStart(16, '0')}`);
      // Another anchor failed and all are asked again.
      if (existsSync(`${path}.tst`) && readFileSync(`${path}.txt`, 'utf8') === note) return;
      const question = { digest: sha256(Buffer.from(note)), nonce: makeNonce(), policy };
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/timestamp-query', accept: 'application/timestamp-reply' },
        body: Uint8Array.from(timestampQuery(question)),
        redirect: 'error',
        signal: AbortSignal.timeout(anchorTimeout),
      });
      const answer = await answerBytes(response);
      if (response.status !== 200) throw new Error(`it answered ${response.status}`);
      if (!/^application\/timestamp-reply\s*(;|$)/i.test(response.headers.get('content-type') ?? ''))
        throw new Error('its answer is no timestamp');
      const { token } = readTimestamp(answer, question);
      mkdirSync(join(folder, 'anchors'), { recursive: true, mode: 0o700 });
      // In this order: a checkpoint without a token is a checkpoint, a token without one is nothing.
      writeWhole(`${path}.txt`, note);
      writeWhole(`${path}.tst`, token);
    },
  };
}
