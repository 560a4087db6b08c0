/** Who may change what the gateway keeps. A file of mode 0600 in a folder that others can write is theirs to replace. */
import { chmodSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

export interface FolderProblem {
  readonly problem: string;
  readonly remedy: string;
}

/** Folders that nothing but the gateway makes, so that their modes can be mended. */
export const ownFolders = ['keys', 'secrets', 'accounts', 'issuers', 'index'];

/** Makes the folder when it is missing. `undefined`: only its owner, or a group that may read, gets at it. */
export function refuseSharedFolder(data: string): FolderProblem | undefined {
  mkdirSync(data, { recursive: true, mode: 0o700 });
  if (process.platform === 'win32') return undefined;
  // Not mended: it may be a folder that others use as well, such as /tmp.
  if (isWritableByOthers(data))
    return { problem: `others can write the data folder ${data}`, remedy: `Run: chmod 700 ${data}` };
  for (const name of ownFolders) {
    const folder = join(data, name);
    if (!isWritableByOthers(folder)) continue;
    try {
      chmodSync(folder, 0o700);
    } catch {
      return { problem: `others can write ${folder}`, remedy: `Run: chmod 700 ${folder}` };
    }
  }
  return undefined;
}

function isWritableByOthers(path: string): boolean {
  const info = statSync(path, { throwIfNoEntry: false });
  return info?.isDirectory() === true && (info.mode & 0o022) !== 0;
}
