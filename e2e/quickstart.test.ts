/** The two minutes of a newcomer: `npm start` prints a line that works when it is pasted, and Ctrl-C leaves nothing. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';

const root = join(import.meta.dirname, '..');

/** The parts of the printed curl line, as a shell would hand them to curl. */
function parts(line: string): { url: string; headers: Headers; body: string } {
  const headers = new Headers();
  for (const [, name = '', value = ''] of line.matchAll(/ -H '([^:']+): ([^']*)'/g)) headers.set(name, value);
  return { url: / (http:\S+)/.exec(line)?.[1] ?? '', headers, body: / -d '([^']*)'$/.exec(line)?.[1] ?? '' };
}

test('npm start: the printed line answers, and Ctrl-C ends everything', async () => {
  const child = spawn('npm', ['start'], { cwd: root, stdio: ['ignore', 'pipe', 'ignore'], detached: true });
  const printed: string[] = [];
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      printed.push(line);
      if (line.startsWith('Ctrl-C')) break;
    }
    const text = printed.join('\n');
    const { url, headers, body } = parts(printed.find((line) => line.startsWith('curl ')) ?? '');
    const answer = await fetch(url, { method: 'POST', headers, body });
    assert.equal(answer.status, 200);
    assert.match(await answer.text(), /Echo: hello/);
    const snippet = JSON.parse(/^\{[\s\S]*?^\}/m.exec(text)?.[0] ?? '{}') as {
      mcpServers: { sallyport: { url: string } };
    };
    assert.equal(snippet.mcpServers.sallyport.url, url);
    const wrong = await fetch(url, {
      method: 'POST',
      headers: { ...Object.fromEntries(headers), authorization: 'Bearer sp_no' },
      body,
    });
    assert.equal(wrong.status, 401);
  } finally {
    const gone = once(child, 'exit');
    // Ctrl-C reaches the whole foreground group: npm and what it runs.
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGINT');
    await gone;
  }
});
