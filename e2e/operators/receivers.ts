/** Real receivers of what channels send: a webhook, a strict stand-in for Slack, a mail server. Each listens on loopback. */
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { SMTPServer } from 'smtp-server';

export interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Receiver<Item> extends AsyncDisposable {
  readonly url: string;
  /** The next one, in order; fails after half a minute. */
  readonly next: () => Promise<Item>;
}

class Queue<Item> {
  readonly #items: Item[] = [];
  readonly #waiting: ((item: Item) => void)[] = [];

  put(item: Item): void {
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#items.push(item);
    else waiting(item);
  }

  readonly take = (): Promise<Item> => {
    const item = this.#items.shift();
    if (item !== undefined) return Promise.resolve(item);
    const { promise, resolve, reject } = Promise.withResolvers<Item>();
    const timer = setTimeout(() => reject(new Error('nothing was received')), 30_000);
    this.#waiting.push((found) => {
      clearTimeout(timer);
      resolve(found);
    });
    return promise;
  };
}

/** `answer`: the status of each request, by its number. */
export async function startReceiver(
  answer: (count: number, received: Received) => number = () => 200,
): Promise<Receiver<Received>> {
  const queue = new Queue<Received>();
  let count = 0;
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const received = { headers: request.headers, body };
      response.writeHead(answer(count++, received)).end();
      queue.put(received);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/in`,
    next: queue.take,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export async function startMailServer(): Promise<Receiver<string>> {
  const queue = new Queue<string>();
  const server = new SMTPServer({
    disabledCommands: ['AUTH', 'STARTTLS'],
    onData(stream, _session, done) {
      void text(stream).then((mail) => {
        queue.put(mail);
        done();
      });
    },
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.server.address() as AddressInfo;
  return {
    url: `smtp://127.0.0.1:${port}`,
    next: queue.take,
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
