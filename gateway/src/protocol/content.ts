/** Types of content blocks (MCP specification, `ContentBlock` and `SamplingMessageContentBlock`). */
export const contentTypes = ['text', 'image', 'audio', 'resource', 'resource_link', 'tool_use', 'tool_result'] as const;
