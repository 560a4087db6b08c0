/** A gateway with two users before a witness, and the command line and the verifier beside it. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Ended, runCommandHere } from '../../gateway/test/support/command.ts';
import { modernCall, modernHeaders, type RawAnswer, sendRaw } from '../attacks/raw.ts';
import { startWitness, type Witness } from '../attacks/witness.ts';
import { type Gateway, type GatewayOptions, type Settings, startGateway } from '../harness.ts';
import { runToEnd } from '../process.ts';

const bin = join(import.meta.dirname, '..', '..', 'gateway', 'bin');

export const verifierFile = join(bin, 'sallyport-verify.js');

export type { Ended };

export interface World extends AsyncDisposable {
  readonly gateway: Gateway;
  readonly witness: Witness;
  readonly keys: Readonly<Record<'dana' | 'eve', string>>;
  /** `sallyport …` with the configuration of the gateway, beside it, in the process of the test. */
  readonly sallyport: (...args: readonly string[]) => Promise<Ended>;
  /** The same as a process of its own, for tests of what that writes. */
  readonly process: (...args: readonly string[]) => Promise<Ended>;
  readonly call: (key: string | undefined, tool: string, args?: object) => Promise<RawAnswer>;
  /** The log, copied to where nothing else of the gateway is. */
  readonly copyLog: () => Promise<string>;
}

const text = { type: 'object', properties: { note: { type: 'string' } } };

export async function startWorld(settings: Settings = {}, options: GatewayOptions = {}): Promise<World> {
  const witness = await startWitness([
    { name: 'take', inputSchema: text },
    { name: 'hidden' },
    { name: 'write', inputSchema: text },
  ]);
  const gateway = await startGateway(
    {
      callers: { users: { dana: {}, eve: {} } },
      servers: { notes: { url: witness.url, tier: 'read', tools: { write: { tier: 'write' } } } },
      connections: [
        {
          name: 'notes',
          from: { user: ['dana', 'eve'] },
          to: 'notes',
          tools: [{ allow: ['take', 'write'] }, { deny: 'take', when: 'args.note == "forbidden"' }],
        },
      ],
      ...settings,
    },
    options,
  );
  const keys = { dana: gateway.key({ user: 'dana' }), eve: gateway.key({ user: 'eve' }) };
  const copies: string[] = [];
  return {
    gateway,
    witness,
    keys,
    sallyport: (...args) => runCommandHere(...args, '--config', gateway.config),
    process: (...args) =>
      runToEnd({
        command: [process.execPath, join(bin, 'sallyport.js'), ...args, '--config', gateway.config],
        within: 30_000,
      }),
    call: (key, tool, args = {}) =>
      sendRaw({
        url: gateway.endpoint('notes'),
        headers: [
          ...modernHeaders('tools/call', tool),
          ...(key === undefined ? [] : ([['Authorization', `Bearer ${key}`]] as const)),
        ],
        body: modernCall(tool, args),
      }),
    async copyLog() {
      const log = join(gateway.folder, 'data', 'log');
      const folder = await mkdtemp(join(tmpdir(), 'sallyport-log-'));
      copies.push(folder);
      const copy = join(folder, 'log');
      // As docs/evidence.md says: tiles of a checkpoint go when the next one is there.
      for (let attempt = 0; attempt < 20; attempt++) {
        const before = await readFile(join(log, 'checkpoint'), 'utf8');
        const whole = await cp(log, copy, { recursive: true }).then(
          () => true,
          (error: NodeJS.ErrnoException) => {
            if (error.code !== 'ENOENT') throw error;
            return false;
          },
        );
        if (whole && (await readFile(join(log, 'checkpoint'), 'utf8')) === before) return copy;
        await rm(copy, { recursive: true, force: true });
      }
      throw new Error('the log changes faster than it is copied');
    },
    async [Symbol.asyncDispose]() {
      await gateway.stop();
      await witness[Symbol.asyncDispose]();
      for (const folder of copies) await rm(folder, { recursive: true, force: true });
    },
  };
}

export function verify(path: string, ...args: readonly string[]): Promise<Ended> {
  return runToEnd({ command: [process.execPath, verifierFile, path, ...args], within: 60_000 });
}

/** Files below a folder in which these bytes stand. A running gateway may remove one meanwhile. */
export function filesWith(folder: string, needle: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => {
      try {
        return statSync(path).isFile() && readFileSync(path).includes(needle);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
        throw error;
      }
    });
}
