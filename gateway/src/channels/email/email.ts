/** Mail. The package `nodemailer` is an optional peer, which is loaded with the first message. */
import { z } from 'zod';
import { addressOption, attemptMs, defineChannel, type Message, type Sent } from '../contract.ts';

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
  open: ({ server, from, to, plain }) => {
    const open = async () => {
      const { createTransport } = await import('nodemailer');
      const timeouts = { connectionTimeout: attemptMs, greetingTimeout: attemptMs, socketTimeout: attemptMs };
      const isSecure = server.startsWith('smtps:');
      return createTransport({
        url: server,
        ...timeouts,
        ...(!isSecure && { requireTLS: !plain, ignoreTLS: plain }),
        disableFileAccess: true,
        disableUrlAccess: true,
      });
    };
    return {
      async send(message): Promise<Sent> {
        try {
          const transport = await open();
          await transport.sendMail({
            from,
            to: [...to],
            subject: oneLine(message.title),
            text: bodyOf(message),
            messageId: `<${message.id}@sallyport>`,
          });
          transport.close();
          return { ok: true };
        } catch (error) {
          const {
            code,
            responseCode,
            message: problem,
          } = error as Error & {
            readonly code?: string;
            readonly responseCode?: number;
          };
          const isFinal = code === 'EAUTH' || code === 'EENVELOPE' || (responseCode ?? 0) >= 500;
          return { ok: false, problem: problem.slice(0, 500), isFinal };
        }
      },
    };
  },
});

/** A header is one line. */
function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').slice(0, 200);
}

function bodyOf({ title, lines, link }: Message): string {
  return [title, '', ...lines, ...(link === undefined ? [] : ['', link])].join('\n');
}
