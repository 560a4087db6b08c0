/** Channels of a running gateway: opened from the configuration, told of approvals. */
import { approvalMessage } from '../channels/approval-message.ts';
import type { Channel, ChannelParts, Message } from '../channels/contract.ts';
import { channels as kinds } from '../channels/list.ts';
import type { Outbox } from '../channels/outbox.ts';
import { type OpenChannel, Sender } from '../channels/sender.ts';
import type { ChannelConfig } from '../config/schema/channels.ts';
import type { Configuration } from '../config/schema/index.ts';
import { guardedFetch } from '../egress/fetch.ts';
import { egressGuard } from '../egress/guard.ts';
import { type Approval, callerTextOf } from '../stages/approve/store.ts';
import type { Log } from '../telemetry/log.ts';

export interface ChannelsParts {
  readonly outbox: Outbox;
  readonly buttonKey: Buffer;
  readonly log: Log;
  readonly onOutcome: (channel: string, outcome: string) => void;
}

export class Channels {
  readonly sender: Sender;
  readonly #buttonKey: Buffer;
  #configuration: Configuration['channels'] = {};
  /** Where operators are; undefined until a listener has said so. */
  #base: string | undefined;

  constructor(parts: ChannelsParts) {
    this.sender = new Sender(parts);
    this.#buttonKey = parts.buttonKey;
  }

  reachedAt(base: string): void {
    this.#base = base;
  }

  configure({ channels, egress }: Configuration): void {
    this.#configuration = channels;
    const fetch = guardedFetch(egressGuard(egress.allow));
    this.sender.configure(
      new Map(
        Object.entries(channels).map(([name, config]) => [
          name,
          { channel: opened(config, { fetch, name, buttonKey: this.#buttonKey }), wants: wanted(config) },
        ]),
      ),
    );
  }

  /** An approval has another state. */
  tell(approval: Approval): void {
    if (this.sender.names.length === 0) return;
    const { content, terms, digest, ...rest } = approval;
    const { id, state, server, name, createdAt, expiresAt, votes } = rest;
    const link = this.#base === undefined ? undefined : `${this.#base}/approvals/${id}`;
    this.sender.tell((channel) =>
      approvalMessage(
        {
          id,
          state,
          server,
          name,
          digest,
          createdAt,
          expiresAt,
          quorum: terms.quorum,
          caller: content === undefined ? 'unknown' : callerTextOf(content),
          ...(content?.tier !== undefined && { tier: content.tier }),
          ...(content !== undefined && { rule: content.rule.text, arguments: content.arguments }),
          votes: votes.map(({ by, at, reason }) => ({ by, at, ...(reason !== undefined && { reason }) })),
        },
        { now: Date.now(), link, content: this.#configuration[channel]?.content === true },
      ),
    );
  }
}

/** The schema has exactly one kind for each. */
function opened(config: ChannelConfig, parts: ChannelParts): Channel {
  const { webhook, slack, email } = config;
  const [first, second, third] = kinds;
  if (webhook !== undefined) return first.open(webhook, parts);
  if (slack !== undefined) return second.open(slack, parts);
  if (email !== undefined) return third.open(email, parts);
  throw new Error('a channel without a kind');
}

function wanted({ events, servers }: ChannelConfig): OpenChannel['wants'] {
  return ({ type, data }: Message) =>
    events.includes(type) &&
    (servers === undefined || (typeof data.server === 'string' && servers.includes(data.server)));
}
