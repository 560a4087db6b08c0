/**
 * Kills the whole gateway at random moments under load, starts it again on the same log, and looks whether everything
 * that was acknowledged is there, everything verifies, and every intent has an outcome.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { openMasterKey } from '../../gateway/src/secrets/master-key.ts';
import { keyPlaces, logFolder } from '../../gateway/src/stages/record/open.ts';
import { Archive } from '../../gateway/src/stages/record/read/archive.ts';
import { askRunning } from '../../gateway/src/stages/record/writer/ask.ts';
import { modernCall, modernHeaders } from '../attacks/raw.ts';
import { startWitness, type Witness } from '../attacks/witness.ts';
import { verify } from '../audit/world.ts';
import { runToEnd } from '../process.ts';

const bin = join(import.meta.dirname, '..', '..', 'gateway', 'bin', 'sallyport.js');

export interface TortureOptions {
  readonly rounds: number;
  readonly seed: number;
  /** Kills that one log lives through before the next one begins. */
  readonly perLog?: number;
  readonly clients?: number;
  readonly say: (text: string) => void;
}

/** What happened, added up. `problems` is empty when the log kept its promise. */
export interface Tally {
  rounds: number;
  /** Killed before it listened. */
  early: number;
  /** Killed while it wrote in the place of zeros. */
  zeros: number;
  acknowledged: number;
  records: number;
  unknown: number;
  cut: number;
  recovered: number;
  rotations: number;
  verified: number;
  readonly problems: string[];
}

export async function torture({ rounds, seed, perLog = 25, clients = 24, say }: TortureOptions): Promise<Tally> {
  const random = mulberry32(seed);
  const tally: Tally = {
    rounds: 0,
    early: 0,
    zeros: 0,
    acknowledged: 0,
    records: 0,
    unknown: 0,
    cut: 0,
    recovered: 0,
    rotations: 0,
    verified: 0,
    problems: [],
  };
  await using witness = await startWitness([
    {
      name: 'take',
      inputSchema: { type: 'object', properties: { note: { type: 'string' }, ballast: { type: 'string' } } },
    },
    {
      name: 'put',
      inputSchema: { type: 'object', properties: { note: { type: 'string' }, ballast: { type: 'string' } } },
    },
  ]);
  while (tally.rounds < rounds && tally.problems.length === 0) {
    const kills = Math.min(perLog, rounds - tally.rounds);
    await oneLog(witness, kills, clients, random, tally);
    say(
      `${tally.rounds} kills: ${tally.acknowledged} acknowledged, ${tally.records} records, ${tally.problems.length} problems`,
    );
  }
  return tally;
}

/** One log through several kills. */
async function oneLog(witness: Witness, kills: number, clients: number, random: () => number, tally: Tally) {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-torture-'));
  try {
    const config = join(folder, 'sallyport.yaml');
    await writeFile(config, JSON.stringify(settings(folder, witness.url)));
    const made = await runToEnd({
      command: [process.execPath, bin, 'key', 'create', '--agent', 'torture', '--quiet', '--config', config],
    });
    const key = made.stdout.trim();
    const world: World = { folder, config, key, from: 0, acknowledged: new Set() };
    for (let kill = 0; kill < kills && tally.problems.length === 0; kill++) {
      await oneKill(world, clients, random, tally);
      tally.rounds++;
    }
    // The last start only looks.
    const last = await start(world);
    await check(world, tally);
    last.kill('SIGTERM');
    await once(last, 'exit');
    await verified(world, tally, 'after a clean stop');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Milliseconds that the first answer is waited for. */
const maxFirstMs = 20_000;

interface World {
  readonly folder: string;
  readonly config: string;
  readonly key: string;
  /** Records before this one have been checked. */
  from: number;
  /** Notes whose calls were answered since then, and how. */
  acknowledged: Set<string>;
  url?: string;
}

async function oneKill(world: World, clients: number, random: () => number, tally: Tally): Promise<void> {
  if (random() < 0.1) {
    // While it opens the log, which is when it repairs what the last kill left.
    const child = launch(world);
    await pause(150 + random() * 500);
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    tally.early++;
    return;
  }
  const child = await start(world);
  await check(world, tally);
  const round = tally.rounds;
  const load = { over: false };
  // Large calls fill a segment in a moment, so that the log goes on in one of zeros.
  const large = random() < 0.3;
  const ballast = large ? { ballast: 'x'.repeat(60_000) } : {};
  const agent = new Agent({ keepAlive: true, maxSockets: clients });
  const { promise: isAcknowledged, resolve: acknowledge } = Promise.withResolvers<void>();
  const client = async (number: number): Promise<void> => {
    for (let call = 0; !load.over; call++) {
      const tool = call % 5 === 4 ? 'put' : 'take';
      const note = `${round}-${number}-${call}${call % 7 === 6 ? '-forbidden' : ''}`;
      const status = await send(world, agent, tool, { note, ...ballast });
      if (status !== 200) continue;
      world.acknowledged.add(note);
      acknowledge();
    }
  };
  const calls = Array.from({ length: clients }, (_, number) => client(number));
  const delay = large ? 300 + random() * 900 : random() ** 2 * 600;
  const rotates = random() < 0.1;
  // On a busy machine the first answer takes longer than that. One kill of five may come before it.
  if (round % 5 !== 4) await Promise.race([isAcknowledged, pause(maxFirstMs, undefined, { ref: false })]);
  await pause(delay);
  if (rotates) {
    tally.rotations++;
    askRunning(logFolder(join(world.folder, 'data'), 'log'), { do: 'rotate-key' }).catch(() => {});
    await pause(random() * 300);
  }
  child.kill('SIGKILL');
  await once(child, 'exit');
  if (inZeros(world)) tally.zeros++;
  load.over = true;
  await Promise.all(calls);
  agent.destroy();
}

/** The last segment ends with more zeros than any record does. */
function inZeros({ folder }: World): boolean {
  const segments = join(logFolder(join(folder, 'data'), 'log'), 'segments');
  const last = readdirSync(segments)
    .filter((name) => name.endsWith('.seg'))
    .toSorted()
    .at(-1);
  return (
    last !== undefined &&
    readFileSync(join(segments, last))
      .subarray(-64)
      .every((byte) => byte === 0)
  );
}

/** Everything acknowledged is there; every intent has an outcome; the verifier agrees. */
async function check(world: World, tally: Tally): Promise<void> {
  const data = join(world.folder, 'data');
  const folder = logFolder(data, 'log');
  const asked = await askRunning(folder, { do: 'publish' });
  if (!asked.ok) return void tally.problems.push(asked.problem);
  const master = openMasterKey(data);
  if (!master.ok) return void tally.problems.push(master.problem);
  const archive = await Archive.open(folder, keyPlaces(data, 'log'), master.key);
  const size = archive.reader.checkpoint()?.size ?? 0;
  const notes = new Set<string>();
  const intents = new Map<string, string>();
  for (const { seq, entry } of archive.reader.entries(world.from, size, size)) {
    const { fields, parts } = archive.open(seq, entry);
    const note = /"note":"([^"]+)"/.exec(parts?.arguments ?? '')?.[1];
    if (fields.kind === 'intent') intents.set(fields.id ?? '', note ?? '');
    else if (fields.kind === 'exchange' && note !== undefined) notes.add(note);
    else if (fields.kind === 'outcome') {
      if (fields.outcome === 'unknown') tally.unknown++;
      else notes.add(intents.get(fields.id ?? '') ?? '');
      intents.delete(fields.id ?? '');
    } else if (fields.kind === 'recovered') {
      tally.recovered++;
      tally.cut += Number(fields.detail?.['cut'] ?? 0) > 0 ? 1 : 0;
    }
  }
  for (const note of world.acknowledged)
    if (!notes.has(note)) tally.problems.push(`round ${tally.rounds}: ${note} was acknowledged and is not in the log`);
  for (const [id, note] of intents)
    tally.problems.push(`round ${tally.rounds}: the intent ${id} (${note}) has no outcome`);
  tally.acknowledged += world.acknowledged.size;
  tally.records += size - world.from;
  world.acknowledged = new Set();
  world.from = size;
  await verified(world, tally, 'after a kill');
}

