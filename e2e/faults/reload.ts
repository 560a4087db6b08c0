/** Changes of the configuration of a running gateway. */
import { readFile, writeFile } from 'node:fs/promises';
import type { Gateway } from '../harness.ts';

/** What the log says of a change: that it is in force, or that it is either in force or refused. */
export const inForce = /"msg":"configuration in force"/g;
export const settled = /"msg":"configuration (?:in force|refused: the running one stays)"/g;

/** Changes the configuration file and waits until the log says what became of that. */
export async function reload(
  gateway: Gateway,
  change: (settings: Record<string, object>) => void,
  until: RegExp = inForce,
): Promise<void> {
  const settings = JSON.parse(await readFile(gateway.config, 'utf8')) as Record<string, object>;
  change(settings);
  const count = (): number => gateway.errors().match(until)?.length ?? 0;
  const before = count();
  await writeFile(gateway.config, JSON.stringify(settings));
  await gateway.until(() => count() > before);
}
