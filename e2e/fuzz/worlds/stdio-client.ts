/** A client on standard input of `sallyport stdio`: lines, halves of lines, bytes that are none. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { meta } from '../../attacks/raw.ts';
import { gatewayFile } from '../../harness.ts';
import { runToEnd, stop } from '../../process.ts';
import { mutatedMessage } from '../checks/json.ts';
import { decidedSettings, startDecidedWitness, undecided } from '../decided.ts';
import { mutateBytes } from '../mutate.ts';
import { corpusLines, type Target } from '../target.ts';
import { bugIn } from '../watch.ts';

const messages = corpusLines('messages.jsonl');
const patienceMs = 20_000;

interface Client {
  readonly child: ChildProcess;
  readonly bug: () => string | undefined;
  /** True when a good call after everything that was written is answered. */
  readonly probe: () => Promise<boolean>;
}

function start(config: string, key: string): Client {
  const child = spawn(process.execPath, [gatewayFile, 'stdio', '--config', config, '--server', 'witness'], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, SALLYPORT_API_KEY: key },
  });
  let bug: string | undefined;
  child.stderr.on('data', (chunk: Buffer) => (bug ??= bugIn(chunk.toString())));
  child.stdin.on('error', () => {});
  const waiting = new Map<string, () => void>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    const probe = /"id":"(probe-\d+)"/.exec(line)?.[1] ?? '';
    waiting.get(probe)?.();
  });
  let numbered = 0;
  const probe = (): Promise<boolean> =>
    new Promise((resolve) => {
      const id = `probe-${numbered++}`;
      const end = (answered: boolean): void => {
        clearTimeout(timer);
        child.off('exit', gone);
        waiting.delete(id);
        resolve(answered);
      };
      const gone = (): void => end(false);
      const timer = setTimeout(gone, patienceMs);
      child.once('exit', gone);
      waiting.set(id, () => end(true));
      const params = { name: 'open', arguments: { n: 1 }, _meta: meta };
      child.stdin.write(`\n${JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params })}\n`);
    });
  return { child, bug: () => bug, probe };
}

/** No stall is measured here: one client owns the process, and only waits for itself. */
export const stdioClient: Target = {
  name: 'client over stdio',
  weight: 1,
  batch: 200,
  make(random) {
    const line = random.chance(0.2) ? random.pick(messages) : mutatedMessage(random);
    const bytes = Buffer.from(`${line}\n`);
    return random.chance(0.2) ? mutateBytes(bytes, random) : bytes;
  },
  async open() {
    const stack = new AsyncDisposableStack();
    const witness = stack.use(await startDecidedWitness());
    const folder = await mkdtemp(join(tmpdir(), 'sallyport-fuzz-stdio-'));
    stack.defer(() => rm(folder, { recursive: true, force: true }));
    const config = join(folder, 'sallyport.yaml');
    await writeFile(
      config,
      JSON.stringify({ version: 1, data: join(folder, 'data'), ...decidedSettings(witness.url) }),
    );
    const create = ['key', 'create', '--agent', 'fuzzer', '--quiet', '--config', config];
    const made = await runToEnd({ command: [process.execPath, gatewayFile, ...create] });
    const client = start(config, made.stdout.trim());
    stack.defer(() => stop(client.child));
    return {
      async attempt(inputs) {
        for (const input of inputs) client.child.stdin?.write(input);
        const answered = await client.probe();
        const problem = client.bug() ?? undecided(witness);
        if (problem !== undefined || answered) return problem;
        return `no answer to a good call (${client.child.exitCode ?? client.child.signalCode ?? 'still running'})`;
      },
      [Symbol.asyncDispose]: () => stack.disposeAsync(),
    };
  },
};
