/** The configuration behind `serve --quickstart`. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** `undefined` outside a clone of the repository: the two servers that it starts are installed only there. */
export function quickstartFile(): string | undefined {
  const path = join(import.meta.dirname, '..', '..', '..', 'examples', 'quickstart', 'sallyport.yaml');
  return existsSync(path) ? path : undefined;
}
