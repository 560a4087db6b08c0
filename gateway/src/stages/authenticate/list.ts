/** Every authenticator, in the order in which they are asked. To add one: a folder and a line here. */
import { anonymous } from './anonymous/definition.ts';
import { apiKeys } from './api-key/definition.ts';
import { certificates } from './certificate/definition.ts';
import { issuers } from './jwt/definition.ts';

export const authenticators = [apiKeys, issuers, certificates, anonymous] as const;
