/**
 * Loaded into the gateway by a test: names that end in `.moving.example` first lead to a public address, and to this
 * machine from the second look on. `inside.example` leads to this machine at once.
 */
import dns from 'node:dns';
import { syncBuiltinESMExports } from 'node:module';

const looks = new Map<string, number>();
const original = dns.lookup;

type Done = (error: NodeJS.ErrnoException | null, address: unknown, family?: number) => void;

function moved(name: string, options: { readonly all?: boolean }, done: Done): void {
  const look = looks.get(name) ?? 0;
  looks.set(name, look + 1);
  const address = name === 'inside.example' || look > 0 ? '127.0.0.1' : '203.0.114.9';
  if (options.all === true) done(null, [{ address, family: 4 }]);
  else done(null, address, 4);
}

dns.lookup = ((name: string, options: object, done: Done) =>
  name.endsWith('.example') ? moved(name, options, done) : original(name, options, done as never)) as typeof dns.lookup;
syncBuiltinESMExports();
