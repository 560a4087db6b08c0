/** Mail. The package `nodemailer` is an optional peer, which is loaded with the first message. */
import { connect, type Socket } from 'node:net';
import { z } from 'zod';
import { addressOption, attemptMs, type Channel, defineChannel, type Message, type Sent } from '../contract.ts';

const address = z.email().max(254);

export const email = defineChannel({
  id: 'email',
  summary: 'A mail for each message, by a server of your own. Needs the package nodemailer.',
  options: z.strictObject({
    server: addressOption(/^smtps?$/).describe(
      'smtps://user:password@host, or smtp:// with STARTTLS; a reference where it has a password.',
    ),
    from: address.describe('Sender.'),
    to: z.array(address).min(1).max(50).describe('Receivers.'),
    plain: z
      .boolean()
      .default(false)
      .describe('Whether a server without TLS is accepted, such as one on this machine.'),
  }),
  open: (options) => mailChannel(options, attemptMs),
});

export interface MailOptions {
  readonly server: string;
  readonly from: string;
  readonly to: readonly string[];
  readonly plain: boolean;
}

/** `withinMs`: milliseconds for the whole of one attempt, however slowly the server answers. */
export function mailChannel(options: MailOptions, withinMs: number): Channel {
  return {
    async send(message) {
      try {
        await sendWithin(options, message, withinMs);
        return { ok: true };
      } catch (error) {
        return failureOf(error as Failure);
      }
    },
  };
}

async function sendWithin({ server, from, to, plain }: MailOptions, message: Message, withinMs: number): Promise<void> {
  const { createTransport } = await import('nodemailer');
  const isSecure = server.startsWith('smtps:');
  const connection = connectionTo(server, isSecure ? 465 : 587);
  const transport = createTransport({
    url: server,
    getSocket: (_options, done) => connection.hand(done),
    connectionTimeout: withinMs,
    greetingTimeout: withinMs,
    socketTimeout: withinMs,
    ...(!isSecure && { requireTLS: !plain, ignoreTLS: plain }),
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  const deadline = Promise.withResolvers<never>();
  // The timeouts of the package begin again with each line: a server that drips lines would hold the channel without end.
  const timer = setTimeout(() => deadline.reject(new Error(`it took longer than ${withinMs} ms`)), withinMs);
  const mail = {
    from,
    to: [...to],
    subject: oneLine(message.title),
    text: bodyOf(message),
    messageId: `<${message.id}@sallyport>`,
  };
  try {
    await Promise.race([transport.sendMail(mail), deadline.promise]);
    connection.end();
  } catch (error) {
    connection.destroy();
    throw error;
  } finally {
    clearTimeout(timer);
    transport.close();
  }
}

type Failure = Error & { readonly code?: string; readonly responseCode?: number };

function failureOf({ code, responseCode, message }: Failure): Sent {
  const isFinal = code === 'EAUTH' || code === 'EENVELOPE' || (responseCode ?? 0) >= 500;
  return { ok: false, problem: message.slice(0, 500), isFinal };
}

type Done = (error: Error | null, socket?: { readonly connection: Socket }) => void;

/** The connection of one attempt. It is made here, since the package does not close one that is in use. */
function connectionTo(server: string, usualPort: number) {
  const { hostname, port } = new URL(server);
  let socket: Socket | undefined;
  return {
    hand(done: Done): void {
      const opened = connect({
        host: hostname.replace(/^\[|\]$/g, ''),
        port: port === '' ? usualPort : Number(port),
      });
      socket = opened;
      opened.on('error', (error) => done(error));
      opened.once('connect', () => done(null, { connection: opened }));
    },
    /** Once what was written has left. */
    end: (): void => socket?.destroySoon(),
    destroy: (): void => void socket?.destroy(),
  };
}

/** A header is one line. */
function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').slice(0, 200);
}

function bodyOf({ title, lines, link }: Message): string {
  return [title, '', ...lines, ...(link === undefined ? [] : ['', link])].join('\n');
}
