/** Roles whose values have a grammar: SQL, commands of a shell, HTML. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { cpuMs } from '../../../../test/support/cpu.ts';
import { type RoadOptions, roadOf } from '../../../../test/support/road.ts';
import type { SqlDialect, SqlRole } from '../../../pipeline/contracts/argument-roles.ts';
import { htmlProblem } from './markup.ts';
import { shellProblem } from './shell.ts';
import { sqlProblem } from './sql/judge.ts';

const role = (dialect: SqlDialect, more: Partial<SqlRole> = {}): SqlRole => ({
  role: 'sql',
  dialect,
  statements: ['select'],
  tables: ['orders', 'sales.*'],
  functions: [],
  ...more,
});

const allowed = [
  'select id, sum(total) from orders where day > 5 group by id order by 2 desc limit 10',
  'SELECT o.id FROM Orders o JOIN sales.customers c ON c.id = o.id',
  'with x as (select id from orders) select count(*) from x',
  'select id from orders where id in (select id from sales.regions) union all select 1',
  "select lower(name) || 'x', coalesce(a, 'b'), case when a = 1 then 2 else 3 end from orders",
];

const refused: readonly (readonly [string, RegExp])[] = [
  ['select * from secrets', /no table but/],
  ['select * from other.orders', /no table but/],
  ['select id from orders where id in (select id from secrets)', /no table but/],
  ['select id from orders union select id from secrets', /no table but/],
  ['with secrets as (select * from secrets) select * from secrets', /no table but/],
  ['with a as (select * from b), b as (select 1) select * from a', /no table but/],
  ['delete from orders', /no statement but select/],
  ['update orders set id = 1', /no statement but select/],
  ['insert into orders (id) values (1)', /no statement but select/],
  ['drop table orders', /no statement but select|can be parsed/],
  ['select 1; select 2', /one statement|can be parsed/],
  ['select 1; drop table orders', /one statement|can be parsed/],
  ['', /one statement|can be parsed/],
  ['select from where', /can be parsed|one statement/],
  ['hello there', /can be parsed|no statement but/],
  ["select load_file('/etc/passwd') from orders", /no function/],
];

for (const dialect of ['postgresql', 'mysql', 'mariadb', 'sqlite', 'transactsql'] as const)
  test(`sql, ${dialect}: one statement of the kinds, tables and functions that are listed`, async () => {
    for (const text of allowed) {
      // T-SQL has neither of the two.
      if (dialect === 'transactsql' && /limit|\|\|/.test(text)) continue;
      assert.equal(await sqlProblem(text, role(dialect)), undefined, text);
    }
    for (const [text, problem] of refused)
      assert.match((await sqlProblem(text, role(dialect))) ?? 'none', problem, text);
    assert.equal(
      await sqlProblem('delete from orders where id = 1', role(dialect, { statements: ['delete'] })),
      undefined,
    );
    const call = 'select my_score(id) from orders';
    assert.match((await sqlProblem(call, role(dialect))) ?? '', /no function/);
    assert.equal(await sqlProblem(call, role(dialect, { functions: ['my_score'] })), undefined);
  });

test('sql, postgresql: what reaches beyond the statement', async () => {
  for (const [text, problem] of [
    ["select pg_read_file('/etc/passwd')", /no function/],
    ["select query_to_xml('select * from secrets', true, true, '')", /no function/],
    ['select pg_catalog.pg_sleep(10)', /no function/],
    ['select * from orders for update', /lock rows/],
    ['select * into copied from orders', /make a table/],
    ["copy orders to program 'sh'", /no statement but/],
    ['with d as (delete from orders returning id) select * from d', /no statement but/],
    ["do 'begin end'", /no statement but/],
    ['explain analyze select * from orders', /no statement but/],
    ['table secrets', /no table but/],
    ['select * from orders, lateral (select * from secrets) s', /no table but/],
    ['select * from "Orders"', /no table but/],
    ['select 1 operator(public.+) 2', /operator of a schema/],
    ["select * from orders, pg_ls_dir('/')", /no function/],
    ['set role admin', /no statement but/],
    ['select 1\0; drop table orders', /no NUL/],
    ['select (select password from secrets limit 1) from orders', /no table but/],
    ['select * from orders -- \n, secrets', /no table but/],
    ['select * from U&"\\0073ecrets"', /no table but/],
  ] as const)
    assert.match((await sqlProblem(text, role('postgresql'))) ?? 'none', problem, text);
  assert.equal(await sqlProblem('select pg_catalog.lower(id) from orders -- a comment', role('postgresql')), undefined);
  assert.equal(
    await sqlProblem(
      'with recursive t(n) as (select 1 union all select n + 1 from t) select * from t',
      role('postgresql'),
    ),
    undefined,
  );
  const insert = role('postgresql', { statements: ['insert'] });
  const upsert = 'insert into orders values (1) on conflict (id) do update set id = 2';
  assert.match((await sqlProblem(upsert, insert)) ?? '', /no statement but insert/);
  const target = 'with orders2 as (select 1) insert into orders2 select 1';
  assert.match(
    (await sqlProblem(target, role('postgresql', { statements: ['insert', 'select'] }))) ?? '',
    /no table but/,
  );
});

test('sql, other dialects: what readers differ about, and what reaches beyond the statement', async () => {
  for (const [dialect, text] of [
    ['mysql', 'select /*!50000 password */ from secrets'],
    ['mysql', 'select 1 from orders # x'],
    ['mysql', "select '\\' or 1=1' from orders"],
    ['mysql', "select 1 from orders into outfile '/tmp/x'"],
    ['mysql', 'select @@version'],
    ['mysql', 'select * from orders for update'],
    ['mysql', 'replace into orders values (1)'],
    ['mysql', 'with x as (select 1) delete from x'],
    ['mysql', 'with x as (select 1) update x set a = 1'],
    ['sqlite', "attach database '/tmp/x' as y"],
    ['sqlite', 'pragma table_info(orders)'],
    ['sqlite', "select load_extension('x')"],
    ['sqlite', 'select * from sqlite_master'],
    ['transactsql', "exec xp_cmdshell 'dir'"],
    ['transactsql', 'select * from srv.db.dbo.secrets'],
    ['transactsql', 'select * into copied from orders'],
  ] as const)
    assert.notEqual(
      await sqlProblem(
        text,
        role(dialect, {
          statements: /attach|pragma|exec|replace|into/.test(text) ? ['select'] : ['select', 'delete', 'update'],
        }),
      ),
      undefined,
      `${dialect}: ${text}`,
    );
});

