/** Calls of the soak test on connections that stay open, and what became of them. */
import { Agent, request } from 'node:http';
import { modernCall, modernHeaders } from '../attacks/raw.ts';

export interface Outcome {
  readonly status: number;
  readonly body: string;
  readonly ms: number;
}

export interface Call {
  readonly url: string;
  readonly key: string;
  readonly tool: string;
  readonly note: string;
  /** Given up after this time; the outcome has the status 0 then. */
  readonly withinMs: number;
}

/** One modern tool call. Status 0: no whole answer came. */
export function callTool(agent: Agent, { url, key, tool, note, withinMs }: Call): Promise<Outcome> {
  const began = performance.now();
  const headers = Object.fromEntries([...modernHeaders('tools/call', tool), ['Authorization', `Bearer ${key}`]]);
  return new Promise((resolve) => {
    let body = '';
    let status = 0;
    const end = (whole: boolean): void => {
      clearTimeout(timer);
      resolve({ status: whole ? status : 0, body, ms: performance.now() - began });
    };
    const asked = request(url, { method: 'POST', agent, headers }, (response) => {
      status = response.statusCode ?? 0;
      response.on('data', (chunk: Buffer) => (body += chunk.toString()));
      response.on('error', () => {});
      response.on('close', () => end(response.complete));
    });
    const timer = setTimeout(() => asked.destroy(), withinMs);
    asked.on('error', (error) => {
      if (body === '') body = error.message;
      end(false);
    });
    asked.end(modernCall(tool, { note }));
  });
}

/** The result that belongs to this call, and no other one. */
export function isAnswered({ status, body }: Outcome, note: string): boolean {
  return status === 200 && body.includes(`"answer to ${note}"`);
}

/** What happened since it was last taken. */
export class Counts {
  calls = 0;
  hostile = 0;
  aborted = 0;
  errors = 0;
  readonly examples: string[] = [];
  #times: number[] = [];

  good(note: string, outcome: Outcome): void {
    this.calls++;
    if (this.#times.length < 500_000) this.#times.push(outcome.ms);
    if (!isAnswered(outcome, note)) this.wrong(`${note}: ${outcome.status} ${outcome.body.slice(0, 300)}`);
  }

  wrong(example: string): void {
    this.errors++;
    if (this.examples.length < 5) this.examples.push(example);
  }

  /** Milliseconds of the calls since the last time. */
  percentiles(): { readonly p50: number; readonly p99: number } {
    const sorted = this.#times.toSorted((a, b) => a - b);
    this.#times = [];
    const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? 0;
    return { p50: at(0.5), p99: at(0.99) };
  }
}
