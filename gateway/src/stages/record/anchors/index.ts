/** All anchors of a configuration. Adding a kind: a folder and a line here. */
import type { AnchorSettings } from '../settings.ts';
import type { Anchor } from './contract.ts';
import { fileAnchor } from './file/anchor.ts';
import { timestampAnchor } from './rfc3161/anchor.ts';
import { urlAnchor } from './url/anchor.ts';
import { witnessAnchor } from './witness/anchor.ts';

export function anchorsOf({ files, urls, witnesses, timestamps }: AnchorSettings): readonly Anchor[] {
  return [
    ...files.map(fileAnchor),
    ...urls.map(urlAnchor),
    ...witnesses.map(witnessAnchor),
    ...timestamps.map(timestampAnchor),
  ];
}