test('sql: names nested deep cost no more than their length', async () => {
  let text = 'select 1';
  for (let depth = 0; depth < 40; depth++) text = `with a${depth} as (${text}) select * from a${depth}`;
  const began = cpuMs();
  assert.equal(await sqlProblem(text, role('postgresql')), undefined);
  assert.ok(cpuMs() - began < 2_000);
});

test('a command is one program with arguments that are listed', () => {
  const programs = {
    ls: ['-l', '-a', 'docs/*'],
    git: ['log', '--oneline', '--max-count=*', '*.md'],
    '/bin/echo': ['*'],
  };
  for (const text of [
    'ls',
    'ls -l -a docs/x',
    'git log --oneline --max-count=5 README.md',
    '/bin/echo \'a $HOME `id`\' "b c"',
    "git log 'a b.md'",
  ])
    assert.equal(shellProblem(text, programs), undefined, text);
  for (const text of [
    '',
    '   ',
    'rm -rf /',
    'ls /etc',
    'ls -R',
    'ls docs/x; id',
    'ls docs/x && id',
    'ls docs/x | sh',
    'ls docs/$HOME',
    'ls docs/`id`',
    'ls docs/$(id)',
    'ls docs/x > y',
    'ls docs/x\nid',
    'ls docs/{a,b}',
    'ls docs/*',
    'ls docs/?',
    'ls ~',
    'PATH=. ls',
    'ls "docs/$HOME"',
    'ls "docs/\\"x"',
    "ls 'docs",
    'git log --output=x.md',
    '/bin/echo -n',
    '/bin/echo a#b !x',
    "l's' docs/../x\\y",
    'ls\u00a0docs/x',
    'constructor',
  ])
    assert.notEqual(shellProblem(text, programs), undefined, text);
  // Quotes within a word are the shell's, and the word is what it runs.
  assert.equal(shellProblem("l's' docs/'x y'", programs), undefined);
});

