/** Every format of an export. Adding one: a file and a line here. */
import { cef } from './cef.ts';
import type { ExportFormat } from './event.ts';
import { ndjson } from './ndjson.ts';
import { ocsf } from './ocsf.ts';

export const exportFormats: readonly ExportFormat[] = [ndjson, ocsf, cef];
