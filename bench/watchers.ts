/**
 * Opens streams of events and reads them until its parent goes: `node watchers.ts URL TOKEN [TOKEN ...]`, one stream for each token.
 * Says `open` when all are. It has the lowest priority: those who watch are elsewhere, and what they read with takes nothing of
 * the core from the load.
 */
import { Agent, get } from 'node:http';
import { constants, setPriority } from 'node:os';

setPriority(constants.priority.PRIORITY_LOW);
process.on('disconnect', () => process.exit());
const [url = '', ...tokens] = process.argv.slice(2);
const agent = new Agent({ keepAlive: true, maxSockets: tokens.length });
await Promise.all(tokens.map(open));
process.send?.('open');

function open(token: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent, headers: { authorization: `Bearer ${token}` } }, (response) => {
      if (response.statusCode !== 200) return reject(new Error(`${url}: ${response.statusCode}`));
      response.once('data', () => resolve());
      response.on('error', () => process.exit(1));
    });
    request.on('error', reject);
  });
}