const html = { elements: ['p', 'b', 'a', 'br', 'img'], attributes: ['href', 'title', 'src'], schemes: ['https'] };

test('HTML is of elements and attributes that are listed, in one spelling', () => {
  for (const text of [
    '',
    'plain text & more',
    '<p>a <b>b</b><br>c</p>',
    '<a href="https://example.org/x" title="y">z</a>',
    '<img src="https://example.org/i.png" />',
  ])
    assert.equal(htmlProblem(text, html), undefined, text);
  for (const text of [
    '<script>x</script>',
    '<P>a</P>',
    '<p onclick="x">a</p>',
    "<a href='https://example.org'>a</a>",
    '<a href=https://example.org>a</a>',
    '<a href="javascript:x">a</a>',
    '<a href="java&#115;cript:x">a</a>',
    '<a href=" https://example.org">a</a>',
    '<a href="/relative">a</a>',
    '<a title="javascript:x">a</a>',
    '<p>a',
    '<p><b>a</p></b>',
    'a < b',
    '<!-- x -->',
    '<p\n>x</p>',
    '</p>',
    '<p>\0</p>',
    `${'<b>'.repeat(65)}${'</b>'.repeat(65)}`,
  ])
    assert.notEqual(htmlProblem(text, html), undefined, text);
});

test('no markup that is let through has an element, an attribute or a scheme that is not listed', () => {
  const pieces = fc.constantFrom(
    '<',
    '>',
    'p',
    'script',
    '/',
    ' ',
    '"',
    "'",
    '=',
    'href',
    'onload',
    'javascript:',
    'https:',
    '\n',
    '!--',
    '&lt;',
    'x',
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
      const text = parts.join('');
      if (htmlProblem(text, html) !== undefined) return;
      for (const [tag] of text.matchAll(/<[^>]*>?/g)) assert.match(tag, /^<\/?p(?: href="https:[^"]*")* ?\/?>$/);
    }),
    { numRuns: 2_000 },
  );
});

test('on the road: a statement is judged beside the loop, and the server gets only what fits', async () => {
  const options: RoadOptions = {
    serverSettings:
      '  tools: { echo: { arguments: { query: { role: sql, dialect: postgresql, tables: orders }, run: { role: shell, programs: { ls: ["-l"] } }, page: { role: html, elements: p } } } }',
    server: {
      tools: [
        {
          name: 'echo',
          inputSchema: { type: 'object', properties: { query: {}, run: { type: 'string' }, page: { type: 'string' } } },
        },
      ],
    },
  };
  const road = await roadOf('- { name: c, from: { agent: a }, to: s, tools: [{ allow: "*" }] }', options);
  const send = async (args: Record<string, string | readonly string[]>) => {
    const { reply } = await road.send({ params: { name: 'echo', arguments: args } });
    return reply.kind === 'refused' && reply.refusal.reason === 'arguments-invalid'
      ? reply.refusal.problems
      : reply.kind;
  };
  assert.equal(await send({ query: 'select id from orders', run: 'ls -l', page: '<p>x</p>' }), 'text');
  assert.deepEqual(await send({ query: 'select * from secrets' }), ['arguments/query: must name no table but orders']);
  assert.deepEqual(await send({ query: ['select 1', 'drop table orders'] }), [
    'arguments/query/1: must hold no statement but select',
  ]);
  assert.deepEqual(await send({ run: 'ls -R', page: '<b>' }), [
    'arguments/run: must give ls no argument that is not listed',
    'arguments/page: must hold no element but p',
  ]);
  assert.equal(road.calls.length, 1);
});
