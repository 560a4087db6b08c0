/** Roles that are proposed for arguments: by name and schema, and never for what has one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ServerConfig } from '../config/schema/servers.ts';
import type { JsonObject } from '../protocol/json.ts';
import { proposedRoles } from './role-proposals.ts';

const config = {
  command: ['server', '/srv/data'],
  tools: { read: { arguments: { path: {} } } },
} as unknown as ServerConfig;
const rolesOf = (properties: JsonObject, description = '', name = 'x'): Readonly<Record<string, string>> => {
  const definition = { name, description, inputSchema: { type: 'object', properties } };
  return Object.fromEntries(proposedRoles(definition, config).map(({ argument, role }) => [argument, role]));
};
const text = { type: 'string' };

test('names and schemas say what arguments may stand for', () => {
  assert.deepEqual(
    rolesOf({
      path: text,
      outputDir: text,
      'target-url': text,
      site: { type: 'string', format: 'uri' },
      hostname: text,
      command: text,
      limit: { type: 'integer' },
      startDate: text,
      userId: text,
      body_html: text,
      paths: { type: 'array', items: text },
    }),
    {
      path: 'path',
      outputDir: 'path',
      'target-url': 'url',
      site: 'url',
      hostname: 'host',
      command: 'shell',
      limit: 'limit',
      startDate: 'date',
      userId: 'identifier',
      body_html: 'html',
      paths: 'path',
    },
  );
  assert.deepEqual(rolesOf({ query: text }), {}, 'any search has a query');
  assert.deepEqual(rolesOf({ query: text }, 'Runs a SQL query'), { query: 'sql' });
  assert.deepEqual(rolesOf({ limit: text, path: { type: 'integer' }, url: { enum: ['a'] }, text }), {});
  assert.deepEqual(rolesOf({ edits: { type: 'array', items: { type: 'object', properties: { file: text } } } }), {
    '/edits/*/file': 'path',
  });
});

test('what has a role gets no other, folders of the command are named, and many are few', () => {
  assert.deepEqual(rolesOf({ path: text, url: text }, '', 'read'), { url: 'url' });
  const definition = { name: 'x', inputSchema: { type: 'object', properties: { path: text, n: { type: 'integer' } } } };
  assert.equal(proposedRoles(definition, config)[0]?.line, '{ role: path, under: [/srv/data] }');
  const many = Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`a${at}_path`, text]));
  assert.equal(Object.keys(rolesOf(many)).length, 50);
});
