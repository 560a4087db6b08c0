/** The programs of the package, by their absolute paths: `gateway/bin` beside the sources, `bin` beside what is built. */
import { join } from 'node:path';

// As far up from here as from the folder in which `gateway/scripts/bundle.ts` puts shared modules.
const folder = join(import.meta.dirname, '..', '..', 'bin');
export const gatewayProgram = join(folder, 'sallyport.js');
export const verifierProgram = join(folder, 'sallyport-verify.js');
