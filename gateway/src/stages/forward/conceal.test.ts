import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Grants } from '../../pipeline/contracts/policy.ts';
import type { Decided } from '../../pipeline/exchange.ts';
import { visibleCompletion } from './conceal.ts';

const publicOnly: Pick<Grants, 'couldAllow'> = {
  couldAllow: (capability) =>
    capability.type === 'template' || /^file:\/\/\/public\b/.test('uri' in capability ? capability.uri : ''),
};

function completed(uriTemplate: string, name: string, values: readonly string[], known = {}): unknown {
  const exchange = {
    capability: { type: 'template', uriTemplate },
    grants: publicOnly,
    params: { argument: { name, value: '' }, context: { arguments: known } },
  } as unknown as Decided;
  return visibleCompletion(exchange, { completion: { values, total: 9 } }).completion;
}

test('a completion shows no hidden resource, whatever operator its template has', () => {
  for (const template of [
    'file:///{+path}',
    'file://{/path}',
    'file://{/path*}',
    'file:///{path}{?page}',
    'file:///{+path}{#part}',
  ])
    assert.deepEqual(
      completed(template, 'path', ['public', 'secret'], { page: '1', part: 'a' }),
      { values: ['public'] },
      template,
    );
  assert.deepEqual(completed('file:///{+path}', 'path', ['public/a', 'secret/a']), { values: ['public/a'] });
});
test('a template with unknown variables could lead anywhere that it may', () => {
  assert.deepEqual(completed('file:///{path,other}', 'path', ['secret']), { values: ['secret'], total: 9 });
});
