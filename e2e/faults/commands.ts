/** `sallyport …` as a process of its own, with something on its stdin. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Ended } from '../audit/world.ts';
import { gatewayFile } from '../harness.ts';

export async function sallyportWith(input: string, ...args: readonly string[]): Promise<Ended> {
  const child = spawn(process.execPath, [gatewayFile, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  // A command that refuses reads nothing.
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}
