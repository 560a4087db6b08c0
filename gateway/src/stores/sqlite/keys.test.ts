import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keyStoreContract } from '../../../test/support/key-store-contract.ts';
import { openKeyStore } from './keys.ts';

keyStoreContract('sqlite', openKeyStore, () => mkdtempSync(join(tmpdir(), 'sallyport-keys-')));
