/** Data keys wrapped by AWS KMS; the context is its encryption context. */
import type { Fetch } from '../../../egress/fetch.ts';
import { type AwsAccess, askAws } from '../../aws.ts';
import type { KeyProvider } from '../contract.ts';

export function awsKmsProvider(access: AwsAccess & { readonly keyId: string }, fetch: Fetch): KeyProvider {
  const ask = async (
    operation: 'Encrypt' | 'Decrypt',
    body: Record<string, string>,
    context: string,
    member: string,
  ) => {
    const answer = await askAws(
      access,
      'kms',
      `TrentService.${operation}`,
      { KeyId: access.keyId, EncryptionContext: { sallyport: context }, ...body },
      fetch,
    );
    const value = answer[member];
    if (typeof value !== 'string') throw new Error(`AWS KMS answers ${operation} without ${member}`);
    return value;
  };
  return {
    id: 'aws-kms',
    wrap: (dataKey, context) => ask('Encrypt', { Plaintext: dataKey.toString('base64') }, context, 'CiphertextBlob'),
    unwrap: async (wrapped, context) =>
      Buffer.from(await ask('Decrypt', { CiphertextBlob: wrapped }, context, 'Plaintext'), 'base64'),
  };
}
