/** The gateway of the client targets: one tool is allowed, and only with arguments that its rule accepts. */
import type { Seen } from '../attacks/witness.ts';
import { startWitness, type Witness } from '../attacks/witness.ts';
import type { Settings } from '../harness.ts';

export function startDecidedWitness(): Promise<Witness> {
  return startWitness([
    { name: 'open', inputSchema: { type: 'object', properties: { n: { type: 'integer', maximum: 10 } } } },
    { name: 'hidden' },
  ]);
}

export function decidedSettings(url: string): Settings {
  return {
    callers: { agents: { fuzzer: {} } },
    servers: { witness: { url } },
    authentication: { freeFailures: 1_000_000 },
    connections: [
      {
        name: 'fuzzer',
        from: { agent: 'fuzzer' },
        to: 'witness',
        tools: [{ allow: 'open', when: '!has(args.n) || args.n < 5' }],
        resources: [{ allow: 'doc://projects/{id}', when: 'uri.id == "1"' }],
      },
    ],
  };
}

/** What reached the server and must not have; forgets what it has looked at. */
export function undecided(witness: Witness): string | undefined {
  const wrong = witness.calls().find((seen) => !isDecided(seen));
  witness.forget();
  return wrong === undefined ? undefined : `an undecided request reached the server: ${wrong.body.slice(0, 2_000)}`;
}

/** Streams of the gateway's own, for changes of lists. */
const own = new Set(['subscriptions/listen', 'ping']);

function isDecided({ message, headers }: Seen): boolean {
  const { method, params } = message;
  if (own.has(method)) return true;
  if (headers['mcp-method'] !== method) return false;
  // Scheme and host are compared in lower case (docs/policy.md).
  if (method === 'resources/read') return /^doc:\/\/projects\/(?:1|%31)$/i.test(String(params['uri']));
  if (method !== 'tools/call' || params['name'] !== 'open' || headers['mcp-name'] !== 'open') return false;
  const { n, ...others } = (params['arguments'] ?? {}) as { readonly n?: unknown };
  if (Object.keys(others).length > 0) return false;
  return n === undefined || (Number.isInteger(n) && Number(n) < 5);
}