async function verified(world: World, tally: Tally, when: string): Promise<void> {
  const result = await verify(logFolder(join(world.folder, 'data'), 'log'));
  if (result.code === 0) tally.verified++;
  else tally.problems.push(`round ${tally.rounds}, ${when}: ${result.stderr.trim()}`);
}

function settings(folder: string, url: string): object {
  return {
    version: 1,
    data: join(folder, 'data'),
    listen: { mcp: { port: 0 }, admin: { port: 0 } },
    callers: { agents: { torture: {} } },
    servers: { witness: { url, tier: 'read', tools: { put: { tier: 'write' } } } },
    connections: [
      {
        name: 'torture',
        from: { agent: 'torture' },
        to: 'witness',
        tools: [{ allow: ['take', 'put'] }, { deny: '*', when: 'args.note.endsWith("forbidden")' }],
      },
    ],
  };
}

function launch({ config }: World): ChildProcess {
  return spawn(process.execPath, [bin, 'serve', '--config', config, '--json'], { stdio: ['ignore', 'pipe', 'pipe'] });
}

async function start(world: World): Promise<ChildProcess> {
  const child = launch(world);
  let errors = '';
  child.stderr?.on('data', (chunk: Buffer) => (errors = (errors + chunk.toString()).slice(-4_096)));
  const announced = new Promise<string>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the gateway did not start: ${code}\n${errors}`)));
    if (child.stdout !== null)
      createInterface({ input: child.stdout }).on('line', (text) => {
        const line = JSON.parse(text) as { event?: string; mcp?: string };
        if (line.event === 'listening' && line.mcp !== undefined) resolve(line.mcp);
      });
  });
  world.url = `${await announced}/servers/witness/mcp`;
  return child;
}

/** The status of the answer, or 0 when there is none. */
function send(world: World, agent: Agent, tool: string, args: Readonly<Record<string, string>>): Promise<number> {
  const body = modernCall(tool, args);
  const headers = Object.fromEntries([...modernHeaders('tools/call', tool), ['Authorization', `Bearer ${world.key}`]]);
  return new Promise((resolve) => {
    const call = request(world.url ?? '', { method: 'POST', agent, headers }, (response) => {
      let complete = '';
      response.on('data', (chunk: Buffer) => (complete += chunk.toString()));
      // Only a whole answer acknowledges anything.
      response.on('close', () => resolve(response.complete && complete.includes('"jsonrpc"') ? 200 : 0));
      response.on('error', () => resolve(0));
    });
    call.on('error', () => resolve(0));
    call.end(body);
  });
}

/** Small, seeded, and good enough to choose moments with. */
export function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
