/** Sends what waits: of each channel one message at a time, the oldest that is due, so that one that is down holds up no other. */
import { inBackground } from '../telemetry/background.ts';
import type { Channel, Message } from './contract.ts';
import type { Outbox, Waiting } from './outbox.ts';

export interface SenderParts {
  readonly outbox: Outbox;
  readonly log: { warn(fields: Readonly<Record<string, unknown>>, message: string): void };
  /** `sent`, `failed`, `dead` or `full`. */
  readonly onOutcome: (channel: string, outcome: string) => void;
}

/** An open channel, and what it is told of. */
export interface OpenChannel {
  readonly channel: Channel;
  readonly wants: (message: Message) => boolean;
}

/** Milliseconds between two logs of the same trouble. */
const quietMs = 60_000;

export class Sender {
  readonly #parts: SenderParts;
  #channels: ReadonlyMap<string, OpenChannel> = new Map();
  readonly #busy = new Set<string>();
  readonly #complainedAt = new Map<string, number>();

  constructor(parts: SenderParts) {
    this.#parts = parts;
  }

  get names(): readonly string[] {
    return [...this.#channels.keys()];
  }

  configure(channels: ReadonlyMap<string, OpenChannel>): void {
    this.#channels = channels;
    for (const name of this.#complainedAt.keys()) if (!channels.has(name)) this.#complainedAt.delete(name);
  }

  /** `messageFor`: for each channel, as some may say less than others. */
  tell(messageFor: (channel: string) => Message): void {
    const now = Date.now();
    for (const [name, { wants }] of this.#channels) {
      const message = messageFor(name);
      if (!wants(message) || this.#parts.outbox.add(name, message, now)) continue;
      this.#parts.onOutcome(name, 'full');
      this.#complain(name, 'too many messages wait: this one is not sent', now);
    }
    this.look();
  }

  /** Asked each second. */
  look(): void {
    const idle = this.names.filter((name) => !this.#busy.has(name));
    for (const waiting of this.#parts.outbox.due(Date.now(), idle)) {
      this.#busy.add(waiting.channel);
      inBackground('send a message', this.#send(waiting));
    }
  }

  async #send(waiting: Waiting): Promise<void> {
    const { channel: name, message, id } = waiting;
    try {
      const open = this.#channels.get(name);
      if (open === undefined) return;
      const sent =
        message === undefined
          ? ({ ok: false, problem: 'the message cannot be decrypted', isFinal: true } as const)
          : await open.channel.send(message);
      if (sent.ok) {
        this.#parts.outbox.sent(id);
        this.#parts.onOutcome(name, 'sent');
        return;
      }
      const isDead = this.#parts.outbox.failed(waiting, Date.now(), sent);
      this.#parts.onOutcome(name, isDead ? 'dead' : 'failed');
      this.#complain(
        name,
        isDead ? `${sent.problem}; it is given up: see sallyport channel dead` : sent.problem,
        Date.now(),
      );
    } finally {
      this.#busy.delete(name);
    }
  }

  #complain(channel: string, problem: string, now: number): void {
    if (now - (this.#complainedAt.get(channel) ?? 0) < quietMs) return;
    this.#complainedAt.set(channel, now);
    this.#parts.log.warn({ channel, problem }, 'a message could not be sent');
  }
}
