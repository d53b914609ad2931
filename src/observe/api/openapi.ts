import { z } from 'zod'
import type { Endpoint } from './endpoints.ts'

const PROBLEM = {
  type: 'object',
  required: ['type', 'title', 'status', 'detail'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string', description: 'What is wrong and what to do' },
  },
}

/** OpenAPI 3.1 of these questions. */
export function openApiOf(endpoints: readonly Endpoint[], version: string): Readonly<Record<string, unknown>> {
  const paths = endpoints.map((endpoint) => [endpoint.path.replace(/:(\w+)/g, '{$1}'), { get: operationOf(endpoint) }])
  return {
    openapi: '3.1.0',
    info: { title: 'Fisherman', version, description: 'Read-only. Errors are problem documents (RFC 9457).' },
    servers: [{ url: '/api/v1' }],
    paths: Object.fromEntries(paths),
    components: { schemas: { Problem: PROBLEM }, securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
    // On the machine itself nothing is needed.
    security: [{}, { token: [] }],
  }
}

function operationOf({ about, params, query, answer }: Endpoint): Readonly<Record<string, unknown>> {
  const content =
    typeof answer === 'string'
      ? { [answer]: { schema: { type: 'string', format: 'binary' } } }
      : { 'application/json': { schema: jsonOf(answer, 'output') } }
  const problem = { $ref: '#/components/schemas/Problem' }
  return {
    summary: about,
    parameters: [...parametersOf(params, 'path'), ...parametersOf(query, 'query')],
    responses: {
      200: { description: about, content },
      304: { description: 'Nothing changed since the ETag of If-None-Match' },
      default: { description: 'What is wrong', content: { 'application/problem+json': { schema: problem } } },
    },
  }
}

function parametersOf(schema: z.ZodObject | undefined, place: 'path' | 'query'): readonly unknown[] {
  if (!schema) return []
  const { properties = {} } = jsonOf(schema, 'output') as { properties?: Record<string, unknown> }
  return Object.entries(properties).map(([name, one]) => ({ name, in: place, required: place === 'path', schema: one }))
}

function jsonOf(schema: z.ZodType, io: 'input' | 'output'): Readonly<Record<string, unknown>> {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { io }) as Record<string, unknown>
  return json
}
