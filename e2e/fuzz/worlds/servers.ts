/** Hostile servers behind the gateway, over HTTP in both eras and over stdio: each call ends, and nothing else breaks. */
import { join } from 'node:path';
import { modernCall, modernHeaders, sendRaw } from '../../attacks/raw.ts';
import { startBreaking } from '../../faults/broken-bytes.ts';
import { listen } from '../../faults/events.ts';
import { openSettings, startGateway } from '../../harness.ts';
import { hostileServer } from '../hostile.ts';
import { seeded } from '../random.ts';
import type { Target } from '../target.ts';
import { inParallel, startWatch } from '../watch.ts';

const kinds = ['modern', 'legacy', 'sse', 'child'] as const;
const bounds = { connectTimeout: '2s', firstByte: '1s', total: '2s' };

/** Inputs are `<server> <seed>`: the answer that the seed makes. Handshakes and lists are mostly right, and hostile at times. */
export const servers: Target = {
  name: 'hostile servers',
  weight: 3,
  batch: 60,
  make: (random) => Buffer.from(`${random.chance(0.1) ? 'child' : random.pick(kinds)} ${random.below(2 ** 31)}`),
  async open() {
    const stack = new AsyncDisposableStack();
    const server = stack.use(await startBreaking(hostileServer(seeded(1), 0.9)));
    const open = { tools: { tool: { additionalArguments: true } } };
    const child = [process.execPath, join(import.meta.dirname, '..', 'hostile-stdio.ts')];
    const gateway = stack.use(
      await startGateway({
        ...openSettings('client', {
          modern: { url: `${server.origin}/mcp`, ...open },
          legacy: { url: `${server.origin}/legacy/mcp`, era: 'legacy', ...open },
          sse: { url: `${server.origin}/legacy/mcp`, transport: 'sse', ...open },
          child: { command: child, era: 'legacy', sharing: 'shared', ...open },
        }),
        bounds,
      }),
    );
    const watch = stack.use(await startWatch(gateway));
    const give = async (inputs: readonly Buffer[]): Promise<string | undefined> => {
      let failed: string | undefined;
      // A stream for changes, so that the gateway listens to the servers. A hostile server may prevent it.
      const streams = await Promise.allSettled(
        ['modern', 'legacy'].map((name) => listen(gateway.endpoint(name), undefined, { toolsListChanged: true })),
      );
      await inParallel(inputs, 20, async (input) => {
        const [name = '', seed] = input.toString().split(' ');
        const answer = await sendRaw({
          url: gateway.endpoint(name),
          headers: modernHeaders('tools/call', 'tool'),
          body: modernCall('tool', { n: Number(seed) }),
          within: 30_000,
        });
        if (answer.json === undefined || answer.status === 500)
          failed ??= `${input.toString()}: no answer but ${answer.status} ${answer.body.slice(0, 500)}`;
      });
      for (const stream of streams) if (stream.status === 'fulfilled') stream.value[Symbol.dispose]();
      return failed;
    };
    return {
      attempt: (inputs) => watch.during(() => give(inputs)),
      worstMs: watch.worstMs,
      [Symbol.asyncDispose]: () => stack.disposeAsync(),
    };
  },
};
