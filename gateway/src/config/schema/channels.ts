/** Channels: where the gateway tells people something, by name. */
import { z } from 'zod';
import { messageTypes } from '../../channels/contract.ts';
import { channels as kinds } from '../../channels/list.ts';
import { optionalKeys } from './plug-in.ts';

const channel = z
  .strictObject({
    ...optionalKeys(kinds),
    events: z.array(z.enum(messageTypes)).min(1).default(['approval.pending']).describe('What it is told of.'),
    servers: z.array(z.string().min(1).max(64)).min(1).optional().describe('Of which servers; absent: of all.'),
    content: z
      .boolean()
      .default(false)
      .describe('Whether arguments leave the gateway in it. Without it the page has them.'),
  })
  .refine((each) => kinds.filter(({ id }) => each[id] !== undefined).length === 1, {
    message: `needs exactly one of ${kinds.map(({ id }) => id).join(', ')}`,
  });

export const channels = z
  .record(z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/i), channel)
  .refine((all) => Object.keys(all).length <= 32, 'at most 32 channels')
  .describe('Where people are told of approvals, by name.');

export type ChannelConfig = z.output<typeof channel>;
