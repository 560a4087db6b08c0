/** What `sallyport-verify` runs on elsewhere: an older Node, in the shape of this one without what came later. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Ended, verifierFile } from '../audit/world.ts';
import { runToEnd } from '../process.ts';

/** What came after Node 18.3 and a program could use without noticing. */
const later: Readonly<Record<string, readonly string[]>> = {
  'globalThis.Map': ['groupBy'],
  'globalThis.Object': ['groupBy'],
  'globalThis.Promise': ['withResolvers', 'try'],
  'globalThis.Array': ['fromAsync'],
  'globalThis.Array.prototype': ['toReversed', 'toSorted', 'toSpliced', 'with'],
  'globalThis.String.prototype': ['isWellFormed', 'toWellFormed'],
  'globalThis.Set.prototype': ['union', 'intersection', 'difference', 'isSubsetOf', 'isSupersetOf', 'isDisjointFrom'],
  globalThis: ['Iterator', 'WebSocket', 'File', 'CustomEvent', 'navigator'],
  process: ['getBuiltinModule', 'loadEnvFile'],
  'require("node:crypto")': ['hash'],
  'require("node:zlib")': ['crc32'],
  'require("node:os")': ['availableParallelism'],
  'require("node:fs")': ['globSync', 'openAsBlob'],
  'require("node:util")': ['styleText', 'parseEnv', 'stripVTControlCharacters'],
};

/** Runs the verifier with a script before it. */
export function verifyAfter(folder: string, script: string, path: string, ...args: string[]): Promise<Ended> {
  const preload = join(folder, 'preload.cjs');
  writeFileSync(preload, script);
  return runToEnd({ command: [process.execPath, '--require', preload, verifierFile, path, ...args], within: 60_000 });
}

const version = (text: string): string =>
  `Object.defineProperty(process.versions, 'node', { value: ${JSON.stringify(text)} });\n`;

/** This Node, poorer by what version 18.3 lacks. */
export const node18 = `${version('18.3.0')}${Object.entries(later)
  .map(([owner, names]) => names.map((name) => `delete ${owner}[${JSON.stringify(name)}];`).join('\n'))
  .join('\n')}\nrequire('node:module').syncBuiltinESMExports();\n`;

export const node16 = version('16.20.2');
