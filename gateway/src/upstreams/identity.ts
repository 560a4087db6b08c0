/** How the gateway names itself towards servers. */
import { version } from '../protocol/product.ts';

export const implementation = { name: 'sallyport', title: 'Sallyport MCP gateway', version } as const;
