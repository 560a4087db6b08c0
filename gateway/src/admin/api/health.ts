/** `/api/v1/health`: whether calls are served, and why not. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import type { AdminEnv, AdminParts } from '../context.ts';
import { json, needs, refusals } from './define.ts';

const health = createRoute({
  method: 'get',
  path: '/health',
  tags: ['health'],
  summary: 'Whether calls are served',
  ...needs('own'),
  responses: {
    ...refusals,
    200: json('The state.', z.object({ ready: z.boolean(), problems: z.array(z.string()) }).openapi('Health')),
  },
});

export function healthRoutes(api: OpenAPIHono<AdminEnv>, { problems }: AdminParts): void {
  api.openapi(health, (request) => {
    const found = problems();
    return request.json({ ready: found.length === 0, problems: [...found] }, 200);
  });
}
