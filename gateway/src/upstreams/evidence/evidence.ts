/** Which server answers: found out beside its connections, so that no call waits for it. */
import type { ServerConfig } from '../../config/schema/servers.ts';
import type { ServerIdentity } from '../../pipeline/contracts/identity.ts';
import type { ServerFacts } from '../../pipeline/contracts/upstream.ts';
import { asText } from '../../protocol/json.ts';
import { hideSecrets } from '../../secrets/hide.ts';
import { inBackground } from '../../telemetry/background.ts';
import { commandEvidence } from './command.ts';

export interface EvidenceParts {
  readonly tell: (identity: ServerIdentity) => void;
  /** What the server was given, and must not be kept where it comes back. */
  readonly secrets: () => readonly string[];
}

const maxText = 512;

export class Evidence {
  readonly #config: ServerConfig;
  readonly #parts: EvidenceParts;
  #tlsKey: string | undefined;
  #info: ServerIdentity | undefined;
  #work: Promise<void> = Promise.resolve();

  constructor(config: ServerConfig, parts: EvidenceParts) {
    this.#config = config;
    this.#parts = parts;
  }

  /** A connection to an HTTP server showed this key, before anything was sent over it. */
  sawKey(key: string): void {
    this.#tlsKey = key;
    // Before its first answer there is nothing yet to put it beside.
    if (this.#info !== undefined) this.#tell();
  }

  connected({ info }: ServerFacts): void {
    const text = [asText(info?.name), asText(info?.version)].filter((each) => each !== '').join(' ');
    this.#info = text === '' ? {} : { serverInfo: text.slice(0, maxText) };
    this.#tell();
  }

  async settled(): Promise<void> {
    await this.#work;
  }

  #tell(): void {
    // In the order in which it was seen. What failed before is logged.
    this.#work = this.#work.catch(() => {}).then(() => this.#find());
    inBackground('identify server', this.#work);
  }

  async #find(): Promise<void> {
    const config = this.#config;
    const key = this.#tlsKey === undefined ? {} : { tlsKey: this.#tlsKey };
    const found = 'url' in config ? { url: placeOf(config.url), ...key } : await ofCommand(config);
    const secrets = 'url' in config ? this.#parts.secrets() : [...this.#parts.secrets(), ...Object.values(config.env)];
    this.#parts.tell(hideSecrets({ ...found, ...this.#info }, secrets));
  }
}

async function ofCommand({
  command: [program = '', ...args],
  cwd = process.cwd(),
  env,
}: Extract<ServerConfig, { command: readonly string[] }>): Promise<ServerIdentity> {
  const { PATH, HOME } = process.env;
  return commandEvidence({ program, args, cwd, env: { PATH, HOME, ...env } });
}

/** Without what may be a secret. */
function placeOf(url: string): string {
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`.slice(0, maxText);
}
