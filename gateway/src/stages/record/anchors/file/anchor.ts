/** Appends each checkpoint to a file, such as one on another disk or a share that can only be appended to. */
import { open } from 'node:fs/promises';
import type { Anchor } from '../contract.ts';

export function fileAnchor(path: string): Anchor {
  return {
    name: `file ${path}`,
    async anchor({ note }) {
      const file = await open(path, 'a', 0o600);
      try {
        await file.writeFile(`${note}\n`);
        await file.datasync();
      } finally {
        await file.close();
      }
    },
  };
}
