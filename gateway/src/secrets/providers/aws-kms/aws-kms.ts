/** Data keys wrapped by AWS KMS; the context is its encryption context. */
import { type AwsAccess, askAws, awsOptions, loadAws } from '../../aws.ts';
import type { KeyProvider } from '../contract.ts';

export function awsKmsProvider(access: AwsAccess & { readonly keyId: string }): KeyProvider {
  const load = async () => {
    const sdk = await loadAws('@aws-sdk/client-kms', () => import('@aws-sdk/client-kms'));
    return { ...sdk, client: new sdk.KMSClient(awsOptions(access)) };
  };
  let loading: ReturnType<typeof load> | undefined;
  const service = (): ReturnType<typeof load> => {
    loading ??= load();
    return loading;
  };
  const named = (context: string) => ({ KeyId: access.keyId, EncryptionContext: { sallyport: context } });
  return {
    id: 'aws-kms',
    async wrap(dataKey, context) {
      const { client, EncryptCommand } = await service();
      const command = new EncryptCommand({ ...named(context), Plaintext: dataKey });
      const { CiphertextBlob } = await askAws('KMS Encrypt', (options) => client.send(command, options));
      if (CiphertextBlob === undefined) throw new Error('AWS KMS Encrypt: no ciphertext');
      return Buffer.from(CiphertextBlob).toString('base64');
    },
    async unwrap(wrapped, context) {
      const { client, DecryptCommand } = await service();
      const command = new DecryptCommand({ ...named(context), CiphertextBlob: Buffer.from(wrapped, 'base64') });
      const { Plaintext } = await askAws('KMS Decrypt', (options) => client.send(command, options));
      if (Plaintext === undefined) throw new Error('AWS KMS Decrypt: no plaintext');
      return Buffer.from(Plaintext);
    },
  };
}
