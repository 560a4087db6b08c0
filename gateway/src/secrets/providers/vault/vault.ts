/** Data keys wrapped by the transit engine of HashiCorp Vault or OpenBao; the key itself never leaves it. */
import type { Fetch } from '../../../egress/fetch.ts';
import { isObject, parseJsonText } from '../../../protocol/json.ts';
import type { KeyProvider } from '../contract.ts';

export interface VaultTransit {
  readonly address: string;
  readonly token: string;
  readonly mount: string;
  readonly key: string;
}

export function vaultProvider({ address, token, mount, key }: VaultTransit, fetch: Fetch): KeyProvider {
  const ask = async (operation: 'encrypt' | 'decrypt', body: object, member: string): Promise<string> => {
    const answer = await fetch(`${address.replace(/\/$/, '')}/v1/${mount}/${operation}/${encodeURIComponent(key)}`, {
      method: 'POST',
      operator: true,
      headers: { 'x-vault-token': token, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(answer.problem);
    const parsed = parseJsonText(answer.text, { depth: 8, looseText: true });
    const data = parsed.ok && isObject(parsed.value) ? parsed.value.data : undefined;
    const value = isObject(data) ? data[member] : undefined;
    if (answer.status !== 200 || typeof value !== 'string')
      throw new Error(`Vault answers ${answer.status} to ${operation}`);
    return value;
  };
  const associated = (context: string) => Buffer.from(context).toString('base64');
  return {
    id: 'vault',
    wrap: (dataKey, context) =>
      ask('encrypt', { plaintext: dataKey.toString('base64'), associated_data: associated(context) }, 'ciphertext'),
    unwrap: async (ciphertext, context) =>
      Buffer.from(await ask('decrypt', { ciphertext, associated_data: associated(context) }, 'plaintext'), 'base64'),
  };
}
