/** Files that the gateway reads: the configuration, and secrets at rest. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfiguration } from '../../../gateway/src/config/load.ts';
import { localProvider } from '../../../gateway/src/secrets/providers/local/local.ts';
import { SecretStore } from '../../../gateway/src/secrets/store.ts';
import type { Check } from '../in-process.ts';
import { mutateBytes, mutateValue } from '../mutate.ts';
import { corpusText } from '../target.ts';

function folderOf(what: string): string {
  const folder = mkdtempSync(join(tmpdir(), `sallyport-fuzz-${what}-`));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const yaml = corpusText('sallyport.yaml');

export const configuration: Check = {
  name: 'configuration',
  make: (random) => mutateBytes(Buffer.from(yaml), random),
  async open() {
    const file = join(folderOf('configuration'), 'sallyport.yaml');
    return async (input) => {
      writeFileSync(file, input);
      const loaded = await loadConfiguration(file, {}, { secrets: 'leave' });
      return !loaded.ok && loaded.diagnostics.length === 0 ? 'refused without a reason' : undefined;
    };
  },
};

const value = 'the value of the secret';

/** The store of every run has the same key, so that a file that one run writes is read by the next. */
const provider = localProvider(Buffer.alloc(32, 7));
const sample = await (async () => {
  const data = folderOf('secret');
  const store = new SecretStore(data, provider);
  await store.put('token', value, 1);
  return readFileSync(store.pathOf('token'));
})();

export const secrets: Check = {
  name: 'secret files',
  make: (random) =>
    random.chance(0.5)
      ? mutateBytes(sample, random)
      : Buffer.from(JSON.stringify(mutateValue(JSON.parse(sample.toString()), random)) ?? ''),
  async open() {
    const store = new SecretStore(folderOf('secrets'), provider);
    await store.put('token', value, 1);
    return async (input) => {
      writeFileSync(store.pathOf('token'), input);
      store.list();
      store.edition('token');
      // A damaged file is an error that says so. It must never be another value.
      const opened = await store.get('token').catch(() => undefined);
      return opened === undefined || opened === value ? undefined : 'a changed file opens as another value';
    };
  },
};
