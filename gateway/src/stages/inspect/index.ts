/** The inspectors, in the order in which they work. To add one: a file or folder here, and a line in this list. */
import type { Inspector } from '../../pipeline/contracts/inspector.ts';
import { inputSchema } from './input-schema.ts';
import { masks } from './masks/masks.ts';
import { ownSecrets } from './own-secrets.ts';

export const inspectors: readonly Inspector[] = [inputSchema, ownSecrets, masks];
