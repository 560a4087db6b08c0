import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Path } from './located.ts';
import { checkPeers } from './peers.ts';
import { configuration } from './schema/index.ts';

const servers = {
  s: {
    url: 'https://example.org/mcp',
    httpClient: 'undici',
    tools: {
      a: { arguments: { query: { role: 'sql', dialect: 'mysql', tables: 't' } } },
      b: { arguments: { query: { role: 'sql', dialect: 'postgresql', tables: 't' } } },
    },
  },
};

test('a package that is optional and not installed is named where it is needed', () => {
  const parsed = configuration.parse({ version: 1, servers });
  const place = (path: Path) => ({ file: path.map(String).join('.'), line: 1, column: 1 });
  assert.deepEqual(checkPeers(parsed, place), []);
  assert.deepEqual(
    checkPeers(parsed, place, () => false).map(({ code, place: { file }, remedy }) => [code, file, remedy]),
    [
      ['CFG032', 'servers.s.httpClient', 'Run: npm install undici'],
      ['CFG032', 'servers.s.tools.a.arguments.query.dialect', 'Run: npm install node-sql-parser'],
    ],
  );
});
