/** The crash test:   npm run torture [-- --rounds 200] [--seed 1]   Prints its seed and a table of what happened. */
import { parseArgs } from 'node:util';
import { torture } from './torture.ts';

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '200' }, seed: { type: 'string' } },
});
const rounds = Number(values.rounds);
const seed = values.seed === undefined ? Date.now() % 2 ** 31 : Number(values.seed);
const say = (text: string): void => void process.stdout.write(`${text}\n`);
if (!Number.isInteger(rounds) || rounds < 1 || !Number.isInteger(seed)) {
  process.stderr.write('usage: torture [--rounds <number>] [--seed <number>]\n');
  process.exitCode = 2;
} else {
  say(`seed ${seed}, ${rounds} rounds`);
  const { problems, ...tally } = await torture({ rounds, seed, say });
  say('');
  const names: Readonly<Record<keyof typeof tally, string>> = {
    rounds: 'kills with SIGKILL',
    early: '  of these before it listened',
    zeros: '  of these in a segment of zeros',
    acknowledged: 'answers that clients got',
    records: 'records',
    recovered: 'recoveries recorded',
    cut: '  of these that cut a torn end',
    unknown: 'intents whose outcome is unknown',
    rotations: 'key rotations under way',
    verified: 'whole logs verified',
  };
  for (const [name, text] of Object.entries(names))
    say(`${text.padEnd(36)}${String(tally[name as keyof typeof tally]).padStart(10)}`);
  say(`${'acknowledged and lost, or unverified'.padEnd(36)}${String(problems.length).padStart(10)}`);
  for (const problem of problems.slice(0, 20)) say(`  ${problem}`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
