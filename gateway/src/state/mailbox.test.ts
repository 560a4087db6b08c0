import assert from 'node:assert/strict';
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
