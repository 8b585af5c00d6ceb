export { createClient, indicatorOf } from '@tidemark/client'
