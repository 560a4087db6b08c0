/** Where references lead that are more than a variable or a file: our own store, Vault, AWS Secrets Manager. */
import type { SecretSource } from '../config/references.ts';
import type { Configuration } from '../config/schema/index.ts';
import { guardedFetch } from '../egress/fetch.ts';
import { egressGuard } from '../egress/guard.ts';
import { isObject, type JsonObject, parseJsonText } from '../protocol/json.ts';
import { askAws, awsOptions, loadAws } from './aws.ts';
import { openMasterKey } from './master-key.ts';
import { awsKmsProvider } from './providers/aws-kms/aws-kms.ts';
import type { KeyProvider } from './providers/contract.ts';
import { localProvider } from './providers/local/local.ts';
import { vaultProvider } from './providers/vault/vault.ts';
import { isKept, SecretStore } from './store.ts';

type Settings = Configuration['secrets'];

/** `settings` and `data` are resolved: they hold what the file only refers to. */
export function openSecretStore(settings: Settings, data: string): SecretStore {
  return new SecretStore(data, providerOf(settings, data));
}

/** Where the tokens of users are kept: sealed like secrets, under the same key provider. */
export function openAccountStore(settings: Settings, data: string): SecretStore {
  return new SecretStore(data, providerOf(settings, data), 'account');
}

function providerOf({ transit, kms }: Settings, data: string): KeyProvider {
  const fetch = guardedFetch(egressGuard([]));
  if (transit !== undefined) return vaultProvider(transit, fetch);
  if (kms !== undefined) return awsKmsProvider(kms);
  const opened = openMasterKey(data);
  if (!opened.ok) throw new Error(`${opened.problem}. ${opened.remedy}`);
  return localProvider(opened.key);
}

/** `editions` is told which edition of each stored secret was read. */
export function openSecretSource(settings: Settings, data: string, editions?: Map<string, string>): SecretSource {
  const fetch = guardedFetch(egressGuard([]));
  return async (kind, name) => {
    if (kind === 'secret') {
      const missing = {
        ok: false,
        problem: `there is no secret ${name}`,
        remedy: `Run: sallyport secret put ${name}`,
      } as const;
      // Looking for what is not there makes no key.
      if (!isKept(data, name)) return missing;
      const store = openSecretStore(settings, data);
      // Read before the value: a rotation in between shows as an edition that is not in force yet.
      const edition = store.edition(name);
      const value = await store.get(name);
      if (edition !== undefined) editions?.set(name, edition);
      return value === undefined ? missing : { ok: true, value, file: store.pathOf(name) };
    }
    const [path = '', member = ''] = name.split('#');
    const found = kind === 'vault' ? await readVault(path) : await readAws(path);
    const value = member === '' ? undefined : found[member];
    return typeof value === 'string'
      ? { ok: true, value }
      : {
          ok: false,
          problem: `${path} has no "${member}"`,
          remedy: `Write it as \${${kind}:path#key}, with a key that is there.`,
        };
  };

  /** Version 2 of the key-value engine: `secret/data/name`; version 1 has no inner `data`. */
  async function readVault(path: string): Promise<JsonObject> {
    if (settings.vault === undefined) throw new Error('secrets.vault does not say where Vault is');
    const { address, token } = settings.vault;
    const answer = await fetch(`${address.replace(/\/$/, '')}/v1/${path}`, {
      operator: true,
      headers: { 'x-vault-token': token },
    });
    if (!answer.ok) throw new Error(answer.problem);
    const parsed = parseJsonText(answer.text, { depth: 8, looseText: true });
    const data = parsed.ok && isObject(parsed.value) ? parsed.value.data : undefined;
    if (answer.status !== 200 || !isObject(data)) throw new Error(`Vault answers ${answer.status} for ${path}`);
    return isObject(data.data) ? data.data : data;
  }

  async function readAws(id: string): Promise<JsonObject> {
    if (settings.aws === undefined) throw new Error('secrets.aws does not say which account to ask');
    const name = '@aws-sdk/client-secrets-manager';
    const sdk = await loadAws(name, () => import('@aws-sdk/client-secrets-manager'));
    const client = new sdk.SecretsManagerClient(awsOptions(settings.aws));
    const command = new sdk.GetSecretValueCommand({ SecretId: id });
    const { SecretString } = await askAws('Secrets Manager', (options) => client.send(command, options));
    client.destroy();
    const parsed = SecretString === undefined ? undefined : parseJsonText(SecretString, { depth: 8, looseText: true });
    return parsed?.ok === true && isObject(parsed.value) ? parsed.value : {};
  }
}
