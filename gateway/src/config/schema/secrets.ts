/** How secrets are kept, and where references to other secret managers lead. */
import { z } from 'zod';
import { secret } from './units.ts';

const url = z.url({ protocol: /^https?$/ });
const aws = {
  region: z.string().regex(/^[a-z0-9-]{1,32}$/, 'must be a region such as eu-west-1'),
  endpoint: url.optional().describe('Another endpoint than that of the region.'),
  accessKeyId: z
    .string()
    .min(1)
    .max(512)
    .optional()
    .describe(
      'The access key, or a reference to it. Without it the standard chain of AWS is asked: variables, files, web identity, roles.',
    ),
  secretAccessKey: secret.optional().describe('Its secret.'),
  sessionToken: secret.optional().describe('The session that the key is of.'),
};
const bothKeys = [
  (value: { accessKeyId?: string | undefined; secretAccessKey?: string | undefined }) =>
    (value.accessKeyId === undefined) === (value.secretAccessKey === undefined),
  'must have both of accessKeyId and secretAccessKey, or neither',
] as const;
const vault = { address: url.describe('Where Vault or OpenBao is.'), token: secret };

export const secrets = z
  .strictObject({
    transit: z
      .strictObject({
        ...vault,
        mount: z
          .string()
          .regex(/^[A-Za-z0-9/_-]{1,128}$/)
          .default('transit'),
        key: z.string().min(1).max(128).describe('The key of the transit engine.'),
      })
      .optional()
      .describe('Data keys are wrapped by the transit engine of Vault instead of the local key file.'),
    kms: z
      .strictObject({ ...aws, keyId: z.string().min(1).max(2048).describe('The key, by id, ARN or alias.') })
      .refine(...bothKeys)
      .optional()
      .describe('Data keys are wrapped by AWS KMS instead of the local key file.'),
    vault: z.strictObject(vault).optional().describe('Where references such as ${vault:secret/data/app#token} lead.'),
    aws: z
      .strictObject(aws)
      .refine(...bothKeys)
      .optional()
      .describe('Where references such as ${aws-sm:app#token} lead.'),
    refresh: z
      .literal(['off', '30s', '1m', '5m', '1h'])
      .default('1m')
      .describe('How often other managers are asked again.'),
  })
  .refine((value) => value.transit === undefined || value.kms === undefined, 'must have at most one of transit and kms')
  .describe('How secrets are kept. References in this section are to variables and files only.');
