/** The files that commands write for people: whole, or not at all. */
import fs from 'node:fs';
import { openWhole, type WholeFile } from '../stores/whole-file.ts';

/**
 * A regular file appears with its whole content at `commit`. What is there already and is something else, such as
 * /dev/stdout or a FIFO, is written to as it is: it cannot be replaced, and must not be.
 */
export function openOutput(path: string): WholeFile {
  const info = fs.statSync(path, { throwIfNoEntry: false });
  return info === undefined || info.isFile() || info.isDirectory() ? openWhole(path) : openStream(path);
}

/** Throws what the system says. */
export function writeOutput(path: string, text: string): void {
  const file = openOutput(path);
  try {
    file.write(text);
    file.commit();
  } finally {
    file.abandon();
  }
}

function openStream(path: string): WholeFile {
  const file = fs.openSync(path, 'w');
  let open = true;
  const close = (): void => {
    if (open) fs.closeSync(file);
    open = false;
  };
  return {
    write(content) {
      const bytes = typeof content === 'string' ? Buffer.from(content) : content;
      for (let at = 0; at < bytes.length; ) at += fs.writeSync(file, bytes, at);
    },
    commit: close,
    abandon: close,
  };
}
