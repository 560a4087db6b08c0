/** A hostile legacy server over stdio: a call with a seed as `n` gets lines of that seed, everything else is answered. */
import { createInterface } from 'node:readline';
import { hostileText, rightAnswer } from './hostile.ts';
import { mutateText } from './mutate.ts';
import { type Random, seeded } from './random.ts';

interface Asked {
  readonly id?: unknown;
  readonly method?: string;
  readonly params?: { readonly arguments?: { readonly n?: number } };
}

function lines(asked: Asked, random: Random): string {
  const right = JSON.stringify(rightAnswer(asked));
  switch (random.below(7)) {
    case 0:
      return `${hostileText(asked, random)}\n`;
    case 1:
      return mutateText(`${right}\n`, random);
    case 2:
      return `${hostileText(asked, random)}\n`.repeat(random.pick([2, 50])).slice(0, 2_000_000);
    case 3:
      return `\0\u001b[2J\n\n\r\n${'x'.repeat(random.pick([10, 100_000]))}\n${right}\n`;
    case 4:
      return `${right.slice(0, random.below(right.length))}\n${right}\n`;
    case 5:
      return '\n'.repeat(20_000) + right;
    default:
      return `${right}\n`;
  }
}

createInterface({ input: process.stdin }).on('line', (line) => {
  const asked = JSON.parse(line) as Asked;
  const seed = asked.method === 'tools/call' ? asked.params?.arguments?.n : undefined;
  if (asked.id === undefined) return;
  if (seed === undefined || asked.method === 'server/discover')
    return void process.stdout.write(`${JSON.stringify(rightAnswer(asked))}\n`);
  const random = seeded(seed);
  const ends = random.chance(0.02);
  process.stdout.write(lines(asked, random), () => {
    if (ends) process.exit(random.below(3));
  });
});
