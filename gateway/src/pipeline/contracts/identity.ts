/**
 * What shows which server it is that answers: facts by name, such as `tlsKey` or `package` with `version` and `integrity`. Texts
 * of at most 512 characters, without secrets.
 */
export type ServerIdentity = Readonly<Record<string, string>>;
