/** Client credentials in an Authorization header: each part form-encoded first (RFC 6749, 2.3.1). */
export function basicCredentials(id: string, secret: string): string {
  return `Basic ${Buffer.from(`${formEncoded(id)}:${formEncoded(secret)}`).toString('base64')}`;
}

function formEncoded(text: string): string {
  return new URLSearchParams({ v: text }).toString().slice(2);
}
