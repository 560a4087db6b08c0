import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../../test/support/folder.ts';
import { mailboxContract } from '../../test/support/state-contract.ts';
import { openDatabase } from '../stores/sqlite/driver.ts';
import { answerBounds, type Kept, letterBounds, mailboxOf, openMailbox } from './mailbox.ts';
import { MemoryRegistry } from './memory/registry.ts';

const inMemory = new Map<string, ReturnType<typeof mailboxOf>>();

mailboxContract(
  'memory',
  (folder) => {
    const known = inMemory.get(folder);
    const made = known ?? mailboxOf(new MemoryRegistry<Kept>(letterBounds), new MemoryRegistry<Kept>(answerBounds));
    inMemory.set(folder, made);
    return made;
  },
  () => `${inMemory.size}`,
);

mailboxContract(
  'sqlite',
  (folder) => {
    const opened = openMailbox(folder);
    assert.ok(opened !== undefined);
    return opened;
  },
  () => {
    const folder = temporaryFolder('mailbox');
    openDatabase(folder).close();
    return folder;
  },
);

test('where no gateway has run there is no mailbox', () => {
  assert.equal(openMailbox(temporaryFolder('mailbox')), undefined);
});

test('a letter, such as one that names a person to erase, is in no file once it was handed out or withdrawn', () => {
  const folder = temporaryFolder('mailbox');
  const [kept, command, gateway] = [openDatabase(folder), openMailbox(folder), openMailbox(folder)];
  assert.ok(command !== undefined && gateway !== undefined);
  const holding = (text: string): readonly string[] =>
    readdirSync(folder).filter((name) => readFileSync(join(folder, name)).includes(text));
  for (const end of ['receive', 'withdraw', 'answer'] as const) {
    const [name, answer] = [`user:wilhelmina-${end}`, `nothing about wilhelmina-${end}`];
    const id: string = command.send('log', { text: name, until: 100 }, 0) ?? '';
    // As when SQLite has written it to the database in the meantime.
    kept.exec('PRAGMA wal_checkpoint(PASSIVE)');
    assert.ok(holding(name).length > 0, 'the test can find it');
    if (end === 'withdraw') command.withdraw(id, 1);
    else assert.equal(gateway.receive('log', 1).length, 1);
    assert.deepEqual(holding(name), [], end);
    if (end !== 'answer') continue;
    gateway.answer({ to: 'log', id, text: answer }, 2);
    assert.equal(command.answerTo(id, 3), answer);
    assert.deepEqual(holding(answer), []);
  }
  for (const each of [command, gateway, kept]) each.close();
});
