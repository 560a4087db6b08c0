/** What ships under the name `recommended`: generous for what people and agents do, and an end to what runs away. */
import type { LimitConfig } from '../../../config/schema/limits.ts';

const perMinute = (amount: number): NonNullable<LimitConfig['rate']> => ({
  amount,
  periodMs: 60_000,
  unit: 'min',
  text: `${amount}/min`,
});
const calls: Pick<LimitConfig, 'per' | 'of' | 'mode'> = { per: ['caller'], of: 'calls', mode: 'enforce' };

export const recommended: readonly LimitConfig[] = [
  { ...calls, name: 'recommended/read', tier: ['read'], rate: perMinute(600), burst: 100 },
  { ...calls, name: 'recommended/write', tier: ['write'], rate: perMinute(120), burst: 30 },
  { ...calls, name: 'recommended/destructive', tier: ['destructive'], rate: perMinute(10), burst: 5 },
  { ...calls, name: 'recommended/lists', of: 'lists', rate: perMinute(300), burst: 100 },
  { ...calls, name: 'recommended/handshakes', of: 'handshakes', rate: perMinute(120), burst: 60 },
];
