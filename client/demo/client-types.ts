import type { createClient } from '@tidemark/client'

export type Client = ReturnType<typeof createClient>
export type OpenDocument = ReturnType<Client['open']>
export type Status = OpenDocument['status']
