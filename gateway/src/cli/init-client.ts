/** What `init --from` does after the file is written: secrets, a key, and the way back from the client. */
import type { Configuration } from '../config/schema/index.ts';
import type { JsonObject } from '../protocol/json.ts';
import { openSecretStore } from '../secrets/source.ts';
import { openKeyAdmin } from '../stages/authenticate/api-key/open.ts';
import { adopt } from './clients/adopt.ts';
import type { Imported } from './clients/index.ts';
import { gatewayEntry, pointAtGateway, snippet } from './clients/way-back.ts';
import { gatewayProgram } from './programs.ts';

export interface Finishing {
  readonly configuration: Configuration;
  readonly imported: Imported;
  readonly client: { readonly path: string; readonly text: string };
  /** Absolute. */
  readonly config: string;
  /** Secrets of the same name that are there already. */
  readonly replaceSecrets: boolean;
  readonly adopt: boolean;
}

export interface WayBack {
  /** Names of the secrets that are kept now. */
  readonly secrets: readonly string[];
  readonly notes: readonly string[];
  /** With a placeholder for the key. */
  readonly entry: JsonObject;
  readonly snippet: string;
  /** Of a client that was adopted. */
  readonly backup?: string;
  /** Why the client was not adopted. */
  readonly problem?: string;
}

export async function finishImport(finishing: Finishing): Promise<WayBack> {
  const { configuration, imported, config } = finishing;
  const { notes, kept } = await keepSecrets(finishing);
  const { host, port, tls, publicUrl } = configuration.listen.mcp;
  const base = publicUrl ?? `${tls === undefined ? 'http' : 'https'}://${host}:${port}`;
  const addressed = (key: string): JsonObject =>
    gatewayEntry(imported.kind, {
      url: `${base}/mcp`,
      key,
      command: [process.execPath, gatewayProgram, 'stdio', '--config', config],
    });
  const entry = addressed('sp_…');
  const way = { secrets: kept, notes, entry, snippet: snippet(imported, entry) };
  if (!finishing.adopt) return way;
  return { ...way, ...(await adopted(finishing, addressed)) };
}

async function adopted(
  { configuration, imported, client }: Finishing,
  addressed: (key: string) => JsonObject,
): Promise<{ readonly backup: string } | { readonly problem: string }> {
  // Tried with any key first, so that none is made in vain.
  const tried = await pointAtGateway(client.text, imported, addressed('sp_'));
  if (!tried.ok) return { problem: tried.problem };
  const desk = openKeyAdmin(configuration.data);
  if (!desk.ok) return { problem: desk.problem };
  try {
    const { text: key, stored } = desk.value.create(
      { agent: 'me', name: `adopted: ${client.path}`.slice(0, 100) },
      Date.now(),
    );
    const edited = await pointAtGateway(client.text, imported, addressed(key));
    const done = edited.ok ? adopt(client.path, client.text, edited.text) : edited;
    if (done.ok) return { backup: done.path };
    desk.value.store.revoke(stored.id, Date.now());
    return { problem: done.problem };
  } finally {
    desk.value.store.close();
  }
}

async function keepSecrets({
  configuration,
  imported,
  replaceSecrets,
}: Finishing): Promise<{ readonly notes: readonly string[]; readonly kept: readonly string[] }> {
  if (imported.secrets.size === 0) return { notes: [], kept: [] };
  const store = openSecretStore(configuration.secrets, configuration.data);
  const notes: string[] = [];
  const kept: string[] = [];
  for (const [name, value] of imported.secrets) {
    if (await store.add(name, value, Date.now())) kept.push(name);
    else if (replaceSecrets) {
      await store.put(name, value, Date.now());
      kept.push(name);
    } else if ((await store.get(name)) === value) kept.push(name);
    else
      notes.push(`the secret ${name} is there already with another value, and stays: sallyport secret rotate ${name}`);
  }
  return { notes, kept };
}
